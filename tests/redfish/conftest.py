from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from stub_bmc import Pki, StubBmc, make_pki, serve, small_machine

from bpa.adapters.redfish.login.shelf import FileShelf


@pytest.fixture
def bmc() -> Iterator[StubBmc]:
    with serve(StubBmc(small_machine())) as stub:
        yield stub


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder: Path = tmp_path_factory.mktemp("pki")
    return make_pki(folder)


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is remembered of BMCs is remembered for one test only."""
    folder = Path(tempfile.mkdtemp(prefix="state-", dir=tmp_path_factory.getbasetemp()))  # mktemp counts all before it
    monkeypatch.setenv("BPA_STATE", str(folder))
    monkeypatch.setenv("BPA_LAB_DIR", str(folder / "no-lab"))
    monkeypatch.delenv("BPA_SITE", raising=False)
    return folder


@pytest.fixture
def shelf(tmp_path: Path) -> FileShelf:
    return FileShelf(tmp_path / "sessions")
