"""A compliance report as a value: per host and cluster what was wanted, what was found, by which evidence, and when.

docs/report.schema.json is made from these classes. A field that is added later needs a default, so that reports which
older BPAs wrote can still be read; anything else makes a new VERSION.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bpa.core.drift import Drift
from bpa.core.requirement import Change, Source

KIND = "bpa-report"
VERSION = 1
State = Literal["met", "act", "wait", "stuck"]
Result = Literal["passed", "failed", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine says it is, by its BMC; "" where it was not told. boot_id changes with every start of the system."""

    uuid: str = ""
    serial: str = ""
    service_tag: str = ""
    manufacturer: str = ""
    model: str = ""
    bios_version: str = ""
    boot_id: str = ""


@dataclass(frozen=True, slots=True)
class ConditionReport:
    """One condition. wanted: what the documents ask of it, by section. found: what was seen, or why it does not hold.

    asked False: the documents ask nothing here. seen False: its source did not answer, so that nothing is proved.
    evidence: lines as the BMC, Ironic or the host told them, shortened and without secrets. changed: what is otherwise
    since it was last seen met, in words; drift: the same as data; "" and None = nothing is known to be. since: when it
    came to stand so, in seconds since the epoch, None = not known. seconds: how long the last apply took to bring it
    about, None = none did.
    """

    condition: str
    about: str
    needs: Source
    state: State
    asked: bool
    seen: bool
    wanted: Mapping[str, Any]
    found: str
    evidence: tuple[str, ...] = ()
    advice: str = ""
    changed: str = ""
    drift: Drift | None = None
    since: float | None = None
    seconds: float | None = None

    @property
    def result(self) -> Result:
        """As a test has it: what waits could not be judged yet, and proves nothing."""
        if not self.seen or self.state == "wait":
            return "error"
        if self.state != "met":
            return "failed"
        return "passed" if self.asked else "skipped"


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step that BPA has performed. at in seconds since the epoch."""

    at: float
    condition: str
    text: str


@dataclass(frozen=True, slots=True)
class Restarts:
    """How often BPA has restarted the machine, and for what."""

    firmware: int = 0
    kernel: int = 0


@dataclass(frozen=True, slots=True)
class SubjectReport:
    """A host, or a cluster as "cluster/NAME".

    identity: UUID or serial number that the plan is for. documents: SHA-256 of all that the documents ask; wanted: the
    same as plain data. looked: time of the look in seconds since the epoch. changes: what an apply would change.
    unseen: source -> why it did not answer. seconds: how long the last applies took in all, own_seconds: without waiting.
    """

    name: str
    met: bool
    identity: str
    machine: Machine
    documents: str
    looked: float
    wanted: Mapping[str, Any]
    requirements: tuple[ConditionReport, ...]
    changes: tuple[Change, ...] = ()
    unseen: Mapping[str, str] = field(default_factory=dict)
    restarts: Restarts = Restarts()
    steps: tuple[StepTaken, ...] = ()
    seconds: float = 0.0
    own_seconds: float | None = None

    def count(self, result: Result) -> int:
        """How many conditions came to that."""
        return sum(1 for one in self.requirements if one.result == result)


@dataclass(frozen=True, slots=True)
class Report:
    """A site. at: when the report was made, in seconds since the epoch; bpa: which version made it; plan: hash of the plan."""

    site: str
    at: float
    bpa: str
    met: bool
    plan: str
    subjects: tuple[SubjectReport, ...]
    kind: Literal["bpa-report"] = "bpa-report"
    version: int = VERSION
