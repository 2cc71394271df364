"""BIOS attributes, pure: what a profile means on one machine, whether it can be so, and what it needs."""

from bpa.core.bios.machine import Machine
from bpa.core.bios.planning import BiosPlan, BiosWant, Setting, plan_bios, resolve
from bpa.core.bios.registry import Attribute, Choice, Dependency, Registry, Term
from bpa.core.bios.resolution import Ambiguous, NotFound, Resolution, resolve_intent
from bpa.core.bios.rules import MEANINGS, Intent, Meaning, Need, Rule, Rules

__all__ = [
    "MEANINGS",
    "Ambiguous",
    "Attribute",
    "BiosPlan",
    "BiosWant",
    "Choice",
    "Dependency",
    "Intent",
    "Machine",
    "Meaning",
    "Need",
    "NotFound",
    "Registry",
    "Resolution",
    "Rule",
    "Rules",
    "Setting",
    "Term",
    "plan_bios",
    "resolve",
    "resolve_intent",
]
