"""Minimum hardware, from the document to the running system: what fits goes through, what is lost on the way is told by name."""

import dataclasses

import pytest
from driving import LAB, QUICK, all_of, drive, host_want, new_host, subject

from bpa.core.facts import Drive
from bpa.core.host import HOST
from bpa.core.steps import Deploy, RestartHost
from bpa.core.verdict import Met, Stuck
from bpa.core.want import DisksWant, Minimum, NicsWant
from bpa.lab.simulated.machine import Disk

GIB = 1 << 30
ALL = Minimum(
    cpus=16, memory=64 * GIB, disk=16 * GIB, generation="icelake", sockets=2, cores=16, persistent_memory=1 * GIB,
    disks=(DisksWant("nvme", 100 * GIB, 2), DisksWant("ssd", GIB)), nics=(NicsWant("8086:1583", 10_000, 2), NicsWant(count=3)),
    bios="2.10", bmc="1.4")


def want_of(least: Minimum):
    return host_want("node1", dataclasses.replace(LAB, minimum=least))


def verdict_of(outcome, condition: str):
    return next(one.verdict for one in outcome.conditions if one.name == condition)


def test_a_machine_that_has_all_of_it_is_handed_over(clock, store) -> None:
    want = want_of(ALL)
    world = new_host(want, clock, durations=QUICK)
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert outcome.done, outcome.last
    seen = verdict_of(outcome, "HardwareSeen")
    assert seen == Met("16 Ice Lake CPUs, 64 GiB of memory, 1 GiB of persistent memory, 4 disks, 5 network ports"), seen


def test_a_dimm_that_the_running_system_lacks_is_told_and_stops_nobody(clock, store) -> None:
    want = want_of(Minimum(1, 2 * GIB))
    world = new_host(want, clock, durations=QUICK, memory_mib=64 << 10, lost_mib=16 << 10)
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert outcome.done, outcome.last
    seen = verdict_of(outcome, "HardwareSeen")
    assert isinstance(seen, Met) and ", but the BMC sees" in seen.evidence and "has 48 GiB" in seen.evidence


def test_where_it_makes_the_machine_too_small_it_ends_there(clock, store) -> None:
    want = want_of(Minimum(1, 64 * GIB))
    world = new_host(want, clock, durations=QUICK, memory_mib=64 << 10, lost_mib=16 << 10)
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert not outcome.done
    seen = verdict_of(outcome, "HardwareSeen")
    assert isinstance(seen, Stuck) and "has 48.0 GiB of memory, must have 64.0; the BMC sees" in seen.reason
    assert "bpa bmc log node1" in seen.advice
    assert not any(isinstance(step, RestartHost) for step in world.performed)


@pytest.mark.parametrize(("least", "says"), [
    (Minimum(cores=64), "has 8 cores, must have 64"),
    (Minimum(disks=(DisksWant("nvme", count=2),)), "has 0 NVMe disks, must have 2"),
    (Minimum(nics=(NicsWant("15b3:1017"),)), "has 0 network ports of 15b3:1017, must have 1"),
    (Minimum(bios="9.9"), "has BIOS 1.0, must have 9.9 or newer"),
])
def test_what_is_missing_is_told_before_anything_is_written(clock, store, least: Minimum, says: str) -> None:
    want, usual = want_of(least), host_want("node1")
    world = new_host(usual, clock, durations=QUICK)
    world.machine.hardware.disks[0] = Disk(Drive("/dev/sda", "D1", 64 << 30, rotational=False))
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert not outcome.done
    fits = verdict_of(outcome, "HardwareFits")
    assert isinstance(fits, Stuck) and says in fits.reason and "nothing was written" in fits.advice
    assert not any(isinstance(step, Deploy) for step in world.performed)


def test_the_hardware_is_looked_at_before_anything_is_changed_on_the_host() -> None:
    names = [requirement.condition for requirement in HOST]
    assert names.index("AccessGranted") < names.index("HardwareSeen") < names.index("KernelStaged")
