"""The outside of one host and of one cluster: which adapter answers which question and performs which step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from bpa.adapters.errors import AdapterError, Refused, Unreachable, Unsupported
from bpa.adapters.ironic import NodeSpec
from bpa.adapters.kubernetes import Known, KubernetesNodes
from bpa.adapters.kud import Kud, LogTail
from bpa.adapters.redfish import Bmc, Section
from bpa.adapters.ssh import Ssh
from bpa.core import steps
from bpa.core.config_drive import ConfigDrive
from bpa.core.facts import BmcFacts, ClusterFacts, Facts, MemberFacts, NodeFacts, OsFacts, ServiceFacts
from bpa.core.failed_command import failed
from bpa.core.host import PROBES
from bpa.core.host.pmem.ipmctl import Ipmctl, look_ipmctl
from bpa.core.reads import probes_read
from bpa.core.requirement import Requirement, Source
from bpa.core.sizes import MIB
from bpa.core.walk import LooksAtAll
from bpa.core.want import ClusterWant, HostWant

if TYPE_CHECKING:
    from bpa.adapters.ironic.client import Ironic

BMC_FACTS_AGE = 60.0
"""Seconds for which a look at a BMC is good enough while nothing of ours changes it: a BMC is slow."""
FRESH_BMC_FACTS_AGE = 2.0
WATCHED = 900.0
"""Seconds after an act on the machine's firmware or power in which looks are that fresh: a POST takes minutes."""
LOOK_SECONDS = 60.0
GLANCE_SECONDS = 60.0
"""How long after a whole look only what matters is asked anew, while nothing but our own small steps happen."""
THEN_SECONDS = 600.0
"""For what follows a written file: on a slow machine an initial ramdisk takes minutes."""


class Nodes(Protocol):
    """Who answers for Ironic: the adapter, or the knowledge that no Ironic has been started yet."""

    def look(self, name: str) -> NodeFacts: ...

    def ironic(self) -> Ironic: ...


def needed(want: HostWant) -> frozenset[Section]:
    """What a look at the BMC must read for the requirements of this host; the rest costs requests for nothing."""
    least = want.profile.minimum
    asked: tuple[tuple[Section, object], ...] = (
        ("macs", want.boot_mac), ("cpus", least.cpus), ("drives", want.image or least.disk or least.disks),
        ("dimms", least.persistent_memory), ("version", least.bmc))
    return frozenset(section for section, reason in asked if reason)


