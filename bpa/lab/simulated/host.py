"""One simulated host as the engine sees it: the same questions and steps as bpa.worlds.HostWorld, in memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from bpa.adapters.errors import Busy, Refused, Unreachable
from bpa.core import steps
from bpa.core.facts import BmcFacts, Facts, OsFacts, ServiceFacts
from bpa.core.failed_command import failed
from bpa.core.in_service import disturbs
from bpa.core.requirement import Source
from bpa.core.walk import LooksAtAll
from bpa.core.want import HostWant
from bpa.lab.simulated.answers import answers
from bpa.lab.simulated.commands import run
from bpa.lab.simulated.faults import Fault, Faults
from bpa.lab.simulated.kubernetes_node import KubernetesNode
from bpa.lab.simulated.linux import Running
from bpa.lab.simulated.machine import USUAL, Durations, Hardware, Machine
from bpa.lab.simulated.node import Node


class SimulatedHost(LooksAtAll):
    """A host in memory. `half_way` is called in the middle of every step that has one: a test may stop us there.

    kubernetes is the Node that it has become, None = it is in no cluster.
    performed holds every step that was begun; logins counts how often the BMC was given credentials.
    """

    def __init__(
        self, want: HostWant, hardware: Hardware, address: str, now: Callable[[], float],
        durations: Durations = USUAL,
    ) -> None:
        self.address = address
        self.faults = Faults()
        self.machine = Machine(hardware, durations, now, self.faults)
        self.node = Node(want, self.machine, address)
        self.performed: list[steps.Step] = []
        self.logins = 0
        self.kubernetes: KubernetesNode | None = None
        self.half_way: Callable[[], None] = _nothing
        self._want = want

    def fault(
        self, name: str, after: float = 0.0, lasts: float = math.inf, times: float = math.inf, value: str = ""
    ) -> None:
        """From `after` seconds on, for `lasts` seconds, at most `times` times: see bpa.lab.simulated.faults.FAULTS."""
        since = self.machine.now() + after
        self.faults.add(Fault(name, since, since + lasts, times, value))

    # -- the engine's World

    def nothing_seen(self) -> Facts:
        return Facts()

    def identity(self, have: Facts) -> str:
        return (have.bmc.uuid or have.bmc.serial) if have.bmc else ""

    def in_service(self, have: Facts, pods: bool) -> ServiceFacts | None:
        self._settle()
        return self.kubernetes.look(pods) if self.kubernetes else None

    def look(self, have: Facts, source: Source) -> Facts:
        self._settle()
        if source == "service":
            return replace(have, service=self.in_service(have, False))
        if source == "bmc":
            return replace(have, bmc=self._look_at_bmc())
        if source == "node":
            return replace(have, node=self.node.facts())
        return self._look_at_os(have)

    def perform(self, step: steps.Step) -> None:
        self._settle()
        self.performed.append(step)
        if self.kubernetes and disturbs(step):
            self.kubernetes.disturb(step)
        match step:
            case steps.Cordon() | steps.EvictPods() | steps.Uncordon() if self.kubernetes:
                self.kubernetes.perform(step)
            case steps.StageBios(attributes):
                self._answers()
                unknown = attributes.keys() - self.machine.hardware.bios.keys()
                if unknown:
                    raise Refused(f"the BMC knows no BIOS attribute {', '.join(sorted(unknown))}")
                self.machine.stage(dict(attributes))
            case steps.Reset(reset_type):
                self._answers()
                self.machine.reset(reset_type)
            case steps.Enrol():
                self.node.enrol()
            case steps.SetProvisionState(target):
                self.node.provide(target)
            case steps.ClearMaintenance():
                self.node.clear_maintenance()
            case steps.ResetByIronic():
                self.node.restart()
            case steps.Deploy():
                self.node.deploy(step)
            case steps.RestartHost():
                run(self._os(), ("systemctl", "reboot"))
            case steps.RunOnHost(argv, why):
                self._run(argv, why)
            case steps.WriteFile(path, content, why, _, then):
                self._write(path, content)
                for argv in then:
                    self.half_way()
                    self._run(argv, why)
            case _:
                raise TypeError(f"a host cannot perform {type(step).__name__}")
        self._settle()

    def acknowledge(self) -> None:
        """A person asks again."""
        self.node.acknowledge()

    def close(self) -> None:
        """Nothing is kept open."""

    # -- inside

    def _settle(self) -> None:
        self.machine.advance()
        wrong = self.machine.contradictions()
        if wrong:
            raise AssertionError(f"{self._want.name}: the simulation contradicts itself: {'; '.join(wrong)}")

    def _answers(self) -> None:
        """Raise what a BMC with these faults answers."""
        now, at = self.machine.time, self._want.bmc
        if self.faults.active("bmc unreachable", now):
            raise Unreachable(f"nothing answers at {at}: no route to host")
        if self.faults.active("wrong certificate", now):
            raise Refused(f"the certificate of {at} is not trusted: self-signed certificate",
                          "give spec.bmc.caFile, or disableCertificateVerification")
        if self.faults.active("bmc busy", now):
            raise Busy(f"{at} answers 503 Service Unavailable", retry_after=5.0)
        self.logins += 1
        if self.faults.active("wrong password", now):
            raise Refused(f"{at} refuses user name or password (401)", "correct the Secret of this host")

    def _look_at_bmc(self) -> BmcFacts:
        self._answers()
        return self.machine.bmc_facts(self._want.system or "/redfish/v1/Systems/1")

    def _look_at_os(self, have: Facts) -> Facts:
        if have.node is None or have.node.provision_state != "active":
            return replace(have, os=None, os_problem="no image has been written yet")
        if self.machine.os is None or self.faults.active("ssh silent", self.machine.time):
            return replace(have, os=None, os_problem=f"SSH to {self.address}: connection refused")
        return replace(have, os=OsFacts(self.address, self.machine.os.boot_id, answers(self.machine.os)), os_problem="")

    def _os(self) -> Running:
        if self.machine.os is None or self.faults.active("ssh silent", self.machine.time):
            raise Unreachable(f"SSH to {self.address}: connection refused")
        return self.machine.os

    def _write(self, path: str, content: str) -> None:
        """As bpa.adapters.ssh does it, in its words."""
        os, now, could_not = self._os(), self.machine.time, f"{path} could not be written on {self.address}"
        if self.faults.active("read-only root", now):
            raise Refused(f"{could_not}: mktemp: failed to create file via template: Read-only file system")
        if self.faults.active("disk full", now):
            raise Refused(f"{could_not}: cat: write error: No space left on device")
        lost = self.faults.strikes("ssh lost in mid-write", now)
        if lost is None or lost.value == "after":
            os.installed.write(path, content)
        if lost:
            raise Unreachable(f"SSH connection to {self.address} lost: EOF in the middle of the file")

    def _run(self, argv: tuple[str, ...], why: str) -> None:
        ran = run(self._os(), argv)
        if ran.exit_code:
            raise Refused(failed(why, argv, ran.exit_code, ran.stderr),
                          "run it by hand on the host to see why")


def _nothing() -> None:
    pass
