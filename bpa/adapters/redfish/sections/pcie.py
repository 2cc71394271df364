"""PCIe devices of this System, with the ids of their functions and the slots they sit in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.adapters.redfish.reading import Json, Reader, absent, inner, objects, text
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import health, place, raw, real, told
from bpa.adapters.redfish.sections.pci_ids import IDS, Base, base_of, is_qat, pci_id
from bpa.adapters.redfish.sections.tree import each, last, members, optional, paths, references, same
from bpa.core.machine import PciDevice

CLASSES = {
    0x01: "MassStorageController", 0x02: "NetworkController", 0x03: "DisplayController", 0x04: "MultimediaController",
    0x05: "MemoryController", 0x06: "Bridge", 0x07: "CommunicationController", 0x08: "GenericSystemPeripheral",
    0x09: "InputDeviceController", 0x0A: "DockingStation", 0x0B: "Processor", 0x0C: "SerialBusController",
    0x0D: "WirelessController", 0x0E: "IntelligentController", 0x0F: "SatelliteCommunicationsController",
    0x10: "EncryptionController", 0x11: "SignalProcessingController", 0x12: "ProcessingAccelerators",
    0x13: "NonEssentialInstrumentation", 0x40: "Coprocessor", 0xFF: "UnassignedClass",
}
"""PCI base class -> Redfish PCIeFunction.DeviceClass."""


@dataclass(frozen=True, slots=True)
class Pcie:
    """The devices; and "vendor:device", slot and name by the path of a device, of a function or of its interface.

    ids are there by serial number, too: iLO 5 does not say otherwise which device an adapter is.
    """

    devices: tuple[PciDevice, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    slots: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


def read_pcie(reader: Reader, ground: Ground) -> Pcie:
    """Devices of the chassis' collections that are this System's, else those that the System lists itself."""
    bodies = _devices(reader, ground)
    functions = _functions(reader, bodies)
    base = base_of(f for of_device in functions.values() for _, f in of_device)
    slots = _slots(reader, ground)
    devices, ids, sits, names = [], {}, {}, {}
    for path, body in bodies.items():
        device = _device(path, body, functions[path], base, slots)
        devices.append(device)
        known = {same(path): functions[path][0][1] if functions[path] else {}}
        for function_path, function in functions[path]:
            known[same(function_path)] = function
            known.update(dict.fromkeys(paths(reader, references(function, "Links", "EthernetInterfaces")), function))
        if device.serial:
            known.setdefault(device.serial, known[same(path)])
        for key, function in known.items():
            sits[key], names[key], ids[key] = device.slot, device.name, _pair(function, base)
    return Pcie(tuple(devices), _told(ids), _told(sits), _told(names))


def _told(mapping: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in mapping.items() if value}


def _devices(reader: Reader, ground: Ground) -> dict[str, Json]:
    listed: list[object] = list(objects(ground.system, "PCIeDevices"))
    mine = {last(path) for path in paths(reader, listed)}
    found: dict[str, Json] = {}
    for chassis in ground.chassis.values():
        found.update(members(reader, chassis, "PCIeDevices"))
    if mine:
        # Where several Systems share a chassis, its collection holds the cards of all.
        found = {path: body for path, body in found.items() if last(same(path)) in mine}
    if not found:
        listed = listed or [r for c in ground.chassis.values() for r in references(c, "Links", "PCIeDevices")]
        found = dict(each(reader, listed) if listed else members(reader, ground.system, "PCIeDevices"))
    return {path: body for path, body in found.items() if not absent(body)}


def _functions(reader: Reader, devices: Mapping[str, Json]) -> dict[str, list[tuple[str, Json]]]:
    found: dict[str, list[tuple[str, Json]]] = {}
    home: dict[str, str] = {}
    links: list[object] = []
    for path, body in devices.items():
        found[path] = []
        if listed := references(body, "Links", "PCIeFunctions"):
            links += listed
            home.update(dict.fromkeys(paths(reader, listed), path))
        else:
            found[path] += members(reader, body, "PCIeFunctions")
    for path, body in each(reader, links):
        found[home[same(path)]].append((path, body))
    return {p: sorted(fs, key=lambda f: real(f[1], "FunctionId") or 0.0) for p, fs in found.items()}


def _slots(reader: Reader, ground: Ground) -> dict[str, str]:
    """Path of a device -> its slot, from PCIeSlots; a slot that lists several devices is a riser and says nothing."""
    found: dict[str, str] = {}
    for chassis in ground.chassis.values():
        for slot in objects(optional(reader, chassis, "PCIeSlots"), "Slots"):
            held = paths(reader, references(slot, "Links", "PCIeDevice"))
            if len(held) == 1:
                found[last(held[0])] = place(slot)
    return found


def _device(
    path: str, body: Json, functions: list[tuple[str, Json]], base: Base | None, slots: Mapping[str, str]
) -> PciDevice:
    first = functions[0][1] if functions else {}
    ids = {key: pci_id(first.get(key), base) for key in IDS}
    name, model, maker = told(body, "Name"), told(body, "Model"), told(body, "Manufacturer")
    generic = name.lower() in ("", "pciedevice", "pciedevices", "pcie device", maker.lower())
    names = (name, model, told(body, "Description"), *(told(f, "Name") for _, f in functions))
    return PciDevice(
        id=text(body, "Id") or last(path),
        name=(model or told(first, "Name") or name) if generic else name,
        slot=place(inner(body, "Slot")) or slots.get(last(same(path)), ""),
        manufacturer=maker,
        model=model,
        vendor_id=ids["VendorId"],
        device_id=ids["DeviceId"],
        subsystem_vendor_id=ids["SubsystemVendorId"],
        subsystem_id=ids["SubsystemId"],
        class_name=_class(first),
        functions=len(functions),
        firmware=told(body, "FirmwareVersion"),
        serial=told(body, "SerialNumber"),
        qat=any(
            is_qat(pci_id(f.get("VendorId"), base), pci_id(f.get("DeviceId"), base), *names)
            for f in ([f for _, f in functions] or [{}])
        ),
        health=health(body),
        raw={**raw(first, *(key for key in IDS if key in first and first[key] != f"0x{ids[key]}"))},
    )


def _class(function: Json) -> str:
    said = text(function, "DeviceClass")
    code = text(function, "ClassCode").lower().removeprefix("0x")
    if said or not code:
        return said
    try:
        # 0x020000 is class, subclass and interface; iDRAC writes 0x000002, iLO 2: the class alone.
        number = int(code, 16)
    except ValueError:
        return ""
    return CLASSES.get(number >> 16 if number > 0xFF else number, "")


def _pair(function: Json, base: Base | None) -> str:
    vendor, device = pci_id(function.get("VendorId"), base), pci_id(function.get("DeviceId"), base)
    return f"{vendor}:{device}" if vendor and device else ""
