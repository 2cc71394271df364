"""Redfish resources of a lab host that sushy-emulator lacks, as JSON values. Pure: from the host's plan alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bpa.lab.hosts import LabHost
from bpa.lab.machine import MANUFACTURER, MODEL, NVDIMMS, SKU

Json = dict[str, object]
_OK = {"State": "Enabled", "Health": "OK"}
_MIB = 1024 * 1024
BIOS_VERSION = "1.0.0"


def system(host: LabHost) -> str:
    return f"/redfish/v1/Systems/{host.uuid}"


def chassis(host: LabHost) -> str:
    return f"/redfish/v1/Chassis/{host.chassis}"


def system_extra(host: LabHost) -> Json:
    """What the ComputerSystem resource says beyond the emulator's template."""
    return {
        "Manufacturer": MANUFACTURER,
        "Model": MODEL,
        "SKU": SKU,
        "SerialNumber": host.serial,
        "SystemType": "Physical",
        "HostName": host.name,
        "MemorySummary": {
            "TotalSystemMemoryGiB": round(host.memory / 1024, 2),
            "Status": _OK,
            "TotalSystemPersistentMemoryGiB": NVDIMMS * (host.pmem - 2) / 1024,
        },
        "ProcessorSummary": {
            "Count": 2,
            "CoreCount": host.cpus,
            "LogicalProcessorCount": host.cpus,
            "Model": "AMD EPYC (emulated)",
            "Status": _OK,
        },
    }


def chassis_extra(host: LabHost) -> Json:
    return {
        "ChassisType": "RackMount",
        "Manufacturer": MANUFACTURER,
        "Model": MODEL,
        "SKU": SKU,
        "SerialNumber": host.serial,
        "NetworkAdapters": {"@odata.id": f"{chassis(host)}/NetworkAdapters"},
        "Links": {
            "ComputerSystems": [{"@odata.id": system(host)}],
            "ManagedBy": [{"@odata.id": f"/redfish/v1/Managers/{host.uuid}"}],
            "ManagersInChassis": [{"@odata.id": f"/redfish/v1/Managers/{host.uuid}"}],
        },
    }


def memory(host: LabHost) -> dict[str, Json]:
    """Memory modules by Id: one DRAM module and one NVDIMM per processor socket (DSP8010 Memory.v1_16_0)."""
    modules: dict[str, Json] = {}
    for socket in (0, 1):
        modules[f"DIMM{socket}"] = {
            "MemoryType": "DRAM",
            "MemoryDeviceType": "DDR4",
            "CapacityMiB": host.memory // 2,
            "OperatingSpeedMhz": 2666,
            "MemoryLocation": {"Socket": socket, "Slot": 0},
            "Manufacturer": MANUFACTURER,
            "PartNumber": "BPA-DRAM",
            "SerialNumber": f"{host.serial}D{socket}",
        }
    for socket in range(NVDIMMS):
        modules[f"NVDIMM{socket}"] = {
            "MemoryType": "NVDIMM_P",
            "MemoryDeviceType": "DDR4",
            "CapacityMiB": host.pmem - 2,
            "PersistentRegionSizeLimitMiB": host.pmem - 2,
            "PersistentRegionNumberLimit": 1,
            "OperatingMemoryModes": ["PMEM"],
            "MemoryLocation": {"Socket": socket, "Slot": 1},
            "NonVolatileSizeMiB": host.pmem - 2,
            "Manufacturer": MANUFACTURER,
            "PartNumber": "BPA-NVDIMM",
            "SerialNumber": f"{host.serial}N{socket}",
        }
    return {
        identity: resource(
            f"{system(host)}/Memory/{identity}", "Memory.v1_16_0.Memory", identity, identity, {"Status": _OK, **body}
        )
        for identity, body in modules.items()
    }


