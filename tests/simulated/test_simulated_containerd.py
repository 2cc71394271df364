"""containerd on a simulated host gets its handlers of Kata: from a new machine, after a change by hand, and gone again."""

import dataclasses

import pytest
from driving import LAB, QUICK, all_of, brought_up, drive, host_want, new_host, subject
from killing import POINTS, Killer

from bpa.adapters.store import Store
from bpa.core.guards import Consent
from bpa.core.host.containerd_look import CONFIG, DROP_IN
from bpa.core.want import KataWant, Package, SoftwareNeeds
from bpa.lab.simulated import Clock

PACKAGES = SoftwareNeeds((Package("bpa-lab-containerd"), Package("bpa-lab-kata")))
ASKED = dataclasses.replace(LAB, kata_want=KataWant(configure=True), software=PACKAGES, pmem=(), vfs=())
HANDLERS = ("runtimes.kata]", "runtimes.kata-qemu]")


@pytest.fixture
def done(clock, store):
    want = host_want(profile=ASKED)
    return want, brought_up(want, clock, store)


def restarts(world):
    return [step for step in world.performed if ("systemctl", "restart", "containerd") in getattr(step, "then", ())]


def test_a_new_machine_gets_the_handlers_and_one_restart_of_containerd(done):
    _, world = done
    assert all(handler in world.machine.os.installed.files[DROP_IN] for handler in HANDLERS)
    assert len(restarts(world)) == 1


def test_a_second_apply_does_nothing(clock, store, done):
    want, world = done
    before = len(world.performed)
    assert drive(subject(want, world), store, clock, all_of(world)).done
    assert len(world.performed) == before


@pytest.mark.parametrize("spoil", [lambda text: text.replace("kata-qemu", "kata-other"), lambda text: f"{text}oh [\n"])
def test_a_drop_in_that_somebody_changed_is_written_anew(clock, store, done, spoil):
    want, world = done
    files = world.machine.os.installed.files
    asked = files[DROP_IN]
    files[DROP_IN] = spoil(asked)
    assert drive(subject(want, world), store, clock, all_of(world)).done
    assert files[DROP_IN] == asked


def test_a_configuration_that_containerd_cannot_read_is_a_persons_to_mend(clock, store, done):
    want, world = done
    world.machine.os.installed.files[CONFIG] = "version = 3\nfoo = [\n"
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert not outcome.done and "cannot read its configuration" in str(outcome.last)
    del world.machine.os.installed.files[CONFIG]
    assert drive(subject(want, world), store, clock, all_of(world)).done


def test_containerd_1_is_not_given_a_drop_in(clock, store):
    old = SoftwareNeeds((Package("containerd"), Package("bpa-lab-kata")))
    want = host_want(profile=dataclasses.replace(ASKED, software=old))
    world = new_host(want, clock, durations=QUICK)
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert not outcome.done and "use containerd 2" in str(outcome.last)
    assert DROP_IN not in world.machine.os.installed.files


def test_where_it_is_judged_only_ours_goes_and_containerd_stays(clock, store, done):
    want, world = done
    judged = dataclasses.replace(want, profile=dataclasses.replace(ASKED, kata=False, kata_want=KataWant()))
    assert drive(subject(judged, world), store, clock, all_of(world)).done
    assert DROP_IN not in world.machine.os.installed.files
    assert "bpa-lab-containerd" in world.machine.os.installed.packages


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_every_step_the_end_is_the_same(tmp_path, done, point):
    _, undisturbed = done
    want, later = host_want(profile=ASKED), Clock()
    world = new_host(want, later, durations=QUICK)
    (tmp_path / "killed").mkdir()
    store = Store(tmp_path / "killed" / "site.sqlite")
    store.grant(want.name, Consent(world.machine.hardware.uuid, ("*",)), later())
    store.close()
    killer = Killer({(step, point) for step in range(2, 60, 2)})
    assert killer.run(want, world, tmp_path / "killed", later).done and killer.kills
    assert world.machine.os.installed.files == undisturbed.machine.os.installed.files
