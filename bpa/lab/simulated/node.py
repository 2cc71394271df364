"""The Ironic node of a simulated host: Ironic's states, the time they take, and what they do to the machine."""

from __future__ import annotations

import uuid
from dataclasses import replace

from bpa.adapters.errors import Refused, Unreachable
from bpa.core.facts import InspectedNic, Inventory, NodeFacts
from bpa.core.root_device import match
from bpa.core.steps import Deploy, ProvisionTarget
from bpa.core.want import HostWant
from bpa.lab.simulated.linux import Installed
from bpa.lab.simulated.machine import SPEED, Disk, Machine

WAYS: dict[tuple[str, str], str] = {
    ("enroll", "manage"): "verify", ("available", "manage"): "manageable", ("inspect failed", "manage"): "manageable",
    ("clean failed", "manage"): "manageable", ("adopt failed", "manage"): "manageable",
    ("manageable", "inspect"): "inspect", ("inspect failed", "inspect"): "inspect", ("manageable", "provide"): "provide",
    ("active", "deleted"): "undeploy", ("deploy failed", "deleted"): "undeploy", ("error", "deleted"): "undeploy",
    ("available", "active"): "deploy", ("deploy failed", "active"): "deploy", ("active", "rebuild"): "deploy",
    ("deploy failed", "rebuild"): "deploy", ("error", "rebuild"): "deploy",
}
"""(state, verb) -> what begins; every other pair Ironic refuses."""
GIVEN_UP = "Operation (deploy) can't be resumed by conductor. Moving to fail state."
WRITES = ("checksum", "space", "too small", "image")
"""Words of an error that comes only after the ramdisk has begun to write."""


