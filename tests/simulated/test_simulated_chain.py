"""A bare machine becomes a handed-over host, stays one, and what drifts is brought back or refused."""

import dataclasses

import pytest
from driving import (
    GOLDEN,
    IMAGE,
    LAB,
    MIB,
    QUICK,
    acts,
    all_of,
    brought_up,
    drive,
    host_want,
    kinds,
    new_host,
    stands,
    subject,
)

from bpa.core.guards import Memory, Permissions
from bpa.core.host.grub import DROP_IN
from bpa.core.steps import Deploy, ResetByIronic, RestartHost
from bpa.core.verdict import Stuck
from bpa.core.want import (
    BiosWant,
    Image,
    KataWant,
    KernelWant,
    Minimum,
    NamespaceWant,
    PfMatch,
    Profile,
    VfWant,
    VirtualizationWant,
)
from bpa.documents.profile.bios import intent_rules
from bpa.documents.profile.virtualization import with_node
from bpa.engine import survey


@pytest.fixture
def done(clock, store):
    """A host that has come all the way: (want, world); its steps so far are forgotten."""
    want = host_want()
    world = brought_up(want, clock, store)
    world.performed.clear()
    return want, world


def test_a_bare_machine_becomes_a_handed_over_host_in_exactly_these_steps(clock, store):
    want = host_want()
    world = new_host(want, clock)
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert outcome.done and acts(world) == GOLDEN
    memory = store.memory("node1")
    assert (memory.firmware_restarts, memory.kernel_restarts) == (1, 1)
    assert world.machine.destroyed == ["disk D1"]


def test_the_second_run_takes_no_step_and_one_tick(clock, store, done):
    want, world = done
    before = stands(world)
    began = clock()
    assert drive(subject(want, world), store, clock, most=1).done
    assert world.performed == [] and stands(world) == before and clock() == began


def test_a_plan_of_a_new_machine_names_two_restarts_and_the_disk(clock):
    want = host_want()
    result = survey(subject(want, new_host(want, clock)))
    changes = [c for j in result.judged for c in j.requirement.changes(want, result.have)]
    assert [c.restart for c in changes if c.restart] == ["firmware"] * 3 + ["kernel"]
    assert [c.destroys for c in changes if c.destroys] == ["disk D1 (64.0 GiB)"]


def test_after_a_cold_start_everything_is_met_again_by_itself(clock, store, done):
    want, world = done
    before = stands(world)
    world.machine.switch_off()
    world.machine.switch_on()
    clock.advance(60)
    assert drive(subject(want, world), store, clock).done
    assert world.performed == [] and stands(world) == before


def test_what_is_not_persisted_is_gone_after_a_restart_and_made_again(clock, store, done):
    want, world = done
    world.machine.os.installed.enabled.clear()
    world.machine.restart()
    clock.advance(60)
    world.machine.advance()
    assert world.machine.os.mounts == {} and world.machine.hardware.functions[1].vfs == 0
    assert drive(subject(want, world), store, clock).done
    assert kinds(world.performed) == ["WriteFile", "RunOnHost", "WriteFile"]
    assert world.machine.hardware.functions[1].vfs == 4 and "/mnt/pmem0" in world.machine.os.mounts


# -- drift: what somebody does behind our back, and what it takes to bring it back

def bios_changed(world, clock):
    world.machine.hardware.bios["ProcVirtualization"] = "Disabled"
    world.machine.restart()
    clock.advance(60)


def kernel_argument_gone(world, clock):
    world.machine.os.installed.files[DROP_IN] = "# nothing of theirs\n"
    world.machine.os.installed.update_grub()
    world.machine.restart()
    clock.advance(60)


def menu_edited(world, clock):
    world.machine.os.installed.menu = ("root=x", "ro")


def vfs_gone(world, clock):
    world.machine.hardware.functions[1].vfs = 0


def other_number_of_vfs(world, clock):
    world.machine.hardware.functions[1].vfs = 2


def namespace_gone(world, clock):
    world.machine.os.mounts.clear()
    world.machine.hardware.regions[0].namespaces.clear()


def unmounted(world, clock):
    world.machine.os.mounts.clear()


def nested_switched_off(world, clock):
    world.machine.os.nested["kvm_intel"] = False


def nested_off_and_in_use(world, clock):
    world.machine.os.nested["kvm_intel"] = False
    world.machine.os.busy.add("kvm_intel")


def kvm_unloaded(world, clock):
    for name in ("kvm_intel", "kvm"):
        world.machine.os.unload(name)


