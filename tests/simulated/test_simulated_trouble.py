"""Every trouble ends in the verdict that names it, in good time, and the neighbour does not notice."""

import dataclasses
from dataclasses import dataclass, field

import pytest
from driving import GOLDEN, LAB, QUICK, acts, all_of, drive, drive_fleet, host_want, kinds, new_host, subject

from bpa.core.facts import Drive
from bpa.core.guards import Memory, Permissions
from bpa.core.steps import Deploy, Reset, RestartHost, SetProvisionState
from bpa.core.verdict import Stuck
from bpa.core.want import Minimum, PfMatch, VfWant
from bpa.lab.simulated.machine import Disk

CHECKSUM = "Image failed to verify against checksum. location: /dev/sda; image ID: debian-12.raw; image checksum: 12ab"
FOREVER = float("inf")


@dataclass(frozen=True)
class Trouble:
    """faults: (name, arguments) each; ends: condition of the Stuck, "" = it passes; says, advice: words in it."""

    faults: tuple[tuple[str, dict], ...]
    ends: str = ""
    says: tuple[str, ...] = ()
    advice: str = ""
    within: float = 3600.0
    counts: dict[type, int] = field(default_factory=dict)
    untouched: bool = False
    want: dict = field(default_factory=dict)


TROUBLES = {
    "BMC unreachable for two minutes": Trouble((("bmc unreachable", {"lasts": 120}),)),
    "BMC never reachable": Trouble(
        (("bmc unreachable", {}),), "BmcReachable", ("no route to host", "given up after 10 min"), untouched=True, within=700),
    "BMC gone after the restart": Trouble(
        (("bmc unreachable", {"after": 1.2}),), "BmcReachable", ("no route to host", "given up"), within=800),
    "503 for a minute": Trouble((("bmc busy", {"lasts": 60}),)),
    "503 now and then": Trouble(tuple(("bmc busy", {"after": n * 25, "lasts": 10}) for n in range(20))),
    "wrong password": Trouble(
        (("wrong password", {}),), "BmcReachable", ("user name or password",), "Secret", untouched=True, within=1),
    "wrong certificate": Trouble(
        (("wrong certificate", {}),), "BmcReachable", ("not trusted",), "disableCertificateVerification", untouched=True,
        within=1),
    "another machine behind the address": Trouble(
        (("another machine", {"value": "ffffffff-0000-0000-0000-000000000000"}),), "IdentityMatches",
        ("another machine is behind", "4fe052eb-72bc-55bb-8d40-f2703ce5d841", "ffffffff"), "nothing was written",
        untouched=True, within=1, want={"uuid": "4fe052eb-72bc-55bb-8d40-f2703ce5d841"}),
    "BIOS change silently ignored": Trouble(
        (("bios ignored", {}),), "FirmwareStaged",
        ("dropped ProcVirtualization, ProcVtd, SriovGlobalEnable at 2 restarts",), "BIOS password", counts={Reset: 2},
        within=700),
    "BIOS change ignored once": Trouble((("bios ignored", {"times": 1}),), counts={Reset: 2}),
    "reset silently ignored": Trouble(
        (("reset ignored", {}),), "FirmwareApplied", ("reset", "had no effect 3 times"), counts={Reset: 3}, within=1000),
    "reset ignored once": Trouble((("reset ignored", {"times": 1}),), counts={Reset: 2}),
    "POST of more than four minutes": Trouble((("slow post", {"value": "240", "lasts": 10}),), counts={Reset: 1}),
    "inspection fails once": Trouble(
        (("inspection fails", {"times": 1, "value": "Timeout reached while inspecting the node."}),)),
    "inspection fails": Trouble(
        (("inspection fails", {"value": "ramdisk reported error: no disks"}),), "Inspected",
        ("inspection failed", "no disks"), "apply again", counts={Deploy: 0}),
    "image checksum wrong": Trouble(
        (("deploy fails", {"value": CHECKSUM}),), "ImageDeployed",
        ("failed to verify", "what was on it is gone", "did not boot it"), "image.checksum", counts={Deploy: 1}),
    "deploy failed without a disk": Trouble(
        (("deploy fails", {"value": "No suitable device was found for deployment"}),), "ImageDeployed",
        ("No suitable device", "no disk was written"), "rootDeviceHints", counts={Deploy: 1}),
    "deploy failed for a reason that nobody knows": Trouble(
        (("deploy fails", {"value": "Something odd"}),), "ImageDeployed", ("writing the image failed: Something odd",),
        "apply again", counts={Deploy: 1}),
    "the ramdisk never calls back": Trouble(
        (("deploy fails", {"value": "Timeout reached while waiting for callback for node"}),), "ImageDeployed",
        ("Timeout reached",), "console", counts={Deploy: 1}),
    "Ironic down before enrolment": Trouble((("ironic down", {"after": 5, "lasts": 120}),)),
    "Ironic down in mid-inspection": Trouble((("ironic down", {"after": 35, "lasts": 60}),)),
    "Ironic down in mid-deploy": Trouble((("ironic down", {"after": 80, "lasts": 60}),), counts={Deploy: 2}),
    "Ironic down for good in mid-deploy": Trouble(
        (("ironic down", {"after": 80}),), "FirmwareApplied", ("Ironic does not answer", "given up"), counts={Deploy: 1}),
    "SSH never answers": Trouble(
        (("ssh silent", {}),), "AccessGranted", ("connection refused", "given up after 20 min"), "console"),
    "SSH answers late": Trouble((("ssh silent", {"lasts": 600}),)),
    "SSH breaks in the middle of the work": Trouble((("ssh silent", {"after": 103.5, "lasts": 60}),)),
    "SSH is lost in mid-write": Trouble((("ssh lost in mid-write", {"times": 1}),)),
    "SSH is lost in mid-write, and the file is there": Trouble((("ssh lost in mid-write", {"times": 2, "value": "after"}),)),
    "the disk is full": Trouble(
        (("disk full", {}),), "SystemUsable", ("the disk is full", "0 KiB are free on /"), "make room"),
    "the root file system is read-only": Trouble(
        (("read-only root", {}),), "SystemUsable", ("/ is mounted read-only",), "remount"),
    "the restart never comes back": Trouble(
        (("start hangs", {"after": 103.5}),), "AccessGranted", ("connection refused", "given up after 20 min"), "console",
        counts={RestartHost: 1}),
    "GRUB starts another entry": Trouble(
        (("another entry starts", {}),), "KernelApplied", ("the restart changed nothing", "lacks intel_iommu=on"),
        "another entry", counts={RestartHost: 1}),
    "the first boot never ends": Trouble((("first boot hangs", {}),), "AccessGranted", ("cloud-init", "given up")),
    "VFs cannot be made": Trouble(
        (("vfs fail", {}),), "VfsCreated", ("create 4 VFs", "Input/output error"), "by hand"),
    "a command fails": Trouble(
        (("command fails", {"value": "update-grub"}),), "KernelStaged", ("update-grub", "does not work today"), "by hand"),
    "a command fails once": Trouble((("command fails", {"value": "ndctl", "times": 1}),), "PmemReady", ("ndctl",), "by hand"),
    "disk too small": Trouble(
        (), "HardwareFits", ("too small", "it must have 100.0 GiB"), "another machine", counts={Deploy: 0},
        want={"profile": dataclasses.replace(LAB, minimum=Minimum(1, 0, 100 << 30))}),
    "not the disk that is meant": Trouble(
        (), "HardwareFits", ("has no disk that fits", "serial OTHER"), "nothing was written", counts={Deploy: 0},
        want={"root_device": {"serial": "s== OTHER"}}),
    "too little memory": Trouble(
        (), "HardwareFits", ("of memory, must have 512.0",), "another machine", counts={Deploy: 0},
        want={"profile": dataclasses.replace(LAB, minimum=Minimum(1, 512 << 30, 0))}),
    "no such network adapter": Trouble(
        (), "VfsCreated", ("no PCI device matches device 15b3:1017", "8086:10c9"), "HardwareProfile",
        want={"profile": dataclasses.replace(LAB, vfs=(VfWant(PfMatch(device="15b3:1017"), 4),))}),
    "more VFs than there can be": Trouble(
        (), "VfsCreated", ("can have 64 VFs at most, 65 are asked",), "fewer",
        want={"profile": dataclasses.replace(LAB, vfs=(VfWant(PfMatch(device="8086:10c9"), 65),))}),
    "no such region": Trouble(
        (), "PmemReady", ("there is no region7", "region0"), "region",
        want={"profile": dataclasses.replace(LAB, pmem=(dataclasses.replace(LAB.pmem[0], region="region7"),))}),
}


