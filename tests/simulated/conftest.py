"""Every test has a clock of its own and a place for the site's store."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bpa.adapters.store import Store
from bpa.lab.simulated import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory for stores, in memory where there is one: a power cut is not what these tests are about."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    made = Path(tempfile.mkdtemp(dir=memory, prefix="bpa-test-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def store(place: Path) -> Iterator[Store]:
    opened = Store(place / "site.sqlite")
    yield opened
    opened.close()
