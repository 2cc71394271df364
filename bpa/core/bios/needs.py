"""What must be changed first, or with it, so that a wanted attribute can be written at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bpa.core.bios.dependencies import compare, forced, in_words, locks, true_term
from bpa.core.bios.machine import Machine
from bpa.core.bios.registry import Dependency, Registry
from bpa.core.bios.rules import Rules, plain, same
from bpa.core.bios.validation import Problem
from bpa.core.steps import BiosValue

DEPTH = 4
NOT_BY_ITSELF = re.compile(r"secure_?boot|tpm|tcg|trusted|password|lock(down)?$|configlock", re.IGNORECASE)
"""What guards a machine is never changed as a by-product: a person asks for it by name."""
FREE = ("custom", "custommode")
"""What vendors call the profile that leaves all attributes to the user."""


@dataclass(frozen=True, slots=True)
class Need:
    """`attribute` must be `value` so that `needed_for` can be written; why in words."""

    attribute: str
    value: BiosValue
    needed_for: str
    why: str


def needs_of(name: str, wanted: Mapping[str, BiosValue], rules: Rules, machine: Machine) -> tuple[Need, ...] | Problem:
    """What else must be set, in that order, for attribute `name` to become wanted[name]; or why it cannot be written.

    wanted is all that the profile asks, in this BIOS's words; what it asks of other attributes is never changed.
    """
    needs: dict[str, Need] = {}
    for rule in rules.needs:
        if any(fnmatchcase(name, pattern) for pattern in rule.attributes):
            for other, value in rule.unless.items():
                if other in machine.now and not same(_then(other, wanted, needs, machine), value):
                    if other in wanted:
                        return Problem(f"{name} can only be changed while {other} is {value}, and the profile wants "
                                       f"{other} {wanted[other]}", f"set {other} to {value}, or leave {name} out")
                    needs[other] = Need(other, value, name, f"this BIOS leaves {name} alone unless {other} is {value} "
                                                            f"({rule.source})")
    if machine.registry is None:
        return tuple(needs.values())
    return _unlock(name, wanted, needs, machine, machine.registry, DEPTH)


def _unlock(
    name: str, wanted: Mapping[str, BiosValue], needs: dict[str, Need], machine: Machine, registry: Registry, depth: int
) -> tuple[Need, ...] | Problem:
    attribute = registry.get(name)
    if attribute is not None and attribute.read_only:
        return Problem(f"BIOS attribute {name} is read-only", "take it out of the profile; it tells what the machine is, or "
                       "name it under bios.unchecked if you know that its registry is wrong")
    if not locks(registry, name, "ReadOnly", machine.now, machine.usual):
        # It can be written now. That something else which is wanted will lock it only means that it comes first.
        return tuple(needs.values())
    for _ in range(DEPTH):
        then = _values(wanted, needs, machine)
        locked = locks(registry, name, "ReadOnly", then, machine.usual)
        if not locked:
            return tuple(needs.values())
        found = _free(name, locked, then, wanted, machine, registry)
        if isinstance(found, Problem):
            return found
        if depth <= 0 or found.attribute in needs:
            break
        needs_first = _unlock(found.attribute, {**wanted, found.attribute: found.value}, {}, machine, registry, depth - 1)
        if isinstance(needs_first, Problem):
            return Problem(f"{name} needs {found.attribute} to be {found.value}, and: {needs_first.reason}", needs_first.advice)
        for need in (*needs_first, found):
            needs[need.attribute] = need
    return Problem(f"BIOS attribute {name} stays read-only whatever is set first", "set it in the firmware setup by hand")


def _free(
    name: str, locked: tuple[Dependency, ...], then: Mapping[str, BiosValue], wanted: Mapping[str, BiosValue],
    machine: Machine, registry: Registry,
) -> Need | Problem:
    """The one change that lifts at least the first lock, and lifts as many as can be."""
    first = locked[0]
    why = in_words(first, then, registry, machine.usual)
    culprits = [
        t.attribute for t in first.terms
        if t.property == "CurrentValue" and true_term(t, then, registry, machine.usual) is True
    ]
    culprits = list(dict.fromkeys(culprits))
    asked = [c for c in culprits if c in wanted and c != name]
    options: list[tuple[str, BiosValue]] = []
    for culprit in culprits:
        if culprit in wanted:
            continue
        if NOT_BY_ITSELF.search(culprit):
            return Problem(f"BIOS attribute {name} is read-only while {why}",
                           f"BPA does not change {culprit} by itself: name it under bios.attributes, or leave {name} out")
        options += [(culprit, value) for value in _lifting(culprit, name, first, then, machine, registry)]
    chosen = _least(options, wanted, then, machine, registry)
    if chosen is None and not options and asked:
        return Problem(f"BIOS attribute {name} is read-only while {why}, and the profile wants {asked[0]} {wanted[asked[0]]}",
                       f"change {asked[0]} in the profile, or leave {name} out")
    if chosen is None:
        several = ", ".join(f"{c}={v}" for c, v in options[:8])
        return Problem(f"BIOS attribute {name} is read-only while {why}",
                       f"set one of these too, under bios.attributes: {several}" if several else
                       f"nothing that its registry lists would change that: leave {name} out")
    return Need(chosen[0], chosen[1], name, f"{name} is read-only while {why}")


def _lifting(
    culprit: str, name: str, first: Dependency, then: Mapping[str, BiosValue], machine: Machine, registry: Registry
) -> Iterator[BiosValue]:
    """The values of `culprit` that lift the first lock; those that lift all locks alone, if there are any."""
    lifted: list[tuple[BiosValue, int]] = []
    for value in machine.allowed(culprit):
        left = locks(registry, name, "ReadOnly", {**then, culprit: value}, machine.usual)
        if first not in left:
            lifted.append((value, len(left)))
    least = min((left for _, left in lifted), default=0)
    yield from (value for value, left in lifted if left == least)


def _least(
    options: list[tuple[str, BiosValue]], wanted: Mapping[str, BiosValue], then: Mapping[str, BiosValue],
    machine: Machine, registry: Registry,
) -> tuple[str, BiosValue] | None:
    """The one option that takes no wanted value back and changes least else; None where that is not one."""
    weighed: list[tuple[int, tuple[str, BiosValue]]] = []
    for attribute, value in options:
        by_itself = list(forced(registry, {**then, attribute: value}, machine.usual, frozenset({attribute})))
        if any(d.attribute in wanted and not compare(wanted[d.attribute], "EQU", v) for d, v in by_itself):
            continue
        weighed.append((len(by_itself), (attribute, value)))
    least = min((weight for weight, _ in weighed), default=0)
    best = [option for weight, option in weighed if weight == least]
    if len(best) > 1:
        best = [(a, v) for a, v in (o for _, o in weighed) if _is_free(a, v, machine)]
    return best[0] if len(best) == 1 else None


def _is_free(attribute: str, value: BiosValue, machine: Machine) -> bool:
    described = machine.attribute(attribute)
    names = {str(value)}
    if described is not None:
        names |= {text for c in described.choices if value in (c.name, c.display) for text in (c.name, c.display)}
    return any(plain(text) in FREE for text in names)


def _then(name: str, wanted: Mapping[str, BiosValue], needs: Mapping[str, Need], machine: Machine) -> BiosValue:
    return _values(wanted, needs, machine)[name]


def _values(wanted: Mapping[str, BiosValue], needs: Mapping[str, Need], machine: Machine) -> dict[str, BiosValue]:
    return {**machine.now, **wanted, **{n: need.value for n, need in needs.items()}}
