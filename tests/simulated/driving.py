"""What the tests of the simulated world share: hosts as documents ask for them, and a loop that drives ticks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ticking import drive_by_ticks

from bpa.adapters.store import Store
from bpa.core.guards import Consent, Memory, Permissions
from bpa.core.host import HOST
from bpa.core.steps import Step
from bpa.core.want import BiosWant, HostWant, Image, Minimum, NamespaceWant, PfMatch, Profile, VfWant
from bpa.documents.profile.bios import intent_rules
from bpa.engine import Outcome, Subject
from bpa.fleet import Fleet
from bpa.lab.simulated import Clock, Durations, SimulatedHost, as_new, hardware

GIB = 1 << 30
MIB = 1 << 20
IMAGE = Image("http://192.0.2.1/debian-12.raw", "ab" * 32)
USUAL = Durations()
NOBODY_AGREED = Permissions()
LAB = Profile(
    name="lab", bios=BiosWant({"virtualization": True, "iommu": True, "sriov": True}, {}, intent_rules()),
    nested="required", kernel_arguments=("intel_iommu=on", "iommu=pt"),
    vfs=(VfWant(PfMatch(device="8086:10c9"), 4),),
    pmem=(NamespaceWant("region0", "fsdax", 512 * MIB, "data0", "ext4", "/mnt/pmem0"),),
    kata=True, minimum=Minimum(1, 2 * GIB, 4 * GIB),
)


def host_want(name: str = "node1", profile: Profile = LAB, **changes: Any) -> HostWant:
    """A host as the lab's documents describe it."""
    number = int("".join(filter(str.isdigit, name)) or 0)
    mac = f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}"
    want = HostWant(name, f"https://192.0.2.{number % 250}", mac, IMAGE, profile, root_device={"serial": f"s== D{number}"})
    return dataclasses.replace(want, **changes)


def new_host(want: HostWant, clock: Clock, number: int = 1, durations: Durations = USUAL, **parts: Any) -> SimulatedHost:
    """A machine as new from the factory that fits; `parts` of its hardware may be otherwise."""
    if not parts:
        return as_new(want, number, clock, durations)
    fitting = hardware(want, "198.18.0.1")
    return SimulatedHost(want, dataclasses.replace(fitting, **parts), f"198.18.0.{number}", clock, durations)


def subject(want: HostWant, world: Any) -> Subject[Any, Any]:
    return Subject(want.name, want, HOST, world)


def all_of(world: SimulatedHost) -> Permissions:
    """A person has agreed that everything on this machine may go."""
    return Permissions(Consent(world.machine.hardware.uuid, ("*",)))


def drive(
    one: Subject[Any, Any], store: Store, clock: Clock, permissions: Permissions = NOBODY_AGREED, *,
    remember: Callable[[Callable[[Memory], None], Memory], None] = lambda save, memory: save(memory), most: int = 3000,
    until: Callable[[Outcome], bool] = lambda outcome: False,
) -> Outcome:
    """Tick one subject until it is done, stuck, or as `until` says; time passes by the clock alone."""
    return drive_by_ticks(
        one, lambda: store.memory(one.name), lambda memory: remember(lambda m: store.remember(one.name, m), memory),
        clock, permissions, most=most, until=until)


def brought_up(want: HostWant, clock: Clock, store: Store) -> SimulatedHost:
    """A machine as new that has come all the way, with everybody's consent."""
    world = new_host(want, clock, durations=QUICK)
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert outcome.done, outcome.last
    return world


def drive_fleet(
    subjects: Sequence[Subject[Any, Any]], path: Path, clock: Clock, permissions: Callable[[str], Permissions],
    watch: Callable[[str, Outcome], None] = lambda name, outcome: None, workers: int = 8,
) -> tuple[Fleet, Store]:
    """Drive many subjects to their ends through the Fleet."""
    path.mkdir(parents=True, exist_ok=True)
    store = Store(path / "site.sqlite")
    fleet = Fleet(store, permissions, watch, "run", workers, clock, clock, clock.pause)
    fleet.drive(subjects)
    return fleet, store


def acts(world: Any) -> list[str]:
    """The steps performed, in the words that people read."""
    return [step.text for step in world.performed]


def kinds(steps: Sequence[Step]) -> list[str]:
    return [type(step).__name__ for step in steps]


def stands(world: SimulatedHost) -> dict[str, object]:
    """All that a host has come to, without the times."""
    machine = world.machine
    os = machine.os
    assert os is not None, "the operating system is not up"
    return {
        "bios": dict(machine.hardware.bios), "pending": dict(machine.pending), "power": machine.power,
        "image": [disk.image for disk in machine.hardware.disks], "files": dict(os.installed.files),
        "enabled": set(os.installed.enabled), "menu": os.installed.menu, "cmdline": os.cmdline, "modules": set(os.modules),
        "nested": dict(os.nested), "vfs": {one.address: one.vfs for one in machine.hardware.functions},
        "namespaces": [(one.dev, one.mode, one.raw, one.name, one.signature) for region in machine.hardware.regions
                       for one in region.namespaces],
        "mounts": dict(os.mounts), "node": world.node.facts().provision_state,
    }


QUICK = Durations(post=20, boot=6, first_boot=4, verify=2, ramdisk=8, write=12, provide=2, installer=10)
GOLDEN = [
    "stage BIOS ProcVirtualization=Enabled, ProcVtd=Enabled, SriovGlobalEnable=Enabled",
    "reset (On) to apply staged BIOS settings",
    "enrol node1 in Ironic",
    "ask Ironic to manage",
    "ask Ironic to inspect",
    "ask Ironic to provide",
    "write debian-12.raw to disk D1 (64.0 GiB)",
    "stage kernel arguments: intel_iommu=on iommu=pt",
    "stage module options in /etc/modprobe.d/bpa.conf",
    "stage the modules to load at boot in /etc/modules-load.d/bpa.conf",
    "restart the host: the running kernel lacks intel_iommu=on iommu=pt",
    "stage the script that makes VFs",
    "stage the VFs that every start creates",
    "create 4 VFs on 0000:3b:00.0",
    "write empty labels to nmem0 of region0",
    "create fsdax namespace of 512 MiB on region0",
    "make ext4 on namespace0.0",
    "mount namespace0.0 at /mnt/pmem0 now and at every start",
]
"""What it takes to bring the lab's machine from powered off to handed over."""
