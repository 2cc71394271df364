"""A simulated cluster: the files of the hand-off, and an installer that takes its time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bpa.adapters.errors import Busy, Refused
from bpa.core import steps
from bpa.core.cluster.installer import fingerprint
from bpa.core.facts import ClusterFacts, InstallerRun, MemberFacts
from bpa.core.requirement import Source
from bpa.core.walk import LooksAtAll
from bpa.core.want import ClusterWant
from bpa.lab.simulated.faults import Fault, Faults
from bpa.lab.simulated.machine import USUAL, Durations

ARTIFACTS = ("admin.conf",)


@dataclass(frozen=True, slots=True)
class _Run:
    argv: tuple[str, ...]
    fingerprint: str
    began: float
    fails: bool
    lost: bool


class SimulatedCluster(LooksAtAll):
    """A cluster in memory. `installer` is what the site names ("" = none); performed holds every step that was begun."""

    def __init__(
        self, want: ClusterWant, members: Callable[[], Mapping[str, MemberFacts]], now: Callable[[], float],
        installer: str = "/opt/kud/installer", durations: Durations = USUAL,
    ) -> None:
        self.faults = Faults()
        self.files: dict[str, str] = {}
        self.performed: list[steps.Step] = []
        self._want, self._members, self._now = want, members, now
        self._installer, self._durations = installer, durations
        self.address = ""
        self._run: _Run | None = None

    def fault(self, name: str, after: float = 0.0, lasts: float = math.inf, times: float = math.inf) -> None:
        """See bpa.lab.simulated.faults.FAULTS."""
        since = self._now() + after
        self.faults.add(Fault(name, since, since + lasts, times))

    def nothing_seen(self) -> ClusterFacts:
        return ClusterFacts()

    def identity(self, have: ClusterFacts) -> str:
        return ""

    def in_service(self, have: ClusterFacts, pods: bool) -> None:
        return None

    def look(self, have: ClusterFacts, source: Source) -> ClusterFacts:
        run = self._seen()
        succeeded = run is not None and run.exit_code == 0
        return ClusterFacts(dict(self._members()), dict(self.files), self._installer, run, ARTIFACTS if succeeded else ())

    def perform(self, step: steps.Step) -> None:
        self.performed.append(step)
        alive = (run := self._seen()) is not None and run.alive
        if alive:
            raise Busy(f"the installer of cluster {self._want.name} is still running", retry_after=5.0)
        match step:
            case steps.RenderInventory(_, files):
                self.files.update(files)
            case steps.StartInstaller(_, argv, environment):
                if "hosts.ini" not in self.files:
                    raise Refused(f"cluster {self._want.name} has no hosts.ini yet")
                inputs = fingerprint(argv, environment, self.files, self._installer)
                now = self._now()
                self._run = _Run(argv, inputs, now, self.faults.strikes("installer fails", now) is not None,
                                 self.faults.strikes("installer lost", now) is not None)
            case _:
                raise TypeError(f"a cluster cannot perform {type(step).__name__}")

    def acknowledge(self) -> None:
        """A person asks again: a failed run no longer stands in the way."""
        run = self._seen()
        if run is not None and run.exit_code not in (None, 0):
            self._run = None

    def close(self) -> None:
        """Nothing is kept open."""

    def _seen(self) -> InstallerRun | None:
        if self._run is None:
            return None
        one, took = self._run, self._now() - self._run.began
        if took < self._durations.installer and not (one.lost and took >= self._durations.installer / 2):
            return InstallerRun(one.argv, one.fingerprint, True, None, "installer.log", ("TASK [simulated : install]",))
        if one.lost:
            return InstallerRun(one.argv, one.fingerprint, False, None, "installer.log")
        last = "fatal: [host]: FAILED! => simulated" if one.fails else "PLAY RECAP"
        return InstallerRun(one.argv, one.fingerprint, False, 2 if one.fails else 0, "installer.log", (last,))