def troubled(trouble, clock, name="node1"):
    """The machine of the lab's documents, and documents that may ask for something else."""
    usual = host_want(name)
    world = new_host(usual, clock, durations=QUICK)
    world.machine.hardware.disks[0] = Disk(Drive("/dev/sda", "D1", 64 << 30))
    for fault, arguments in trouble.faults:
        world.fault(fault, **arguments)
    return dataclasses.replace(usual, **trouble.want), world


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_ends_as_it_should_and_the_neighbour_does_not_notice(place, clock, name):
    trouble, began = TROUBLES[name], clock()
    want, world = troubled(trouble, clock)
    neighbour_want = host_want("node2")
    neighbour = new_host(neighbour_want, clock, number=2, durations=QUICK)
    worlds = {"node1": world, "node2": neighbour}
    fleet, store = drive_fleet(
        [subject(want, world), subject(neighbour_want, neighbour)], place, clock, lambda name: all_of(worlds[name]), workers=1)
    assert fleet.outcomes["node2"].done
    assert acts(neighbour) == [text.replace("node1", "node2").replace("D1", "D2") for text in GOLDEN]
    outcome = fleet.outcomes["node1"]
    for kind, number in trouble.counts.items():
        assert sum(isinstance(step, kind) for step in world.performed) == number, acts(world)
    if not trouble.ends:
        assert outcome.done, outcome.last
        assert sum(isinstance(step, RestartHost) for step in world.performed) == 1
        return
    assert outcome.last.name == trouble.ends, outcome.last
    verdict = outcome.last.verdict
    assert isinstance(verdict, Stuck)
    for words in trouble.says:
        assert words in verdict.reason
    assert trouble.advice in verdict.advice and verdict.advice
    assert store.memory("node1").stuck.startswith(trouble.ends)
    assert store.conditions("node1")[trouble.ends].state == "stuck"
    assert store.conditions("node1")[trouble.ends].since - began <= trouble.within
    if trouble.untouched:
        assert world.performed == [] and world.machine.starts == 0
    if trouble.counts.get(Deploy, 1) == 0:
        assert world.machine.destroyed == []
    store.close()


