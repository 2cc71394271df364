"""The right System, its managers and its chassis, where a BMC shows more than one of each."""

from __future__ import annotations

from typing import Any

import pytest
from stub_bmc import ROOT, StubBmc, error

from bpa.adapters.errors import Refused
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.sections import full_facts
from bpa.adapters.redfish.target import Target
from bpa.core.machine import MachineFacts
from bpa.core.secret import Secret

SYSTEMS, MANAGERS, CHASSIS = f"{ROOT}/Systems", f"{ROOT}/Managers", f"{ROOT}/Chassis"


def put(stub: StubBmc, path: str, body: Any) -> dict[str, str]:
    assert isinstance(stub.resources, dict)
    stub.resources[path.lower()] = body
    return {"@odata.id": path}


def link(path: str) -> dict[str, str]:
    return {"@odata.id": path}


def collect(stub: StubBmc, path: str, bodies: dict[str, Any]) -> dict[str, str]:
    return put(stub, path, {"Members": [put(stub, f"{path}/{name}", body) for name, body in bodies.items()]})


def root(stub: StubBmc, **collections: dict[str, str]) -> None:
    assert isinstance(stub.resources, dict)
    stub.resources[ROOT] |= collections


def target(stub: StubBmc, **identity: str) -> Target:
    return Target(BmcAccess(stub.address, "admin", Secret("right"), **identity))  # type: ignore[arg-type]


def facts(stub: StubBmc, **identity: str) -> MachineFacts:
    with target(stub, **identity) as machine:
        return full_facts(machine)


@pytest.fixture
def hgx(bmc: StubBmc) -> StubBmc:
    """An NVIDIA DGX H100: the host next to its GPU baseboard, which has Processors of its own."""
    gpus = collect(bmc, f"{SYSTEMS}/HGX_Baseboard_0/Processors", {
        f"GPU_SXM_{n}": {"ProcessorType": "GPU", "Model": "H100 80GB HBM3"} for n in (1, 2)})
    collect(bmc, SYSTEMS, {
        "HGX_Baseboard_0": {"SystemType": "Physical", "SerialNumber": "1652922006660", "UUID": "B1", "Processors": gpus,
                            "Links": {"Chassis": [link(f"{CHASSIS}/HGX_Chassis_0")],
                                      "ManagedBy": [link(f"{MANAGERS}/HGX_BMC_0")]}},
        "DGX": {"SystemType": "Physical", "Manufacturer": "NVIDIA", "Model": "DGXH100", "SerialNumber": "1660823000123",
                "UUID": "D1", "PowerState": "On",
                "Bios": put(bmc, f"{SYSTEMS}/DGX/Bios", {"Attributes": {"VTdSupport": "Enable"}}),
                "Boot": {"BootSourceOverrideTarget": "None"}, "SKU": "920-23687-2512-001",
                "Links": {"Chassis": [link(f"{CHASSIS}/DGX")], "ManagedBy": [link(f"{MANAGERS}/BMC")]}},
    })
    root(bmc, Managers=collect(bmc, MANAGERS, {
        "BMC": {"ManagerType": "BMC", "FirmwareVersion": "23.06.18"},
        "HGX_BMC_0": {"ManagerType": "BMC", "FirmwareVersion": "HGX-22.10-1-rc67"}}))
    root(bmc, Chassis=collect(bmc, CHASSIS, {
        "DGX": {"Power": put(bmc, f"{CHASSIS}/DGX/Power", {"PowerControl": [{"PowerConsumedWatts": 1500}]})},
        "HGX_Chassis_0": {"Power": put(bmc, f"{CHASSIS}/HGX_Chassis_0/Power", {"PowerControl": [{"PowerConsumedWatts": 9}]})},
    }))
    return bmc


@pytest.mark.parametrize(
    "identity", [{"serial": "1660823000123"}, {"uuid": "d1"}, {"serial": "920-23687-2512-001"}, {"system": f"{SYSTEMS}/DGX/"}],
    ids=str,
)
def test_the_host_beside_its_gpu_baseboard_is_read_with_its_own_manager_and_chassis(
    hgx: StubBmc, identity: dict[str, str]
) -> None:
    found = facts(hgx, **identity)
    assert found.identity and found.managers and found.power and found.bios
    assert found.identity.value.model == "DGXH100"
    assert [m.firmware for m in found.managers.value] == ["23.06.18"]
    assert found.power.value.watts == 1500
    assert [a.name for a in found.bios.value.attributes] == ["VTdSupport"]


def test_a_gpu_baseboard_is_not_passed_over_in_silence_but_the_likely_host_is_named(hgx: StubBmc) -> None:
    with pytest.raises(Refused) as caught:
        facts(hgx)
    assert "HGX_Baseboard_0 (serial 1652922006660, UUID B1)" in str(caught.value)
    assert "DGX (serial 1660823000123, UUID D1, DGXH100)" in str(caught.value)
    assert f"probably {SYSTEMS}/DGX, the only one with a BIOS" in caught.value.advice


def test_what_the_documents_say_together_decides(bmc: StubBmc) -> None:
    """Blades of one chassis may share its serial number; the MAC then decides among those."""
    nics = {n: collect(bmc, f"{SYSTEMS}/{n}/EthernetInterfaces", {"1": {"MACAddress": f"02:00:00:00:00:0{n}"}}) for n in "123"}
    collect(bmc, SYSTEMS, {n: {"SerialNumber": "SAME" if n != "3" else "OTHER", "EthernetInterfaces": nics[n]} for n in "123"})
    with target(bmc, serial="same", mac="02:00:00:00:00:02") as machine:
        assert machine.system_path() == f"{SYSTEMS}/2"
    assert not any("3/EthernetInterfaces" in path for path in bmc.asked())
    with target(bmc, serial="same") as machine, pytest.raises(Refused, match="fits not exactly one"):
        machine.system_path()


