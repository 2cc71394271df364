"""Values of a BMC in our words and units; what had to be changed is kept as it was told."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bpa.adapters.redfish.reading import Json, inner, text
from bpa.adapters.redfish.transport.answers import clean
from bpa.core.machine import Raw

LARGEST = 2**63
"""Beyond this a number is nonsense: no size in bytes comes near."""
HEALTH = {"ok": "OK", "warning": "Warning", "critical": "Critical"}
PLACEHOLDERS = re.compile(
    r"[.\s*?#_-]+|0+|n/?a|none|null|unknown|not (specified|available|present|applicable)|default string|empty"
    r"|to be filled by o\.?e\.?m\.?|chassis serial number|system serial number|no (dimm|module) installed",
    re.IGNORECASE,
)
"""What makers leave where they know nothing (SMBIOS habits)."""


def told(body: Json, *keys: str) -> str:
    """The first of the keys that holds a text that says something."""
    return next((said for key in keys if (said := text(body, key)) and not PLACEHOLDERS.fullmatch(said)), "")


def words(body: Json, key: str) -> str:
    """A text as told, "N/A" included, on one line with single spaces; a number as text."""
    if isinstance(body.get(key), int | float):
        value = real(body, key)
        return "" if value is None else f"{value:g}"
    return " ".join(text(body, key).split())


def amount(body: Json, key: str) -> int:
    """A whole number of zero or more, also where it is given as text; 0 for anything else and for nonsense."""
    value = real(body, key)
    return int(value) if value is not None and 0 <= value < LARGEST else 0


def real(body: Json, key: str) -> float | None:
    """A number, also where it is given as text ("16384", "0.5"); None for anything else, infinity and nonsense too."""
    value = body.get(key)
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,20}(\.\d{1,20})?\s*", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) < LARGEST else None


def flag(body: Json, key: str) -> bool | None:
    """true, false, or None where neither is told."""
    value = body.get(key)
    return value if isinstance(value, bool) else None


def health(body: Json) -> str:
    """OK, Warning or Critical; "" = not told. Its own health, else that of what it consists of."""
    status = inner(body, "Status")
    said = (text(status, key).lower() for key in ("Health", "HealthRollup"))
    return next((known for word in said if (known := HEALTH.get(word))), "")


def state(body: Json) -> str:
    """Status.State: Enabled, Disabled, Absent, StandbyOffline, …"""
    return text(inner(body, "Status"), "State")


def enabled(said: str) -> bool | None:
    """Enabled or Disabled as a truth."""
    return {"enabled": True, "disabled": False}.get(said.lower())


def raw(body: Json, *keys: str) -> Raw:
    """These properties as the BMC told them, where they are plain values."""
    kept: dict[str, str | int | float | bool | None] = {}
    for key in keys:
        value = body.get(key)
        if isinstance(value, str):
            kept[key] = clean(value)
        elif isinstance(value, int | float) and abs(value) < LARGEST:
            kept[key] = value
    return kept


def changed(body: Json, now: Iterable[tuple[str, object]]) -> Raw:
    """The properties whose value in `now` is not what the BMC told."""
    return raw(body, *(key for key, value in now if key in body and body[key] not in (value, None, "")))


def link_state(said: str) -> str:
    """up, down, or what was told in lower case ("starting")."""
    plain = said.lower().removeprefix("link")
    return {"nolink": "down", "no": "down"}.get(plain, plain)


def place(body: Json) -> str:
    """Where it sits, as printed on the machine: ServiceLabel, else a Location in words, else its ordinal number."""
    for key in ("PhysicalLocation", "Location"):
        part = inner(body, key, "PartLocation")
        if label := told(part, "ServiceLabel"):
            return label
    locations = body.get("Location")
    for location in (locations if isinstance(locations, list) else [locations])[:4]:
        if isinstance(location, dict) and (info := told(location, "Info")):
            form = text(location, "InfoFormat")
            return f"{form} {info}" if ":" in form else info
    for key in ("PhysicalLocation", "Location"):
        part = inner(body, key, "PartLocation")
        ordinal = real(part, "LocationOrdinalValue")
        if ordinal is not None and (kind := text(part, "LocationType")):
            return f"{kind} {ordinal:g}"
    return ""


def natural(said: str) -> tuple[tuple[int, str], ...]:
    """Sort key that puts "CPU 2" before "CPU 10"."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,18})", said))
