"""What comes nearest to an intent, and why it was not taken: for a person to decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from bpa.core.bios.machine import Machine
from bpa.core.bios.rules import Intent, Rules, plain
from bpa.core.steps import BiosValue

SHOWN = 5
WORDS: Mapping[Intent, tuple[str, ...]] = {
    "virtualization": ("virtualization", "virtualisation", "vtx", "vmx", "svm"),
    "iommu": ("iommu", "vtd", "vtfordirected", "dmaremap", "iovt", "iovirtualization"),
    "sriov": ("sriov", "singlerootio"),
    "hyperthreading": ("hyperthread", "smt", "logicalproc", "htcontrol"),
    "bootMode": ("bootmode",),
    "powerProfile": ("sysprofile", "systemprofile", "workloadprofile", "operatingmode", "powerprofile", "powerpolicy"),
    "tme": ("totalmemoryencryption", "memoryencryption", "tme", "tsme", "securememory"),
    "sgx": ("sgx", "guardextensions"),
    "snc": ("snc", "subnuma"),
    "nps": ("nps", "nodespersocket", "domainspersocket"),
    "pmem": ("pmem", "persistentmem", "volatilememorymode", "nvdimm", "memorymode"),
}
"""What stands in names and display names of an intent's attributes, as `plain` leaves them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An attribute that may be meant: its name, the registry's words for it, its value, and why it was not taken."""

    name: str
    display: str
    now: BiosValue | None
    why_not: str

    @property
    def text(self) -> str:
        shown = f' "{self.display}"' if self.display and self.display != self.name else ""
        return f"{self.name}{shown} (now {self.now!r}): {self.why_not}"


def nearest(intent: Intent, rules: Rules, machine: Machine) -> tuple[Candidate, ...]:
    """The attributes whose name or display name says something of the intent, or is nearly a name that a rule knows."""
    found: dict[str, str] = {}
    for name in machine.now:
        if any(word in plain(name) for word in WORDS[intent]):
            found.setdefault(name, _why_not(name, intent, rules, "its name alone does not tell what its values mean"))
    for name in machine.now:
        if any(word in plain(machine.display(name)) for word in WORDS[intent]):
            found.setdefault(name, _why_not(name, intent, rules, "its display name alone does not tell what it switches"))
    by_lower = {name.lower(): name for name in machine.now}
    for known in (intent, *(rule.attribute.removesuffix("{hash}") for rule in rules.of(intent) if rule.attribute)):
        for near in get_close_matches(known.lower(), list(by_lower), n=1, cutoff=0.85):
            found.setdefault(by_lower[near], _why_not(by_lower[near], intent, rules, f"it is not {known}"))
    return tuple(Candidate(n, machine.display(n), machine.now[n], why) for n, why in list(found.items())[:SHOWN])


def near_names(name: str, machine: Machine) -> tuple[str, ...]:
    """Attributes of this BIOS whose names are nearly `name`."""
    by_lower = {p.lower(): p for p in machine.now}
    return tuple(by_lower[n] for n in get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.5))


def _why_not(name: str, intent: Intent, rules: Rules, otherwise: str) -> str:
    others = dict.fromkeys(rule.intent for rule in rules.rules if rule.intent != intent and rule.names(name))
    return f"a rule knows it as {' and '.join(others)}" if others else otherwise
