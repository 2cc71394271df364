"""An attribute registry as a BMC serves it, to the one that plans are made with. Hostile: typed and bounded throughout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bpa.adapters.redfish.reading import Json, inner, objects, text
from bpa.adapters.redfish.transport.answers import clean
from bpa.core.bios.dependencies import joints
from bpa.core.bios.registry import Attribute, Choice, Dependencies, Dependency, Registry, Term
from bpa.core.steps import BiosValue

ATTRIBUTES = 10000
DEPENDENCIES = 20000
CHOICES = 1024
TERMS = 32


def parse_registry(body: Json) -> Registry:
    """An AttributeRegistry as served. Hostile: what is not of its type is left out, and there is no more than is bounded."""
    entries = inner(body, "RegistryEntries")
    known: dict[tuple[str, str], Choice] = {}
    attributes = (_attribute(entry, known) for entry in _many(entries, "Attributes", ATTRIBUTES))
    told = (inner(entry, "Dependency") for entry in _many(entries, "Dependencies", DEPENDENCIES))
    changes = ((text(one, "MapToAttribute"), text(one, "MapToProperty"), one) for one in told)
    return Registry(text(body, "Id", "Name"), (a for a in attributes if a), Dependencies(changes, _dependency))


def is_registry(body: Json) -> bool:
    """An attribute registry, and not one of messages."""
    return bool(objects(inner(body, "RegistryEntries"), "Attributes"))


def trimmed(body: Json) -> dict[str, Any]:
    """What parse_registry reads of it: help texts and menus are half of it."""
    entries = inner(body, "RegistryEntries")
    keep = ("AttributeName", "Type", "DisplayName", "Value", "ReadOnly", "Immutable", "Hidden", "GrayOut", "LowerBound",
            "UpperBound", "ScalarIncrement", "MinLength", "MaxLength", "ValueExpression")
    return {"Id": text(body, "Id", "Name"), "RegistryEntries": {
        "Attributes": [{k: entry[k] for k in keep if k in entry} for entry in _many(entries, "Attributes", ATTRIBUTES)],
        "Dependencies": [{"Dependency": inner(entry, "Dependency")} for entry in _many(entries, "Dependencies", DEPENDENCIES)],
    }}


def _attribute(entry: Json, known: dict[tuple[str, str], Choice]) -> Attribute | None:
    name = text(entry, "AttributeName")
    if not name:
        return None
    return Attribute(
        name=name, type=text(entry, "Type"), display=text(entry, "DisplayName"), choices=tuple(_choices(entry, known)),
        read_only=entry.get("ReadOnly") is True or entry.get("Immutable") is True, hidden=entry.get("Hidden") is True,
        gray=entry.get("GrayOut") is True, lower=_whole(entry, "LowerBound"), upper=_whole(entry, "UpperBound"),
        increment=_whole(entry, "ScalarIncrement"), shortest=_whole(entry, "MinLength"), longest=_whole(entry, "MaxLength"),
        expression=_expression(entry),
    )


def _choices(entry: Json, known: dict[tuple[str, str], Choice]) -> Iterator[Choice]:
    """known: those of the whole registry, for nearly all of them are Enabled and Disabled."""
    for value in _many(entry, "Value", CHOICES):
        name, display = _word(value.get("ValueName")), _word(value.get("ValueDisplayName"))
        if name or display:
            both = name or display, display or name
            yield known.get(both) or known.setdefault(both, Choice(*both))


def _dependency(inside: Json) -> Dependency | None:
    attribute, property = text(inside, "MapToAttribute"), text(inside, "MapToProperty")
    value = _value(inside.get("MapToValue"))
    raw = _many(inside, "MapFrom", TERMS)
    terms = [term for one in raw if (term := _term(one))]
    # Half of a condition is another condition: better none.
    if not attribute or not property or value is None or not terms or len(terms) != len(raw):
        return None
    return Dependency(attribute, property, value, tuple(terms), joints(tuple(_operator(one) for one in raw)))


def _operator(term: Json) -> str | None:
    return text(term, "MapTerms").upper().replace(" ", "") or None


def _term(entry: Json) -> Term | None:
    attribute, value = text(entry, "MapFromAttribute"), _value(entry.get("MapFromValue"))
    if not attribute or value is None:
        return None
    return Term(attribute, text(entry, "MapFromProperty") or "CurrentValue", text(entry, "MapFromCondition").upper(), value)


def _many(body: Json, key: str, most: int) -> list[Json]:
    value = body.get(key)
    return [v for v in value[:most] if isinstance(v, dict)] if isinstance(value, list) else []


def _word(value: object) -> str:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    return clean(str(value))


def _value(value: object) -> BiosValue | None:
    if isinstance(value, str):
        return clean(value)
    return value if isinstance(value, int) and abs(value) < 1 << 64 else None


def _whole(body: Json, key: str) -> int | None:
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 63:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 1 << 64 else None


def _expression(body: Json) -> str:
    value = body.get("ValueExpression")
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 4096 else ""
