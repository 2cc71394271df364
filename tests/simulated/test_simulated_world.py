"""The simulation itself: it answers as real hosts do, and it refuses what cannot be."""

import os
import re
import subprocess

import pytest
from driving import QUICK, all_of, drive, host_want, new_host, subject

from bpa.adapters.errors import Refused, Unreachable
from bpa.core.facts import Facts
from bpa.core.host import HOST, PROBES
from bpa.core.host.modules import parse_modules
from bpa.core.host.probe import sections
from bpa.core.host.sriov.reading import parse_pci
from bpa.core.steps import RunOnHost, SetProvisionState, StageBios
from bpa.lab.simulated import FAULTS
from bpa.lab.simulated.answers import answers
from bpa.lab.simulated.commands import run


@pytest.fixture
def host(clock, store):
    """A host that has come all the way."""
    want = host_want()
    world = new_host(want, clock, durations=QUICK)
    assert drive(subject(want, world), store, clock, all_of(world)).done
    return world


@pytest.mark.parametrize("probe", PROBES)
def test_an_answer_has_the_sections_that_the_real_script_prints_in_that_order(host, probe):
    argv = PROBES[probe]
    text = answers(host.machine.os)[probe].stdout
    if argv[0] != "sh":
        assert not text.startswith("@@")
        return
    printed = [name for name in sections(text) if not name.startswith("unit /")]
    script = re.findall(r"echo '@@ ([^']*)'", argv[2])
    if probe == "clock":  # what it asks depends on who keeps the time, and on whether anybody asked for it
        script = [name for name in script if name in printed]
    assert printed == script


@pytest.mark.parametrize("probe", ["modules", "pci"])
def test_a_real_answer_and_a_simulated_one_are_read_by_the_same_parser(host, probe):
    """The real script runs here, as a user on whatever machine this is: its format is what counts."""
    real = subprocess.run(PROBES[probe], capture_output=True, text=True, check=True, env={"PATH": os.defpath}).stdout
    for text in (real, answers(host.machine.os)[probe].stdout):
        parsed = parse_modules(sections(text)) if probe == "modules" else parse_pci(sections(text))
        assert parsed


def test_every_probe_of_the_product_is_answered(host):
    assert set(answers(host.machine.os)) == set(PROBES)


def test_a_look_is_the_same_twice(host):
    first = host.look(host.look(host.look(Facts(), "bmc"), "node"), "os")
    assert host.look(host.look(host.look(Facts(), "bmc"), "node"), "os") == first


def test_an_impossible_state_is_refused(host):
    host.machine.hardware.functions[1].vfs = 1000
    with pytest.raises(AssertionError, match="has 1000 VFs"):
        host.look(Facts(), "bmc")


@pytest.mark.parametrize("spoil, said", [
    (lambda m: setattr(m, "power", "Off"), "operating system runs while power is Off"),
    (lambda m: m.hardware.regions[0].namespaces.clear(), "is mounted and not there"),
    (lambda m: m.hardware.bios.update(ProcVirtualization="Disabled"), "without the processor's flag"),
])
def test_other_impossible_states_are_named(host, spoil, said):
    spoil(host.machine)
    assert any(said in one for one in host.machine.contradictions())


def test_a_fault_that_does_not_exist_is_refused_with_those_that_do(host):
    with pytest.raises(ValueError, match="bmc unreachable"):
        host.fault("bmc on fire")
    assert all(FAULTS.values())


def test_a_command_that_the_simulation_does_not_know_is_not_found(host):
    assert run(host.machine.os, ("frobnicate",)).exit_code == 127
    with pytest.raises(Refused, match="not found"):
        host.perform(RunOnHost(("frobnicate",), "do it"))


def test_a_restart_is_not_instant_and_changes_the_boot_id(host, clock):
    before = host.machine.os.boot_id
    run(host.machine.os, ("systemctl", "reboot"))
    assert host.look(host.look(Facts(), "node"), "os").os.boot_id == before
    clock.advance(4)
    assert host.look(host.look(Facts(), "node"), "os").os is None
    with pytest.raises(Unreachable):
        host.perform(RunOnHost(("true",), "too early"))
    clock.advance(60)
    assert host.look(host.look(Facts(), "node"), "os").os.boot_id != before


def test_ironic_refuses_a_verb_that_does_not_fit_the_state(host):
    with pytest.raises(Refused, match='"inspect" can not be performed'):
        host.perform(SetProvisionState("inspect"))


def test_a_bmc_refuses_an_attribute_that_it_does_not_have(host):
    with pytest.raises(Refused, match="NoSuchThing"):
        host.perform(StageBios({"NoSuchThing": 1}))


def test_staged_attributes_count_only_after_the_next_start(host, clock):
    host.perform(StageBios({"LogicalProc": "Disabled"}))
    facts = host.look(Facts(), "bmc").bmc
    assert facts.pending == {"LogicalProc": "Disabled"} and facts.bios["LogicalProc"] == "Enabled"
    host.machine.restart()
    assert host.look(Facts(), "bmc").bmc.power == "On"
    assert host.look(Facts(), "bmc").bmc.bios["LogicalProc"] == "Enabled"
    clock.advance(60)
    facts = host.look(Facts(), "bmc").bmc
    assert facts.pending == {} and facts.bios["LogicalProc"] == "Disabled"


def test_every_requirement_of_a_host_can_be_met_in_the_simulation(host):
    have = host.look(host.look(host.look(Facts(), "bmc"), "node"), "os")
    assert {type(one.check(host_want(), have)).__name__ for one in HOST} == {"Met"}
