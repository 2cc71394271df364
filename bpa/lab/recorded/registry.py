"""What the tree's own attribute registry says about each BIOS attribute (DSP0268, AttributeRegistry)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

from bpa.adapters.redfish.bios.registry_parsing import parse_registry
from bpa.adapters.redfish.reading import inner
from bpa.core.bios.dependencies import locks, settled
from bpa.core.bios.registry import Column, Registry, speaks
from bpa.lab.recorded.exchange import Doc
from bpa.lab.recorded.tree import Tree

Fault = Literal["PropertyNotWritable", "PropertyValueTypeError", "PropertyValueNotInList", "PropertyValueOutOfRange",
                "PropertyValueFormatError"]
CANDIDATE = re.compile(r"bios\w*registry", re.IGNORECASE)
OTHER_LANGUAGE = re.compile(r"/(?!en\b)[a-z]{2}(-[a-z]{2})?/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """One attribute. values: pairs of ValueName and ValueDisplayName; None = no bound."""

    kind: str
    values: tuple[tuple[str, str], ...] = ()
    lowest: int | None = None
    highest: int | None = None
    shortest: int | None = None
    longest: int | None = None
    read_only: bool = False
    default: Any = None

    def fault(self, value: object) -> Fault | None:
        """What is wrong with a value, as the Base registry calls it."""
        if self.read_only:
            return "PropertyNotWritable"
        if self.kind == "Integer":
            if not isinstance(value, int) or isinstance(value, bool):
                return "PropertyValueTypeError"
            low, high = self.lowest, self.highest
            return "PropertyValueOutOfRange" if (low is not None and value < low) or (
                high is not None and value > high) else None
        if self.kind == "Boolean":
            return None if isinstance(value, bool) else "PropertyValueTypeError"
        if not isinstance(value, str):
            return "PropertyValueTypeError"
        if self.kind == "Enumeration" and self.values:
            return None if any(value in pair for pair in self.values) else "PropertyValueNotInList"
        if (self.longest is not None and len(value) > self.longest) or (
                value and self.shortest is not None and len(value) < self.shortest):
            return "PropertyValueFormatError"
        return None

    def stored(self, value: Any, like: object) -> Any:
        """The value in the spelling that this machine keeps: some keep ValueDisplayNames where ValueNames are due."""
        for name, shown in self.values:
            if value == name and name != shown and any(like == s for _, s in self.values) and not any(
                    like == n for n, _ in self.values):
                return shown
        return value


_KNOWN: WeakKeyDictionary[Tree, dict[str, Rule]] = WeakKeyDictionary()
_LOCKS: WeakKeyDictionary[Tree, tuple[Registry, Column]] = WeakKeyDictionary()


def rules(tree: Tree) -> dict[str, Rule]:
    """Attribute name -> rule; {} where the tree has no registry. Read once per tree."""
    if tree not in _KNOWN:
        _KNOWN[tree] = _read(tree)
    return _KNOWN[tree]


def locked(tree: Tree, bios_path: str, name: str, values: Doc) -> bool:
    """Whether an attribute is read-only under these values: by itself, or because a dependency makes it so just then."""
    if tree not in _LOCKS:
        recorded = {n: v for n, v in (inner(tree.doc(bios_path) or {}, "Attributes")).items() if isinstance(v, str | int)}
        parsed = parse_registry(_document(tree))
        _LOCKS[tree] = settled(parsed, recorded, speaks(parsed, recorded)), speaks(parsed, recorded)
    registry, usual = _LOCKS[tree]
    attribute = registry.get(name)
    known = {n: v for n, v in values.items() if isinstance(v, str | int)}
    return attribute is not None and (attribute.read_only or bool(locks(registry, name, "ReadOnly", known, usual)))


def _read(tree: Tree) -> dict[str, Rule]:
    listed = inner(_document(tree), "RegistryEntries").get("Attributes", [])
    return {str(a.get("AttributeName")): _rule(a) for a in listed if isinstance(a, dict)}


def _document(tree: Tree) -> Doc:
    paths = sorted((p for p in tree.paths() if CANDIDATE.search(p)), key=lambda p: (bool(OTHER_LANGUAGE.search(p)), p))
    for path in paths:
        body = tree.doc(path) or {}
        listed = inner(body, "RegistryEntries").get("Attributes")
        if isinstance(listed, list) and listed:
            return body
    return {}


def _rule(entry: Doc) -> Rule:
    listed = entry.get("Value")
    values = tuple(
        (str(v.get("ValueName")), str(v.get("ValueDisplayName")))
        for v in (listed if isinstance(listed, list) else []) if isinstance(v, dict)
    )
    return Rule(
        kind=str(entry.get("Type")), values=values,
        lowest=_int(entry, "LowerBound"), highest=_int(entry, "UpperBound"),
        shortest=_int(entry, "MinLength"), longest=_int(entry, "MaxLength"),
        read_only=entry.get("ReadOnly") is True, default=entry.get("DefaultValue"),
    )


def _int(entry: Doc, name: str) -> int | None:
    value = entry.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
