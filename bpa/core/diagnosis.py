"""What works on a machine's BMC, what does not, and what to do about it by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "degraded", "no", "unknown"]
"""ok: works. degraded: works in part, or with a detour that BPA takes. no: does not work. unknown: cannot be told by reading."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. needed: provisioning cannot go without it. evidence: what was seen.

    by_hand: what a person can do ("" = nothing is to be done). source: where it is known from, if not from the machine.
    """

    id: str
    what: str
    verdict: Verdict
    evidence: str = ""
    by_hand: str = ""
    needed: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Quirk:
    """A rule for this vendor, model or firmware. kind: quirk or bad (firmware with a known fault). sure: it surely fits."""

    id: str
    kind: str
    about: str
    source: str
    advice: str = ""
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All of it. maker, model, firmware: of the machine and its BMC."""

    bmc: str
    system: str
    maker: str = ""
    model: str = ""
    bios: str = ""
    firmware: str = ""
    checks: tuple[Check, ...] = ()
    quirks: tuple[Quirk, ...] = ()

    @property
    def provisionable(self) -> bool:
        """Whether nothing that provisioning needs is known not to work."""
        return not any(check.needed and check.verdict == "no" for check in self.checks)

    def check(self, id: str) -> Check | None:
        """The check of that id."""
        return next((check for check in self.checks if check.id == id), None)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """no before degraded before unknown before ok."""
    found = set(verdicts)
    order: tuple[Verdict, ...] = ("no", "degraded", "unknown")
    return next((verdict for verdict in order if verdict in found), "ok")
