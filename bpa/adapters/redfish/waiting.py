"""Waiting for a BMC with a deadline; clock and sleep can be replaced, so that tests wait for nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long in all and how often to look, in seconds."""

    seconds: float = 120.0
    every: float = 2.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def looks(self, first: float = 0.0) -> Iterator[float]:
        """Seconds waited so far, for one look each: the first at once, or after `first` seconds, the last at the deadline."""
        start = self.clock()
        if first:
            self.sleep(min(first, self.seconds))
        while True:
            waited = self.clock() - start
            yield waited
            left = self.seconds - (self.clock() - start)
            if left <= 0:
                return
            self.sleep(min(self.every, left))
