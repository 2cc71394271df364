"""What is not well: temperatures, fans, voltages and supplies that are not OK, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bpa.adapters.redfish.reading import Json, Reader, absent, objects, text
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import health, real, state, told
from bpa.adapters.redfish.sections.tree import members, optional
from bpa.core.machine import Sensor, Sensors

THERMAL = (("Temperatures", "temperature"), ("Fans", "fan"))
POWER = (("Voltages", "voltage"), ("PowerSupplies", "power supply"))
READINGS = (("ReadingCelsius", "C"), ("ReadingVolts", "V"), ("Reading", ""))
KINDS = {"Temperature": "temperature", "Rotational": "fan", "Percent": "percent", "Voltage": "voltage", "Power": "power",
         "Current": "current"}


def read_sensors(reader: Reader, ground: Ground) -> Sensors:
    """From Thermal and Power (two requests per chassis); from ThermalSubsystem and Sensors only where those are not."""
    counts: Counter[str] = Counter()
    bad: list[Sensor] = []
    for chassis in ground.chassis.values():
        for kind, body in _all(reader, chassis):
            if absent(body):
                continue
            counts[kind] += 1
            if health(body) not in ("OK", ""):
                bad.append(Sensor(told(body, "Name", "FanName", "MemberId", "Id"), kind, _reading(body), health(body),
                                  state(body)))
    return Sensors(dict(sorted(counts.items())), tuple(bad))


def _all(reader: Reader, chassis: Json) -> Iterator[tuple[str, Json]]:
    thermal, power = optional(reader, chassis, "Thermal"), optional(reader, chassis, "Power")
    for body, lists in ((thermal, THERMAL), (power, POWER)):
        for key, kind in lists:
            yield from ((kind, one) for one in objects(body, key))
    if not thermal:
        for _, fan in members(reader, optional(reader, chassis, "ThermalSubsystem"), "Fans"):
            yield "fan", fan
    if not thermal and not power:
        for _, sensor in members(reader, chassis, "Sensors"):
            yield KINDS.get(text(sensor, "ReadingType"), "sensor"), sensor


def _reading(body: Json) -> str:
    for key, unit in READINGS:
        value = real(body, key)
        if value is not None:
            return f"{value:g} {unit or text(body, 'ReadingUnits')}".strip()
    return ""