def vhost_unloaded(world, clock):
    for name in ("vhost_net", "vhost_vsock", "vhost"):
        world.machine.os.unload(name)


DRIFT = {
    bios_changed: ["StageBios", "ResetByIronic"],
    kernel_argument_gone: ["WriteFile", "RestartHost"],
    menu_edited: ["RunOnHost"],
    vfs_gone: ["RunOnHost"],
    other_number_of_vfs: ["RunOnHost"],
    namespace_gone: ["RunOnHost", "RunOnHost", "WriteFile"],
    unmounted: ["RunOnHost"],
    nested_switched_off: ["RunOnHost"],
    nested_off_and_in_use: ["RestartHost"],
    kvm_unloaded: ["RunOnHost"],
    vhost_unloaded: ["RunOnHost"],
}
RESTARTING = [bios_changed, kernel_argument_gone, nested_off_and_in_use]
DISRUPTING = {nested_switched_off: "virtual machines, Kata pods among them, that start while KVM is reloaded"}


@pytest.mark.parametrize("drift", DRIFT, ids=lambda drift: drift.__name__)
def test_drift_is_repaired_by_these_steps_and_nothing_else(clock, store, done, drift):
    want, world = done
    before, lost = stands(world), list(world.machine.destroyed)
    drift(world, clock)
    assert drive(subject(want, world), store, clock).done
    assert kinds(world.performed) == DRIFT[drift]
    after = stands(world)
    for changes_with_its_content in ("files", "enabled"):
        before.pop(changes_with_its_content), after.pop(changes_with_its_content)
    assert after == before and world.machine.destroyed == lost


@pytest.mark.parametrize("drift", RESTARTING, ids=lambda drift: drift.__name__)
def test_a_host_in_service_is_not_restarted_without_disrupt(clock, store, done, drift):
    want, world = done
    store.remember(want.name, dataclasses.replace(store.memory(want.name), in_service=True))
    drift(world, clock)
    starts = world.machine.starts
    outcome = drive(subject(want, world), store, clock)
    assert isinstance(outcome.last.verdict, Stuck) and "in service" in outcome.last.verdict.reason
    assert "--disrupt" in outcome.last.verdict.advice and world.machine.starts == starts
    store.remember(want.name, store.memory(want.name).retried())
    assert drive(subject(want, world), store, clock, Permissions(disrupt=True)).done
    assert world.machine.starts == starts + 1


@pytest.mark.parametrize("drift", DISRUPTING, ids=lambda drift: drift.__name__)
def test_a_host_in_service_loses_nothing_that_runs_on_it_without_disrupt(clock, store, done, drift):
    want, world = done
    store.remember(want.name, dataclasses.replace(store.memory(want.name), in_service=True))
    drift(world, clock)
    outcome = drive(subject(want, world), store, clock)
    assert isinstance(outcome.last.verdict, Stuck) and f"it would disrupt {DISRUPTING[drift]}" in outcome.last.verdict.reason
    assert world.performed == []
    store.remember(want.name, store.memory(want.name).retried())
    assert drive(subject(want, world), store, clock, Permissions(disrupt=True)).done


@pytest.mark.parametrize("drift", [d for d in DRIFT if d not in {*RESTARTING, *DISRUPTING}], ids=lambda drift: drift.__name__)
def test_what_disturbs_nobody_is_repaired_on_a_host_in_service_too(clock, store, done, drift):
    want, world = done
    store.remember(want.name, dataclasses.replace(store.memory(want.name), in_service=True))
    drift(world, clock)
    assert drive(subject(want, world), store, clock).done


def test_another_image_in_the_documents_needs_consent_again(clock, store, done):
    want, world = done
    newer = dataclasses.replace(want, image=Image("http://192.0.2.1/debian-13.raw", "cd" * 32))
    outcome = drive(subject(newer, world), store, clock)
    assert "would destroy data: disk D1" in outcome.last.verdict.reason and world.performed == []
    assert drive(subject(newer, world), store, clock, all_of(world)).done
    assert [s.rebuild for s in world.performed if isinstance(s, Deploy)] == [True]
    assert world.machine.hardware.disks[0].image == newer.image.url and world.machine.destroyed == ["disk D1"] * 2


