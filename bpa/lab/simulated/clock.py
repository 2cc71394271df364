"""Time that passes only when somebody says so."""

from __future__ import annotations

import threading


class Clock:
    """Seconds since the epoch, as time.time() gives them; `pause` stands in for Condition.wait in bpa.fleet."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += max(seconds, 0.0)

    def pause(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait on a held condition: for a time by letting it pass, without one for whoever is at work to notify."""
        if seconds is None:
            condition.wait()
        else:
            self.advance(seconds)
