"""Drives with their serial numbers, wherever this BMC keeps them."""

from __future__ import annotations

import re

from bpa.adapters.redfish.reading import Json, Reader, absent, objects, text, texts
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import amount, flag, health, place, raw, real, told, words
from bpa.adapters.redfish.sections.tree import each, last, members, path_of, references, same
from bpa.core.machine import Disk, Storage, StorageController

MEDIA = {"SSD": "ssd", "HDD": "hdd", "SMR": "smr"}
PROTOCOLS = {"NVMEOVERFABRICS": "NVMe-oF", "ISCSI": "iSCSI", "FC": "FC", "PCIE": "PCIe", "NVME": "NVMe"}


def read_storage(reader: Reader, ground: Ground) -> Storage:
    """Drives of all Storage; where that lists none, those of the chassis; then SimpleStorage, without serial numbers."""
    system = ground.system
    storages = list(members(reader, system, "Storage"))
    controllers = [c for _, storage in storages for c in _controllers(storage)]
    home = {same(path_of(reader, link)): storage for _, storage in storages for link in references(storage, "Drives")}
    links = [link for _, storage in storages for link in references(storage, "Drives")]
    if not links:
        links = [link for body in ground.chassis.values() for link in references(body, "Links", "Drives")]
    found = list(each(reader, links))
    drives = [_drive(path, body, home.get(same(path), {})) for path, body in found if not absent(body)]
    empty = len(found) - len(drives)
    if not drives:
        simple = [d for _, body in members(reader, system, "SimpleStorage") for d in objects(body, "Devices")]
        drives = [_simple(device) for device in simple if not absent(device)]
        empty = len(simple) - len(drives)
    return Storage(tuple(drives), tuple(controllers), empty)


def wwn_of(body: Json) -> str:
    """As Linux writes it in ID_WWN, and so root device hints do: 0x… for NAA, eui.… for EUI and NGUID."""
    for identifier in objects(body, "Identifiers"):
        prefix = {"NAA": "0x", "EUI": "eui.", "NGUID": "eui."}.get(text(identifier, "DurableNameFormat"))
        plain = re.sub(r"^(0x|eui\.|naa\.)|[:\s-]", "", text(identifier, "DurableName").lower())
        if prefix and re.fullmatch(r"[0-9a-f]{16,32}", plain):
            return f"{prefix}{plain}"
    return ""


def _drive(path: str, body: Json, storage: Json) -> Disk:
    protocol, media = _protocol(body, storage), _media(body)
    life = real(body, "PredictedMediaLifeLeftPercent")
    return Disk(
        name=told(body, "Name", "Id") or last(path),
        bay=place(body),
        serial=told(body, "SerialNumber"),
        bytes=amount(body, "CapacityBytes"),
        model=words(body, "Model"),
        manufacturer=told(body, "Manufacturer"),
        protocol=protocol,
        # NVMe has no spinning disks.
        media=media or ("ssd" if protocol == "NVMe" else ""),
        wwn=wwn_of(body),
        firmware=told(body, "Revision", "FirmwareVersion"),
        controller=told(storage, "Name", "Id"),
        health=health(body),
        failure_predicted=flag(body, "FailurePredicted"),
        life_left=round(life) if life is not None and 0 <= life <= 100 else None,
        raw={
            **(raw(body, "Protocol") if text(body, "Protocol") != protocol else {}),
            **(raw(body, "MediaType") if text(body, "MediaType") and not media else {}),
        },
    )


def _protocol(body: Json, storage: Json) -> str:
    """As told; PCIe for a drive that calls itself NVMe is NVMe (iDRAC); what only its controller tells, if that is one."""
    said = text(body, "Protocol")
    named = " ".join(text(body, key) for key in ("Model", "Name", "Description"))
    if said.upper() in ("PCIE", "") and re.search(r"nvme", f"{named} {text(storage, 'Name')}", re.IGNORECASE):
        return "NVMe"
    if not said:
        spoken = {p for c in objects(storage, "StorageControllers") for p in texts(c, "SupportedDeviceProtocols")}
        said = spoken.pop() if len(spoken) == 1 else ""
    return PROTOCOLS.get(said.upper(), said)


def _media(body: Json) -> str:
    said = MEDIA.get(text(body, "MediaType").upper(), "")
    return said or ("hdd" if amount(body, "RotationSpeedRPM") else "")


def _controllers(storage: Json) -> list[StorageController]:
    inline = [c for c in objects(storage, "StorageControllers") if not absent(c)] or [{}]
    return [
        StorageController(
            name=told(controller, "Name") or told(storage, "Name", "Id"),
            model=words(controller, "Model"),
            manufacturer=told(controller, "Manufacturer"),
            serial=told(controller, "SerialNumber"),
            firmware=told(controller, "FirmwareVersion"),
            protocols=texts(controller, "SupportedDeviceProtocols"),
            health=health(controller) or health(storage),
        )
        for controller in inline
    ]


def _simple(device: Json) -> Disk:
    return Disk(
        name=told(device, "Name"),
        bytes=amount(device, "CapacityBytes"),
        model=words(device, "Model"),
        manufacturer=told(device, "Manufacturer"),
        health=health(device),
    )
