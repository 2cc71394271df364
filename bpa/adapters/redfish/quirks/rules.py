"""The rules in data/*.yaml: which apply to a machine, and what they set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any, Literal, cast, get_args, get_type_hints

import yaml

from bpa.adapters.redfish.quirks.identity import Identity
from bpa.adapters.redfish.quirks.versions import Range, bound, parse

Kind = Literal["quirk", "bad"]


@dataclass(frozen=True, slots=True)
class Applied:
    """A rule that fits a machine. kind bad: firmware with a known fault. source: where this is known from."""

    id: str
    kind: Kind
    about: str
    source: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Quirks:
    """What the code does differently for a machine; the defaults are what the specification says.

    unsure: rules that would fit but for the firmware, whose version is not told or not understood. They do not apply.
    """

    expand: bool = True
    """$expand may be used where the service announces it."""
    parallel: int = 0
    """Most GETs at once; 0 = as many as the caller likes."""
    boot_request: Literal["changes", "all"] = "changes"
    """Boot override: only properties that change, or target, enabled and mode in every PATCH."""
    boot_mode: Literal["override", "bios"] = "override"
    """Where the boot mode is changed: BootSourceOverrideMode, or a BIOS attribute only."""
    cd_target: Literal["Cd", "UsbCd"] = "Cd"
    """The boot source override target that means virtual media, where it is allowed."""
    virtual_cd: Literal["override", "dell-attributes"] = "override"
    """How a machine is told to boot from its virtual CD."""
    applied: tuple[Applied, ...] = ()
    unsure: tuple[Applied, ...] = ()

    @property
    def bad(self) -> tuple[Applied, ...]:
        """Known faults of this firmware."""
        return tuple(a for a in self.applied if a.kind == "bad")


PARAMETERS = tuple(f.name for f in fields(Quirks) if f.name not in ("applied", "unsure"))


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry. "" or None in a condition = any; model and controller are globs without regard to case."""

    told: Applied
    set: Mapping[str, Any]
    vendor: str = ""
    service: str = ""
    model: str = ""
    controller: str = ""
    firmware: Range | None = None

    def fits(self, who: Identity) -> bool | None:
        """Whether it applies; None where only an unknown firmware version keeps it from being told."""
        if not _same(self.vendor, who.vendor) or not _same(self.service, who.service) or not _like(self.model, who.model):
            return False
        if self.controller and who.controller and not _like(self.controller, who.controller):
            return False
        if self.controller and not who.controller:
            return None
        if self.firmware is None:
            return True
        version = parse(who.service, who.controller, who.firmware)
        return None if version is None else self.firmware.holds(version)


def quirks_of(who: Identity, rules: tuple[Rule, ...] | None = None) -> Quirks:
    """What applies to a machine. Where two rules set the same parameter, the later one in the files wins."""
    settings: dict[str, Any] = {}
    applied, unsure = [], []
    for rule in all_rules() if rules is None else rules:
        fits = rule.fits(who)
        if fits is None:
            unsure.append(rule.told)
        elif fits:
            applied.append(rule.told)
            settings |= rule.set
    return replace(Quirks(), **settings, applied=tuple(applied), unsure=tuple(unsure))


def firmware_decides(who: Identity) -> bool:
    """Whether some rule asks for more than root and System tell: then the Manager is worth a request."""
    return any(rule.fits(who) is None for rule in all_rules())


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of data/*.yaml, files by name. Raises ValueError where an entry is wrong: a test reads them all."""
    folder = resources.files(__package__).joinpath("data")
    found: list[Rule] = []
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".yaml"):
            found += _read(file.name, yaml.safe_load(file.read_text("utf-8")))
    if len({rule.told.id for rule in found}) != len(found):
        raise ValueError("two quirks have the same id")
    return tuple(found)


def _read(name: str, entries: object) -> Iterator[Rule]:
    if not isinstance(entries, list):
        raise ValueError(f"{name}: a list of rules is due")
    for entry in entries:
        try:
            yield _rule(entry)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{name}: {entry.get('id') if isinstance(entry, dict) else entry}: {error}") from None


def _rule(entry: dict[str, Any]) -> Rule:
    unknown = set(entry) - {"id", "kind", "when", "set", "about", "source", "advice"}
    if unknown:
        raise ValueError(f"unknown keys {', '.join(sorted(unknown))}")
    kind = cast(Kind, entry.get("kind", "quirk"))
    if kind not in get_args(Kind) or not entry["about"] or not entry["source"]:
        raise ValueError("kind is quirk or bad; about and source are due")
    if (kind == "bad") != bool(entry.get("advice")) or (kind == "quirk") != bool(entry.get("set")):
        raise ValueError("a quirk sets something, a bad firmware has advice")
    when = dict(entry["when"])
    firmware = when.pop("firmware", None)
    told = Applied(entry["id"], kind, " ".join(entry["about"].split()), " ".join(entry["source"].split()),
                   " ".join(entry.get("advice", "").split()))
    return Rule(told, _checked(entry.get("set") or {}), firmware=_range(firmware) if firmware else None, **when)


def _checked(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    hints = get_type_hints(Quirks)
    for name, value in settings.items():
        if name not in PARAMETERS:
            raise ValueError(f"there is no parameter {name}")
        allowed = get_args(hints[name])
        if (allowed and value not in allowed) or (not allowed and type(value) is not hints[name]):
            raise ValueError(f"{name} cannot be {value!r}")
    return settings


def _range(told: dict[str, str]) -> Range:
    scheme = told["scheme"]
    start, end = (bound(scheme, str(told[key])) if key in told else () for key in ("from", "below"))
    return Range(scheme, start, end)


def _same(wanted: str, has: str) -> bool:
    return not wanted or wanted == has


def _like(glob: str, has: str) -> bool:
    return not glob or fnmatchcase(has.lower(), glob.lower())
