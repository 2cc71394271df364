"""Acts on machines that answer nonsense: they end with a result or with one of the four adapter errors, nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from keeping_bmc import FakeTime
from stub_bmc import RECORDED, RecordedTree, StubBmc, serve

from bpa.adapters.errors import AdapterError
from bpa.adapters.redfish import BmcAccess, tasks
from bpa.adapters.redfish.bios.attributes import read_bios
from bpa.adapters.redfish.bios.settings import said_after_restart, stage_bios
from bpa.adapters.redfish.boot.http import boot_from_url
from bpa.adapters.redfish.boot.override import disable_boot_override, read_boot, send_boot_override, set_boot_order
from bpa.adapters.redfish.eventlog import read_log
from bpa.adapters.redfish.power import post, switching
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.writing import Writer
from bpa.core.secret import Secret

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
MACHINES = [
    "dell-r750-idrac9-6.00.30.00", "hpe-dl385g10plusv2-ilo5-2.72", "lenovo-sr670v2-xcc-2.83", "intel-s2600bpb-bmc-1.93",
    "supermicro-sys821ge-bmc-11.01.01", "openbmc-stock-2.15", "dmtf-public-rackmount1-2022.3",
]
NONSENSE: list[Any] = [
    None, "", "\x1b[31m", 0, -1, 1e308, True, [], {}, [None], {"@odata.id": 7}, {"@odata.id": "/redfish/v1/nowhere"}, "A" * 70000,
    {"@odata.id": "http://192.0.2.66/redfish/v1"}, [[[[]]]], [{"@odata.id": None}, "x", 3], "2026-13-99T99:99:99Z",
]


class Mutant:
    """A recorded tree in which some resources are changed when they are read."""

    def __init__(self, tree: RecordedTree, seed: int) -> None:
        self._tree, self._seed = tree, seed

    def get(self, key: str) -> Any:
        body = self._tree.get(key)
        dice = random.Random(f"{self._seed} {key}")
        if isinstance(body, dict) and key != "/redfish/v1" and dice.random() < 0.7:
            for _ in range(dice.randint(1, 3)):
                _change(body, dice)
        return body


def _change(body: Any, dice: random.Random) -> None:
    """One value somewhere in it becomes nonsense, or goes."""
    while isinstance(body, dict | list) and body:
        keys = list(body) if isinstance(body, dict) else list(range(len(body)))
        key = dice.choice(keys)
        if isinstance(body[key], dict | list) and body[key] and dice.random() < 0.7:
            body = body[key]
            continue
        if dice.random() < 0.3 and isinstance(body, dict):
            del body[key]
        else:
            body[key] = dice.choice(NONSENSE)
        return


def acts(target: Target) -> list[Callable[[], object]]:
    def writer() -> Writer:
        return Writer(target, dry_run=True)

    def stage() -> object:
        reader = target.reader()
        bios = read_bios(reader, target.system(reader).body, None)
        said_after_restart(target, bios.paths, tasks.Task("/redfish/v1/TaskService/Tasks/1"))
        return stage_bios(writer(), bios.paths, {"NumCores": 4})

    wait = FakeTime().waiting(10)
    return [
        lambda: target.quirks, lambda: post.look(target), lambda: read_boot(target), lambda: read_log(target), stage,
        lambda: send_boot_override(writer(), "Cd", mode="UEFI"), lambda: disable_boot_override(writer()),
        lambda: set_boot_order(writer(), ["Boot0001"]), lambda: boot_from_url(writer(), "http://192.0.2.1/x"),
        lambda: switching.switch(writer(), "off", wait), lambda: switching.switch(writer(), "restart", wait),
    ]


def run(name: str, seed: int) -> int:
    """The number of acts that came to a result."""
    stub = StubBmc(Mutant(RecordedTree(RECORDED / name), seed))  # type: ignore[arg-type]
    came = 0
    with serve(stub), Target(BmcAccess(stub.address, "admin", Secret("right"))) as target:
        target.link.sleep = lambda seconds: None
        for act in acts(target):
            with suppress(AdapterError):
                act()
                came += 1
    return came


@pytest.mark.parametrize("name", MACHINES)
def test_nonsense_makes_a_result_or_an_adapter_error(name: str) -> None:
    assert sum(run(name, seed) for seed in range(6)) > 0
