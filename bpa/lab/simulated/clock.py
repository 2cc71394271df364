"""Time that passes only when somebody says so."""

from __future__ import annotations

import threading


class Clock:
    """Seconds since the epoch, as time.time() gives them; `pause` is for bpa.fleet."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += max(seconds, 0.0)

    def pause(self, ready: threading.Condition, seconds: float | None, idle: bool) -> None:
        """Time passes only while nobody is at work: else whoever is will notify when the work is done."""
        if seconds is None or not idle:
            ready.wait()
        else:
            self.advance(seconds)
