"""A look at a host's BMC reads what its documents make necessary, and no more."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from stub_bmc import ROOT, StubBmc

from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.core.facts import BmcFacts, Facts
from bpa.core.host.hardware import check
from bpa.core.secret import Secret
from bpa.core.verdict import Stuck
from bpa.core.want import HostWant, Image, Minimum, Profile
from bpa.worlds import HostWorld, needed

IMAGE = Image("http://192.0.2.9/i.raw", "sha256:0")
GIB = 1024**3


def want(image: Image | None = None, mac: str = "", **least: int) -> HostWant:
    return HostWant("node0", "https://192.0.2.1", mac, image, Profile(minimum=Minimum(**least)))


@pytest.mark.parametrize(("host", "sections"), [
    (want(), set()), (want(mac="02:00:00:00:00:01"), {"macs"}), (want(image=IMAGE), {"drives"}), (want(cpus=4), {"cpus"}),
    (want(memory=GIB), set()), (want(disk=GIB), {"drives"}),
])
def test_only_what_a_requirement_uses_is_needed(host: HostWant, sections: set[str]) -> None:
    assert needed(host) == sections


def look(bmc: StubBmc, host: HostWant) -> BmcFacts:
    def nothing() -> Any:
        raise AssertionError("not needed for a look at the BMC")

    access = BmcAccess(bmc.address, "admin", Secret("right"))
    world = HostWorld(host, lambda: Bmc(access), threading.BoundedSemaphore(), nothing, nothing, nothing, nothing)  # type: ignore[arg-type]
    try:
        found = world.look(Facts(), "bmc").bmc
    finally:
        world.close()
    assert found is not None
    return found


@pytest.mark.parametrize(("told", "module", "fits"), [(128, 65536, True), (122, 62500, True), (122, 61440, False)])
def test_modules_are_counted_only_where_the_sum_seems_too_low(bmc: StubBmc, told: int, module: int, fits: bool) -> None:
    """Some BMCs sum 16 GiB modules up as 15.26 GiB each; a machine is not refused for that."""
    assert isinstance(bmc.resources, dict)
    system = f"{ROOT}/systems/1"
    for n in (0, 1):
        bmc.resources[f"{system}/memory/{n}"] = {"CapacityMiB": module, "MemoryType": "DRAM"}
    bmc.resources[f"{system}/memory"] = {"Members": [{"@odata.id": f"{ROOT}/Systems/1/Memory/{n}"} for n in (0, 1)]}
    bmc.resources[system] |= {
        "Memory": {"@odata.id": f"{ROOT}/Systems/1/Memory"}, "MemorySummary": {"TotalSystemMemoryGiB": told}}
    host = want(memory=128 * GIB)
    found = look(bmc, host)
    assert isinstance(check(host, Facts(bmc=found)), Stuck) is not fits
    assert any("Memory" in path for path in bmc.asked()) is (told < 128)