def test_a_wrong_password_is_given_once_and_never_again_in_a_run(place, clock):
    want, world = troubled(TROUBLES["wrong password"], clock)
    fleet, store = drive_fleet([subject(want, world)], place, clock, lambda name: Permissions())
    assert fleet.outcomes["node1"].stuck and world.logins == 1
    store.close()


@pytest.mark.parametrize("name, mends", [
    ("image checksum wrong", "deploy fails"), ("inspection fails", "inspection fails"), ("SSH never answers", "ssh silent"),
    ("BIOS change silently ignored", "bios ignored"), ("reset silently ignored", "reset ignored"),
    ("VFs cannot be made", "vfs fail"), ("wrong password", "wrong password"), ("BMC never reachable", "bmc unreachable"),
    ("a command fails", "command fails"), ("Ironic down for good in mid-deploy", "ironic down"),
])
def test_when_the_cause_is_gone_the_next_apply_goes_on_to_the_end(store, clock, name, mends):
    want, world = troubled(TROUBLES[name], clock)
    assert drive(subject(want, world), store, clock, all_of(world)).stuck
    world.faults.mend(mends)
    world.acknowledge()
    store.remember(want.name, store.memory(want.name).retried())
    assert drive(subject(want, world), store, clock, all_of(world)).done


def test_without_consent_nothing_is_destroyed(store, clock):
    want = host_want()
    world = new_host(want, clock, durations=QUICK)
    outcome = drive(subject(want, world), store, clock)
    assert "would destroy data: disk D1 (64.0 GiB); there is no consent" in outcome.last.verdict.reason
    assert "--plan" in outcome.last.verdict.advice and world.machine.destroyed == []


