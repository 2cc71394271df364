"""Stopping a run at a named point, as kill -9 does, and starting the next process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from driving import drive, subject

from bpa.adapters.store import Store
from bpa.core.guards import Memory, Permissions
from bpa.core.want import HostWant
from bpa.engine import Outcome
from bpa.lab.simulated import Clock, SimulatedHost

POINTS = ("before it is remembered", "before it is done", "half-way", "before its end is recorded")
"""Where in a step a process can end: the tick saves, performs, saves again."""


class Killed(BaseException):
    """Nobody catches this, as nobody catches kill -9."""


class Killer:
    """Stops the run at points given as (number of the step over all processes, point), each once."""

    def __init__(self, points: Iterable[tuple[int, str]], kill: Callable[[], None] | None = None) -> None:
        self._points = set(points)
        self._kill = kill or _raise
        self.steps = 0
        self.kills = 0

    def at(self, point: str) -> None:
        if (self.steps, point) in self._points:
            self._points.remove((self.steps, point))
            self.kills += 1
            self._kill()

    def drive(self, want: HostWant, world: SimulatedHost, place: Path, clock: Clock) -> Outcome:
        """One process: a new store on the same file, a new memory of nothing, the same world."""
        store = Store(place / "site.sqlite")
        try:
            return drive(subject(want, world), store, clock, Permissions(store.consent(want.name)),
                         remember=self._remembering(store.memory(want.name)))
        finally:
            store.close()

    def _remembering(self, before: Memory) -> Callable[[Callable[[Memory], None], Memory], None]:
        last, performing = before, False

        def remember(save: Callable[[Memory], None], memory: Memory) -> None:
            nonlocal last, performing
            if performing:
                performing = False
                self.at("before its end is recorded")
                save(memory)
            elif memory.tried and memory.tried != last.tried:
                performing = True
                self.steps += 1
                self.at("before it is remembered")
                save(memory)
                self.at("before it is done")
            else:
                save(memory)
            last = memory

        return remember

    def run(
        self, want: HostWant, world: SimulatedHost, place: Path, clock: Clock, pauses: Iterable[float] = ()
    ) -> Outcome:
        """Processes one after the other until one comes to an end; pauses are the seconds between them."""
        world.half_way = lambda: self.at("half-way")
        between = iter(pauses)
        for _ in range(200):
            try:
                return self.drive(want, world, place, clock)
            except Killed:
                clock.advance(next(between, 2.0))
        raise AssertionError("no end after 200 processes")


def _raise() -> None:
    raise Killed