def test_a_system_that_cannot_be_read_may_be_the_one_that_is_meant(bmc: StubBmc) -> None:
    collect(bmc, SYSTEMS, {"1": {"SerialNumber": "A"}, "2": {"SerialNumber": "B"}})
    bmc.fault = lambda stub, r: error(500, "crashed") if r.key == f"{SYSTEMS}/2".lower() else None
    with target(bmc) as machine, pytest.raises(Refused, match="not all can be read: .*crashed"):
        machine.system_path()
    with target(bmc, serial="C") as machine, pytest.raises(Refused):
        machine.system_path()


@pytest.mark.parametrize("told", [True, False], ids=["the System names it", "it names the System"])
def test_only_the_managers_of_this_system_are_its_managers(bmc: StubBmc, told: bool) -> None:
    """Cisco lists adapters as managers; a node of a Cray blade has its node controller."""
    servers = {"Links": {"ManagerForServers": [link(f"{SYSTEMS}/1/")]}}
    others = {"Links": {"ManagerForServers": [link(f"{SYSTEMS}/Node9")]}}
    root(bmc, Managers=collect(bmc, MANAGERS, {
        "CIMC": {"ManagerType": "BMC", "FirmwareVersion": "4.1", **({} if told else servers)},
        "VIC-MLOM": {"ManagerType": "Service", "FirmwareVersion": "5.1", **({} if told else others)},
        "Chassis": {"ManagerType": "EnclosureManager", "Links": {"ManagerForServers": [link(f"{SYSTEMS}/gone")]}},
    }))
    if told:
        assert isinstance(bmc.resources, dict)
        bmc.resources[f"{SYSTEMS}/1".lower()]["Links"] = {"ManagedBy": [link(f"{MANAGERS}/CIMC")]}
    managers = facts(bmc).managers
    assert managers and [m.firmware for m in managers.value] == ["4.1"]


def test_of_several_systems_managers_that_name_nobody_are_nobodys(bmc: StubBmc) -> None:
    collect(bmc, SYSTEMS, {"Node0": {"SerialNumber": "A"}, "Node1": {"SerialNumber": "B"}})
    root(bmc, Managers=collect(bmc, MANAGERS, {"BMC": {"FirmwareVersion": "1"}}))
    managers = facts(bmc, serial="A").managers
    assert managers and managers.value == ()
    assert managers.problem == f"which Managers belong to {SYSTEMS}/Node0 is not told"


def test_a_chassis_link_that_leads_nowhere_leaves_what_names_the_system(bmc: StubBmc) -> None:
    """As Intel's S2600 has it: the chassis that the System names is not there, its boards name the System."""
    assert isinstance(bmc.resources, dict)
    bmc.resources[f"{SYSTEMS}/1".lower()]["Links"] = {"Chassis": [link(f"{CHASSIS}/RackMount")]}
    thermal = put(bmc, f"{CHASSIS}/RackMount/Baseboard/Thermal", {"Fans": [
        {"Name": "Fan 1", "Status": {"Health": "Critical", "State": "Enabled"}, "Reading": 0, "ReadingUnits": "RPM"}]})
    root(bmc, Chassis=collect(bmc, CHASSIS, {
        "RackMount/Baseboard": {"Links": {"ComputerSystems": [link(f"{SYSTEMS}/1")]}, "Thermal": thermal}}))
    sensors = facts(bmc).sensors
    assert sensors and "RackMount" in sensors.problem
    assert [(s.name, s.reading, s.health) for s in sensors.value.not_ok] == [("Fan 1", "0 RPM", "Critical")]


def test_another_machine_behind_the_address_is_read_anew(bmc: StubBmc) -> None:
    assert isinstance(bmc.resources, dict)
    drive = put(bmc, f"{CHASSIS}/1/Drives/1", {"SerialNumber": "OLD", "CapacityBytes": 10**12})
    one = bmc.resources[f"{SYSTEMS}/1".lower()]
    one["Storage"] = collect(bmc, f"{SYSTEMS}/1/Storage", {"1": {"Drives": [drive]}})
    with Bmc(BmcAccess(bmc.address, "admin", Secret("right"))) as machine:
        assert [d.serial for d in machine.look({"drives"}).drives] == ["OLD"]
        drive |= put(bmc, f"{CHASSIS}/1/Drives/1", {"SerialNumber": "NEW", "CapacityBytes": 10**12})
        assert [d.serial for d in machine.look({"drives"}).drives] == ["OLD"]  # the same machine: what was read is kept
        bmc.tokens.clear()  # the other BMC knows nothing of our session
        one |= {"UUID": "OTHER", "SerialNumber": "S9"}
        found = machine.look({"drives"})
    assert (found.serial, [d.serial for d in found.drives]) == ("S9", ["NEW"])


def test_the_bios_paths_of_another_machine_are_not_used_for_this_one(bmc: StubBmc) -> None:
    assert isinstance(bmc.resources, dict)
    one = bmc.resources[f"{SYSTEMS}/1".lower()]
    with Bmc(BmcAccess(bmc.address, "admin", Secret("right"))) as machine:
        machine.look()
        one |= {"SerialNumber": "S9", "Bios": put(bmc, f"{SYSTEMS}/1/bios2", {"Attributes": {"VMXEN": "Enable"}})}
        put(bmc, f"{SYSTEMS}/1/bios2/SD", {"Attributes": {"VMXEN": "Disable"}})
        found = machine.look()
    assert (found.bios, found.pending) == ({"VMXEN": "Enable"}, {"VMXEN": "Disable"})
