"""The firmware inventory of the whole service."""

from __future__ import annotations

from bpa.adapters.redfish.reading import Reader, text
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import flag, state, told
from bpa.adapters.redfish.sections.tree import last, members, optional
from bpa.core.machine import Firmware

GENERIC = ("", "software inventory", "firmware inventory")
"""Names that say nothing, where the Id is the name."""


def read_firmware(reader: Reader, ground: Ground) -> tuple[Firmware, ...]:
    """UpdateService.FirmwareInventory; on older services SoftwareInventory, where the former is missing or empty.

    A service without UpdateService (it is optional) lists nothing. state Previous: kept by an iDRAC for rolling back to.
    """
    service = optional(reader, ground.root, "UpdateService")
    found = list(members(reader, service, "FirmwareInventory")) or list(members(reader, service, "SoftwareInventory"))
    return tuple(
        Firmware(
            id=(name := text(body, "Id") or last(path)),
            name=name if told(body, "Name").lower() in GENERIC else told(body, "Name"),
            version=told(body, "Version"),
            updateable=flag(body, "Updateable"),
            state="Previous" if name.startswith("Previous-") else state(body),
            manufacturer=told(body, "Manufacturer"),
        )
        for path, body in found
    )
