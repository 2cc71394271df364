"""The first lines of `bpa explain`: the cause, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bpa.cli.words import state_word
from bpa.core.cause import Cause, first_cause, first_unmet
from bpa.core.guards import Permissions
from bpa.core.in_service import disturbs
from bpa.core.verdict import Act
from bpa.core.walk import Judged

if TYPE_CHECKING:
    from bpa.engine import Subject, Survey
    from bpa.site import OpenSite


def cause_of(wired: OpenSite, subject: Subject[Any, Any], look: Survey[Any, Any]) -> Cause | None:
    """Why the subject is not ready, as this look and the memory of the last apply tell; None = all is met."""
    judged = asked_for(look.judged)
    name, first, world = subject.name, first_unmet(judged), subject.world
    steps = [event.text for event in wired.store.events(name) if event.kind == "step"]
    acts = first is not None and isinstance(first.verdict, Act) and disturbs(first.verdict.step)
    return first_cause(
        name, judged, wired.store.memory(name), Permissions(wired.consent(name)), world.identity(look.have), time.time(),
        steps[-1] if steps else "", world.in_service(look.have, False) if acts else None)


def asked_for(judged: Sequence[Judged[Any, Any]]) -> Sequence[Judged[Any, Any]]:
    """Without what a host that was collected on itself could not be asked, its BMC: that does not hold anything up."""
    from bpa.collection import not_asked

    return [one for one in judged if not not_asked(one.verdict)] or judged


def left_out(judged: Sequence[Judged[Any, Any]]) -> tuple[str, ...]:
    """The conditions that are not asked for."""
    asked = {one.requirement.condition for one in asked_for(judged)}
    return tuple(one.requirement.condition for one in judged if one.requirement.condition not in asked)


def left_out_line(judged: Sequence[Judged[Any, Any]]) -> str:
    """The same for people, with the reason; "" = none."""
    from bpa.collection import COLLECTED_HERE

    names = left_out(judged)
    return f"not asked, since {COLLECTED_HERE}: {', '.join(names)}" if names else ""


def cause_lines(cause: Cause | None, following: str) -> Iterator[str]:
    """For people; following: what to type next where the cause has no advice of its own."""
    if cause:
        yield f"why: {cause.condition} {state_word(cause.state)}: {cause.text}"
        yield f"     try: {cause.advice or following}"