class Node:
    """One node; `facts` is what bpa.adapters.ironic makes of it. Raises Unreachable while Ironic is down, Refused."""

    def __init__(self, want: HostWant, machine: Machine, address: str) -> None:
        self._want, self._machine, self._address = want, machine, address
        self._facts = NodeFacts(provision_state="")
        self._step: Deploy | None = None
        self._disk: Disk | None = None
        machine.parts["node"] = self

    def facts(self) -> NodeFacts:
        self._answers()
        power = f"power {self._machine.power.lower()}" if self._facts.provision_state not in ("", "enroll") else ""
        return replace(self._facts, power_state=power)

    def change(self, **values: object) -> None:
        """Let the node be otherwise than BPA left it."""
        self._facts = replace(self._facts, **values)  # type: ignore[arg-type]

    # -- what BPA asks

    def enrol(self) -> None:
        self._answers()
        if not self._facts.provision_state:
            made = str(uuid.uuid5(uuid.UUID(self._machine.hardware.uuid), "node"))
            self._facts = NodeFacts("enroll", made)
        self.change(current=True, last_error="", retries=0)

    def provide(self, target: ProvisionTarget) -> None:
        """PUT states/provision."""
        self._answers()
        was = self._facts
        begin = self._way(target)
        if target == "manage" and was.provision_state.endswith("failed"):
            self.change(retries=was.retries + 1)
        getattr(self, f"_{begin}")()

    def deploy(self, step: Deploy) -> None:
        self._answers()
        self._way("rebuild" if step.rebuild else "active")
        self._step = step
        self.change(image_url=step.image_url, image_checksum=step.checksum)
        self._deploy()

    def restart(self) -> None:
        self._answers()
        self._machine.restart()

    def clear_maintenance(self) -> None:
        self._answers()
        self.change(maintenance=False, maintenance_reason="", fault="")

    def acknowledge(self) -> None:
        """bpa.adapters.ironic.Ironic.acknowledge: a person asks again."""
        self._answers()
        self.change(last_error="", retries=0)

    def _answers(self) -> None:
        if self._down():
            raise Unreachable("Ironic does not answer: connection refused")

    def _down(self) -> bool:
        return self._machine.faults.active("ironic down", self._machine.time) is not None

    def _way(self, target: str) -> str:
        state = self._facts.provision_state
        if (state, target) not in WAYS:
            raise Refused(f"the requested action \"{target}\" can not be performed on node {self._want.name} while it "
                          f"is in state \"{state}\"")
        return WAYS[state, target]

    def _becomes(self, state: str, last_error: str = "") -> None:
        self.change(provision_state=state, last_error=last_error)

    # -- enrolment

    def _manageable(self) -> None:
        self._becomes("manageable")

    def _verify(self) -> None:
        self._becomes("verifying")
        self._machine.later(self._machine.durations.verify, "node", "verified")

    def verified(self) -> None:
        for fault in ("bmc unreachable", "wrong password", "wrong certificate"):
            if self._machine.faults.active(fault, self._machine.time):
                self._becomes("enroll", f"Failed to get power state for node {self._facts.uuid}. Error: {fault}")
                return
        self._becomes("manageable")

    # -- inspection

    def _inspect(self) -> None:
        self._becomes("inspecting")
        self._boot_ramdisk("inspect_begun", "inspected")

    def inspect_begun(self) -> None:
        self._becomes("inspect wait")

    def inspected(self) -> None:
        failed = self._machine.faults.strikes("inspection fails", self._machine.time)
        self._leave_ramdisk()
        if failed:
            self._becomes("inspect failed", failed.value or "Timeout reached while inspecting the node.")
            return
        parts = self._machine.hardware
        addresses = {mac: self._address if mac == self._want.boot_mac.lower() else "" for mac in parts.macs}
        drives = tuple(disk.drive for disk in parts.disks)
        self.change(inventory=Inventory(
            parts.cpus, parts.memory_mib, parts.serial, drives, addresses, self._machine.flags(), "uefi",
            sockets=parts.sockets, nics=tuple(InspectedNic(one.nic, one.mac, one.device, SPEED, one.driver, one.address)
                                              for one in parts.functions if one.nic)))
        self._becomes("manageable")

    def _provide(self) -> None:
        self._becomes("cleaning")
        self._machine.later(self._machine.durations.provide, "node", "provided")

    def provided(self) -> None:
        self._becomes("available")

    def _undeploy(self) -> None:
        self._machine.switch_off()
        self._becomes("deleting")
        self._machine.later(self._machine.durations.provide, "node", "provided")

    # -- deployment

    def _deploy(self) -> None:
        self._becomes("deploying")
        self._boot_ramdisk("called_for", "write")

    def called_for(self) -> None:
        if not self._given_up("called_for"):
            self._becomes("wait call-back")

    def write(self) -> None:
        """The ramdisk writes: from here on what was on the disk is gone."""
        if self._given_up("write"):
            return
        self._becomes("deploying")
        failing = self._machine.faults.active("deploy fails", self._machine.time)
        self._disk = self._chosen()
        if self._disk is None:
            self._failed("No suitable device was found for deployment using these hints")
        elif failing and not any(word in failing.value.lower() for word in WRITES):
            self._machine.faults.strikes("deploy fails", self._machine.time)
            self._failed(failing.value or "Timeout reached while waiting for callback for node")
        else:
            self._machine.destroyed.append(f"disk {self._disk.drive.serial}")
            self._disk.installed, self._disk.image = None, ""
            self._machine.later(self._machine.durations.write, "node", "written")

    def written(self) -> None:
        if self._given_up("written"):
            return
        assert self._step is not None and self._disk is not None
        failed = self._machine.faults.strikes("deploy fails", self._machine.time)
        if failed:
            self._failed(failed.value)
            return
        for disk in self._machine.hardware.disks:
            disk.installed = None
        self._disk.image = self._step.image_url
        self._disk.installed = Installed(self._want.os_name, self._address)
        self._machine.ramdisk = False
        self._machine.restart()
        self._becomes("active")

    def _chosen(self) -> Disk | None:
        disks = self._machine.hardware.disks
        drive = match(self._step.root_device if self._step else {}, tuple(disk.drive for disk in disks))
        return next((disk for disk in disks if disk.drive == drive), None)

    def _failed(self, last_error: str) -> None:
        self._leave_ramdisk()
        self._becomes("deploy failed", last_error)

    def _given_up(self, event: str) -> bool:
        """Whether Ironic is, or in the meantime was, down: it finds the deployment when it is back and gives it up."""
        if self._down():
            self._step = None
            self._machine.later(5.0, "node", event)
            return True
        if self._step is None:
            self._failed(GIVEN_UP)
            return True
        return False

    # -- the ramdisk

    def _boot_ramdisk(self, begun: str, done: str) -> None:
        lasts = self._machine.durations
        self._machine.ramdisk = True
        self._machine.restart()
        self._machine.later(2.0, "node", begun)
        self._machine.later(lasts.post + lasts.ramdisk, "node", done)

    def _leave_ramdisk(self) -> None:
        self._machine.ramdisk = False
        self._machine.switch_off()