def processors(host: LabHost) -> dict[str, Json]:
    """Processors by Id: two sockets that share the cores (DSP8010 Processor.v1_16_0)."""
    cores = max(1, host.cpus // 2)
    return {
        f"CPU{socket}": resource(
            f"{system(host)}/Processors/CPU{socket}",
            "Processor.v1_16_0.Processor",
            f"CPU{socket}",
            f"Processor {socket}",
            {
                "Status": _OK,
                "Socket": f"CPU {socket}",
                "ProcessorType": "CPU",
                "ProcessorArchitecture": "x86",
                "InstructionSet": "x86-64",
                "Manufacturer": "AMD",
                "Model": "AMD EPYC (emulated)",
                "TotalCores": cores,
                "TotalThreads": cores,
            },
        )
        for socket in (0, 1)
    }


def storage(host: LabHost) -> dict[str, Json]:
    """Storage controllers by Id, without their drives."""
    base = f"{system(host)}/Storage/SATA"
    return {
        "SATA": resource(
            base,
            "Storage.v1_13_0.Storage",
            "SATA",
            "Embedded SATA",
            {
                "Status": {**_OK, "HealthRollup": "OK"},
                "StorageControllers": [
                    {
                        "@odata.id": f"{base}#/StorageControllers/0",
                        "MemberId": "0",
                        "Name": "AHCI",
                        "SpeedGbps": 6,
                        "Status": _OK,
                        "SupportedControllerProtocols": ["PCIe"],
                        "SupportedDeviceProtocols": ["SATA"],
                    }
                ],
                "Drives": [{"@odata.id": f"{base}/Drives/{identity}"} for identity in drives(host)],
                "Volumes": {"@odata.id": f"{base}/Volumes"},
            },
        )
    }


def drives(host: LabHost) -> dict[str, Json]:
    """Drives by Id."""
    return {
        "Disk0": resource(
            f"{system(host)}/Storage/SATA/Drives/Disk0",
            "Drive.v1_17_0.Drive",
            "Disk0",
            "Disk 0",
            {
                "Status": _OK,
                "CapacityBytes": host.disk * _MIB,
                "SerialNumber": host.disk_serial,
                "Protocol": "SATA",
                "MediaType": "HDD",
                "Model": "QEMU HARDDISK",
                "Manufacturer": MANUFACTURER,
                "BlockSizeBytes": 512,
                "FailurePredicted": False,
                "PhysicalLocation": {"PartLocation": {"LocationOrdinalValue": 0, "LocationType": "Bay"}},
            },
        )
    }


def adapters(host: LabHost, sriov: bool) -> dict[str, Json]:
    """NetworkAdapters by Id: the management NIC and the data NIC, whose controller can SR-IOV when the BIOS lets it."""
    base = f"{chassis(host)}/NetworkAdapters"
    nics = (("NIC0", "virtio-net", False), ("NIC1", "82576" if sriov else "82574L", sriov))
    return {
        identity: resource(
            f"{base}/{identity}",
            "NetworkAdapter.v1_9_0.NetworkAdapter",
            identity,
            f"Network adapter {identity}",
            {
                "Status": _OK,
                "Manufacturer": "Intel" if identity == "NIC1" else "Red Hat",
                "Model": model,
                "NetworkDeviceFunctions": {"@odata.id": f"{base}/{identity}/NetworkDeviceFunctions"},
                "Controllers": [
                    {
                        "ControllerCapabilities": {
                            "NetworkDeviceFunctionCount": 1,
                            "NetworkPortCount": 1,
                            "VirtualizationOffload": {
                                "SRIOV": {"SRIOVVEPACapable": capable},
                                "VirtualFunction": {
                                    "DeviceMaxCount": 7 if capable else 0,
                                    "NetworkPortMaxCount": 7 if capable else 0,
                                    "MinAssignmentGroupSize": 1,
                                },
                            },
                        }
                    }
                ],
            },
        )
        for identity, model, capable in nics
    }


def device_functions(host: LabHost, adapter: str, sriov: bool) -> dict[str, Json]:
    """NetworkDeviceFunctions by Id of one adapter."""
    capable = sriov and adapter == "NIC1"
    mac = host.data_mac if adapter == "NIC1" else host.boot_mac
    base = f"{chassis(host)}/NetworkAdapters/{adapter}/NetworkDeviceFunctions/0"
    return {
        "0": resource(
            base,
            "NetworkDeviceFunction.v1_9_0.NetworkDeviceFunction",
            "0",
            f"{adapter} function 0",
            {
                "Status": _OK,
                "NetDevFuncType": "Ethernet",
                "NetDevFuncCapabilities": ["Ethernet"],
                "DeviceEnabled": True,
                "VirtualFunctionsEnabled": capable,
                "MaxVirtualFunctions": 7 if capable else 0,
                "Ethernet": {"MACAddress": mac.upper(), "PermanentMACAddress": mac.upper()},
            },
        )
    }


def firmware_inventory() -> Mapping[str, Json]:
    """What the lab's machines run below their operating systems; BPA updates none of it."""
    uri = "/redfish/v1/UpdateService/FirmwareInventory"
    return {
        identity: resource(f"{uri}/{identity}", "SoftwareInventory.v1_2_0.SoftwareInventory", identity, name,
                           {"Version": version, "Updateable": False})
        for identity, name, version in (("BIOS", "System BIOS", BIOS_VERSION), ("BMC", "BMC firmware", "1.00"))
    }


def collection(uri: str, kind: str, name: str, members: Sequence[str]) -> Json:
    """A Redfish collection whose members are `uri`/<member>."""
    return {
        "@odata.id": uri,
        "@odata.type": f"#{kind}Collection.{kind}Collection",
        "Name": name,
        "Members@odata.count": len(members),
        "Members": [{"@odata.id": f"{uri}/{m}"} for m in members],
    }


def resource(uri: str, kind: str, identity: str, name: str, body: Json) -> Json:
    return {"@odata.id": uri, "@odata.type": f"#{kind}", "Id": identity, "Name": name, **body}
