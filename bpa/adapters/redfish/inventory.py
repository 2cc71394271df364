"""The parts of a machine: CPUs, memory modules, drives, network adapters and their MACs."""

from __future__ import annotations

import re

from bpa.adapters.redfish.reading import Json, Reader, absent, inner, mac, number, objects, text, texts
from bpa.core.facts import Adapter, Dimm, Drive


def read_cpus(reader: Reader, system: Json) -> int:
    """Logical processors of all CPUs. GPUs, FPGAs and DPUs are Processors too, and sometimes come first."""
    summary = inner(system, "ProcessorSummary")
    told = number(summary, "LogicalProcessorCount")
    if told:
        return told
    threads = 0
    for _, cpu in reader.collection(system, "Processors"):
        if text(cpu, "ProcessorType") in ("CPU", "") and not absent(cpu):
            threads += number(cpu, "TotalThreads") or number(cpu, "TotalCores")
    return threads or number(summary, "CoreCount") or number(summary, "Count")


def read_dimms(reader: Reader, system: Json) -> tuple[Dimm, ...]:
    """Memory modules that are there. Absent ones are members of the collection too."""
    dimms = []
    for path, body in reader.collection(system, "Memory"):
        mib = number(body, "CapacityMiB") or number(body, "VolatileSizeMiB") + number(body, "NonVolatileSizeMiB")
        if absent(body) or not mib:
            continue
        kind = text(body, "MemoryType")
        persistent = "NVDIMM" in kind or kind == "IntelOptane"
        dimms.append(Dimm(text(body, "DeviceLocator", "Name", "Id") or _last(path), mib, persistent))
    return tuple(dimms)


def read_drives(reader: Reader, system: Json) -> tuple[Drive, ...]:
    """Drives of all Storage; of SimpleStorage (without serial numbers) only where that lists none."""
    links: list[object] = []
    for _, storage in reader.collection(system, "Storage"):
        links += objects(storage, "Drives")
    drives = [_drive(path, body) for path, body in reader.each(links) if not absent(body)]
    if drives:
        return tuple(drives)
    return tuple(
        Drive(text(device, "Name"), size=number(device, "CapacityBytes"), model=text(device, "Model"))
        for _, simple in reader.collection(system, "SimpleStorage")
        for device in objects(simple, "Devices")
        if number(device, "CapacityBytes") and not absent(device)
    )


def _drive(path: str, body: Json) -> Drive:
    return Drive(
        name=text(body, "Name", "Id") or _last(path),
        serial=text(body, "SerialNumber"),
        size=number(body, "CapacityBytes"),
        model=text(body, "Model"),
        wwn=next((wwn for i in objects(body, "Identifiers") if (wwn := _wwn(i))), ""),
        rotational={"HDD": True, "SSD": False}.get(text(body, "MediaType")),
    )


def _wwn(identifier: Json) -> str:
    """As Linux writes it in ID_WWN, and so root device hints do: 0x… for NAA, eui.… for EUI and NGUID."""
    prefix = {"NAA": "0x", "EUI": "eui.", "NGUID": "eui."}.get(text(identifier, "DurableNameFormat"))
    plain = re.sub(r"^(0x|eui\.|naa\.)|[:\s-]", "", text(identifier, "DurableName").lower())
    return f"{prefix}{plain}" if prefix and re.fullmatch(r"[0-9a-f]{16,32}", plain) else ""


def read_macs(reader: Reader, system: Json) -> tuple[str, ...]:
    """MACs of the System's EthernetInterfaces, burnt-in ones first."""
    found: dict[str, None] = {}
    for _, body in reader.collection(system, "EthernetInterfaces"):
        for key in ("PermanentMACAddress", "MACAddress"):
            found[mac(body.get(key))] = None
    return tuple(m for m in found if m)


def read_adapters(reader: Reader, system: Json) -> tuple[Adapter, ...]:
    """Network adapters of the System and of its Chassis, each once."""
    links: list[object] = [
        inner(body, "Links").get("NetworkAdapter")
        for _, body in reader.collection(system, "NetworkInterfaces")
        if inner(body, "Links", "NetworkAdapter")
    ]
    for _, chassis in reader.each(objects(inner(system, "Links"), "Chassis")):
        links += reader.links(chassis, "NetworkAdapters")
    return tuple(_adapter(reader, path, body) for path, body in reader.each(links) if not absent(body))


def _adapter(reader: Reader, path: str, body: Json) -> Adapter:
    functions = [function for _, function in reader.collection(body, "NetworkDeviceFunctions")]
    macs = {
        mac(inner(function, "Ethernet").get(key)): None
        for function in functions
        for key in ("PermanentMACAddress", "MACAddress")
    }
    if not any(macs):
        macs = {
            m: None
            for key in ("Ports", "NetworkPorts")
            for _, port in reader.collection(body, key)
            for m in _port_macs(port)
        }
    offered = [number(function, "MaxVirtualFunctions") for function in functions]
    for controller in objects(body, "Controllers"):
        virtual = inner(controller, "ControllerCapabilities", "VirtualizationOffload", "VirtualFunction")
        offered.append(number(virtual, "NetworkPortMaxCount") or number(virtual, "DeviceMaxCount"))
    return Adapter(name=_adapter_name(path, body), macs=tuple(m for m in macs if m), max_vfs=max(offered, default=0))


def _port_macs(port: Json) -> list[str]:
    told = (
        *texts(port, "AssociatedNetworkAddresses"),
        *texts(inner(port, "Ethernet"), "AssociatedMACAddresses"),
    )
    return [mac(address) for address in told]


def _adapter_name(path: str, body: Json) -> str:
    where = text(body, "Id") or _last(path)
    return f"{where} {model}" if (model := text(body, "Model")) else where


def _last(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]
