"""Sections kernel and hardening on a simulated host: from a new machine, over restarts and drift, and back again."""

import dataclasses

import pytest
from driving import QUICK, acts, all_of, brought_up, drive, host_want, kinds, new_host, subject
from killing import POINTS, Killer

from bpa.adapters.store import Store
from bpa.core.guards import Consent
from bpa.core.host import hugepages, modprobe, sysctl
from bpa.core.host.grub import DROP_IN
from bpa.core.host.hardening.rules import APPORT, SSHD, UMASK
from bpa.core.verdict import Stuck
from bpa.core.want import HardeningWant, HugepagesWant, KernelWant, Profile
from bpa.engine import survey
from bpa.lab.simulated import Clock

KERNEL = KernelWant(
    load=("vfio_pci",), forbid=("floppy",), options={"vfio_pci": ("disable_idle_d3=1",)},
    sysctls={"vm.max_map_count": "262144", "kernel.sysrq": "1"},
    hugepages=(HugepagesWant(2 << 20, 384, 0), HugepagesWant(2 << 20, 128, 1), HugepagesWant(1 << 30, 2, 1)), isolated="2-5",
)
FULL = Profile("kernel", kernel=KERNEL, hardening=HardeningWant("icn", ("martians",)))
OURS = (DROP_IN, modprobe.OPTIONS, modprobe.LOADED, hugepages.FILE, sysctl.FILE, sysctl.HARDENING_FILE, sysctl.RECORD, SSHD,
        UMASK, APPORT)


@pytest.fixture
def done(clock, store):
    want = host_want(profile=FULL)
    return want, brought_up(want, clock, store)


def test_a_new_machine_gets_it_all_at_the_price_of_one_restart(store, done):
    _, world = done
    os = world.machine.os
    assert kinds(world.performed).count("RestartHost") == 1 and store.memory("node1").kernel_restarts == 1
    assert set(os.cmdline) >= {"isolcpus=2-5", "nohz_full=2-5", "rcu_nocbs=2-5", "hugepagesz=1G", "hugepages=2"}
    assert os.settings.pages == {2048: 512, 1048576: 2} and "vfio_pci" in os.modules
    assert os.settings.sysctls["vm.max_map_count"] == "262144" and os.settings.sysctls["kernel.kptr_restrict"] == "2"
    assert os.settings.sysctls["kernel.sysrq"] == "1", "the profile's own word counts more than a rule's"
    assert set(OURS) <= set(os.installed.files)


def test_a_second_apply_does_nothing_nor_does_a_restart_undo_anything(clock, store, done):
    want, world = done
    world.performed.clear()
    assert drive(subject(want, world), store, clock).done and world.performed == []
    world.machine.restart()
    clock.advance(60)
    assert drive(subject(want, world), store, clock).done and world.performed == []


def test_the_plan_says_what_changes_and_that_it_restarts(clock):
    want = host_want(profile=FULL)
    result = survey(subject(want, new_host(want, clock)))
    changes = {c.what: c for j in result.judged for c in j.requirement.changes(want, result.have)}
    assert changes["kernel arguments"].restart == "kernel"
    assert {"huge pages of 2Mi on node 0", "sysctl vm.max_map_count", "module vfio_pci", "module floppy", SSHD,
            "parameter disable_idle_d3 of vfio_pci"} <= set(changes)


def pages_gone(os):
    os.settings.set_pages([("/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", "7")])


def sysctl_changed(os):
    os.settings.sysctls["vm.max_map_count"] = "1"


def file_edited(os):
    os.installed.files[sysctl.FILE] = "# gone\n"


def module_unloaded(os):
    os.modules.discard("vfio_pci")


def sshd_opened(os):
    del os.installed.files[SSHD]


@pytest.mark.parametrize("drift", [pages_gone, sysctl_changed, file_edited, module_unloaded, sshd_opened])
def test_drift_is_repaired_in_one_step_also_on_a_host_in_service(clock, store, done, drift):
    want, world = done
    store.remember(want.name, dataclasses.replace(store.memory(want.name), in_service=True))
    world.performed.clear()
    drift(world.machine.os)
    assert not survey(subject(want, world)).met
    assert drive(subject(want, world), store, clock).done and len(world.performed) == 1


def test_without_the_sections_all_of_ours_goes_and_nothing_else(clock, store, done):
    want, world = done
    world.performed.clear()
    world.machine.os.installed.files["/etc/sysctl.d/50-theirs.conf"] = "vm.swappiness = 1\n"
    bare = dataclasses.replace(want, profile=Profile("nothing"))
    assert drive(subject(bare, world), store, clock).done
    os = world.machine.os
    assert not set(OURS) & set(os.installed.files) and "/etc/sysctl.d/50-theirs.conf" in os.installed.files
    assert os.settings.sysctls.get("vm.max_map_count", "60") == "60" and os.settings.pages == {2048: 0, 1048576: 0}
    assert not [a for a in os.cmdline if a.startswith(("isolcpus", "hugepages"))]
    assert kinds(world.performed).count("RestartHost") == 1, acts(world)
    world.performed.clear()
    assert drive(subject(bare, world), store, clock).done and world.performed == []


def test_what_the_machine_cannot_have_is_found_before_anything_is_staged(clock, store):
    profile = Profile("too much", kernel=KernelWant(isolated="2-500"))
    want = host_want(profile=profile)
    world = new_host(want, clock, durations=QUICK, cpus=8)
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert isinstance(outcome.last.verdict, Stuck) and "processors 8-500" in outcome.last.verdict.reason
    assert "WriteFile" not in kinds(world.performed)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_every_second_step_the_end_is_the_same(tmp_path, clock, done, point):
    _, undisturbed = done
    want, later = host_want(profile=FULL), Clock()
    world = new_host(want, later, durations=QUICK)
    store = Store(tmp_path / "site.sqlite")
    store.grant(want.name, Consent(world.machine.hardware.uuid, ("*",)), later())
    store.close()
    killer = Killer({(step, point) for step in range(1, 90, 2)})
    assert killer.run(want, world, tmp_path, later).done and killer.kills
    for what in ("cmdline", "modules"):
        assert getattr(world.machine.os, what) == getattr(undisturbed.machine.os, what)
    assert world.machine.os.installed.files == undisturbed.machine.os.installed.files
    assert world.machine.os.settings.sysctls == undisturbed.machine.os.settings.sysctls
    assert world.machine.os.settings.pages == undisturbed.machine.os.settings.pages
    assert kinds(world.performed).count("RestartHost") <= 2