class HostWorld:
    """One host through its BMC, its Ironic node, its operating system, and the cluster it may be in.

    `bmc_turns`: not more at once per BMC than it bears. kubernetes None = it is in no cluster.
    """

    def __init__(
        self, want: HostWant, open_bmc: Callable[[], Bmc], bmc_turns: threading.BoundedSemaphore, nodes: Nodes,
        node_spec: Callable[[], NodeSpec], config_drive: Callable[[], ConfigDrive], open_ssh: Callable[[str], Ssh],
        kubernetes: KubernetesNodes | None = None,
    ) -> None:
        self._want, self._open_bmc, self._bmc_turns, self._nodes = want, open_bmc, bmc_turns, nodes
        self._node_spec, self._config_drive, self._open_ssh = node_spec, config_drive, open_ssh
        self._kubernetes = kubernetes
        self._bmc: Bmc | None = None
        self._ssh: Ssh | None = None
        self._seen: tuple[float, BmcFacts] | None = None
        self._goal_by_bmc = False
        self._glanced: OsFacts | None = None
        self._fresh: set[str] = set()
        self._whole_at = -GLANCE_SECONDS
        self._acted = -WATCHED
        self.address = ""

    def nothing_seen(self) -> Facts:
        return Facts()

    def identity(self, have: Facts) -> str:
        return (have.bmc.uuid or have.bmc.serial) if have.bmc else ""

    def look(self, have: Facts, source: Source) -> Facts:
        if source == "bmc":
            return replace(have, bmc=self._look_at_bmc())
        if source == "node":
            return replace(have, node=self._nodes.look(self._want.name))
        if source == "service":
            return replace(have, service=self.in_service(have, False))
        return self._look_at_os(have)

    def in_service(self, have: Facts, pods: bool) -> ServiceFacts | None:
        known = Known(self._want.os_name, have.bmc.uuid if have.bmc else "", have.os.boot_id if have.os else "",
                      tuple(filter(None, (have.os.address if have.os else "", self._want.node_ip, self.address))))
        return self._kubernetes.look(known, pods) if self._kubernetes else None

    def _look_at_bmc(self) -> BmcFacts:
        now = time.monotonic()
        age = FRESH_BMC_FACTS_AGE if now - self._acted < WATCHED else BMC_FACTS_AGE
        if self._seen and now - self._seen[0] < age:
            return self._seen[1]
        with self._bmc_turns:
            facts = self._the_bmc().look(needed(self._want))
            least = self._want.profile.minimum.memory
            if least and 0 < facts.memory_mib * MIB < least:
                # Some BMCs sum memory up too low; their modules, read one by one, tell the truth.
                facts = self._the_bmc().look({*needed(self._want), "dimms"})
            if self._goal_by_bmc:
                facts = self._with_persistent(facts)
        self._seen = time.monotonic(), facts
        return facts

    def _with_persistent(self, facts: BmcFacts) -> BmcFacts:
        try:
            return replace(facts, persistent=self._the_bmc().persistent())
        except Unsupported as error:
            return replace(facts, unread={**facts.unread, "persistent": str(error)})

    def _the_bmc(self) -> Bmc:
        if self._bmc is None:
            self._bmc = self._open_bmc()
        return self._bmc

    def _look_at_os(self, have: Facts) -> Facts:
        if have.node is None or have.node.provision_state != "active":
            return replace(have, os=None, os_problem="no image has been written yet")
        inventory = have.node.inventory
        self.address = self._want.node_ip or (inventory.addresses.get(self._want.boot_mac, "") if inventory else "")
        if not self.address:
            raise Refused(f"no address is known for {self._want.name}",
                          "give it by annotation icn.akraino.org/node-ip or by networkData, or inspect the host again")
        if self._glanced is not None and time.monotonic() - self._whole_at < GLANCE_SECONDS:
            self._fresh.clear()
            return replace(have, os=self._glanced, os_problem="")
        self._glanced = None
        try:
            answers = self._the_ssh().ask(PROBES, timeout=LOOK_SECONDS)
            if any(ran.exit_code is None for ran in answers.values()):
                raise Unreachable(f"{self.address} did not answer all that was asked within {LOOK_SECONDS:.0f} s")
        except Unreachable as error:
            self._drop_ssh()
            return replace(have, os=None, os_problem=str(error))
        boot_id = answers["boot_id"].stdout.strip()
        seen = replace(have, os=OsFacts(self.address, boot_id, answers), os_problem="")
        self._glanced, self._fresh, self._whole_at = seen.os, set(answers), time.monotonic()
        optane = look_ipmctl(seen) if self._want.profile.pmem_goals else None
        if isinstance(optane, Ipmctl) and optane.present and not optane.tool and not self._goal_by_bmc:
            # Only now is it known that the BMC must be asked for persistent memory too, which costs it many requests.
            self._goal_by_bmc, self._seen = True, None
        return seen

    def renew(self, have: Facts, requirement: Requirement[HostWant, Facts]) -> Facts:
        """Ask anew what the requirement reads and was not asked since the last step. After a restart all is asked."""
        if requirement.needs != "os" or have.os is None or have.os is not self._glanced:
            return have
        names = [name for name in probes_read(requirement, self._want, have) if name in PROBES and name not in self._fresh]
        if not names:
            return have
        try:
            asked = {name: PROBES[name] for name in ("boot_id", *names)}
            answers = self._the_ssh().ask(asked, timeout=LOOK_SECONDS)
        except Unreachable:
            answers = {}
        told = answers.get("boot_id")
        if told is None or told.stdout.strip() != have.os.boot_id or any(ran.exit_code is None for ran in answers.values()):
            self._glanced = None
            return self._look_at_os(have)
        self._fresh |= set(answers)
        self._glanced = replace(have.os, answers={**have.os.answers, **answers})
        return replace(have, os=self._glanced)

    def whole(self) -> bool:
        if self._glanced is None or self._fresh >= set(PROBES):
            return True
        self._glanced = None
        return False

    def _the_ssh(self) -> Ssh:
        if self._ssh is None:
            self._ssh = self._open_ssh(self.address)
        return self._ssh

    def _drop_ssh(self) -> None:
        if self._ssh is not None:
            with suppress(AdapterError, OSError):
                self._ssh.close()
            self._ssh = None
        self._glanced = None

    def perform(self, step: steps.Step) -> None:
        self._fresh.clear()
        match step:
            case steps.StageBios() | steps.Reset() | steps.StageMemoryGoal():
                self._perform_on_bmc(step)
            case steps.RunOnHost(argv, why, timeout):
                self._run(argv, why, timeout)
            case steps.WriteFile(path, content, why, mode, then):
                self._the_ssh().write_file(path, content, mode)
                for argv in then:
                    self._run(argv, why, THEN_SECONDS)
            case steps.RestartHost():
                self._the_ssh().restart()
                self._drop_ssh()
            case steps.Cordon() | steps.EvictPods() | steps.Uncordon() if self._kubernetes:
                self._kubernetes.perform(step)
            case _:
                self._perform_on_node(step)

    def _perform_on_bmc(self, step: steps.StageBios | steps.Reset | steps.StageMemoryGoal) -> None:
        self._seen, self._acted = None, time.monotonic()
        with self._bmc_turns:
            match step:
                case steps.StageBios(attributes):
                    self._the_bmc().stage_bios(attributes)
                case steps.StageMemoryGoal(requests):
                    self._the_bmc().stage_memory_goal(requests)
                case steps.Reset(reset_type):
                    self._the_bmc().reset(reset_type)

    def _perform_on_node(self, step: steps.Step) -> None:
        name, ironic = self._want.name, self._nodes.ironic()
        match step:
            case steps.Enrol():
                ironic.enrol(self._node_spec())
            case steps.SetProvisionState(target):
                ironic.set_provision_state(name, target)
            case steps.ClearMaintenance():
                ironic.clear_maintenance(name)
            case steps.ResetByIronic():
                self._seen, self._acted = None, time.monotonic()
                ironic.restart(name)
                self._drop_ssh()
            case steps.Deploy() if self._want.image:
                self._drop_ssh()
                ironic.deploy(name, self._want.image, step.root_device, self._config_drive(), step.rebuild)
            case _:
                raise TypeError(f"a host cannot perform {type(step).__name__}")

    def _run(self, argv: tuple[str, ...], why: str, timeout: float) -> None:
        ran = self._the_ssh().run(argv, timeout=timeout)
        if ran.exit_code is None:
            raise Unreachable(f"{why}: {argv[0]} did not end within {timeout:.0f} s")
        if ran.exit_code:
            raise Refused(failed(why, argv, ran.exit_code, ran.stderr.strip() or ran.stdout),
                          "run it by hand on the host to see why")

    def acknowledge(self) -> None:
        """A person asks again: the node's last failure counts as dealt with. Raises AdapterError."""
        if self._nodes.look(self._want.name).provision_state:
            self._nodes.ironic().acknowledge(self._want.name)

    def close(self) -> None:
        """Log out of the BMC and leave the host."""
        self._drop_ssh()
        if self._bmc is not None:
            with suppress(AdapterError):
                self._bmc.close()
            self._bmc = None


