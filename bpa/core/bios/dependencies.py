"""What a registry's dependencies come to under given values: true, false, or not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from bpa.core.bios.registry import Attribute, Column, Dependency, Registry, Term, as_written, column_of
from bpa.core.steps import BiosValue

Property = Literal["ReadOnly", "Hidden", "GrayOut"]
Truth = bool | None
AND, OR = ("AND",), ("OR",)
EITHER = ("AND", "OR")


def joints(terms: tuple[str | None, ...]) -> tuple[tuple[str, ...], ...]:
    """The operators between MapFrom terms, from their MapTerms as they stand (None = none).

    Evaluated from left to right (DSP8010 AttributeRegistry.v1_3_6, MapTerms). Seen on machines: the operator on the
    second of two terms (HPE, Supermicro), on the first of two (Lenovo), and nowhere at all (Dell), where it is OR: of
    the 24 attributes of a recorded R750 that such dependencies govern and that are read-only, AND explains 15, OR all.
    What is neither ("AND,OR", or a gap among others) may be both.
    """
    if len(terms) < 2:
        return ()
    if not any(terms):
        return (OR,) * (len(terms) - 1)
    between = terms[1:] if terms[-1] else terms[:-1]
    # An operator at both ends is one more than there are gaps: then the first says nothing.
    return tuple(AND if term == "AND" else OR if term == "OR" else EITHER for term in between)


def holds(dependency: Dependency, values: Mapping[str, BiosValue], registry: Registry, usual: Column) -> Truth:
    """Whether the dependency's condition is true under these values; None = that cannot be said."""
    possible: set[Truth] = {None}
    for index, term in enumerate(dependency.terms):
        found = true_term(term, values, registry, usual)
        if index == 0:
            possible = {found}
            continue
        possible = {
            _and(left, found) if joint == "AND" else _or(left, found)
            for left in possible
            for joint in dependency.joints[index - 1]
        }
    return possible.pop() if len(possible) == 1 else None


def true_term(term: Term, values: Mapping[str, BiosValue], registry: Registry, usual: Column) -> Truth:
    """Whether one term is true."""
    attribute = registry.get(term.attribute)
    if term.property == "CurrentValue":
        present = values.get(term.attribute)
        if present is None:
            return None
        return compare(present, term.condition, _written(attribute, term.value, present, usual))
    if attribute is None:
        return None
    state: dict[str, BiosValue | None] = {
        "ReadOnly": attribute.read_only, "Hidden": attribute.hidden, "GrayOut": attribute.gray,
        "LowerBound": attribute.lower, "UpperBound": attribute.upper, "MinLength": attribute.shortest,
        "MaxLength": attribute.longest, "ScalarIncrement": attribute.increment,
    }
    found = state.get(term.property)
    return None if found is None else compare(found, term.condition, term.value)


def compare(present: BiosValue, condition: str, value: BiosValue) -> Truth:
    """One comparison. Numbers and truth values written as text count as such; an unknown condition is not known."""
    left, right = _comparable(present), _comparable(value)
    if condition in ("EQU", "NEQ"):
        return (left == right) == (condition == "EQU")
    if not isinstance(left, int) or not isinstance(right, int):
        return None
    match condition:
        case "GTR":
            return left > right
        case "GEQ":
            return left >= right
        case "LSS":
            return left < right
        case "LEQ":
            return left <= right
    return None


def locks(
    registry: Registry, attribute: str, property: Property, values: Mapping[str, BiosValue], usual: Column
) -> tuple[Dependency, ...]:
    """The dependencies that make that property of the attribute true under these values."""
    return tuple(
        d for d in registry.on(attribute, property) if d.value is True and holds(d, values, registry, usual) is True
    )


def forced(
    registry: Registry, values: Mapping[str, BiosValue], usual: Column, by: frozenset[str] | None = None
) -> Iterator[tuple[Dependency, BiosValue]]:
    """What the BIOS itself will change: each dependency on a CurrentValue that holds, with the value as it is written.

    `by` keeps those of which a term is about one of these attributes: only a change evaluates them anew.
    """
    for dependency in registry.dependencies:
        if dependency.property != "CurrentValue" or (by is not None and not any(t.attribute in by for t in dependency.terms)):
            continue
        present = values.get(dependency.attribute)
        if present is None or holds(dependency, values, registry, usual) is not True:
            continue
        value = _written(registry.get(dependency.attribute), dependency.value, present, usual)
        if not compare(present, "EQU", value):
            yield dependency, value


def settled(registry: Registry, now: Mapping[str, BiosValue], usual: Column) -> Registry:
    """The registry without states that are but consequences of the present values.

    Dell's registry shows an attribute as ReadOnly that only a dependency makes so just now, HPE's does not: with this
    both read the same, and the registry may be kept over a restart that changes the values.
    """
    changed: list[Attribute] = []
    for attribute in registry.attributes():
        read_only = attribute.read_only and not locks(registry, attribute.name, "ReadOnly", now, usual)
        hidden = attribute.hidden and not locks(registry, attribute.name, "Hidden", now, usual)
        gray = attribute.gray and not locks(registry, attribute.name, "GrayOut", now, usual)
        if (read_only, hidden, gray) != (attribute.read_only, attribute.hidden, attribute.gray):
            changed.append(replace(attribute, read_only=read_only, hidden=hidden, gray=gray))
    return registry.with_attributes(changed)


def in_words(dependency: Dependency, values: Mapping[str, BiosValue], registry: Registry, usual: Column) -> str:
    """The condition that holds, as a person reads it: "SysProfile is not Custom"; of several with or, those that are true."""
    terms, between = dependency.terms, dependency.joints
    if all(joint == OR for joint in between):
        true = tuple(term for term in terms if true_term(term, values, registry, usual))
        terms = true or terms
        between = between[: len(terms) - 1]
    said = [f"{t.attribute} {_WORDS.get(t.condition, t.condition)} {t.value}" for t in terms]
    text = said[0] if said else "always"
    for joint, more in zip(between, said[1:], strict=True):
        text += f" {'and' if joint == AND else 'or' if joint == OR else 'and/or'} {more}"
    return text


_WORDS = {"EQU": "is", "NEQ": "is not", "GTR": ">", "GEQ": ">=", "LSS": "<", "LEQ": "<="}


def _written(attribute: Attribute | None, value: BiosValue, present: BiosValue, usual: Column) -> BiosValue:
    """A value of the registry in the column that the machine writes: terms name values by either."""
    if attribute is None or not isinstance(value, str) or not isinstance(present, str):
        return value
    column = column_of(attribute, present, usual)
    if any(choice[column] == value for choice in attribute.choices):
        return value
    found = as_written(attribute, value, present, usual)
    return value if found is None else found


def _comparable(value: BiosValue) -> BiosValue:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    word = value.strip()
    if word.lower() in ("true", "false"):
        return int(word.lower() == "true")
    digits = word.removeprefix("-")
    if digits.isascii() and digits.isdecimal() and len(digits) <= 20:
        return int(word)
    return word


def _and(left: Truth, right: Truth) -> Truth:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _or(left: Truth, right: Truth) -> Truth:
    if left is True or right is True:
        return True
    return None if left is None or right is None else False
