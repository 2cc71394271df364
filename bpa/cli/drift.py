"""Drift in words: what a condition was, when that was last seen, what it is now, and what is known of the time between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bpa.cli.words import clock
from bpa.core.drift import Baseline, Drift

if TYPE_CHECKING:
    from bpa.site import OpenSite


def drift_text(drift: Drift) -> str:
    """One sentence for people; times are of this computer's zone."""
    changed = f'was "{drift.was}" when last seen at {clock(drift.seen)}'
    if drift.met:
        changed += f', is "{drift.now}" now, which is as asked too'
    if drift.cause == "documents":
        return f"{changed}; the documents changed since then, which may be all that did"
    return "; ".join((f"{changed}, otherwise at {clock(drift.found)}", *_between(drift)))


def _between(drift: Drift) -> list[str]:
    parts = list(drift.files)
    if drift.since is not None and parts:
        parts[-1] += f" at {clock(drift.since)}"
    if drift.restarted:
        parts.append("the host was restarted in between" + (f", at {clock(drift.started)}" if drift.started else ""))
    elif drift.restarted is False:
        parts.append("the host was not restarted")
    return parts


def drift_notes(wired: OpenSite) -> Iterator[str]:
    """What the machines did by themselves, or somebody did to them, since they were last seen in order."""
    for subject in wired.subjects:
        for condition, drift in wired.drift(subject.name).items():
            if drift.cause == "machine" and not drift.met:
                yield f"{subject.name} {condition} has changed: {drift_text(drift)}"


def drift_value(drift: Drift | None) -> dict[str, Any] | None:
    """The same for programs; times in seconds since the epoch."""
    return None if drift is None else {**asdict(drift), "text": drift_text(drift)}


def filed_drift(seen: dict[str, Baseline]) -> dict[str, dict[str, Any]]:
    """What the site's records say was otherwise at the last look, by condition."""
    return {name: {"was": one.text, "seen": one.at, "now": one.now, "found": one.found}
            for name, one in seen.items() if one.found is not None}
