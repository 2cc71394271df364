"""BIOS attributes, plans and what became of them, as text and as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from bpa.cli.words import columns
from bpa.core.bios import MEANINGS, BiosPlan, Machine, Rules, resolve_intent
from bpa.core.steps import BiosValue

if TYPE_CHECKING:
    from bpa.adapters.redfish.bios.looking import SeenBios

WIDE = 60


def chosen(words: Sequence[str], machine: Machine) -> tuple[list[str], list[str]]:
    """The attributes that names and globs stand for (all without any), and the words that stand for none."""
    if not words:
        return sorted(machine.now), []
    found: dict[str, None] = {}
    unknown = []
    for word in words:
        names = [word] if word in machine.now else sorted(n for n in machine.now if fnmatchcase(n, word))
        found.update(dict.fromkeys(names))
        if not names:
            unknown.append(word)
    return list(found), unknown


def attribute_data(name: str, machine: Machine) -> dict[str, Any]:
    """One attribute as data."""
    known = machine.attribute(name)
    data: dict[str, Any] = {"name": name, "value": machine.now[name]}
    if name in machine.pending:
        data["pending"] = machine.pending[name]
    if known is None:
        return data
    limits = {"lower": known.lower, "upper": known.upper, "increment": known.increment, "minLength": known.shortest,
              "maxLength": known.longest, "expression": known.expression or None}
    return {**data, "type": known.type, "displayName": known.display, "allowed": list(machine.allowed(name)),
            "readOnly": known.read_only, "hidden": known.hidden, "grayOut": known.gray,
            **{k: v for k, v in limits.items() if v is not None}}


def attribute_lines(names: Sequence[str], machine: Machine) -> Iterator[str]:
    """A table: value now, pending, what it may be, and what the registry calls it."""
    rows = [[click.style(word, bold=True) for word in ("ATTRIBUTE", "VALUE", "PENDING", "MAY BE", "MEANS")]]
    for name in names:
        known = machine.attribute(name)
        pending = shown(machine.pending[name]) if name in machine.pending else ""
        rows.append([name, shown(machine.now[name]), click.style(pending, fg="yellow") if pending else "", _may_be(name, machine),
                     _short(known.display if known is not None and known.display != name else "")])
    yield from columns(rows)


def intent_data(intent: Any, machine: Machine, rules: Rules) -> dict[str, Any]:
    """What an intent comes to on this machine, for each of its meanings."""
    meanings: dict[str, Any] = {}
    for meaning in MEANINGS[intent]:
        found = resolve_intent(intent, meaning, rules, machine)
        if isinstance(found, tuple):
            meanings[meaning] = [{"attribute": one.attribute, "value": one.value, "now": machine.now[one.attribute],
                                  "confidence": one.confidence, "why": one.why, "source": one.source} for one in found]
        else:
            meanings[meaning] = {"problem": found.reason, "candidates": [
                {"name": c.name, "displayName": c.display, "value": c.now, "whyNot": c.why_not} for c in found.candidates]}
    return {"intent": intent, "meanings": meanings}


def intent_lines(data: dict[str, Any]) -> Iterator[str]:
    """The same as text."""
    yield click.style(str(data["intent"]), bold=True)
    told: dict[str, None] = {}
    for meaning, found in data["meanings"].items():
        if isinstance(found, list):
            how = " and ".join(f"{one['attribute']}={one['value']}" for one in found)
            now = all(type(one["value"]) is type(one["now"]) and one["value"] == one["now"] for one in found)
            yield f"  {meaning}: {how}" + (click.style("  (so it is now)", fg="green") if now else "")
            told.update((f"    {one['confidence']}: {one['why']} [{one['source']}]", None) for one in found)
        else:
            yield f"  {meaning}: {found['problem']}"
            told.update((f"    near: {c['name']} \"{c['displayName']}\" (now {c['value']!r}): {c['whyNot']}", None)
                        for c in found["candidates"])
    yield from told


def plan_data(plan: BiosPlan) -> dict[str, Any]:
    """A plan as data."""
    return {"settings": [
        {"attribute": s.attribute, "value": s.value, "now": s.now, "changes": s.changes, "intent": s.intent,
         "neededFor": s.needed_for, "confidence": s.confidence, "why": s.why, "source": s.source} for s in plan.settings
    ], "notes": list(plan.notes)}


def plan_lines(plan: BiosPlan) -> Iterator[str]:
    """A plan as text: what changes, why, and what is so already."""
    for one in plan.settings:
        if one.changes:
            yield f"{click.style('~', fg='yellow')} {one.attribute}: {shown(one.now)} -> {shown(one.value)}"
            yield f"    {one.why}"
            if one.confidence != "exact":
                yield f"    by {one.confidence}; source: {one.source}"
    same = [f"{one.attribute}={shown(one.value)}" for one in plan.settings if not one.changes]
    if same:
        yield f"already so: {', '.join(same)}"
    yield from (f"note: {note}" for note in plan.notes)


def head_line(seen: SeenBios) -> str:
    """What is known of the registry, in one line."""
    registry = seen.machine.registry
    if registry is None:
        why = f" ({'; '.join(seen.problems[:2])})" if seen.problems else ""
        return f"{len(seen.machine.now)} attributes; no attribute registry: types and allowed values are not known{why}"
    return f"{len(seen.machine.now)} attributes; registry {registry}"


def shown(value: BiosValue) -> str:
    """A value in one short piece; an empty text can be seen."""
    return '""' if value == "" and isinstance(value, str) else _short(str(value))


def _may_be(name: str, machine: Machine) -> str:
    known = machine.attribute(name)
    if known is None:
        return ""
    said = " | ".join(str(v) for v in machine.allowed(name))
    if not said and known.type == "Integer":
        said = f"{_limit(known.lower)}..{_limit(known.upper)}"
    if not said and known.type == "String":
        said = f"text of {_limit(known.shortest)}..{_limit(known.longest)}"
    return ("read-only" if known.read_only else "") + (" " if known.read_only and said else "") + _short(said)


def _limit(value: int | None) -> str:
    return "" if value is None else str(value)


def _short(text: str) -> str:
    return text if len(text) <= WIDE else text[: WIDE - 1] + "…"


def joined(values: Iterable[tuple[str, BiosValue]]) -> str:
    """name=value, name=value"""
    return ", ".join(f"{name}={shown(value)}" for name, value in values)
