"""Packages on a simulated host: from a new machine, again, after a change by hand, and gone again."""

import dataclasses

import pytest
from driving import QUICK, all_of, brought_up, drive, host_want, kinds, new_host, subject
from killing import POINTS, Killer

from bpa.adapters.store import Store
from bpa.core.guards import Consent
from bpa.core.host.software.clock_look import CHRONY
from bpa.core.host.software.files import files_of
from bpa.core.host.software.reading import LIST, RECORD
from bpa.core.host.software.registries import files_of as hosts_of
from bpa.core.want import AptSource, Package, Profile, Proxy, Registry, SoftwareNeeds, TimeSources
from bpa.lab.simulated import Clock

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
ASKED = Profile("tools", software=SoftwareNeeds(
    (Package("jq", "1.6-2.1"), Package("tmux"), Package("bash"), Package("chrony")),
    (AptSource("http://192.0.2.1/debian", ("bookworm",), ("main",)),), False,
    Proxy("http://192.0.2.2:3128", exceptions=("192.0.2.1",)), {"site": PEM},
    TimeSources(("192.0.2.3", "ntp.example.org")), {"docker.io": Registry(("https://192.0.2.4",))}))
OURS = {*files_of(ASKED.software), *hosts_of(ASKED.software), CHRONY}


@pytest.fixture
def done(clock, store):
    want = host_want(profile=ASKED)
    return want, brought_up(want, clock, store)


def test_a_new_machine_gets_its_packages(done):
    _, world = done
    installed = world.machine.os.installed
    assert installed.packages == {"bash": "5.2.15-2+b7", "jq": "1.6-2.1", "tmux": "1.0-1", "chrony": "1.0-1"}
    assert installed.files[RECORD].split() == ["jq", "tmux", "chrony"], "bash was there before"
    assert "RestartHost" not in kinds(world.performed)
    assert files_of(ASKED.software).items() <= installed.files.items() and len(OURS) == 8 and set(installed.files) >= OURS


def test_a_second_apply_does_nothing(clock, store, done):
    want, world = done
    before = len(world.performed)
    assert drive(subject(want, world), store, clock, all_of(world)).done
    assert len(world.performed) == before


def test_what_somebody_changed_is_put_right(clock, store, done):
    want, world = done
    installed = world.machine.os.installed
    del installed.packages["tmux"]
    installed.packages["jq"] = "1.5-1"
    installed.packages["libx"] = "1"
    installed.unpacked.add("libx")
    assert drive(subject(want, world), store, clock, all_of(world)).done
    assert installed.packages["jq"] == "1.6-2.1" and "tmux" in installed.packages and not installed.unpacked


def test_without_the_section_what_we_installed_goes_and_nothing_else(clock, store, done):
    want, world = done
    installed = world.machine.os.installed
    without = dataclasses.replace(want, profile=Profile("tools"))
    assert drive(subject(without, world), store, clock, all_of(world)).done
    assert installed.packages == {"bash": "5.2.15-2+b7"} and not {LIST, RECORD, *OURS} & set(installed.files)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_every_step_the_end_is_the_same(tmp_path, done, point):
    _, undisturbed = done
    want, later = host_want(profile=ASKED), Clock()
    world = new_host(want, later, durations=QUICK)
    store = Store(tmp_path / "site.sqlite")
    store.grant(want.name, Consent(world.machine.hardware.uuid, ("*",)), later())
    store.close()
    killer = Killer({(step, point) for step in range(2, 60, 2)})
    assert killer.run(want, world, tmp_path, later).done and killer.kills
    assert world.machine.os.installed.files == undisturbed.machine.os.installed.files
    assert world.machine.os.installed.packages == undisturbed.machine.os.installed.packages
