"""What changed on a machine since it was last seen as it must be, and since when.

Drift is what the machine did, or what was done to it. Where the documents ask for something else than then, it is no drift.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from bpa.core.facts import ClusterFacts, Facts
from bpa.core.host.owned import Owned, OwnedLook, look_owned, owner_of

_MEASURED = re.compile(r"\d+(\.\d+)? (µs|ms|s)( (behind|ahead))?(?!\w)")
"""What is another at each look, though nothing changed (how far a clock is off)."""
CLOCKS = 5.0
"""Seconds by which two looks may tell the time of the same event otherwise: a look takes a while."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A condition as it was last seen met. at, found: seconds since the epoch.

    boot: the boot id of the system then ("" = not told); documents: a digest of what was asked (bpa.core.plan);
    files: path -> SHA-256 of the files of ours that belong to it. found: when it was first seen otherwise since, None = it
    was not; now: what was seen then, or last.
    """

    text: str
    at: float
    boot: str = ""
    documents: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    found: float | None = None
    now: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a subject: when (seconds since the epoch), by which documents, at which start of its system (boot id,
    "" = not told), and at which files of ours. running: its operating system answered.
    """

    at: float
    documents: str = ""
    boot: str = ""
    running: bool = False
    owned: OwnedLook = field(default_factory=OwnedLook)

    def files_of(self, condition: str, owned: Iterable[Owned]) -> dict[str, str]:
        """Path -> SHA-256 of the regular files that belong to a condition."""
        mine = [one for one in owned if one.condition == condition]
        return {path: file.sum for path, file in self.owned.files.items() if file.sum and owner_of(path, mine)}


def _same(one: str, other: str) -> bool:
    return _MEASURED.sub("", one) == _MEASURED.sub("", other)


def look_of(have: Facts | ClusterFacts, documents: str, at: float) -> Look:
    """The look that these facts are of; documents: the digest of what is asked now."""
    if not isinstance(have, Facts) or have.os is None:
        return Look(at, documents)
    return Look(at, documents, have.os.boot_id, True, look_owned(have))


ChangedBy = Literal["machine", "documents"]


@dataclass(frozen=True, slots=True)
class Drift:
    """A condition that was met and is so no more, or is met by something else. Times in seconds since the epoch.

    seen: when it was last seen as it was; found: when it was first seen otherwise; since: when the host itself says that
    it was changed, None = it does not say. restarted: whether the system was restarted since, None = not known; started:
    when, None = not known. files: what became of files of ours ("/etc/... was changed"). met: it is still as asked.
    """

    condition: str
    was: str
    now: str
    seen: float
    found: float
    cause: ChangedBy = "machine"
    restarted: bool | None = None
    started: float | None = None
    since: float | None = None
    files: tuple[str, ...] = ()
    met: bool = False


def drift_of(condition: str, before: Baseline | None, met: bool, text: str, look: Look, owned: Iterable[Owned]) -> Drift | None:
    """What is otherwise than when it was last seen met; None = nothing, or it never was met. text: what is seen now."""
    if before is None or (met and _same(text, before.text)):
        return None
    owned = tuple(owned)
    restarted = None if not before.boot or not look.boot else before.boot != look.boot
    started = look.owned.started(look.at) if restarted else None
    files, since = _files(before, condition, look, owned) if not met else ((), None)
    return Drift(
        condition, before.text, text, before.at, look.at if before.found is None else before.found,
        "machine" if before.documents == look.documents else "documents", restarted, started, since, files, met)


def compare(
    before: Mapping[str, Baseline], told: Iterable[tuple[str, bool, str]], look: Look, owned: Iterable[Owned], accept: bool
) -> tuple[dict[str, Drift], dict[str, Baseline]]:
    """The drifts by condition, and what to remember from now on. told: condition, whether it is met, what is seen."""
    drifts: dict[str, Drift] = {}
    seen: dict[str, Baseline] = {}
    owned = tuple(owned)
    for condition, met, text in told:
        if (drift := drift_of(condition, before.get(condition), met, text, look, owned)) is not None:
            drifts[condition] = drift
        if (kept := remembered(condition, before.get(condition), met, text, look, owned, accept)) is not None:
            seen[condition] = kept
    return drifts, seen


def _files(before: Baseline, condition: str, look: Look, owned: tuple[Owned, ...]) -> tuple[tuple[str, ...], float | None]:
    if not look.owned.now:  # the host was not asked
        return (), None
    there = look.files_of(condition, owned)
    gone = tuple(f"{path} is gone" for path in before.files if path not in there)
    changed = [path for path, said in there.items() if before.files.get(path, said) != said]
    times = [look.owned.dated(look.owned.files[path], look.at) for path in changed]
    # A file that was moved here is older than its being here; then it dates nothing.
    since = min((at for at in times if before.at - CLOCKS <= at <= look.at + CLOCKS), default=None)
    return (*gone, *(f"{path} was changed" for path in changed)), since


def remembered(
    condition: str, before: Baseline | None, met: bool, text: str, look: Look, owned: Iterable[Owned], accept: bool
) -> Baseline | None:
    """What to remember of a condition after a look; None = nothing yet.

    What is met by something else than before is taken as the new normal only where people were told (`accept`).
    """
    if met and (before is None or accept or _same(text, before.text)):
        return Baseline(text, look.at, look.boot, look.documents, look.files_of(condition, owned))
    if before is None or met:
        return before
    return replace(before, found=look.at if before.found is None else before.found, now=text)
