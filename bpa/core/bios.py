"""Which BIOS attributes a machine must have, from what a profile means: intents by rules, raw names as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase

from bpa.core.steps import BiosValue
from bpa.core.verdict import Stuck
from bpa.core.want import BiosWant, Intent, IntentRule


def resolve(want: BiosWant, present: Mapping[str, BiosValue]) -> Mapping[str, BiosValue] | Stuck:
    """Attribute name -> wanted value in the type this BIOS uses, sorted by name; or Stuck, saying what is unclear.

    present are the current Bios.Attributes. Raw attributes win over intents that mean the same attribute.
    """
    resolved: dict[str, BiosValue] = {}
    meant_by: dict[str, Intent] = {}
    for intent, on in sorted(want.intents.items()):
        found = _meaning(want, intent, on, present)
        if isinstance(found, Stuck):
            return found
        for attribute, value in found.items():
            if attribute in resolved and resolved[attribute] != value:
                return Stuck(
                    f"{meant_by[attribute]} and {intent} are one BIOS attribute here, {attribute}, "
                    f"and the profile wants them different",
                    "give both intents the same value, or leave one out",
                )
            resolved[attribute], meant_by[attribute] = value, intent
    for name, wanted in sorted(want.attributes.items()):
        if name not in present:
            return Stuck(f"the BIOS has no attribute {name}", _nearest(name, present))
        typed = _in_type_of(present[name], wanted)
        if typed is None:
            return Stuck(
                f"BIOS attribute {name} is {_kind(present[name])} (now {present[name]!r}), the profile says {wanted!r}",
                "write the value as the BIOS does, a text in quotes",
            )
        resolved[name] = typed
    return dict(sorted(resolved.items()))


def _meaning(
    want: BiosWant, intent: Intent, on: bool, present: Mapping[str, BiosValue]
) -> Mapping[str, BiosValue] | Stuck:
    rules = [rule for rule in want.rules if rule.intent == intent]
    spelled = {name: said for name in present if (said := _spelled(name, present[name], rules))}
    spelled = _dedicated(want, intent, spelled)
    if not spelled:
        return Stuck(
            f"no rule knows what {intent} is called in this BIOS", _nearest_to_intent(intent, rules, present)
        )
    values = {name: {rule.on if on else rule.off for rule in said} for name, said in spelled.items()}
    sources = {rule.source for said in spelled.values() for rule in said}
    clear = all(len(ways) == 1 for ways in values.values()) and (len(values) == 1 or len(sources) == 1)
    told = want.attributes.keys() & values.keys()
    if clear or all(present[name] in ways for name, ways in values.items()):
        return {name: ways.pop() for name, ways in values.items() if name not in told}
    if told:
        return {}
    return Stuck(
        f"{intent} can be set in several ways here: "
        + ", ".join(
            f"{name} (now {present[name]!r}) to {' or '.join(sorted(map(repr, ways)))}"
            for name, ways in sorted(values.items())
        ),
        "name the right attribute and value under bios.attributes of the profile",
    )


def _spelled(name: str, value: BiosValue, rules: list[IntentRule]) -> list[IntentRule]:
    """The rules that can mean this attribute; where some know its present value, only those."""
    named = [r for r in rules if fnmatchcase(name, r.attribute) and type(r.on) is type(value)]
    return [r for r in named if value in (r.on, r.off)] or named


def _dedicated(
    want: BiosWant, intent: Intent, spelled: dict[str, list[IntentRule]]
) -> dict[str, list[IntentRule]]:
    """Without the attributes that also mean another intent, where something else is left.

    One vendor's switch for VT-x and VT-d together has the name of another's for VT-x alone.
    """
    others = [rule.attribute for rule in want.rules if rule.intent != intent]
    alone = {n: said for n, said in spelled.items() if not any(fnmatchcase(n, other) for other in others)}
    return alone or spelled


def _in_type_of(present: BiosValue, wanted: BiosValue) -> BiosValue | None:
    """wanted as the type of present where nothing is lost, else None: a BIOS refuses '8' where it says 8."""
    if type(present) is type(wanted):
        return wanted
    if isinstance(present, bool) or isinstance(wanted, bool):
        return None
    if isinstance(present, str):
        return str(wanted)
    text = str(wanted)
    return int(text) if text.lstrip("-").isdecimal() and text.isascii() and str(int(text)) == text else None


def _kind(value: BiosValue) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int) else "a text"


def _nearest(name: str, present: Iterable[str]) -> str:
    by_lower = {p.lower(): p for p in present}
    near = get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.5)
    if near:
        return "nearest names: " + ", ".join(by_lower[n] for n in near)
    return (
        "this BIOS shows no attributes at all" if not by_lower else "`bpa facts` lists the attributes it has"
    )


def _nearest_to_intent(intent: str, rules: list[IntentRule], present: Mapping[str, BiosValue]) -> str:
    if not present:
        return "this BIOS shows no attributes at all"
    by_lower = {p.lower(): p for p in present}
    near: dict[str, None] = {}
    for name in (intent, *(rule.attribute.rstrip("?*_").lower() for rule in rules)):
        near.update(dict.fromkeys(get_close_matches(name, list(by_lower), n=1, cutoff=0.7)))
    hint = f"nearest names: {', '.join(by_lower[n] for n in list(near)[:5])}; " if near else ""
    return f"{hint}name the attribute under bios.attributes of the profile, or leave the intent {intent} out"