def test_a_machine_that_is_not_the_planned_one_is_refused_before_anything_is_written(store, clock):
    want = host_want()
    world = new_host(want, clock, durations=QUICK)
    store.remember(want.name, Memory(identity=world.machine.hardware.uuid))
    world.fault("another machine", value="ffffffff-0000-0000-0000-000000000000")
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert "another machine answers here" in outcome.last.verdict.reason
    assert "nothing was written" in outcome.last.verdict.reason and world.performed == []


def test_a_machine_swapped_in_the_middle_is_not_written_to(store, clock):
    want = host_want()
    world = new_host(want, clock, durations=QUICK)
    store.remember(want.name, Memory(identity=world.machine.hardware.uuid))
    world.fault("another machine", after=30, value="ffffffff-0000-0000-0000-000000000000")
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert "another machine answers here" in outcome.last.verdict.reason
    assert world.machine.destroyed == [] and not any(isinstance(s, Deploy) for s in world.performed)


def test_a_deployment_that_ironic_gave_up_again_and_again_ends(store, clock):
    want = host_want()
    world = new_host(want, clock, durations=QUICK)
    for n in range(12):
        world.fault("ironic down", after=80 + 60 * n, lasts=30)
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert outcome.done or outcome.stuck
    assert sum(isinstance(s, Deploy) for s in world.performed) <= 3


def test_somebody_who_takes_the_node_away_is_noticed(store, clock):
    want = host_want()
    world = new_host(want, clock, durations=QUICK)
    drive(subject(want, world), store, clock, all_of(world), until=lambda o: o.last.name == "Inspected")
    world.node.change(maintenance=True, maintenance_reason="replacing a fan")
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert "replacing a fan" in outcome.last.verdict.reason and "maintenance unset" in outcome.last.verdict.advice


def test_bios_that_reverts_at_every_restart_is_no_reset_loop_on_a_deployed_host_either(store, clock):
    want = host_want()
    world = new_host(want, clock, durations=QUICK)
    assert drive(subject(want, world), store, clock, all_of(world)).done
    world.fault("bios ignored")
    world.machine.hardware.bios["ProcVtd"] = "Disabled"
    starts = world.machine.starts
    outcome = drive(subject(want, world), store, clock)
    assert "dropped ProcVtd at 2 restarts" in outcome.last.verdict.reason and world.machine.starts - starts == 2


def test_two_profiles_that_take_turns_do_not_restart_for_ever(store, clock):
    """Somebody else's tool puts the boot menu back each time the host starts."""
    want = host_want()
    world = new_host(want, clock, durations=QUICK)
    assert drive(subject(want, world), store, clock, all_of(world)).done
    for _ in range(40):
        os = world.machine.os
        if os is not None:
            os.cmdline = ("root=x", "ro")
        outcome = drive(subject(want, world), store, clock, until=lambda o: o.step is not None)
        if outcome.stuck:
            break
        clock.advance(30)
        world.machine.advance()
    assert "the restart changed nothing: the running kernel lacks intel_iommu=on iommu=pt" in outcome.last.verdict.reason
    assert kinds(world.performed).count("RestartHost") == 1 + 1
    assert not any(isinstance(s, SetProvisionState) for s in world.performed[len(GOLDEN):])
