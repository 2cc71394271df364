"""The time of one machine: it runs with the wall clock, can be set forward, and has things happen in it."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count


class Timeline:
    """Nothing happens by itself: what is due is done by `settle`, which every request calls first.

    clock: epoch seconds. frozen: time passes by `advance` only.
    """

    def __init__(self, clock: Callable[[], float] = time.time, frozen: bool = False) -> None:
        self._clock = clock
        self._stopped = clock() if frozen else None
        self._ahead = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self.skew = 0.0

    def now(self) -> float:
        """Epoch seconds on this machine."""
        return self._wall() + self._ahead

    def stamp(self) -> str:
        """Now, as Redfish writes it; with the BMC's clock wrong where it is so."""
        return datetime.fromtimestamp(self.now() + self.skew, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something in so many seconds; at once where it is 0 or less."""
        if seconds <= 0:
            do()
            return
        heapq.heappush(self._due, (self.now() + seconds, next(self._numbers), do))

    def settle(self) -> None:
        """Do all that is due."""
        while self._due and self._due[0][0] <= self.now():
            heapq.heappop(self._due)[2]()

    def advance(self, seconds: float) -> None:
        """Let time pass, step by step, so that what happens at the end of one thing can begin another in time."""
        until = self._ahead + seconds
        while self._due and self._due[0][0] - self._wall() <= until:
            self._ahead = max(self._ahead, self._due[0][0] - self._wall())
            self.settle()
        self._ahead = max(self._ahead, until)
        self.settle()

    def _wall(self) -> float:
        return self._clock() if self._stopped is None else self._stopped

    @property
    def waiting(self) -> int:
        """How many things are still to happen."""
        return len(self._due)
