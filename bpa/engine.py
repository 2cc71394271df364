"""One look, one decision, at most one step. Every front end drives this: `bpa apply` today, an operator later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar, assert_never

from bpa.adapters.errors import AdapterError, Busy, Unreachable
from bpa.core.facts import ServiceFacts
from bpa.core.guards import LOOK_AGAIN, Memory, Permissions, guard
from bpa.core.in_service import disturbs
from bpa.core.requirement import Requirement, Source
from bpa.core.steps import Step
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.walk import Judged, walk

W = TypeVar("W")
F = TypeVar("F")
PAUSE_AFTER_STEP = 0.0
PAUSE_WHEN_UNREACHABLE = 5.0


class World(Protocol[F]):
    """What the engine needs of the outside of one subject: eyes and hands.

    address is where SSH reaches a host, as far as the last look knew; "" for clusters.
    """

    address: str

    def nothing_seen(self) -> F:
        """The facts before any look."""

    def look(self, have: F, source: Source) -> F:
        """`have` with what `source` shows now. Raises AdapterError."""

    def renew(self, have: F, requirement: Requirement[Any, F]) -> F:
        """`have` with what the requirement reads as it is now; the same object where it is of now. Raises AdapterError."""

    def whole(self) -> bool:
        """Whether the last look was at everything; if not, the next one is."""

    def perform(self, step: Step) -> None:
        """Do it, or start it. Raises AdapterError where it was not done."""

    def in_service(self, have: F, pods: bool) -> ServiceFacts | None:
        """What its cluster says of the host now, with its pods if asked; None = it is in none. Never raises.

        Asked only before a step that disturbs, and to see that what was cordoned is uncordoned.
        """

    def identity(self, have: F) -> str:
        """What the subject says it is ("" = not asked): UUID or serial number of a host."""

    def acknowledge(self) -> None:
        """A person asks again after a failure: what failed no longer stands in the way. Raises AdapterError."""

    def close(self) -> None:
        """Log out everywhere. Never raises."""


@dataclass(frozen=True, slots=True)
class Subject(Generic[W, F]):
    """A host or a cluster under one name, with what it must be and the world around it."""

    name: str
    want: W
    requirements: tuple[Requirement[W, F], ...]
    world: World[F]


@dataclass(frozen=True, slots=True)
class Condition:
    """A requirement's name with its verdict."""

    name: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tick came to. again_in None = nothing more will happen by itself (done, or stuck)."""

    conditions: tuple[Condition, ...]
    again_in: float | None
    memory: Memory
    step: Step | None = None

    @property
    def done(self) -> bool:
        return self.again_in is None and not self.stuck

    @property
    def last(self) -> Condition:
        return self.conditions[-1]

    @property
    def stuck(self) -> bool:
        return isinstance(self.last.verdict, Stuck)


def problem(error: AdapterError) -> Verdict:
    """Unreachable and Busy pass by themselves; Refused and Unsupported need a person."""
    if isinstance(error, (Unreachable, Busy)):
        return Wait(str(error), error.retry_after or PAUSE_WHEN_UNREACHABLE)
    return Stuck(str(error), error.advice)


def judge(subject: Subject[W, F]) -> list[Judged[W, F]]:
    """Walk to the first requirement that does not hold. An adapter's error is that requirement's verdict."""
    judged: list[Judged[W, F]] = []
    have = subject.world.nothing_seen()
    try:
        for one in walk(subject.requirements, subject.want, have, subject.world.look, subject.world.renew):
            judged.append(one)
            have = one.have
    except AdapterError as error:
        judged.append(Judged(subject.requirements[len(judged)], problem(error), have))
    return judged


def _weighty(verdict: Verdict) -> bool:
    """Whether everything must have been looked at before: the end, a person's turn, or a step that somebody notices."""
    return isinstance(verdict, (Met, Stuck)) or (isinstance(verdict, Act) and disturbs(verdict.step))


def tick(
    subject: Subject[W, F], memory: Memory, permissions: Permissions, now: Callable[[], float],
    remember: Callable[[Memory], None],
) -> Outcome:
    """Look, decide, and take at most one step. `remember` has saved the memory before the step is performed."""
    judged = judge(subject)
    if _weighty(judged[-1].verdict) and not subject.world.whole():
        judged = judge(subject)
    at = judged[-1]
    name, have = at.requirement.condition, at.have
    service = None
    if isinstance(at.verdict, Act) and disturbs(at.verdict.step):
        service = subject.world.in_service(have, permissions.disrupt)
    elif isinstance(at.verdict, Met) and memory.cordoned:
        service = subject.world.in_service(have, False)
    verdict = guard(
        at.verdict, name, at.requirement.patience, memory, permissions, subject.world.identity(have), now(), service)
    step = None
    if isinstance(verdict, Act):
        before, step = memory, verdict.step
        memory = memory.after(name, step, now())
        remember(memory)
        try:
            subject.world.perform(step)
        except AdapterError as error:
            verdict, step = problem(error), None
            if isinstance(error, Busy):
                memory = before  # it was not done; where the answer was lost, it may have been
    again: float | None
    match verdict:
        case Met():
            memory, again = memory.met(), None
        case Stuck(reason):
            memory, again = replace(memory, stuck=f"{name}: {reason}"), None
        case Wait(_, seconds):
            memory, again = memory.waits(name, now()), seconds
        case Act():
            again = PAUSE_AFTER_STEP
        case _:
            assert_never(verdict)
    conditions = tuple(Condition(j.requirement.condition, j.verdict) for j in judged[:-1])
    remember(memory)
    return Outcome((*conditions, Condition(name, verdict)), again, memory, step)


@dataclass(frozen=True, slots=True)
class Survey(Generic[W, F]):
    """Every requirement judged without acting, as far as the facts reach. unseen: source -> why it has no facts."""

    have: F
    judged: tuple[Judged[W, F], ...]
    unseen: dict[Source, AdapterError]

    @property
    def met(self) -> bool:
        return not self.unseen and all(isinstance(j.verdict, Met) for j in self.judged)


def survey(subject: Subject[W, F]) -> Survey[W, F]:
    """Look at every source once and judge every requirement: for plan, status, verify, explain and report."""
    have = subject.world.nothing_seen()
    unseen: dict[Source, AdapterError] = {}
    judged: list[Judged[W, F]] = []
    seen: set[Source] = set()
    for requirement in subject.requirements:
        source = requirement.needs
        if source not in seen:
            seen.add(source)
            try:
                have = subject.world.look(have, source)
            except AdapterError as error:
                unseen[source] = error
        verdict = problem(unseen[source]) if source in unseen else requirement.check(subject.want, have)
        judged.append(Judged(requirement, verdict, have))
    return Survey(have, tuple(judged), unseen)


__all__ = ["LOOK_AGAIN", "Condition", "Outcome", "Subject", "Survey", "World", "judge", "survey", "tick"]
