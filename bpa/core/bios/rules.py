"""What a profile means by an intent, and how vendors spell it: the types that the data files below core/data/bios fill."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from bpa.core.steps import BiosValue

Intent = Literal[
    "virtualization", "iommu", "sriov", "hyperthreading", "bootMode", "powerProfile", "tme", "sgx", "snc", "nps", "pmem",
]
Meaning = bool | str
"""What an intent asks: true or false for a switch, else one of MEANINGS."""
MEANINGS: Mapping[Intent, tuple[str, ...]] = {
    "virtualization": ("on", "off"),
    "iommu": ("on", "off"),
    "sriov": ("on", "off"),
    "hyperthreading": ("on", "off"),
    "bootMode": ("uefi", "legacy"),
    "powerProfile": ("performance", "balanced", "powersave", "custom"),
    "tme": ("on", "off"),
    "sgx": ("on", "off"),
    "snc": ("on", "off", "2", "4"),
    "nps": ("1", "2", "4"),
    "pmem": ("appDirect", "memoryMode"),
}
HASHED = "{hash}"
"""Ends the name of a rule whose attribute carries a suffix that changes with each BIOS build: `_3C6F`, `#0047`."""
_HASH = re.compile(r"[_#][0-9A-Fa-f]{4}$")


@dataclass(frozen=True, slots=True)
class Rule:
    """One way a vendor spells an intent.

    attribute is the name in Bios.Attributes ("" = known by its display name only), display the registry's DisplayName.
    values: meaning -> the values that mean it, the first one is written; a meaning without values is told by the
    registry (SWITCHES). Rules of one intent with the same group belong together: that machine needs all of them.
    vendors are the beginnings of ComputerSystem.Manufacturer, lower case; () = anybody's. source says who says so.
    """

    intent: Intent
    source: str
    attribute: str = ""
    display: str = ""
    values: Mapping[str, tuple[BiosValue, ...]] = field(default_factory=dict)
    vendors: tuple[str, ...] = ()
    family: str = ""
    group: str = ""

    @property
    def hashed(self) -> bool:
        """Whether the attribute's name ends in a suffix that changes with each BIOS build."""
        return self.attribute.endswith(HASHED)

    def names(self, name: str, bare: bool = False) -> bool:
        """Whether `name` is this rule's attribute; letters and digits count, where a hash follows them.

        bare: also without the hash. Some builds leave it out (Supermicro's SMTControl_0037 is SMTControl in the next
        BIOS); a name that is so short may be another vendor's for something else, so the machine's maker must fit.
        """
        if not self.attribute:
            return False
        if not self.hashed:
            return name == self.attribute
        return (bare or is_hashed(name)) and plain(_HASH.sub("", name)) == plain(self.attribute[: -len(HASHED)])

    def shown_as(self, display: str) -> bool:
        """Whether the registry's DisplayName is this rule's."""
        return bool(self.display) and plain(display) == plain(self.display)

    def knows(self, value: BiosValue) -> bool:
        """Whether the rule knows what this value means."""
        return any(same(value, known) for values in self.values.values() for known in values)


@dataclass(frozen=True, slots=True)
class Need:
    """Attributes (globs) that a BIOS silently leaves alone unless other attributes have these values.

    For what registries do not say: their own Dependencies come first.
    """

    attributes: tuple[str, ...]
    unless: Mapping[str, BiosValue]
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules and needs that are known."""

    rules: tuple[Rule, ...] = ()
    needs: tuple[Need, ...] = ()

    def of(self, intent: str) -> tuple[Rule, ...]:
        """The rules of one intent."""
        return tuple(rule for rule in self.rules if rule.intent == intent)

    def without(self, rule: Rule) -> Rules:
        """All but one: what a test of that one needs."""
        return Rules(tuple(other for other in self.rules if other is not rule), self.needs)


SWITCHES: Mapping[str, tuple[str, ...]] = {
    "on": ("enabled", "enable", "on", "yes", "active", "true"),
    "off": ("disabled", "disable", "off", "no", "inactive", "false"),
}
"""Words for on and off, as `plain` leaves them: they serve where a rule knows the attribute and not its values."""


def is_hashed(name: str) -> bool:
    """Whether a name ends in what looks like the hash of a BIOS build."""
    return bool(_HASH.search(name))


def meaning_of(asked: Meaning) -> str:
    """True -> "on", False -> "off", all else as it is written."""
    if isinstance(asked, bool):
        return "on" if asked else "off"
    return asked


def same(one: BiosValue, other: BiosValue) -> bool:
    """Equal and of one type: True is not 1 in a BIOS."""
    return type(one) is type(other) and one == other


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Letters and digits only, in lower case: "Intel VT for Directed I/O (VT-d)" -> "intelvtfordirectediovtd"."""
    return "".join(c for c in text.lower() if c.isalnum())
