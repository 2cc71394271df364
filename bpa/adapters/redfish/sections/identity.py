"""Who the machine is, how it is now, and who manages it."""

from __future__ import annotations

from bpa.adapters.redfish.reading import Json, Reader, inner, text, texts
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import HEALTH, changed, health, state, told
from bpa.core.machine import Identity, Manager, State


def read_identity(reader: Reader, ground: Ground) -> Identity:
    """From the System alone. What a maker left at its default ("....", "Default string") is not told, but kept raw."""
    system = ground.system
    maker = told(system, "Manufacturer")
    sku = told(system, "SKU")
    found = {
        "Manufacturer": maker, "Model": told(system, "Model"), "SerialNumber": told(system, "SerialNumber"), "SKU": sku,
        "PartNumber": told(system, "PartNumber"), "AssetTag": told(system, "AssetTag"), "HostName": told(system, "HostName"),
    }
    return Identity(
        system=ground.path,
        manufacturer=found["Manufacturer"],
        model=found["Model"],
        serial=found["SerialNumber"],
        sku=sku,
        service_tag=sku if maker.startswith("Dell") else "",
        part_number=found["PartNumber"],
        uuid=text(system, "UUID").lower(),
        asset_tag=found["AssetTag"],
        hostname=found["HostName"],
        system_type=text(system, "SystemType"),
        bios_version=told(system, "BiosVersion"),
        raw=changed(system, found.items()),
    )


def read_state(reader: Reader, ground: Ground) -> State:
    """Power, health, where the boot is, and what can be done about it. From the System alone."""
    system = ground.system
    progress = inner(system, "BootProgress")
    action = inner(system, "Actions", "#ComputerSystem.Reset")
    return State(
        power=text(system, "PowerState"),
        health=_worst(system),
        enabled=state(system),
        boot_progress=text(progress, "LastState"),
        boot_progress_time=text(progress, "LastStateTime"),
        last_reset=text(system, "LastResetTime"),
        indicator=text(system, "IndicatorLED"),
        resets=texts(action, "ResetType@Redfish.AllowableValues"),
    )


def _worst(system: Json) -> str:
    status = inner(system, "Status")
    return HEALTH.get(text(status, "HealthRollup").lower(), "") or health(system)


def read_managers(reader: Reader, ground: Ground) -> tuple[Manager, ...]:
    """Those that manage this System, not the other managers that a BMC may list (adapters, chassis, other nodes)."""
    return tuple(
        Manager(
            path=path,
            name=told(body, "Name", "Id"),
            type=text(body, "ManagerType"),
            model=told(body, "Model"),
            firmware=told(body, "FirmwareVersion"),
            uuid=text(body, "UUID").lower(),
            time=text(body, "DateTime"),
            time_offset=text(body, "DateTimeLocalOffset"),
            last_reset=text(body, "LastResetTime"),
            health=health(body),
        )
        for path, body in ground.managers.items()
    )
