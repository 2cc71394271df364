"""BIOS attributes: what is, what is pending, and staging more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.reading import Json, Reader, inner, text, texts
from bpa.adapters.redfish.transport.answers import Missing
from bpa.adapters.redfish.transport.wire import Answer
from bpa.core.bios.rules import same
from bpa.core.steps import BiosValue

PENDING = ("Settings", "SD", "Pending")
"""Where vendors keep the pending settings that they do not announce (Dell and HPE, Supermicro and AMI, Lenovo)."""
ATTRIBUTES = 10000
LARGEST = 1 << 64
"""Registries were recorded that know numbers of up to 64 bits (SGX keys)."""
ABOUT = frozenset({"Id", "Name", "Description", "Type", "Modified", "AttributeRegistry", "AvailableActions"})
"""Properties of iLO 4's HpBios that are no attributes."""
PASSWORD = re.compile(r"password(salt)?(_[0-9a-f]{4})?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BiosPaths:
    """Where BIOS is read and where it is written; settings "" = nowhere but on the Bios resource itself.

    flat: the attributes are properties of the resource itself, and are written so (iLO 4's HpBios).
    """

    bios: str
    settings: str
    on_reset: bool
    flat: bool = False


@dataclass(frozen=True, slots=True)
class Bios:
    """Attributes now, and pending ones that differ from now. body: the Bios resource as served."""

    paths: BiosPaths
    now: Mapping[str, BiosValue]
    pending: Mapping[str, BiosValue]
    body: Json = field(default_factory=dict, repr=False)


def read_bios(reader: Reader, system: Json, known: BiosPaths | None) -> Bios:
    """Both, in two requests once the paths are known. Raises Unsupported where the System has no Bios."""
    if not inner(system, "Bios"):
        raise Unsupported("this System has no Bios resource")
    body = reader.resource(system["Bios"]).body
    now = attributes_of(body)
    paths, settings = _settings(reader, reader.link.path_of(system["Bios"]), body, known)
    pending = {n: v for n, v in attributes_of(settings).items() if n not in now or not same(now[n], v)}
    return Bios(paths, now, pending, body)


def _settings(reader: Reader, path: str, body: Json, known: BiosPaths | None) -> tuple[BiosPaths, Json]:
    if known is not None:
        return known, (settings_now(reader, known.settings).body if known.settings else {})
    announced = inner(body, "@Redfish.Settings")
    on_reset = "OnReset" in texts(announced, "SupportedApplyTimes")
    if inner(announced, "SettingsObject"):
        settings = reader.link.path_of(announced["SettingsObject"])
        return BiosPaths(path, settings, on_reset), settings_now(reader, settings).body
    if flat(body) and (link := text(inner(body, "links", "Settings"), "href")):
        # It is the path of the older API on some; the same below /redfish/v1 is served, too.
        settings = reader.link.path_of(re.sub(r"^/rest/v1(?=/)", "/redfish/v1", link))
        return BiosPaths(path, settings, on_reset, flat=True), settings_now(reader, settings).body
    for name in PENDING:
        settings = f"{path.rstrip('/')}/{name}"
        try:
            return BiosPaths(path, settings, on_reset, flat(body)), reader.resource(settings).body
        except Missing:
            continue
    return BiosPaths(path, "", on_reset, flat(body)), {}


def settings_now(reader: Reader, path: str) -> Answer:
    """What is staged; nothing where the settings resource is announced and only there while something is (AMI MegaRAC,
    Lenovo's TSM: pubs.lenovo.com/tsm/get_bios_sd). Raises the adapter errors."""
    try:
        return reader.resource(path)
    except Missing:
        return Answer({})


def flat(body: Json) -> bool:
    """Attributes stand beside Id and Name, as iLO 4 keeps them (HPE's iLO 5 adaptation guide: HpBios.1.2.0)."""
    return "Attributes" not in body and text(body, "Type", "@odata.type").lstrip("#").startswith("HpBios.")


def attributes_of(body: Json) -> dict[str, BiosValue]:
    """Attributes with a value, fit to be shown; passwords never become facts."""
    found: dict[str, BiosValue] = {}
    listed = {n: v for n, v in body.items() if n not in ABOUT and "@" not in n} if flat(body) else inner(body, "Attributes")
    for name, value in list(listed.items())[:ATTRIBUTES]:
        if not name.isprintable() or len(name) > 256:
            continue
        if isinstance(value, Mapping):
            # Cray EX keeps {"current_value": "All", "AllowableValues": [...], "reset_type": "Cold"}.
            value = value.get("current_value")
        if isinstance(value, int) and abs(value) < LARGEST:
            found[name] = value
        elif isinstance(value, str) and not PASSWORD.search(name):
            value = value[:1024]
            found[name] = value if value.isprintable() else "".join(c if c.isprintable() else " " for c in value)
    return found
