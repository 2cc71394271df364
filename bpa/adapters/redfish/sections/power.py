"""Power: what it draws, what caps it, and its supplies, from Power or from the PowerSubsystem that replaces it."""

from __future__ import annotations

from collections.abc import Iterable

from bpa.adapters.redfish.reading import Json, Reader, absent, inner, objects, text
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import amount, health, real, state, told, words
from bpa.adapters.redfish.sections.tree import members, optional, references
from bpa.core.machine import Power, PowerSupply


def read_power(reader: Reader, ground: Ground) -> Power:
    """Of all chassis of the System. Power (one request) is asked first; PowerSubsystem only where it is not served."""
    whole = Power()
    for chassis in ground.chassis.values():
        old = optional(reader, chassis, "Power")
        found = _from_power(old) if old else _from_subsystem(reader, chassis)
        whole = _sum(whole, found)
    return whole


def _from_power(power: Json) -> Power:
    # The first control is the whole chassis'; others are parts of it (Lenovo: CPUs, memory).
    controls = objects(power, "PowerControl")
    first = controls[0] if controls else {}
    supplies = objects(power, "PowerSupplies")
    there = [s for s in supplies if not absent(s)]
    cap = real(inner(first, "PowerLimit"), "LimitInWatts")
    return Power(
        watts=amount(first, "PowerConsumedWatts"),
        capped_watts=round(cap) if cap is not None and 0 < cap < 10**6 else None,
        capacity_watts=amount(first, "PowerCapacityWatts"),
        supplies=tuple(_supply(s) for s in there),
        empty_bays=len(supplies) - len(there),
        redundancy=tuple(_redundancy(r) for r in objects(power, "Redundancy")),
    )


def _from_subsystem(reader: Reader, chassis: Json) -> Power:
    subsystem = optional(reader, chassis, "PowerSubsystem")
    metrics = optional(reader, chassis, "EnvironmentMetrics")
    supplies = [body for _, body in members(reader, subsystem, "PowerSupplies")]
    there = [s for s in supplies if not absent(s)]
    limit = inner(metrics, "PowerLimitWatts")
    cap = real(limit, "SetPoint") if text(limit, "ControlMode") != "Disabled" else None
    return Power(
        watts=amount(inner(metrics, "PowerWatts"), "Reading"),
        capped_watts=round(cap) if cap is not None and 0 < cap < 10**6 else None,
        capacity_watts=amount(subsystem, "CapacityWatts"),
        supplies=tuple(_supply(s) for s in there),
        empty_bays=len(supplies) - len(there),
        redundancy=tuple(_redundancy(r) for r in objects(subsystem, "PowerSupplyRedundancy")),
    )


def _supply(body: Json) -> PowerSupply:
    return PowerSupply(
        name=told(body, "Name", "MemberId", "Id"),
        model=words(body, "Model"),
        manufacturer=told(body, "Manufacturer"),
        serial=told(body, "SerialNumber"),
        firmware=told(body, "FirmwareVersion"),
        watts=amount(body, "PowerCapacityWatts"),
        input_volts=amount(body, "LineInputVoltage") or amount(body, "InputNominalVoltageVolts"),
        state=state(body),
        health=health(body),
    )


def _redundancy(group: Json) -> str:
    """"Failover, 1 of 2 needed, OK"."""
    held = references(group, "RedundancySet") or references(group, "RedundancyGroup")
    least = amount(group, "MinNumNeeded") or amount(group, "MinNeededInGroup")
    said: Iterable[str] = (
        text(group, "Mode", "RedundancyType"),
        f"{least} of {len(held)} needed" if least and held else "",
        health(group) or state(group),
    )
    return ", ".join(part for part in said if part)


def _sum(one: Power, two: Power) -> Power:
    caps = [p.capped_watts for p in (one, two) if p.capped_watts is not None]
    return Power(
        watts=one.watts + two.watts,
        capped_watts=sum(caps) if caps else None,
        capacity_watts=one.capacity_watts + two.capacity_watts,
        supplies=one.supplies + two.supplies,
        empty_bays=one.empty_bays + two.empty_bays,
        redundancy=tuple(r for r in one.redundancy + two.redundancy if r),
    )
