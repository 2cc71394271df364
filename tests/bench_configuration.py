"""The same configuration of a running host by BPA's own engine and by an Ansible playbook (tests/bench/host.yaml)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bpa.adapters.ssh import Ssh
from bpa.core.facts import Facts, OsFacts
from bpa.core.guards import Memory, Permissions
from bpa.core.host import PROBES, hugepages, kernel, module_files, module_state, sriov, sysctl
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.walk import LooksAtAll
from bpa.core.want import HostWant, HugepagesWant, KernelWant, PfMatch, Profile, VfWant
from bpa.engine import Subject, tick
from tests.ansible_runs import Target, ansible
from tests.bench_host import line
from tests.loopback_host import HERE, Loopback, Wire, loopback

PLAYBOOK = str(HERE / "host.yaml")
REQUIREMENTS = (kernel.STAGED, module_files.STAGED, kernel.APPLIED, module_state.UP, hugepages.RESERVED, sysctl.SYSCTLS,
                sriov.CREATED)
WANT = HostWant("bench", "https://192.0.2.1", "", None, Profile(
    nested="required", kernel_arguments=("intel_iommu=on", "iommu=pt"), vfs=(VfWant(PfMatch(device="8086:10c9"), 4),),
    kernel=KernelWant(("vfio_pci",), ("floppy",), {"vfio_iommu_type1": ("allow_unsafe_interrupts=1",)},
                      {"vm.max_map_count": "262144", "vm.swappiness": "10", "net.ipv4.ip_forward": "1"},
                      (HugepagesWant(2 << 20, 32, 0),))))
"""What the playbook makes, but for the restart and the mount. The namespace's kernel runs with the arguments already."""


@dataclass
class OverSsh(LooksAtAll):
    """The running system of one host, as HostWorld shows it; nothing else of it is there."""

    ssh: Ssh
    address: str = "127.0.0.1"
    looks: int = 0
    steps: list[str] = field(default_factory=list)

    def nothing_seen(self) -> Facts:
        return Facts()

    def look(self, have: Facts, source: str) -> Facts:
        self.looks += 1
        answers = self.ssh.ask(PROBES)
        return replace(have, os=OsFacts(self.address, answers["boot_id"].stdout.strip(), answers))

    def perform(self, step: Any) -> None:
        self.steps.append(step.text)
        match step:
            case WriteFile():
                self.ssh.write_file(step.path, step.content, step.mode)
                commands = step.then
            case RunOnHost():
                commands = (step.argv,)
            case _:
                raise AssertionError(f"not on this host: {step.text}")
        for argv in commands:
            ran = self.ssh.run(argv, timeout=300)
            assert ran.exit_code == 0, (argv, ran.stderr)

    def in_service(self, have: Facts, pods: bool) -> None:
        return None

    def identity(self, have: Facts) -> str:
        return ""

    def acknowledge(self) -> None:
        """Nothing has failed."""

    def close(self) -> None:
        self.ssh.close()


def configure(ssh: Ssh) -> OverSsh:
    """Tick as `bpa apply` does, until everything is as WANT says. AssertionError where it gets stuck."""
    world, memory = OverSsh(ssh), Memory()
    one: Subject[Any, Any] = Subject("bench", WANT, REQUIREMENTS, world)
    for _ in range(60):
        outcome = tick(one, memory, Permissions(), time.time, lambda memory: None)
        memory = outcome.memory
        assert not outcome.stuck, outcome.last
        if outcome.again_in is None:
            return world
    raise AssertionError(f"no end: {outcome.last}")


def configuration(place: Path, milliseconds: float, rounds: int = 2) -> None:
    """Each on a host as new, and once more where all is there already; by turns, and the quickest of each counts."""
    where = f"{milliseconds:.0f} ms round trip"
    found: dict[tuple[str, str], tuple[float, str]] = {}
    for number in range(rounds):
        for who in ("BPA", "Ansible", "Ansible with pipelining"):
            with loopback(place / f"{number}-{who.split()[-1]}", own=True) as host, Wire(host.port, milliseconds) as wire:
                for what in ("a host as new", "nothing to do"):
                    took = _ours(host, wire) if who == "BPA" else _theirs(host, wire, who != "Ansible")
                    found[who, what] = min(took, found.get((who, what), took))
    for (who, what), (seconds, note) in found.items():
        line(f"{where}: {who}, {what}", f"{seconds:.2f} s", note)
        if who != "BPA":
            line(f"{where}: BPA against that", f"{found['BPA', what][0] / seconds:.2f} x", "goal 1")


def _ours(host: Loopback, wire: Wire) -> tuple[float, str]:
    began = time.perf_counter()
    with Ssh(replace(host.access, port=wire.port)) as ssh:
        world = configure(ssh)
    return time.perf_counter() - began, f"{len(world.steps)} steps, {world.looks} looks"


def _theirs(host: Loopback, wire: Wire, pipelining: bool) -> tuple[float, str]:
    target = Target("127.0.0.1", wire.port, host.access.username, host.folder / "client")
    run = ansible(target, PLAYBOOK, pipelining=pipelining, restart=False, mount=False)
    return run.seconds, f"{len(run.tasks)} tasks, {len(run.calls)} calls of ssh and sftp"
