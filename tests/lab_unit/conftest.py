"""The BMC under test. The emulator in it is one module-level object, so one BMC serves all tests; each test finds the
machine off and with factory settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fake_libvirt
from bmc_in_memory import HYPERVISOR, Bmc

_BOUND_TO_LIBVIRT = ("libvirt", "bpa.lab.bmc", "bpa.lab.bmc_driver", "bpa.lab.bmc_routes")


@pytest.fixture(scope="session")
def _bmc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bmc]:
    def take() -> dict[str, Any]:
        return {name: sys.modules.pop(name) for name in list(sys.modules)
                if name in _BOUND_TO_LIBVIRT or name.startswith("sushy_tools")}

    before = take()
    sys.modules["libvirt"] = fake_libvirt.module(HYPERVISOR)
    yield Bmc(tmp_path_factory.mktemp("bmc"))
    take()
    sys.modules.update(before)


@pytest.fixture
def bmc(_bmc: Bmc) -> Bmc:
    _bmc.reset()
    return _bmc


@pytest.fixture
def get(bmc: Bmc) -> Callable[[str], Any]:
    """GET below the System; the answer's JSON."""
    return lambda path="": bmc.ask("GET", bmc.system + path).get_json()
