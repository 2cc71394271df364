"""A comparison of two reports as a person and as a program reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

import click

from bpa.cli.report.found_text import change_lines, found_lines, list_lines
from bpa.cli.report.telling import LABELS
from bpa.cli.words import exact_clock, state_word
from bpa.core.compliance import Comparison, ConditionDifference, Report, SubjectDifference
from bpa.core.compliance.changes import Change
from bpa.core.compliance.comparison import Direction

WAYS: tuple[Direction, ...] = ("worse", "better", "same")
COLOURS = {"worse": "red", "better": "green", "same": "white"}


def to_plain(old: Report, new: Report, comparison: Comparison) -> dict[str, Any]:
    """The comparison as what JSON has: every text whole."""
    return {"old": _head(old), "new": _head(new), "worse": comparison.worse, "same": comparison.empty, **asdict(comparison)}


def lines_of(old: Report, new: Report, comparison: Comparison) -> Iterator[str]:
    """Some lines per difference, hosts in the order of the new report, and a sum."""
    yield f"old: {old.site}, {exact_clock(old.at)}, BPA {old.bpa}"
    yield f"new: {new.site}, {exact_clock(new.at)}, BPA {new.bpa}"
    for change in comparison.about:
        yield f"{LABELS.get(change.what, change.what)}: {change.old} -> {change.new}"
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
        yield f"{name}: {LABELS.get(change.what, change.what)}: {change.old or '(not told)'} -> {change.new or '(not told)'}"
    if one.documents:
        yield f"{name}: the documents ask something else"
    for condition in one.conditions:
        yield from _condition(name, condition)


def _condition(name: str, one: ConditionDifference) -> Iterator[str]:
    way = click.style({"same": "different"}.get(one.direction, one.direction), fg=COLOURS[one.direction])
    states = f": {state_word(one.old)} -> {state_word(one.new)}" if one.old != one.new else f" ({state_word(one.new)})"
    yield f"{name} {one.condition} {way}{states}"
    for what, group in groupby(one.wanted, lambda change: change.what):
        yield from _wanted(what, tuple(group))
    for change in one.found:
        told = change.old or "(nothing)", change.new or "(nothing)"
        # Where the state is another, the text is one of another kind: what it shares with the old one is chance.
        yield from found_lines(*told) if one.old == one.new else change_lines("found", *told)


def _wanted(what: str, group: Sequence[Change]) -> Iterator[str]:
    if what.endswith("[]"):
        yield from list_lines(f"wanted {what.removesuffix('[]')}", [one.old for one in group if one.old],
                              [one.new for one in group if one.new])
        return
    for one in group:
        yield from change_lines(f"wanted {what}", one.old or "(not asked)", one.new or "(not asked)")


def _head(report: Report) -> dict[str, Any]:
    return {"site": report.site, "at": report.at, "bpa": report.bpa, "met": report.met}
