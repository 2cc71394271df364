"""Walk the requirements: up to the first that does not hold, or over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bpa.core.requirement import Requirement, Source
from bpa.core.verdict import Met, Verdict

W = TypeVar("W")
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Judged(Generic[W, F]):
    """A requirement, what it says, and the facts it said it on."""

    requirement: Requirement[W, F]
    verdict: Verdict
    have: F


class LooksAtAll:
    """A world that looks at everything each time: nothing of it is ever from before the last step."""

    def renew(self, have: F, requirement: Requirement[Any, F]) -> F:
        return have

    def whole(self) -> bool:
        return True


def walk(
    requirements: tuple[Requirement[W, F], ...], want: W, have: F, look: Callable[[F, Source], F],
    renew: Callable[[F, Requirement[W, F]], F] = lambda have, requirement: have,
) -> Iterator[Judged[W, F]]:
    """Yield each requirement with its verdict; stop after the first unmet one. Looks at no more than that needs.

    renew gives the facts with what the requirement reads as it is now: before one counts as unmet on older facts.
    """
    seen: set[Source] = set()
    for requirement in requirements:
        if requirement.needs not in seen:
            have = look(have, requirement.needs)
            seen.add(requirement.needs)
        verdict = requirement.check(want, have)
        while not isinstance(verdict, Met) and (now := renew(have, requirement)) is not have:
            have, verdict = now, requirement.check(want, now)
        yield Judged(requirement, verdict, have)
        if not isinstance(verdict, Met):
            return
