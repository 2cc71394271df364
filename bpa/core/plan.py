"""What an apply would do, as a value that can be shown, filed, hashed and agreed to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bpa.core.facts import Facts
from bpa.core.in_service import in_the_way
from bpa.core.requirement import Change, Source
from bpa.core.verdict import Met, Stuck
from bpa.core.walk import Judged


@dataclass(frozen=True, slots=True)
class SubjectPlan:
    """The plan of one host or cluster.

    identity: the machine it is for (UUID or serial, "" = unknown); documents: a digest of what was asked;
    problems: why it cannot be done as documented;
    in_service: why what is planned would disturb workloads, "" = it would not;
    unseen: sources that could not be looked at, with the reason; seconds: estimated duration of all that is unmet.
    """

    name: str
    identity: str
    documents: str
    changes: tuple[Change, ...]
    problems: tuple[str, ...]
    unseen: Mapping[str, str]
    unmet: tuple[str, ...]
    seconds: float
    in_service: str = ""

    @property
    def destroys(self) -> tuple[str, ...]:
        """What will be lost and needs consent, each thing once."""
        return tuple(dict.fromkeys(c.destroys for c in self.changes if c.destroys))

    @property
    def takes(self) -> tuple[str, ...]:
        """Those of them that are no data: the use of something by who has it now."""
        return tuple(dict.fromkeys(c.destroys for c in self.changes if c.destroys and c.destroys == c.disrupts))

    @property
    def restarts(self) -> int:
        """How often the machine restarts for staged changes: firmware and kernel, each at most once."""
        return len({c.restart for c in self.changes if c.restart})

    @property
    def met(self) -> bool:
        return not self.unmet and not self.unseen

    @property
    def possible(self) -> bool:
        return not self.problems and not self.unseen


def make_plan(
    name: str, want: Any, have: Any, judged: Sequence[Judged[Any, Any]], unseen: Mapping[Source, Exception],
    identity: str, seconds: Mapping[str, float],
) -> SubjectPlan:
    """The plan that follows from a survey. `seconds` are durations learned from earlier runs, by condition.

    A Stuck that an earlier change of the same plan may well cure (a restart, an image) is not yet a problem.
    """
    changes: list[Change] = []
    problems: list[str] = []
    for one in judged:
        if isinstance(one.verdict, Stuck) and one.requirement.needs not in unseen:
            cured = one.requirement.needs == "os" and any(c.restart or c.destroys for c in changes)
            if not cured:
                advice = f" ({one.verdict.advice})" if one.verdict.advice else ""
                problems.append(f"{one.requirement.condition}: {one.verdict.reason}{advice}")
        changes.extend(one.requirement.changes(want, have))
    unmet = tuple(j.requirement.condition for j in judged if not isinstance(j.verdict, Met))
    took = sum(seconds.get(j.requirement.condition, j.requirement.seconds)
               for j in judged if not isinstance(j.verdict, Met))
    return SubjectPlan(name, identity, documents_digest(want), tuple(changes), tuple(problems),
                       {source: str(error) for source, error in unseen.items()}, unmet, took, _in_service(have, changes))


def _in_service(have: Any, changes: Sequence[Change]) -> str:
    service = have.service if isinstance(have, Facts) else None
    disturbs = any(c.restart or c.destroys or c.disrupts for c in changes)
    return in_the_way(service) if service is not None and disturbs else ""


def documents_digest(want: Any) -> str:
    """A digest of all that the documents ask of a subject: two plans that read the same may write different things."""
    return hashlib.sha256(json.dumps(asdict(want), sort_keys=True, default=str).encode()).hexdigest()


def plan_hash(plans: Sequence[SubjectPlan]) -> str:
    """Twelve hex digits that change when what would be done, or the machine it is done to, changes.

    Durations do not count: they are estimates.
    """
    said = [{"name": p.name, "identity": p.identity, "documents": p.documents, "problems": p.problems, "unseen": sorted(p.unseen),
             "changes": [asdict(c) for c in p.changes]} for p in sorted(plans, key=lambda p: p.name)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]
