"""Virtual functions from a new machine on: made, set up, kept over a restart, changed, and taken away again."""

from __future__ import annotations

import dataclasses

import pytest
from driving import QUICK, all_of, brought_up, drive, host_want, kinds, new_host, subject

from bpa.core.host.sriov.script import SCRIPT_PATH
from bpa.core.host.sriov.unit import UNIT
from bpa.core.verdict import Stuck
from bpa.core.want import PfMatch, Profile, VfSettings, VfWant
from bpa.engine import survey

XL710 = PfMatch(device="8086:1583")
GEN4 = PfMatch(device="8086:4940")


def with_vfs(clock, store, *wants):
    want = host_want(profile=Profile("vfs", vfs=wants))
    world = brought_up(want, clock, store)
    world.performed.clear()
    return want, world


@pytest.mark.parametrize("wanted", [
    VfWant(XL710, "all"), VfWant(XL710, "max"), VfWant(XL710, 4, driver="vfio-pci"), VfWant(XL710, 4, driver="netdev"),
    VfWant(XL710, 4, count=2), VfWant(PfMatch(driver="i40e", numa_node=1, link="up"), 2),
    VfWant(PfMatch(device="8086:1592"), 4, settings=VfSettings(True, 100, True, False, 0, 1000, "enable", 9000)),
    VfWant(GEN4, 16, "QAT", driver="vfio-pci", services="dc"),
    VfWant(PfMatch(device="8086:37c8"), "all", "QAT"),
], ids=repr)
def test_what_is_asked_is_made_once_and_is_there_after_a_restart(clock, store, wanted):
    want, world = with_vfs(clock, store, wanted)
    assert drive(subject(want, world), store, clock).done and world.performed == []
    world.machine.restart()
    clock.advance(60)
    assert drive(subject(want, world), store, clock).done and world.performed == []
    ports = [one for one in world.machine.hardware.functions if one.vfs]
    assert len(ports) == (wanted.count or 1)


def test_a_setting_that_somebody_changes_is_put_right_without_new_vfs(clock, store):
    want, world = with_vfs(clock, store, VfWant(XL710, 4, settings=VfSettings(vlan=100, trust=True)))
    port = next(one for one in world.machine.hardware.functions if one.vfs)
    port.options["vlan"] = "7"
    assert drive(subject(want, world), store, clock).done
    (step,) = world.performed
    assert step.why == "set up VFs 0, 1, 2, 3 of 0000:3b:00.0" and port.options["vlan"] == "100"


def test_a_number_that_the_card_has_no_room_for_is_explained_by_the_next_look(clock, store):
    want = host_want(profile=Profile("vfs", vfs=(VfWant(XL710, 32),)))
    world = new_host(want, clock, durations=QUICK)
    world.fault("vfs fail", times=1, value="No space left on device")
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert outcome.stuck and "No space left on device" in outcome.last.verdict.reason
    found = {one.requirement.condition: one.verdict for one in survey(subject(want, world)).judged}["VfsCreated"]
    assert isinstance(found, Stuck) and "has no room for 32 VFs: No space left on device (ENOSPC)" in found.reason
    fewer = dataclasses.replace(want, profile=Profile("vfs", vfs=(VfWant(XL710, 16),)))
    assert drive(subject(fewer, world), store, clock, all_of(world)).done


def test_without_the_section_all_that_we_made_is_gone_and_nothing_else(clock, store):
    want, world = with_vfs(clock, store, VfWant(XL710, 4, driver="vfio-pci"))
    theirs = next(one for one in world.machine.hardware.functions if not one.vfs)
    theirs.total, theirs.vfs, theirs.driver = 8, 3, "igb"
    before = set(world.machine.os.installed.files)
    without = dataclasses.replace(want, profile=Profile("nothing"))
    assert drive(subject(without, world), store, clock).done
    assert [step.why for step in world.performed] == ["remove the VFs of 0000:3b:00.0",
                                                     "remove the unit that makes VFs at every start"]
    assert sum(one.vfs for one in world.machine.hardware.functions) == 3
    assert before - set(world.machine.os.installed.files) == {UNIT, SCRIPT_PATH}
    assert UNIT.rpartition("/")[2] not in world.machine.os.installed.enabled
    world.performed.clear()
    assert drive(subject(without, world), store, clock).done and world.performed == []


def test_another_port_in_the_profile_frees_the_first(clock, store):
    want, world = with_vfs(clock, store, VfWant(PfMatch(pci_address="0000:3b:00.0"), 4), VfWant(
        PfMatch(pci_address="0000:3c:00.0"), 4))
    less = dataclasses.replace(want, profile=Profile("less", vfs=want.profile.vfs[1:]))
    assert drive(subject(less, world), store, clock).done
    assert kinds(world.performed) == ["RunOnHost", "WriteFile"]
    assert {one.address: one.vfs for one in world.machine.hardware.functions if one.total} == {
        "0000:3b:00.0": 0, "0000:3c:00.0": 4}
