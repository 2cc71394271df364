"""A comparison of two reports as a person and as a program reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from bpa.cli.words import exact_clock, state_word
from bpa.core.compliance import Comparison, ConditionDifference, Report, SubjectDifference
from bpa.core.compliance.comparison import Direction

WAYS: tuple[Direction, ...] = ("worse", "better", "same")
COLOURS = {"worse": "red", "better": "green", "same": "white"}


def to_plain(old: Report, new: Report, comparison: Comparison) -> dict[str, Any]:
    """The comparison as what JSON has."""
    return {"old": _head(old), "new": _head(new), "worse": comparison.worse, "same": comparison.empty, **asdict(comparison)}


def lines_of(old: Report, new: Report, comparison: Comparison) -> Iterator[str]:
    """A line per difference, hosts in the order of the new report, and a sum."""
    yield f"old: {old.site}, {exact_clock(old.at)}, BPA {old.bpa}"
    yield f"new: {new.site}, {exact_clock(new.at)}, BPA {new.bpa}"
    for change in comparison.about:
        yield f"{change.what}: {change.old} -> {change.new}"
    for subject in comparison.subjects:
        yield from _subject(subject)
    if comparison.empty:
        yield "nothing differs"
        return
    worse, better, same = (sum(len(one.names(way)) for one in comparison.subjects) for way in WAYS)
    yield f"{worse} worse, {better} better, {same} otherwise different"


def _subject(one: SubjectDifference) -> Iterator[str]:
    name = click.style(one.name, bold=True)
    if one.presence != "both":
        yield f"{name}: only in the {'new' if one.presence == 'added' else 'old'} report"
    if one.another:
        yield f"{name}: another machine"
    for change in one.machine:
        yield f"{name}: {change.what.replace('_', ' ')}: {change.old or '(not told)'} -> {change.new or '(not told)'}"
    if one.documents:
        yield f"{name}: the documents ask something else"
    for condition in one.conditions:
        yield from _condition(name, condition)


def _condition(name: str, one: ConditionDifference) -> Iterator[str]:
    way = click.style({"same": "different"}.get(one.direction, one.direction), fg=COLOURS[one.direction])
    states = f": {state_word(one.old)} -> {state_word(one.new)}" if one.old != one.new else f" ({state_word(one.new)})"
    yield f"{name} {one.condition} {way}{states}"
    for change in one.wanted:
        yield f"    wanted {change.what}: {change.old or '(not asked)'} -> {change.new or '(not asked)'}"
    for change in one.found:
        yield f"    found: {change.old or '(nothing)'} -> {change.new or '(nothing)'}"


def _head(report: Report) -> dict[str, Any]:
    return {"site": report.site, "at": report.at, "bpa": report.bpa, "met": report.met}
