"""Persistent memory of simulated machines, from new to as asked, and back when the profile asks no more."""

from __future__ import annotations

import dataclasses

import pytest
from driving import GIB, NOBODY_AGREED, QUICK, acts, all_of, drive, host_want, kinds, new_host, stands, subject

from bpa.core.want import EraseWant, GoalWant, ModulesWant, NamespaceWant, Profile

DATA = NamespaceWant("region0", "fsdax", 4 * GIB, "data0", "ext4", "/mnt/pmem0")
ALL_KINDS = (
    DATA, NamespaceWant("region0", "devdax", 2 * GIB, "raw0", align=GIB),
    NamespaceWant("region0", "sector", GIB, "log0", "xfs", sector=512),
    NamespaceWant("region1", "fsdax", GIB, "pmem-csi", volume_group="ndbus0region1fsdax"),
)


def profile(*namespaces: NamespaceWant, goals: tuple[GoalWant, ...] = (), **more: object) -> Profile:
    return dataclasses.replace(Profile(name="pmem", pmem=namespaces, pmem_goals=goals), **more)


def from_new(clock, store, wanted, **faults):
    want = host_want(profile=wanted)
    world = new_host(want, clock, durations=QUICK)
    for name, parts in faults.items():
        world.fault(name.replace("_", " "), **parts)
    return want, world, drive(subject(want, world), store, clock, all_of(world))


def lost(world):
    """The namespaces that lost data."""
    return [one for one in world.machine.destroyed if "namespace" in one]


def test_namespaces_of_every_mode_from_a_new_machine(clock, store):
    want, world, outcome = from_new(clock, store, profile(*ALL_KINDS))
    assert outcome.done
    made = {n.name: n for region in world.machine.hardware.regions for n in region.namespaces}
    assert {name: (n.mode, n.signature, n.group) for name, n in made.items()} == {
        "data0": ("fsdax", "ext4", ""), "raw0": ("devdax", "", ""), "log0": ("sector", "xfs", ""),
        "pmem-csi": ("fsdax", "LVM2_member", "ndbus0region1fsdax")}
    before, steps = stands(world), len(world.performed)
    assert drive(subject(want, world), store, clock).done
    assert len(world.performed) == steps and stands(world) == before


def test_a_goal_comes_before_the_namespaces_and_costs_one_restart(clock, store):
    _, world, outcome = from_new(clock, store, profile(DATA, goals=(GoalWant(25),)))
    assert outcome.done
    assert kinds(world.performed).count("RestartHost") == 1
    texts = acts(world)
    assert texts.index("restart the host: the goal for persistent memory takes effect") < texts.index(
        "create fsdax namespace of 4 GiB on region0")


def test_a_goal_and_kernel_arguments_share_one_restart(clock, store):
    _, world, outcome = from_new(clock, store, profile(DATA, goals=(GoalWant(0),), kernel_arguments=("iommu=pt",)))
    assert outcome.done and kinds(world.performed).count("RestartHost") == 1


def test_a_goal_that_is_dropped_once_takes_a_second_restart(clock, store):
    _, world, outcome = from_new(clock, store, profile(DATA, goals=(GoalWant(25),)), goal_dropped={"times": 1})
    assert outcome.done and kinds(world.performed).count("RestartHost") == 2


@pytest.mark.parametrize(("fault", "said"), [
    ({"goal_dropped": {}}, "dropped the goal 2 times without a word"),
    ({"goal_refused": {"value": "Not enough resources"}}, "Not enough resources"),
])
def test_a_goal_that_never_comes_is_explained(clock, store, fault, said):
    _, world, outcome = from_new(clock, store, profile(DATA, goals=(GoalWant(25),)), **fault)
    assert not outcome.done and said in str(outcome.last)
    assert kinds(world.performed).count("RestartHost") <= 2


def test_another_goal_destroys_namespaces_with_consent_only(clock, store):
    want, world, outcome = from_new(clock, store, profile(DATA, goals=(GoalWant(0),)))
    assert outcome.done
    other = dataclasses.replace(want, profile=profile(goals=(GoalWant(100),)))
    outcome = drive(subject(other, world), store, clock, NOBODY_AGREED)
    assert "namespace 'data0'" in str(outcome.last) and not lost(world)
    store.remember(other.name, store.memory(other.name).retried())
    assert drive(subject(other, world), store, clock, all_of(world)).done
    assert lost(world) and not world.machine.hardware.regions


def test_taking_the_sections_out_removes_what_is_ours_and_no_data(clock, store):
    erasing = ModulesWant("", EraseWant("a"))
    want, world, outcome = from_new(clock, store, profile(DATA, goals=(GoalWant(0),), pmem_modules=erasing))
    assert outcome.done
    files = set(world.machine.os.installed.files)
    assert {"/etc/bpa/pmem-goal", "/etc/bpa/pmem-erased", "/etc/systemd/system/mnt-pmem0.mount"} <= files
    assert drive(subject(dataclasses.replace(want, profile=Profile()), world), store, clock).done
    installed = world.machine.os.installed
    assert not [path for path in installed.files if "pmem" in path] and not world.machine.os.mounts
    assert not [name for name in installed.enabled if "pmem" in name]
    (namespace,) = world.machine.hardware.regions[0].namespaces
    assert namespace.signature == "ext4" and not lost(world)


def test_modules_are_erased_once_for_an_id(clock, store):
    want, world, outcome = from_new(clock, store, profile(DATA, goals=(GoalWant(0),)))
    assert outcome.done
    erased = dataclasses.replace(want, profile=dataclasses.replace(want.profile, pmem_modules=ModulesWant("", EraseWant("x"))))
    assert drive(subject(erased, world), store, clock, all_of(world)).done
    assert len(lost(world)) == 1
    steps = len(world.performed)
    assert drive(subject(erased, world), store, clock, all_of(world)).done
    assert len(world.performed) == steps
