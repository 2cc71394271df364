"""A requirement: a named pure question about one host or one cluster, and what answering it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from bpa.core.facts import ClusterFacts, Facts
from bpa.core.steps import Restart
from bpa.core.verdict import Verdict
from bpa.core.want import ClusterWant, HostWant

Source = Literal["bmc", "node", "os", "service", "cluster"]
W = TypeVar("W", contravariant=True)
F = TypeVar("F", contravariant=True)


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan: `what` goes from `old` to `new`.

    old None = not known before the host runs; restart names the restart that makes it effective; destroys and disrupts
    are as in bpa.core.steps. Values are text as a person reads them. part_of: what the lines that have it too may be told as
    in one, "" = this line stands for itself.
    """

    what: str
    old: str | None
    new: str
    restart: Restart = ""
    destroys: str = ""
    disrupts: str = ""
    part_of: str = ""


def no_changes(want: Any, have: Any) -> tuple[Change, ...]:
    """For requirements that only look."""
    return ()


# No slots: a frozen generic with slots cannot be made through its alias (HostRequirement(...)) in Python 3.11.
@dataclass(frozen=True)
class Requirement(Generic[W, F]):
    """`check` judges; `changes` says what a plan will show, as far as the facts reach (None parts = not looked at).

    needs names the source of facts that check reads; about is one line for people; patience is how long in seconds
    a Wait of this requirement may last before it becomes Stuck; seconds is what it typically takes in all.
    """

    condition: str
    needs: Source
    check: Callable[[W, F], Verdict]
    about: str
    changes: Callable[[W, F], tuple[Change, ...]] = no_changes
    patience: float = 1800.0
    seconds: float = 1.0


HostRequirement = Requirement[HostWant, Facts]
ClusterRequirement = Requirement[ClusterWant, ClusterFacts]
