"""The loop that every test of the engine over a simulated host drives, and what comes of it where nothing is in the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bpa.core.facts import Facts
from bpa.core.guards import Consent, Memory, Permissions
from bpa.core.host import HOST
from bpa.core.want import HostWant, Image, Profile
from bpa.engine import Outcome, Subject, survey, tick
from bpa.lab.simulated import Clock, as_new


def drive_by_ticks(
    one: Subject[Any, Any], remembered: Callable[[], Memory], remember: Callable[[Memory], None], clock: Clock,
    permissions: Permissions, *, most: int = 5000, until: Callable[[Outcome], bool] = lambda outcome: False,
) -> Outcome:
    """Tick one subject until it is done, stuck, or as `until` says; time passes by the clock alone."""
    for _ in range(most):
        outcome = tick(one, remembered(), permissions, clock, remember)
        if outcome.again_in is None or until(outcome):
            return outcome
        clock.advance(outcome.again_in)
    raise AssertionError(f"no end after {most} ticks: {outcome.last}")


def applied(profile: Profile | None = None) -> tuple[HostWant, Facts]:
    """What is asked of a host and what a look at it shows, when `bpa apply` is done; None = nothing but its image."""
    want = HostWant("node1", "https://192.0.2.1", "52:54:00:00:00:01", Image("http://x/y.raw", "ab" * 32), profile or Profile())
    clock, memory = Clock(), [Memory()]
    world = as_new(want, 1, clock)
    subject = Subject(want.name, want, HOST, world)
    outcome = drive_by_ticks(subject, lambda: memory[-1], memory.append, clock,
                             Permissions(Consent(world.machine.hardware.uuid, ("*",))))
    assert outcome.done, outcome.last
    return want, survey(subject).have