class ClusterWorld(LooksAtAll):
    """One cluster through KuD's directory and installer. `members` tells how far each label's host is."""

    def __init__(
        self, want: ClusterWant, kud: Kud, members: Callable[[], Mapping[str, MemberFacts]]
    ) -> None:
        self._want, self._kud, self._members = want, kud, members
        self.address = ""
        self._log: LogTail | None = None

    def nothing_seen(self) -> ClusterFacts:
        return ClusterFacts()

    def identity(self, have: ClusterFacts) -> str:
        return ""

    def in_service(self, have: ClusterFacts, pods: bool) -> None:
        return None

    def look(self, have: ClusterFacts, source: Source) -> ClusterFacts:
        seen = replace(self._kud.look(self._want.name), members=self._members())
        if seen.run is not None and seen.run.alive and self._log is None:
            self._log = self._kud.follow(self._want.name)
        return seen

    def perform(self, step: steps.Step) -> None:
        match step:
            case steps.RenderInventory(cluster, files):
                self._kud.write(cluster, files)
            case steps.StartInstaller():
                self._kud.start(step)
                self._log = self._kud.follow(self._want.name)
            case _:
                raise TypeError(f"a cluster cannot perform {type(step).__name__}")

    def news(self) -> tuple[str, ...]:
        """The lines that the installer has written since the last call; at first those of a run that we have seen start."""
        if self._log is None:
            return ()
        return tuple(self._log.new_lines())

    def acknowledge(self) -> None:
        """A person asks again: a failed installer run no longer stands in the way."""
        self._kud.set_aside_failure(self._want.name)

    def close(self) -> None:
        """Nothing is kept open."""
