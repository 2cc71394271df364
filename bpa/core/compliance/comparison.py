"""Two compliance reports compared: what got worse, what got better, what is otherwise. Times do not count."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from bpa.core.compliance.changes import Change, changes, wanted_changes
from bpa.core.compliance.report import ConditionReport, Report, SubjectReport

Direction = Literal["worse", "better", "same"]
ABSENT = "not there"


@dataclass(frozen=True, slots=True)
class ConditionDifference:
    """old and new: the states, "not there" where a report does not have the condition. wanted and found are told apart."""

    condition: str
    direction: Direction
    old: str
    new: str
    wanted: tuple[Change, ...] = ()
    found: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectDifference:
    """presence: whether the host or cluster is only in the new report (added), or only in the old one (gone).

    another: it is another machine, by what both say of it. machine: what the machine tells of itself otherwise.
    documents: the documents ask something else.
    """

    name: str
    presence: Literal["both", "added", "gone"] = "both"
    another: bool = False
    documents: bool = False
    machine: tuple[Change, ...] = ()
    conditions: tuple[ConditionDifference, ...] = ()

    def names(self, direction: Direction) -> tuple[str, ...]:
        """The conditions that went that way."""
        return tuple(one.condition for one in self.conditions if one.direction == direction)


@dataclass(frozen=True, slots=True)
class Comparison:
    """about: the site's name and the version of BPA, where they differ."""

    about: tuple[Change, ...]
    subjects: tuple[SubjectDifference, ...]

    @property
    def worse(self) -> bool:
        return any(one.names("worse") for one in self.subjects)

    @property
    def empty(self) -> bool:
        return not self.about and not self.subjects


def compare(old: Report, new: Report) -> Comparison:
    """What a host that is not there and a condition that is not asked do not have counts as held.

    So a host that comes with unmet conditions makes the site worse, and comparing the other way round turns worse into
    better and added into gone. Only that an unmet condition is asked no more makes nothing better: nothing was mended.
    """
    before, after = ({one.name: one for one in report.subjects} for report in (old, new))
    both = (_subject(name, before.get(name), after.get(name)) for name in dict.fromkeys((*after, *before)))
    about = changes({"site": old.site, "bpa": old.bpa}, {"site": new.site, "bpa": new.bpa})
    return Comparison(about, tuple(one for one in both if one != SubjectDifference(one.name)))


def _subject(name: str, old: SubjectReport | None, new: SubjectReport | None) -> SubjectDifference:
    before, after = ({c.condition: c for c in one.requirements} if one else {} for one in (old, new))
    found = (_condition(key, before.get(key), after.get(key)) for key in dict.fromkeys((*after, *before)))
    if old is None or new is None:
        # All of it is new or gone: only what does not hold is worth a line.
        return SubjectDifference(name, "gone" if new is None else "added",
                                 conditions=tuple(one for one in found if one.direction != "same"))
    machines = [{key: value for key, value in asdict(one.machine).items() if key != "boot_id"} for one in (old, new)]
    same = ("uuid", "serial", "service_tag")
    another = any(machines[0][key] and machines[1][key] and machines[0][key] != machines[1][key] for key in same)
    return SubjectDifference(
        name, "both", another, old.documents != new.documents, changes(*machines),
        tuple(one for one in found if one != ConditionDifference(one.condition, "same", one.old, one.old)))


def _condition(name: str, old: ConditionReport | None, new: ConditionReport | None) -> ConditionDifference:
    left = old is not None and new is not None and new.seen and not new.asked
    step = 0 if left else _rank(new) - _rank(old)
    return ConditionDifference(
        name, "worse" if step > 0 else "better" if step < 0 else "same", _state(old), _state(new),
        wanted_changes(old, new) if old and new else (),
        changes({"": old.found if old else ""}, {"": new.found if new else ""}))


def _rank(one: ConditionReport | None) -> int:
    """0 holds, 1 an apply or time may mend it, 2 a person must, or nobody knows."""
    if one is None or (one.seen and one.state == "met"):
        return 0
    return 1 if one.seen and one.state in ("act", "wait") else 2


def _state(one: ConditionReport | None) -> str:
    if one is None:
        return ABSENT
    if not one.seen:
        return "not seen"
    return one.state if one.asked else "not asked"
