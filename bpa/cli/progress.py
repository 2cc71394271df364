"""Progress while an apply runs: a live table on a terminal, one line per change elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import click

from bpa.cli.words import duration
from bpa.engine import Outcome
from bpa.fleet import describe
from bpa.survey import SiteSurvey

if TYPE_CHECKING:
    from rich.table import Table

    from bpa.site import OpenSite

RICH = {"met": "green", "act": "yellow", "wait": "cyan", "stuck": "red"}


class Progress:
    """`watch` is called by the workers with every outcome; as a context it owns the screen."""

    def __init__(self, wired: OpenSite, survey: SiteSurvey, quiet: bool) -> None:
        self._lines: dict[str, tuple[str, str, str]] = {}
        self._seconds = {s.name: {r.condition: wired.took(s.name).get(r.condition, r.seconds) for r in s.requirements}
                         for s in wired.subjects}
        self._wired = wired
        self._left = {p.name: p.seconds for p in survey.plans}
        self._began = time.monotonic()
        self._quiet, self._lock = quiet, threading.Lock()
        self._ended: dict[str, float] = {}
        self._screen: Any = None

    def __enter__(self) -> Progress:
        if not self._quiet and sys.stdout.isatty():
            from rich.live import Live

            self._screen = Live(get_renderable=self._table, refresh_per_second=2, redirect_stderr=False)
            self._screen.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        if self._screen:
            self._screen.__exit__(*exc)

    def watch(self, name: str, outcome: Outcome) -> None:
        """Take one outcome in; prints where there is no live table."""
        state, text = describe(outcome.last.verdict)
        if outcome.done:
            state, text = "met", "done"
        met = {c.name for c in outcome.conditions[:-1]}
        elapsed = time.monotonic() - self._began
        with self._lock:
            new = self._lines.get(name) != (outcome.last.name, state, text)
            self._lines[name] = outcome.last.name, state, text
            self._left[name] = 0.0 if outcome.again_in is None else sum(
                s for condition, s in self._seconds[name].items() if condition not in met)
            if outcome.again_in is None:
                self._ended[name] = elapsed
            if not self._quiet:
                for line in self._wired.news(name):
                    self._print(f"{name} | {line}")
            if new and not self._screen and not self._quiet:
                self._print(f"{time.strftime('%H:%M:%S')} {name} {outcome.last.name} {state}: {text}")

    def _print(self, line: str) -> None:
        if self._screen:
            self._screen.console.print(line, markup=False, highlight=False)
        else:
            click.echo(line)

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for heading in ("host", "requirement", "", "elapsed", "left", "what"):
            table.add_column(heading, no_wrap=heading != "what")
        with self._lock:
            for name, (condition, state, text) in self._lines.items():
                elapsed = self._ended.get(name, time.monotonic() - self._began)
                left = self._left.get(name, 0.0)
                table.add_row(name, condition, Text(state, style=RICH[state]), duration(elapsed),
                              f"~{duration(left)}" if left else "", Text(text))
        return table
