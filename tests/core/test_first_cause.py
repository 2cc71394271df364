"""What counts as the first cause: the verdict, what was tried before it, and what a person has not agreed to."""

from dataclasses import replace

import pytest

from bpa.core.cause import first_cause
from bpa.core.guards import Consent, Memory, Permissions
from bpa.core.requirement import Requirement
from bpa.core.steps import RestartHost, RunOnHost
from bpa.core.verdict import Act, Met, Stuck, Wait
from bpa.core.walk import Judged

NOW = 1_800_000_000.0
NEW, NOBODY_AGREED = Memory(), Permissions()
RESTART = RestartHost("the running kernel lacks quiet", "boot-2")
ERASE = RunOnHost(("ndctl",), "destroy namespace0.0", erases="namespace0.0 of region0")


def cause(*verdicts, memory=NEW, permissions=NOBODY_AGREED, last=""):
    judged = [Judged(Requirement(f"Number{n}", "os", lambda want, have: Met(), "about"), verdict, None)
              for n, verdict in enumerate(verdicts)]
    return first_cause("node1", judged, memory, permissions, "uuid", NOW, last)


def test_all_met_has_no_cause():
    assert cause(Met("a"), Met("b")) is None


def test_the_first_that_does_not_hold_is_the_cause_whatever_follows():
    found = cause(Met(), Act(RunOnHost(("x",), "do x"), "x is not done"), Stuck("worse", "pray"))
    assert (found.condition, found.state, found.text, found.advice) == ("Number1", "act", "x is not done: do x", "")
    found = cause(Stuck("off in the BIOS", "switch it on"), Act(RESTART))
    assert (found.condition, found.state, found.text, found.advice) == ("Number0", "stuck", "off in the BIOS", "switch it on")


@pytest.mark.parametrize(("ago", "stuck", "state", "advice"), [
    (30.0, "", "wait", "wait: this is how long a start may take"),
    (1500.0, "", "wait", "`bpa bmc power node1 cycle`"),
    (60.0, "Number0: no answer; given up after 20 min", "stuck", "look at its console"),
])
def test_a_host_that_is_away_since_a_restart_is_told_so(ago, stuck, state, advice):
    memory = replace(Memory().after("KernelApplied", RESTART, NOW - ago), stuck=stuck)
    found = cause(Wait("no answer", 1.0), memory=memory, last=RESTART.text)
    assert found.state == state and advice in found.advice
    assert found.text.startswith("the host has not come back since its last start") and found.text.endswith(": no answer")
    assert RESTART.text in found.text


def test_a_wait_after_any_other_step_is_just_that():
    memory = Memory().after("Number0", RunOnHost(("x",), "do x"), NOW)
    assert cause(Wait("apt holds the lock", 1.0), memory=memory).text == "apt holds the lock"
    gave_up = cause(Wait("apt holds the lock", 1.0), memory=replace(memory, stuck="Number0: apt holds the lock; given up"))
    assert (gave_up.state, gave_up.text) == ("stuck", "apt holds the lock; given up") and gave_up.advice


def test_what_a_person_must_agree_to_is_told_with_what_it_is_for():
    found = cause(Act(ERASE, "namespace0.0 is in the way"))
    assert found.state == "stuck" and found.text.startswith("namespace0.0 is in the way: ")
    assert "would destroy data: namespace0.0 of region0" in found.text and "agree" in found.advice
    agreed = cause(Act(ERASE, "namespace0.0 is in the way"), permissions=Permissions(Consent("uuid", ("*",))))
    assert agreed.state == "act"


def test_a_host_in_service_is_told_so():
    found = cause(Act(RESTART, "the running kernel lacks quiet"), memory=Memory(in_service=True))
    assert found.state == "stuck" and "in service" in found.text and "--disrupt" in found.advice
    assert [found.text.count(said) for said in ("the running kernel lacks quiet", "restart the host")] == [1, 1]


def test_a_restart_in_vain_is_told_once_with_what_is_seen():
    before = Memory().after("Number0", replace(RESTART, boot="boot-1"), NOW - 600)
    found = cause(Act(RESTART, f"{RESTART.why}; running: none of these; next start: quiet"), memory=before)
    assert found.state == "stuck"
    assert found.text == f"the restart changed nothing: {RESTART.why} (running: none of these; next start: quiet)"


def test_what_the_host_refused_is_told_with_what_is_seen_now():
    memory = replace(Memory(), stuck="Number0: /etc/x could not be written: No space left on device")
    found = cause(Act(RunOnHost(("x",), "do x"), "/etc/x is not there"), memory=memory)
    assert found.state == "stuck" and found.advice
    assert found.text == "/etc/x could not be written: No space left on device; seen now: /etc/x is not there"
    elsewhere = replace(memory, stuck="Number7: something else")
    assert cause(Act(RunOnHost(("x",), "do x"), "/etc/x is not there"), memory=elsewhere).state == "act"