def test_a_namespace_with_data_is_replaced_only_with_consent(clock, store, done):
    want, world = done
    smaller = NamespaceWant("region0", "fsdax", 256 * MIB, "data0", "ext4", "/mnt/pmem0")
    other = dataclasses.replace(want, profile=dataclasses.replace(LAB, pmem=(smaller,)))
    outcome = drive(subject(other, world), store, clock)
    assert "would destroy data: namespace 'data0' namespace0.0 of region0" in outcome.last.verdict.reason
    assert world.performed == [] and "/mnt/pmem0" in world.machine.os.mounts
    store.remember(want.name, store.memory(want.name).retried())
    assert drive(subject(other, world), store, clock, all_of(world)).done
    assert world.machine.destroyed == ["disk D1", "namespace0.0 of region0"]
    assert world.machine.hardware.regions[0].namespaces[0].raw == 256 * MIB


def test_a_host_of_another_name_is_not_touched(clock, store, done):
    want, world = done
    outcome = drive(subject(dataclasses.replace(want, hostname="renamed"), world), store, clock)
    assert "calls itself 'node1'" in outcome.last.verdict.reason and world.performed == []


# -- other wishes than the lab's: the same code

AMD = Profile(
    "amd", BiosWant({"virtualization": True}, {"ProcTurboMode": "Disabled", "NumCores": 8}, intent_rules()),
    "forbidden", ("amd_iommu=on",), (VfWant(PfMatch(interface="ens*"), 3), VfWant(PfMatch(device="8086:37c8"), 16, "QAT")),
    (NamespaceWant("region0", "devdax", 256 * MIB, "a"), NamespaceWant("region0", "fsdax", None, "b", "xfs", "/srv/b"),
     NamespaceWant("region1", "fsdax", None)), minimum=Minimum(64, 512 << 30, 1 << 40),
)


@pytest.mark.parametrize("profile, restarts", [
    (Profile("nothing asked"), (0, 0)),
    (Profile("arguments", kernel_arguments=("hugepagesz=1G", "hugepages=4")), (0, 1)),
    (Profile("kata without arguments", kata=True), (0, 0)),
    (dataclasses.replace(LAB, nested="forbidden", vfs=(VfWant(PfMatch(device="8086:10c9"), 3),)), (1, 1)),
    (AMD, (1, 1)),
    (Profile("prepared node", kata=True, kata_want=KataWant(True, True), kernel=with_node(KernelWant(), KataWant(True)),
             virtualization=VirtualizationWant(True, True, True)), (0, 0)),
    (Profile("only a guest and interrupts", virtualization=VirtualizationWant(True, False, True)), (0, 0)),
], ids=lambda value: value.name if isinstance(value, Profile) else "")
def test_other_profiles_are_fulfilled_too_and_cost_no_more_restarts(clock, store, profile, restarts):
    want = host_want(profile=profile)
    world = brought_up(want, clock, store)
    memory = store.memory("node1")
    assert (memory.firmware_restarts, memory.kernel_restarts) == restarts
    world.performed.clear()
    world.machine.restart()
    clock.advance(60)
    assert drive(subject(want, world), store, clock).done and world.performed == []


@pytest.mark.parametrize("hints", [
    {}, {"name": "s== /dev/nvme0n1"}, {"size": ">= 200", "rotational": True}, {"wwn": "s== 0x5000c500a1b2c3d4"},
    {"model": "<in> INTEL SSD", "vendor": "<in> ATA"}, {"hctl": "s== 2:0:0:0", "serial": "s== ABC 1"},
], ids=str)
def test_a_machine_from_the_factory_has_the_disk_that_the_hints_name(clock, store, hints):
    want = host_want(profile=Profile("minimal"), root_device=hints)
    world = brought_up(want, clock, store)
    assert world.machine.hardware.disks[0].image == IMAGE.url


def test_what_the_documents_say_of_identity_is_what_the_machine_says(clock, store):
    want = host_want(uuid="4C4C4544-0042-3510-8052-B4C04F4B4D32", serial="7CZ0042")
    brought_up(want, clock, store)
    assert store.memory("node1") != Memory()


def test_repaired_by_hand_while_we_wait_is_seen_at_the_next_look(clock, store):
    """A person may do the step that BPA was about to do again."""
    want = host_want()
    world = new_host(want, clock, durations=QUICK)
    world.fault("reset ignored")
    drive(subject(want, world), store, clock, until=lambda o: o.last.name == "FirmwareApplied" and o.step is not None)
    world.machine.switch_on()
    assert drive(subject(want, world), store, clock, all_of(world)).done
    assert not any(isinstance(step, ResetByIronic) for step in world.performed)
    assert sum(isinstance(step, RestartHost) for step in world.performed) == 1
