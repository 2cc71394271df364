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
from bpa.core.want import DisksWant, HostWant, Image, Minimum, NicsWant, Profile
from bpa.worlds import HostWorld, needed

IMAGE = Image("http://192.0.2.9/i.raw", "sha256:0")
GIB = 1024**3


def want(image: Image | None = None, mac: str = "", **least: Any) -> HostWant:
    return HostWant("node0", "https://192.0.2.1", mac, image, Profile(minimum=Minimum(**least)))


@pytest.mark.parametrize(("host", "sections"), [
    (want(), set()), (want(mac="02:00:00:00:00:01"), {"macs"}), (want(image=IMAGE), {"drives"}), (want(cpus=4), {"cpus"}),
    (want(memory=GIB), set()), (want(disk=GIB), {"drives"}), (want(cores=8, sockets=2, generation="icelake", bios="2.1"), set()),
    (want(disks=(DisksWant("nvme"),)), {"drives"}), (want(persistent_memory=GIB), {"dimms"}), (want(bmc="2.1"), {"version"}),
    (want(nics=(NicsWant(),)), set()),
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


def test_what_minimum_hardware_needs_is_read(bmc: StubBmc) -> None:
    """Sockets, cores and the model come with the System; the version of the BMC is its manager's, and a request more."""
    assert isinstance(bmc.resources, dict)
    manager = f"{ROOT}/Managers/1"
    bmc.resources[f"{ROOT}/managers/1"] = {"FirmwareVersion": " 2.72 "}
    bmc.resources[f"{ROOT}/systems/1"] |= {
        "Links": {"ManagedBy": [{"@odata.id": manager}]},
        "ProcessorSummary": {"Count": 2, "CoreCount": 40, "Model": "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz"}}
    found = look(bmc, want(generation="skylake"))
    assert (found.sockets, found.cores, found.cpu_model) == (2, 40, "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz")
    assert found.bmc_version == "" and not any("Managers" in path for path in bmc.asked())
    assert look(bmc, want(bmc="2.70")).bmc_version == "2.72"


@pytest.mark.parametrize(("told", "media"), [
    ({"Protocol": "NVMe"}, "nvme"), ({"Protocol": "SATA", "MediaType": "SSD"}, "ssd"), ({"MediaType": "HDD"}, "hdd"),
    ({"MediaType": "SMR"}, "hdd"), ({"Protocol": "SAS"}, ""),
])
def test_the_class_of_a_disk_is_read(bmc: StubBmc, told: dict[str, str], media: str) -> None:
    assert isinstance(bmc.resources, dict)
    storage = f"{ROOT}/Systems/1/Storage"
    bmc.resources[f"{storage}/1/drives/1".lower().replace("/redfish/v1", ROOT)] = {"Id": "1", "CapacityBytes": GIB, **told}
    bmc.resources[f"{ROOT}/systems/1/storage/1"] = {"Drives": [{"@odata.id": f"{storage}/1/Drives/1"}]}
    bmc.resources[f"{ROOT}/systems/1/storage"] = {"Members": [{"@odata.id": f"{storage}/1"}]}
    bmc.resources[f"{ROOT}/systems/1"] |= {"Storage": {"@odata.id": storage}}
    assert [drive.media for drive in look(bmc, want(disks=(DisksWant("hdd"),))).drives] == [media]
