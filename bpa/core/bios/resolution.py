"""An intent to the attributes and values of one machine, by rules; or why not, with what comes nearest. Never a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bpa.core.bios.candidates import Candidate, nearest
from bpa.core.bios.dependencies import in_words, locks
from bpa.core.bios.machine import Machine
from bpa.core.bios.rules import SWITCHES, Intent, Meaning, Rule, Rules, is_hashed, meaning_of, plain, same
from bpa.core.steps import BiosValue

Confidence = Literal["exact", "pattern", "display name", "name only"]
"""exact: name and value are known; pattern: the name but for its hash; display name: the registry's words for it;
name only: the name is known, the present value is not one of the rule's and no registry lists the allowed ones."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """One attribute that an intent means here, the value that means it, how sure that is and why, and who says so."""

    intent: Intent
    meaning: str
    attribute: str
    value: BiosValue
    confidence: Confidence
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """No attribute of this machine is known to mean the intent, or none of its values the meaning."""

    intent: Intent
    meaning: str
    reason: str
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several ways, and nothing here tells which is right."""

    intent: Intent
    meaning: str
    reason: str
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class _Way:
    """A rule that names this attribute, with the value it would be given."""

    rule: Rule
    value: BiosValue
    knows: bool
    listed: bool
    by: Literal["name", "display name"]


_Named = dict[str, tuple[Literal["name", "display name"], list[Rule]]]


def resolve_intent(
    intent: Intent, asked: Meaning, rules: Rules, machine: Machine, told: Iterable[str] = ()
) -> tuple[Resolution, ...] | NotFound | Ambiguous:
    """The attributes that mean `intent` on this machine with the values for `asked`, sorted by name.

    told are attributes that the profile names itself: they decide where there are several.
    """
    meaning = meaning_of(asked)
    unmeant: _Named = {}
    found: dict[str, list[_Way]] = {}
    for named in _named(intent, rules, machine):
        unmeant = unmeant or named
        ways = {name: _ways(name, how, said, meaning, machine) for name, (how, said) in named.items()}
        found = {name: w for name, w in ways.items() if w}
        if found:
            break
    if not unmeant:
        unknown = f"no rule knows what {intent} is called in this BIOS"
        return NotFound(intent, meaning, _unshown(intent, rules, machine) or unknown, nearest(intent, rules, machine))
    if not found:
        said = [f"{n} (now {machine.now[n]!r}) has no value that is known to mean {intent} {meaning}" for n in sorted(unmeant)]
        return NotFound(intent, meaning, "; ".join(said), tuple(_undecided(n, intent, meaning, machine) for n in sorted(unmeant)))
    found = _dedicated(found, intent, rules)
    values = {name: {repr(way.value): way.value for way in w} for name, w in found.items()}
    group = {way.rule.group for w in found.values() for way in w}
    clear = all(len(v) == 1 for v in values.values()) and (len(values) == 1 or (len(group) == 1 and "" not in group))
    told_here = set(told) & values.keys()
    if not clear and not told_here and not all(any(same(machine.now[n], x) for x in v.values()) for n, v in values.items()):
        return Ambiguous(
            intent, meaning,
            f"{intent} can be set in several ways here: " + ", ".join(
                f"{name} (now {machine.now[name]!r}) to {' or '.join(sorted(v))}" for name, v in sorted(values.items())),
            tuple(_candidate(name, machine, f"it may mean {intent}, and so may others") for name in sorted(values)))
    if told_here and not clear:
        return ()
    return tuple(
        _resolution(intent, meaning, name, _best(found[name], machine.now[name]), machine)
        for name in sorted(found) if name not in told_here)


def _named(intent: Intent, rules: Rules, machine: Machine) -> Iterator[_Named]:
    """Attributes that rules name: this vendor's rules, then anybody's, then by the registry's words. Each only where the
    one before decided nothing.

    Another vendor's rule is not believed of an attribute that this vendor's rules know as something else (HPE's
    ProcVirtualization is VT-x alone, Dell's VT-d, too), nor of one whose name turns its values round.
    """
    maker = machine.manufacturer.strip().lower()
    own = tuple(rule for rule in rules.rules if maker and any(maker.startswith(vendor) for vendor in rule.vendors))
    said = rules.of(intent)
    mine = tuple(rule for rule in own if rule.intent == intent)
    taken = {n for rule in own if rule.intent != intent for n in machine.now if rule.names(n, bare=True)}
    taken -= {n for rule in mine for n in machine.now if rule.names(n, bare=True)}
    for named in (_by_name(mine, machine, bare=True), _by_name(said, machine), _by_display(said, machine)):
        believed = {n: (how, by) for n, (how, several) in named.items()
                    if n not in taken and (by := [r for r in several if r in mine or not _turned_round(n, machine)])}
        if believed:
            yield believed


def _turned_round(name: str, machine: Machine) -> bool:
    """Its name says Disable, and no registry tells what its values are about."""
    return not machine.display(name) and bool(re.search(r"Disable(?!d)", name)) and "Enable" not in name


def _by_name(rules: Iterable[Rule], machine: Machine, bare: bool = False) -> _Named:
    found: _Named = {}
    for rule in rules:
        names = (n for n in machine.now if rule.names(n, bare)) if rule.hashed else (
            n for n in (rule.attribute,) if n in machine.now)
        for name in names:
            found.setdefault(name, ("name", []))[1].append(rule)
    return found


def _by_display(rules: Iterable[Rule], machine: Machine) -> _Named:
    """By the registry's words, where no rule knows the name: AMI's are opaque (`Rome0565` is "SVM Mode")."""
    found: _Named = {}
    if machine.registry is None:
        return found
    for rule in rules:
        for name in machine.registry.shown_as(rule.display) if rule.display else ():
            if name in machine.now:
                found.setdefault(name, ("display name", []))[1].append(rule)
    return found


def _ways(
    name: str, how: Literal["name", "display name"], rules: list[Rule], meaning: str, machine: Machine
) -> list[_Way]:
    ways = [way for rule in rules if (way := _way(name, how, rule, meaning, machine))]
    # What the machine shows decides which of several rules for one name is about it: its present value first,
    # then the values its registry lists.
    ways = [way for way in ways if way.knows] or ways
    return [way for way in ways if way.listed] or ways


def _way(name: str, how: Literal["name", "display name"], rule: Rule, meaning: str, machine: Machine) -> _Way | None:
    present = machine.now[name]
    if _contradicted(name, rule, machine):
        return None
    meant = rule.values.get(meaning, ())
    bare = machine.bare(name, present)
    if any(same(x, value) for value in meant for x in (present, bare)):
        return _Way(rule, present, True, True, how)
    listed = machine.allowed(name)
    common = _in_common_words(rule)
    if common and not listed and not rule.knows(bare) and (other := _switch(name, how, rule, meaning, machine)):
        # Enable where the rule says Enabled: the same BIOS family, another spelling.
        return other
    for value in meant:
        written = machine.written(name, value) if listed else machine.spelt(name, value)
        if written is not None and type(written) is type(present):
            if same(written, present):
                return _Way(rule, present, True, True, how)
            return _Way(rule, written, _knows(rule, name, machine), bool(listed), how)
    return _switch(name, how, rule, meaning, machine) if common else None


def _in_common_words(rule: Rule) -> bool:
    """Whether the rule's values are but the common words for on and off: then other spellings of them will do too."""
    return all(
        isinstance(value, str) and plain(value) in SWITCHES.get(meaning, ())
        for meaning, values in rule.values.items() for value in values)


def _knows(rule: Rule, name: str, machine: Machine) -> bool:
    """Whether the rule knows what the present value means."""
    present = machine.now[name]
    return rule.knows(present) or rule.knows(machine.bare(name, present)) or any(
        same(present, written) for values in rule.values.values() for value in values
        if (written := machine.written(name, value)) is not None)


def _switch(name: str, how: Literal["name", "display name"], rule: Rule, meaning: str, machine: Machine) -> _Way | None:
    """By the words for on and off, which the present value or the registry must show."""
    present = machine.now[name]
    if isinstance(present, bool):
        return _Way(rule, meaning == "on", True, True, how) if meaning in SWITCHES else None
    words = SWITCHES.get(meaning, ())
    if not isinstance(present, str) or not words:
        return None
    bare = str(machine.bare(name, present))
    if plain(bare) in words:
        return _Way(rule, present, True, True, how)
    values = [v for word in words if (v := machine.word(name, word)) is not None]
    if len(values) == 1:
        return _Way(rule, values[0], True, True, how)
    if machine.allowed(name):
        return None
    opposite = _opposite(bare)
    return None if opposite is None else _Way(rule, machine.spelt(name, opposite), True, False, how)


def _opposite(present: str) -> str | None:
    """Enabled <-> Disabled, in the spelling of the present one."""
    for ones, others in ((SWITCHES["on"], SWITCHES["off"]), (SWITCHES["off"], SWITCHES["on"])):
        if plain(present) in ones:
            word = others[ones.index(plain(present))]
            return word.upper() if present.isupper() else word.capitalize() if present[:1].isupper() else word
    return None


def _contradicted(name: str, rule: Rule, machine: Machine) -> bool:
    """A display name that says Disable turns words for on and off round: no rule for the plain name holds then."""
    words = machine.display(name).lower().replace("/", " ").split()
    spelt = {plain(word) for word in words}
    text = any(isinstance(value, str) for values in rule.values.values() for value in values) or not rule.values
    return text and "disable" in spelt and "enable" not in spelt and not rule.display


def _dedicated(found: Mapping[str, list[_Way]], intent: Intent, rules: Rules) -> dict[str, list[_Way]]:
    """Without the attributes that also mean another intent, where something else is left.

    One vendor's switch for VT-x and VT-d together has the name of another's for VT-x alone.
    """
    others = [rule for rule in rules.rules if rule.intent != intent]
    alone = {n: w for n, w in found.items() if not any(rule.names(n) for rule in others)}
    return dict(alone or found)


def _unshown(intent: Intent, rules: Rules, machine: Machine) -> str:
    """What the registry knows for the intent and the BIOS does not show: most often another setting hides it."""
    if machine.registry is None:
        return ""
    for attribute in machine.registry.attributes():
        if attribute.name not in machine.now and any(rule.names(attribute.name) for rule in rules.of(intent)):
            hiding = locks(machine.registry, attribute.name, "Hidden", machine.now, machine.usual) or locks(
                machine.registry, attribute.name, "GrayOut", machine.now, machine.usual)
            why = f" while {in_words(hiding[0], machine.now, machine.registry, machine.usual)}" if hiding else ""
            return f"{intent} would be {attribute.name}, which this BIOS does not show{why}"
    return ""


def _best(ways: list[_Way], present: BiosValue) -> _Way:
    return next((way for way in ways if same(way.value, present)), ways[0])


def _resolution(intent: Intent, meaning: str, name: str, way: _Way, machine: Machine) -> Resolution:
    confidence: Confidence = "exact"
    display = machine.display(name)
    why = f"{name} is the name that {way.rule.family or 'this BIOS'} gives it"
    if way.by == "display name":
        confidence, why = "display name", f'the registry calls {name} "{display}"'
    elif way.rule.hashed and is_hashed(name):
        confidence, why = "pattern", f"{name} is {way.rule.attribute.removesuffix('{hash}')} but for the build's hash"
    if not way.knows and not way.listed:
        confidence = "name only"
        why += f"; its present value {machine.now[name]!r} is none that the rule knows, and no registry lists the others"
    return Resolution(intent, meaning, name, way.value, confidence, why, way.rule.source)


def _candidate(name: str, machine: Machine, why_not: str) -> Candidate:
    return Candidate(name, machine.display(name), machine.now.get(name), why_not)


def _undecided(name: str, intent: str, meaning: str, machine: Machine) -> Candidate:
    listed = ", ".join(repr(value) for value in machine.allowed(name)[:8])
    return _candidate(name, machine, f"no rule says which value means {intent} {meaning}" + (f" of {listed}" if listed else ""))
