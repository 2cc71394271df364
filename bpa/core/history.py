"""What happened to a subject, and what it says about how long things take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. at in seconds since the epoch.

    kind: start and end (of a run), step (performed), met, wait, stuck (a condition came to stand so).
    """

    run: str
    subject: str
    at: float
    kind: str
    condition: str
    text: str


def durations(events: Sequence[Event]) -> dict[str, float]:
    """How many seconds each condition took in the latest run that brought it about.

    The walk is strictly in order, so a condition took from the moment the one before it was met (or the run
    started) until it was met itself. What is met twice in a run (SSH access, before and after a restart) took both.
    """
    took: dict[str, float] = {}
    counted: dict[str, str] = {}
    since: dict[tuple[str, str], float] = {}
    for event in events:
        key = event.run, event.subject
        if event.kind == "start":
            since[key] = event.at
        elif event.kind == "met":
            if key in since:
                earlier = took[event.condition] if counted.get(event.condition) == event.run else 0.0
                took[event.condition] = earlier + event.at - since[key]
                counted[event.condition] = event.run
            since[key] = event.at
    return took
