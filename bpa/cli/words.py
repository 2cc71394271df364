"""Values as a person reads them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import click

from bpa.core.plan import SubjectPlan
from bpa.core.requirement import Change

COLOURS = {
    "met": "green", "act": "yellow", "wait": "cyan", "stuck": "red", "drift": "yellow", "unseen": "magenta",
    "as written": "green", "changed": "yellow", "not as asked": "yellow",
}

TOLD_EACH = 3
"""So many changes that are part of one thing are told one by one, or named where there are more."""


def state_word(state: str) -> str:
    """A state in its colour."""
    return click.style(state, fg=COLOURS.get(state, "white"))


def duration(seconds: float) -> str:
    """75 -> "1m15s"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def clock(at: float) -> str:
    """Seconds since the epoch as date and time here."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def exact_clock(at: float) -> str:
    """The same with its distance from UTC, for what is read elsewhere: "2026-11-23 17:50:19 +0000"."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(at))


def change_line(change: Change) -> str:
    """One line of a plan."""
    old = "(not known yet)" if change.old is None else change.old or "(none)"
    marks = [f"{change.restart} restart"] if change.restart else []
    marks += ["with consent"] if change.destroys else []
    marks += [f"disrupts {change.disrupts}"] if change.disrupts else []
    if change.old is not None and not marks:  # of what is not known yet nobody can say it
        marks = ["at once"]
    line = f"{change.what}: {old} -> {change.new}"
    return line + (f"  [{', '.join(marks)}]" if marks else "")


def change_lines(changes: Sequence[Change], every: bool = False) -> Iterator[str]:
    """The lines of a plan. Of many that are part of one thing only that is told, with some of their names; `every`: each."""
    together: dict[str, list[Change]] = {}
    for one in changes:
        together.setdefault(one.part_of, []).append(one)
    for one in changes:
        parts = together[one.part_of]
        if every or not one.part_of or len(parts) <= TOLD_EACH:
            yield change_line(one)
        elif one is parts[0]:
            names = ", ".join(part.what.removeprefix("sysctl ") for part in parts[:TOLD_EACH])
            yield f"{one.part_of}: {names} and {len(parts) - TOLD_EACH} more (each: bpa plan --all)"


def plan_lines(plan: SubjectPlan, every: bool = False) -> Iterator[str]:
    """A host's or a cluster's part of a plan."""
    head = click.style(plan.name, bold=True)
    if plan.met:
        yield f"{head}  {state_word('met')}: nothing to do"
        return
    identity = f" ({plan.identity})" if plan.identity else ""
    yield (f"{head}{identity}  {plan.restarts} restart{'' if plan.restarts == 1 else 's'}, "
           f"about {duration(plan.seconds)}")
    for source, why in plan.unseen.items():
        yield f"  {state_word('unseen')} {source}: {why}"
    for problem in plan.problems:
        yield f"  {state_word('stuck')} {problem}"
    for line in change_lines(plan.changes, every):
        yield f"  {click.style('~', fg='yellow')} {line}"
    for lost in plan.destroys:
        what = "! takes away" if lost in plan.takes else "! destroys"
        yield f"  {click.style(what, fg='red', bold=True)} {lost}"
    if plan.in_service:
        yield f"  {click.style('! ' + plan.in_service, fg='red', bold=True)}: needs --disrupt {plan.name}, which drains it first"


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as aligned columns; colours do not count as width."""
    widths = [max(len(click.unstyle(row[n])) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell + " " * (width - len(click.unstyle(cell)))
                        for cell, width in zip(row, widths, strict=True)).rstrip()
