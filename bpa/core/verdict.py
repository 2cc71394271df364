"""The four answers a requirement can give about a machine."""

from __future__ import annotations

from dataclasses import dataclass

from bpa.core.steps import Step


@dataclass(frozen=True, slots=True)
class Met:
    """It holds. `evidence` says in a few words what was seen ("8 VFs on 0000:3b:00.0")."""

    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """It does not hold yet; `step` brings it closer. `reason` says what was seen."""

    step: Step
    reason: str = ""

    @property
    def doing(self) -> str:
        """The step for a person who reads the reason too: what it names behind a colon, for that reason, is not said again."""
        what, _, why = self.step.text.partition(": ")
        return what if why and why in self.reason else self.step.text

    @property
    def text(self) -> str:
        """Reason and step for a person."""
        return f"{self.reason}: {self.doing}" if self.reason else self.doing


@dataclass(frozen=True, slots=True)
class Wait:
    """Something is under way; look again in `seconds`. `reason` says what."""

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Stuck:
    """Only a person, or a changed document, can help. `advice` is the next thing to do."""

    reason: str
    advice: str = ""


Verdict = Met | Act | Wait | Stuck
