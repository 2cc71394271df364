"""The rules behind the sections, each on the quirk that it was written for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fuzzing import Tree
from stub_bmc import RECORDED, ROOT

from bpa.adapters.redfish.sections import Name, full_facts
from bpa.adapters.redfish.sections.memory import kind_of, real_mib
from bpa.adapters.redfish.sections.normal import PLACEHOLDERS, place
from bpa.adapters.redfish.sections.pci_ids import base_of, is_qat, pci_id

SYSTEM = f"{ROOT}/Systems/1"


def facts(section: Name, system: dict[str, Any], **resources: Any) -> Any:
    """The section of a machine that serves these: name__part -> /redfish/v1/Systems/1/name/part, lists as collections."""
    served: dict[str, Any] = {
        ROOT: {"Systems": {"@odata.id": f"{ROOT}/Systems"}}, f"{ROOT}/systems": {"Members": [{"@odata.id": SYSTEM}]}}
    for name, body in resources.items():
        path = f"{SYSTEM}/{name.replace('__', '/')}"
        if isinstance(body, list):
            members = [{"@odata.id": f"{path}/{n}"} for n in range(len(body))]
            served |= {m["@odata.id"].lower(): one for m, one in zip(members, body, strict=True)}
            body = {"Members": members}
        served[path.lower()] = body
        if "__" not in name:
            system = {name: {"@odata.id": path}, **system}
    served[SYSTEM.lower()] = {"Id": "1", **system}
    tree = Tree("made", served)
    section_of = getattr(full_facts(tree.target(), (section,)), section)
    assert section_of.problem == ""
    return section_of.value


@pytest.mark.parametrize(("told", "kind", "due"), [
    (16384, "dram", 16384), (32768, "dram", 32768), (98304, "dram", 98304),
    (15625, "dram", 16384), (31250, "dram", 32768), (62500, "dram", 65536), (46875, "dram", 49152),    # MB of 10^6 bytes
    (7812, "dram", 8192), (7813, "dram", 8192),                                                        # and rounded
    (17179869184, "dram", 16384), (68719476736, "dram", 65536), (16777216, "dram", 16384),             # bytes, KiB
    (129408, "pmem", 129408), (126976, "pmem", 126976), (258816, "pmem", 258816),                      # a maker's reserve
    (512, "dram", 512), (1000, "dram", 1000), (20000, "dram", 20000), (0, "dram", 0),                  # no rule: as told
])
def test_a_module_has_the_size_that_it_can_have(told: int, kind: str, due: int) -> None:
    assert real_mib(told, kind) == due


def test_sizes_that_were_corrected_are_kept_as_they_were_told() -> None:
    """A Gigabyte server of 16 x 16 GiB tells 15625 MiB each and 244 GiB in all."""
    found = facts("memory", {"MemorySummary": {"TotalSystemMemoryGiB": 244}},
                  Memory=[{"CapacityMiB": 15625, "MemoryType": "DRAM", "MemoryDeviceType": "DDR4"}] * 16)
    assert (found.mib, found.raw) == (262144, {"TotalSystemMemoryGiB": 244})
    assert found.modules[0].mib == 16384 and found.modules[0].raw == {"CapacityMiB": 15625}


def test_capacities_in_gib_are_found_out_by_the_sum_that_the_system_tells() -> None:
    found = facts("memory", {"MemorySummary": {"TotalSystemMemoryGiB": 128}}, Memory=[{"CapacityMiB": 64}] * 2)
    assert (found.mib, found.modules[0].mib) == (131072, 65536)
    assert facts("memory", {}, Memory=[{"CapacityMiB": 512}]).mib == 512


@pytest.mark.parametrize(("body", "kind"), [
    ({"MemoryType": "DRAM", "MemoryDeviceType": "DDR4"}, "dram"), ({}, "dram"), ({"MemoryDeviceType": "DDR5_SDRAM"}, "dram"),
    ({"MemoryType": "NVDIMM_N"}, "nvdimm-n"), ({"MemoryMedia": ["DRAM", "NAND"]}, "nvdimm-n"),
    ({"MemoryType": "NVDIMM_F"}, "nvdimm-f"),
    ({"MemoryType": "NVDIMM_P"}, "pmem"), ({"MemoryType": "IntelOptane"}, "pmem"), ({"MemoryType": "nvdimm_p"}, "pmem"),
    ({"MemoryType": "DRAM", "MemoryMedia": ["Intel3DXPoint"]}, "pmem"),
    ({"MemoryType": "DRAM", "PartNumber": "NMA1XBD128GQS"}, "pmem"), ({"Name": "Intel(R) Optane(TM) DCPMM"}, "pmem"),
    ({"MemoryType": "HBM", "MemoryDeviceType": "HBM2E"}, "other"), ({"MemoryType": "Cache"}, "other"),
    ({"MemoryMedia": ["NAND"]}, "other"),
])
def test_what_a_module_is(body: dict[str, Any], kind: str) -> None:
    assert kind_of(body) == kind


@pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
def test_persistent_modules_that_were_recorded_elsewhere() -> None:
    hpe = json.loads((RECORDED / "hpe-ilo5-optane-pmem-fixtures" / "memory-members.json").read_text())["mem_members"]
    assert [kind_of(body) for body in hpe] == ["pmem", "dram"]
    folder = RECORDED / "bmclib-fixtures" / "redfishwrapper"
    nvdimm, dimm = (json.loads((folder / name / "memory_dimm1.json").read_text()) for name in ("smc_nvdimm", "smc_dimm"))
    found = facts("memory", {}, Memory=[nvdimm, dimm])
    assert [(m.kind, m.mib, m.volatile_mib, m.persistent_mib) for m in found.modules] == [
        ("nvdimm-n", 16384, 8192, 8192), ("dram", 65536, 0, 0)]
    assert (found.mib, found.persistent_mib) == (65536, 16384)


@pytest.mark.parametrize(("vendors", "devices", "base"), [
    (["0x8086"], ["0x37c8"], None), (["8086"], ["37c8"], 16), (["8086"], ["1521"], 16), (["32902"], ["14280"], 10),
    (["5555"], ["4123"], 10), (["5555", "8086"], ["4123", "1521"], None), (["4318"], ["9009"], 10), (["1000"], ["0097"], 16),
    ([], [], None), (["5555", "8086"], ["a2d6", "1521"], 16),
])
def test_ids_without_0x_are_hex_or_decimal_as_all_of_them_show(vendors: list[str], devices: list[str], base: int | None) -> None:
    assert base_of([{"VendorId": v, "DeviceId": d} for v, d in zip(vendors, devices, strict=True)]) == base


@pytest.mark.parametrize(("value", "base", "due"), [
    ("0x8086", None, "8086"), ("0X37C8", None, "37c8"), ("0x37c8", 10, "37c8"), ("14280", 10, "37c8"), ("37C8", 16, "37c8"),
    ("8086", None, ""), ("0xFFFF", None, ""), ("0x0000", None, ""), (32902, None, "8086"), (True, None, ""), (None, 16, ""),
    ("0x18086", None, ""), ("70000", 10, ""), (-1, None, ""),
])
def test_an_id_is_four_hex_digits_or_nothing(value: object, base: Any, due: str) -> None:
    assert pci_id(value, base) == due


@pytest.mark.parametrize(("vendor", "device", "name", "qat"), [
    ("8086", "37c8", "", True), ("8086", "4940", "", True), ("8086", "4941", "", True), ("8086", "1521", "QuickAssist", False),
    ("15b3", "37c8", "", False), ("", "", "Intel QuickAssist Adapter 8970", True), ("", "", "C62x Chipset", False),
    ("8086", "", "Intel(R) Quick Assist Technology", True),
])
def test_quickassist_is_told_by_its_id_or_its_name_and_never_guessed(vendor: str, device: str, name: str, qat: bool) -> None:
    assert is_qat(vendor, device, name) == qat


def test_a_quickassist_accelerator_among_pcie_devices() -> None:
    functions = [{"VendorId": "0x8086", "DeviceId": "0x37c8", "DeviceClass": "Coprocessor"}, {"FunctionId": 1}]
    devices = [{"Id": "7", "Name": "C62x Chipset", "PCIeFunctions": {"@odata.id": f"{SYSTEM}/PCIeDevices/0/F"}}]
    (found,) = facts("pcie", {}, PCIeDevices=devices, PCIeDevices__0__F=functions)
    assert (found.vendor_id, found.device_id, found.class_name, found.qat) == ("8086", "37c8", "Coprocessor", True)


def test_a_quickassist_accelerator_may_be_a_later_function_of_its_device() -> None:
    functions = [{"VendorId": "0x8086", "DeviceId": device, "FunctionId": n} for n, device in enumerate(("0xa1cb", "0x37c9"))]
    (found,) = facts("pcie", {}, PCIeDevices=[{"PCIeFunctions": {"@odata.id": f"{SYSTEM}/PCIeDevices/0/F"}}],
                     PCIeDevices__0__F=functions)
    assert (found.device_id, found.functions, found.qat) == ("a1cb", 2, True)


@pytest.mark.parametrize(("processor", "summary", "model"), [
    ({"Model": "AMD EPYC 7763 64-Core Processor                "}, {}, "AMD EPYC 7763 64-Core Processor"),
    ({"Model": "Intel Xeon processor", "ProcessorId": {"VendorId": "Intel(R) Xeon(R) Silver 4112 CPU @ 2.60GHz"}}, {},
     "Intel(R) Xeon(R) Silver 4112 CPU @ 2.60GHz"),
    ({"Model": "Central Processor", "Version": "Intel(R) Xeon(R) Gold 6230 CPU"}, {}, "Intel(R) Xeon(R) Gold 6230 CPU"),
    ({}, {"Model": "Intel(R) Xeon(R) Gold 6354"}, "Intel(R) Xeon(R) Gold 6354"),
    ({"Model": "Intel(R) Xeon(R) processor", "ProcessorId": {"VendorId": "GenuineIntel"}}, {}, "Intel(R) Xeon(R) processor"),
])
def test_a_cpu_is_called_by_the_text_that_names_a_product(processor: Any, summary: Any, model: str) -> None:
    found = facts("processors", {"ProcessorSummary": summary}, Processors=[{"ProcessorType": "CPU", **processor}])
    assert found.cpus[0].model == model


def test_cpus_are_told_from_what_else_processes() -> None:
    found = facts("processors", {}, Processors=[
        {"ProcessorType": "GPU", "Model": "H100", "TotalThreads": 9000}, {"ProcessorType": "DPU", "Id": "BF3"},
        {"TotalCores": 8, "TotalThreads": 16, "Socket": "CPU 10"}, {"ProcessorType": "CPU", "TotalCores": 8, "Socket": "CPU 2"},
        {"ProcessorType": "CPU", "Status": {"State": "Absent"}},
    ])
    assert [c.socket for c in found.cpus] == ["CPU 2", "CPU 10"]
    assert (found.cores, found.threads, found.empty_sockets) == (16, 0, 1)  # of one it is not told how many threads
    assert [(o.type, o.model) for o in found.others] == [("GPU", "H100"), ("DPU", "BF3")]


@pytest.mark.parametrize(("drive", "storage", "protocol", "media"), [
    ({"Protocol": "SATA", "MediaType": "SSD"}, {}, "SATA", "ssd"), ({"Protocol": "SAS", "MediaType": "HDD"}, {}, "SAS", "hdd"),
    ({"Protocol": "PCIe", "Model": "Dell Ent NVMe CM6"}, {}, "NVMe", "ssd"), ({"Protocol": "PCIe", "Model": "x"}, {}, "PCIe", ""),
    ({}, {"StorageControllers": [{"SupportedDeviceProtocols": ["NVMe"]}]}, "NVMe", "ssd"),
    ({}, {"StorageControllers": [{"SupportedDeviceProtocols": ["SATA", "SAS"]}]}, "", ""),
    ({"RotationSpeedRPM": 7200}, {}, "", "hdd"), ({"RotationSpeedRPM": 0}, {}, "", ""),
])
def test_what_a_drive_speaks_and_is(drive: Any, storage: Any, protocol: str, media: str) -> None:
    found = facts("storage", {}, Storage=[{"Drives": [{"@odata.id": f"{SYSTEM}/d/1"}], **storage}],
                  d__1={"SerialNumber": "1", **drive})
    assert [(d.protocol, d.media) for d in found.drives] == [(protocol, media)]


@pytest.mark.parametrize(("function", "controller", "sriov", "vfs"), [
    ({"MaxVirtualFunctions": 64}, {}, True, 64), ({"MaxVirtualFunctions": 0}, {}, False, 0), ({}, {}, None, 0),
    ({}, {"VirtualFunction": {"NetworkPortMaxCount": 8, "DeviceMaxCount": 16}}, True, 8),
    ({}, {"SRIOV": {"SRIOVVEPACapable": False}, "VirtualFunction": {"DeviceMaxCount": None}}, False, 0),
    ({}, {"SRIOV": {"SRIOVVEPACapable": True}}, True, 0),
    ({}, {"SRIOV": {"SRIOVVEPACapable": False}, "VirtualFunction": {"DeviceMaxCount": 127}}, True, 127),
])
def test_sr_iov_is_yes_no_or_not_told(function: Any, controller: Any, sriov: bool | None, vfs: int) -> None:
    adapter = {
        "Controllers": [{"ControllerCapabilities": {"VirtualizationOffload": controller}}],
        "NetworkDeviceFunctions": {"@odata.id": f"{SYSTEM}/a/f"},
    }
    found = facts("network", {}, NetworkInterfaces=[{"Links": {"NetworkAdapter": {"@odata.id": f"{SYSTEM}/a"}}}], a=adapter,
                  a__f=[{"Ethernet": {"MACAddress": "02:00:00:00:00:01"}, **function}])
    assert [(n.sriov, n.max_vfs) for n in found.adapters] == [(sriov, vfs)]
    assert found.macs == ("02:00:00:00:00:01",)


def test_speeds_that_no_card_has_are_not_told() -> None:
    adapter = {"Ports": {"@odata.id": f"{SYSTEM}/a/p"}}
    interfaces = [{"Links": {"NetworkAdapter": {"@odata.id": f"{SYSTEM}/a"}}}]
    found = facts("network", {}, NetworkInterfaces=interfaces, a=adapter, a__p=[
        {"SupportedLinkCapabilities": [{"CapableLinkSpeedMbps": [1073741824]}], "LinkStatus": "Up"},
        {"CurrentSpeedGbps": 25, "MaxSpeedGbps": 100.0, "LinkStatus": "NoLink"},
        {"CurrentSpeedGbps": 1e308, "MaxSpeedGbps": float("inf")},
    ])
    assert [(p.link, p.mbps, p.max_mbps) for p in found.adapters[0].ports] == [
        ("up", 0, 0), ("down", 25000, 100000), ("", 0, 0)]


@pytest.mark.parametrize("said", [
    "....................", "0", "0000000000", "N/A", "n/a", "None", "Unknown", "Not Specified", "Default string", " ", "-*",
    "To Be Filled By O.E.M.", "To be filled by OEM", "System Serial Number", "Not Present",
])
def test_what_a_maker_leaves_where_it_knows_nothing_is_not_told(said: str) -> None:
    assert PLACEHOLDERS.fullmatch(said)


@pytest.mark.parametrize("said", ["CNIVC0014M0388", "0x1D1415D9", "000A", "Nonesuch", "7Z23CTO1WW", "1.0"])
def test_what_says_something_is_told(said: str) -> None:
    assert not PLACEHOLDERS.fullmatch(said)


@pytest.mark.parametrize(("body", "due"), [
    ({"PhysicalLocation": {"PartLocation": {"ServiceLabel": "Box 2:Bay 5"}}}, "Box 2:Bay 5"),
    ({"Location": [{"Info": "2:1", "InfoFormat": "Box:Bay"}]}, "Box:Bay 2:1"), ({"Location": {"Info": "Slot 9"}}, "Slot 9"),
    ({"PhysicalLocation": {"PartLocation": {"LocationType": "Slot", "LocationOrdinalValue": 0}}}, "Slot 0"),
    ({}, ""), ({"Location": 7}, ""),
])
def test_where_a_part_sits(body: Any, due: str) -> None:
    assert place(body) == due


def test_power_and_health_without_the_old_resources() -> None:
    """Newer services serve PowerSubsystem, ThermalSubsystem and Sensors instead of Power and Thermal."""
    chassis = {
        "PowerSubsystem": {"@odata.id": f"{SYSTEM}/PS"}, "EnvironmentMetrics": {"@odata.id": f"{SYSTEM}/EM"},
        "ThermalSubsystem": {"@odata.id": f"{SYSTEM}/TS"}, "Sensors": {"@odata.id": f"{SYSTEM}/S"},
    }
    served = {
        "C": chassis, "TS": {"Fans": {"@odata.id": f"{SYSTEM}/TS/F"}}, "TS__F": [{"Status": {"Health": "OK"}}] * 2,
        "PS": {"CapacityWatts": 2000, "PowerSupplies": {"@odata.id": f"{SYSTEM}/PS/P"}, "PowerSupplyRedundancy": [
            {"RedundancyType": "NPlusM", "MinNeededInGroup": 1, "RedundancyGroup": [{}, {}], "Status": {"Health": "OK"}}]},
        "PS__P": [{"Name": "PSU 1", "PowerCapacityWatts": 1000}, {"Status": {"State": "Absent"}}],
        "EM": {"PowerWatts": {"Reading": 374.4}, "PowerLimitWatts": {"SetPoint": 500, "ControlMode": "Automatic"}},
        "S": [{"Name": "Inlet", "ReadingType": "Temperature", "Reading": 61.5, "ReadingUnits": "Cel",
               "Status": {"Health": "Warning"}}],
    }
    system = {"Links": {"Chassis": [{"@odata.id": f"{SYSTEM}/C"}]}}
    power, sensors = facts("power", system, **served), facts("sensors", system, **served)
    assert (power.watts, power.capped_watts, power.capacity_watts, power.empty_bays) == (374, 500, 2000, 1)
    assert [s.watts for s in power.supplies] == [1000] and power.redundancy == ("NPlusM, 1 of 2 needed, OK",)
    assert sensors.counts == {"fan": 2, "temperature": 1}
    assert [(s.name, s.reading, s.health) for s in sensors.not_ok] == [("Inlet", "61.5 Cel", "Warning")]
