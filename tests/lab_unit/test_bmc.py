"""What the lab's BMC says and does, on a hypervisor in memory."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from bmc_in_memory import Bmc

from bpa.lab import faults

On = {"ProcVirtualization": "Enabled", "ProcVtd": "Enabled", "SriovGlobalEnable": "Enabled"}


def hardware(xml: str) -> tuple[str | None, int, list[str | None]]:
    """(policy of svm, number of IOMMUs, NIC models) of a domain."""
    domain = ET.fromstring(xml)
    svm = domain.find("cpu/feature[@name='svm']")
    return (
        svm.get("policy") if svm is not None else None,
        len(domain.findall("devices/iommu")),
        [m.get("type") for m in domain.findall("devices/interface/model")],
    )


OFF_HARDWARE, ON_HARDWARE = ("disable", 0, ["virtio", "e1000e"]), ("require", 1, ["virtio", "igb"])


def test_a_machine_leaves_the_factory_off_and_with_virtualization_iommu_and_sriov_off(
    bmc: Bmc, get: Callable[..., Any]
) -> None:
    assert get()["PowerState"] == "Off"
    assert {k: bmc.bios()[k] for k in On} == dict.fromkeys(On, "Disabled")
    assert hardware(bmc.hypervisor.definitions[bmc.host.uuid]) == OFF_HARDWARE


def test_the_system_tells_who_it_is(bmc: Bmc, get: Callable[..., Any]) -> None:
    system = get()
    assert (system["SerialNumber"], system["UUID"], system["SKU"]) == (bmc.host.serial, bmc.host.uuid, "BPA-LAB-1")
    assert system["Links"]["Chassis"] == [{"@odata.id": f"/redfish/v1/Chassis/{bmc.host.chassis}"}]


def test_a_staged_change_waits_for_the_next_start_and_then_changes_the_machine(
    bmc: Bmc, get: Callable[..., Any]
) -> None:
    assert bmc.stage(**On).status_code == 204
    assert bmc.bios()["ProcVirtualization"] == "Disabled"
    assert get("/BIOS/Settings")["Attributes"]["ProcVirtualization"] == "Enabled"
    assert bmc.reset_system("On") == 204
    assert {k: bmc.bios()[k] for k in On} == On
    assert hardware(bmc.hypervisor.running[bmc.host.uuid]) == ON_HARDWARE


@pytest.mark.parametrize("reset", ["ForceRestart", "PowerCycle"])
def test_a_restart_of_a_running_machine_applies_what_is_staged(bmc: Bmc, reset: str) -> None:
    bmc.reset_system("On")
    bmc.stage(**On)
    assert bmc.reset_system(reset) == 204
    assert bmc.hypervisor.acts == ["create", "destroy", "create"]
    assert hardware(bmc.hypervisor.running[bmc.host.uuid]) == ON_HARDWARE


def test_switching_off_again_takes_the_hardware_away(bmc: Bmc) -> None:
    bmc.stage(**On)
    bmc.reset_system("On")
    bmc.stage(**dict.fromkeys(On, "Disabled"))
    bmc.reset_system("ForceRestart")
    assert hardware(bmc.hypervisor.running[bmc.host.uuid]) == OFF_HARDWARE


def test_a_restart_from_inside_applies_what_is_staged_and_nothing_happens_when_nothing_is(bmc: Bmc) -> None:
    bmc.reset_system("On")
    bmc.driver.restarted(bmc.host.uuid)
    assert bmc.hypervisor.acts == ["create"]
    bmc.stage(ProcVirtualization="Enabled")
    bmc.driver.restarted(bmc.host.uuid)
    assert bmc.hypervisor.acts == ["create", "destroy", "create"]
    assert bmc.bios()["ProcVirtualization"] == "Enabled"


def test_a_staged_change_can_be_taken_back_before_the_start(bmc: Bmc) -> None:
    bmc.stage(ProcVirtualization="Enabled")
    bmc.stage(ProcVirtualization="Disabled")
    assert bmc.driver.memory(bmc.host.uuid).pending() == {}


def test_resetting_the_bios_stages_the_factory_values(bmc: Bmc) -> None:
    bmc.stage(**On)
    bmc.reset_system("On")
    assert bmc.ask("POST", f"{bmc.system}/BIOS/Actions/Bios.ResetBios", {}).status_code == 204
    assert bmc.bios()["ProcVtd"] == "Enabled"
    bmc.reset_system("ForceRestart")
    assert bmc.bios()["ProcVtd"] == "Disabled"


@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({"ProcVirtualization": "Maybe"}, "Enabled, Disabled"),
        ({"NoSuchThing": 1}, "no BIOS attribute"),
        ({"NumCores": "8"}, "integers"),
        ({"NumCores": 65}, "integers"),
        ({"QuietBoot": "yes"}, "true and false"),
        ({"SerialNumber": "x"}, "read-only"),
        ({}, "required"),
    ],
)
def test_a_value_that_the_registry_does_not_allow_is_refused_and_nothing_is_staged(
    bmc: Bmc, attributes: dict[str, Any], word: str
) -> None:
    answer = bmc.ask("PATCH", f"{bmc.system}/BIOS/Settings", {"Attributes": {**attributes}})
    assert answer.status_code == 400
    assert word in answer.get_json()["error"]["message"]
    assert bmc.driver.memory(bmc.host.uuid).pending() == {}


def test_the_registry_describes_every_attribute_that_the_bios_has(bmc: Bmc) -> None:
    members = bmc.ask("GET", "/redfish/v1/Registries").get_json()["Members"]
    file = bmc.ask("GET", members[-1]["@odata.id"]).get_json()
    registry = bmc.ask("GET", file["Location"][0]["Uri"]).get_json()
    assert registry["Id"] == bmc.ask("GET", f"{bmc.system}/BIOS").get_json()["AttributeRegistry"] == file["Registry"]
    assert {a["AttributeName"] for a in registry["RegistryEntries"]["Attributes"]} == set(bmc.bios())


@pytest.mark.parametrize(
    ("first", "then", "code", "acts"),
    [
        ("On", "On", 204, ["create"]),
        ("On", "ForceOff", 204, ["create", "destroy"]),
        ("On", "GracefulShutdown", 204, ["create", "shutdown"]),
        ("On", "GracefulRestart", 204, ["create", "reboot"]),
        ("On", "Nmi", 204, ["create", "nmi"]),
        ("ForceOff", "PowerCycle", 204, ["create"]),
        ("ForceOff", "ForceRestart", 409, []),
        ("ForceOff", "GracefulRestart", 409, []),
        ("On", "Explode", 400, ["create"]),
    ],
)
def test_resets(bmc: Bmc, first: str, then: str, code: int, acts: list[str]) -> None:
    bmc.reset_system(first)
    assert bmc.reset_system(then) == code
    assert bmc.hypervisor.acts == acts


def test_a_machine_that_cannot_start_is_an_error_with_the_reason(bmc: Bmc) -> None:
    bmc.hypervisor.starts_refused = True
    answer = bmc.ask("POST", f"{bmc.system}/Actions/ComputerSystem.Reset", {"ResetType": "On"})
    assert answer.status_code == 500
    assert "no memory for the guest" in answer.get_json()["error"]["message"]


def test_memory_storage_and_network_adapters_are_there_and_every_link_leads_somewhere(
    bmc: Bmc, get: Callable[..., Any]
) -> None:
    seen: set[str] = set()
    todo = [
        f"{bmc.system}/Memory",
        f"{bmc.system}/Storage",
        f"{bmc.system}/Processors",
        f"/redfish/v1/Chassis/{bmc.host.chassis}",
        "/redfish/v1/Chassis",
        "/redfish/v1/Managers",
        "/redfish/v1/UpdateService",
        f"/redfish/v1/Chassis/{bmc.host.chassis}/NetworkAdapters",
    ]
    while todo:
        path = todo.pop()
        seen.add(path)
        answer = bmc.ask("GET", path)
        assert answer.status_code == 200, path
        todo += [
            link for link in links(answer.get_json()) if link not in seen and "#" not in link and "Thermal" not in link
        ]
    assert get("/Memory/NVDIMM0")["CapacityMiB"] == 1024
    assert get("/Storage/SATA/Drives/Disk0")["SerialNumber"] == "LABDISK0"
    assert get("/Processors/CPU0")["TotalCores"] == 1


def test_the_data_nic_can_sriov_only_when_the_bios_lets_it(bmc: Bmc) -> None:
    uri = f"/redfish/v1/Chassis/{bmc.host.chassis}/NetworkAdapters/NIC1/NetworkDeviceFunctions/0"
    assert bmc.ask("GET", uri).get_json()["MaxVirtualFunctions"] == 0
    bmc.stage(**On)
    bmc.reset_system("On")
    assert bmc.ask("GET", uri).get_json()["MaxVirtualFunctions"] == 7


def links(value: Any) -> list[str]:
    """Every @odata.id in a resource."""
    if isinstance(value, dict):
        own = [v for k, v in value.items() if k == "@odata.id"]
        return own + [link for v in value.values() for link in links(v)]
    return [link for v in value for link in links(v)] if isinstance(value, list) else []


def test_a_bios_that_ignores_changes_says_yes_and_keeps_nothing(bmc: Bmc) -> None:
    faults.switch(bmc.faults, "bios-ignored")
    assert bmc.stage(ProcVirtualization="Enabled").status_code == 204
    bmc.reset_system("On")
    assert bmc.bios()["ProcVirtualization"] == "Disabled"


def test_stuck_power_says_yes_and_does_nothing(bmc: Bmc) -> None:
    faults.switch(bmc.faults, "power-stuck", bmc.host.name)
    assert bmc.reset_system("On") == 204
    assert bmc.hypervisor.acts == []


def test_a_fault_of_another_host_is_not_this_hosts(bmc: Bmc) -> None:
    faults.switch(bmc.faults, "power-stuck", "lab-7")
    bmc.reset_system("On")
    assert bmc.hypervisor.acts == ["create"]


def test_unavailable_is_503_with_a_time_and_ends_when_it_is_over(bmc: Bmc) -> None:
    faults.switch(bmc.faults, "unavailable", seconds=60)
    answer = bmc.ask("GET", "/redfish/v1/")
    assert answer.status_code == 503
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    faults.switch(bmc.faults, "unavailable", on=False)
    assert bmc.ask("GET", "/redfish/v1/").status_code == 200


def test_an_unknown_system_is_404(bmc: Bmc) -> None:
    assert bmc.ask("GET", "/redfish/v1/Systems/6d1e1d2a-0001-4000-8000-000000000001/BIOS").status_code == 404
