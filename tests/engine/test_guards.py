"""Guards only slow down or stop: data-driven, no clock but the one given."""

from dataclasses import replace

import pytest

from bpa.core.facts import ServiceFacts
from bpa.core.guards import MAX_ATTEMPTS, SETTLE, SWITCH_ON_SETTLE, Consent, Memory, Permissions, guard
from bpa.core.steps import Cordon, Deploy, EvictPods, Reset, RestartHost, RunOnHost, StageBios
from bpa.core.verdict import Act, Met, Stuck, Wait

STAGE = StageBios({"ProcVirtualization": "Enabled"})
DEPLOY = Deploy("http://images/os.raw", "ab" * 32, "disk serial D1")
WIPE = RunOnHost(("ndctl", "destroy-namespace", "namespace0.0"), "destroy a namespace", erases="namespace0.0")
AGREED = Permissions(Consent("uuid-1", ("disk serial D1",)))


NEW, NOBODY = Memory(), Permissions()


def guarded(verdict, memory=NEW, permissions=NOBODY, identity="uuid-1", now=1000.0, patience=60.0):
    return guard(verdict, "C", patience, memory, permissions, identity, now)


@pytest.mark.parametrize("verdict", [Met(), Stuck("x"), Wait("x", 1), Act(STAGE)], ids=str)
def test_what_needs_no_guard_passes(verdict):
    assert guarded(verdict) == verdict


@pytest.mark.parametrize("step, permissions, identity, allowed", [
    (DEPLOY, Permissions(), "uuid-1", False),
    (DEPLOY, AGREED, "uuid-1", True),
    (DEPLOY, AGREED, "uuid-2", False),
    (DEPLOY, AGREED, "", False),
    (DEPLOY, Permissions(Consent("uuid-1", ("disk serial OTHER",))), "uuid-1", False),
    (DEPLOY, Permissions(Consent("uuid-1", ("*",))), "uuid-1", True),
    (WIPE, AGREED, "uuid-1", False),
    (WIPE, Permissions(Consent("uuid-1", ("namespace0.0",))), "uuid-1", True),
    (STAGE, Permissions(), "uuid-1", True),
])
def test_data_is_destroyed_only_with_consent_for_this_machine_and_this_data(step, permissions, identity, allowed):
    assert isinstance(guarded(Act(step), permissions=permissions, identity=identity), Act) is allowed


@pytest.mark.parametrize("step", [STAGE, DEPLOY, Reset("On"), RestartHost("kernel")], ids=lambda s: type(s).__name__)
def test_nothing_is_written_to_a_machine_other_than_the_planned_one(step):
    verdict = guarded(Act(step), Memory(identity="uuid-1"), Permissions(Consent("uuid-2", ("*",))), identity="uuid-2")
    assert isinstance(verdict, Stuck) and "uuid-1" in verdict.reason and "uuid-2" in verdict.reason


@pytest.mark.parametrize("step", [Reset("ForceRestart"), RestartHost("kernel"), DEPLOY], ids=lambda s: type(s).__name__)
def test_a_host_in_service_is_disturbed_only_when_told_to(step):
    memory = Memory(in_service=True)
    permissions = replace(AGREED, disrupt=True)
    assert isinstance(guarded(Act(step), memory, AGREED), Stuck)
    assert isinstance(guarded(Act(step), memory, permissions), Act)


def test_a_harmless_step_is_taken_on_a_host_in_service():
    assert isinstance(guarded(Act(STAGE), Memory(in_service=True)), Act)


def test_a_step_has_time_to_take_effect_before_it_is_taken_again():
    step = Reset("ForceRestart")
    memory = Memory().after("C", step, 1000.0)
    assert isinstance(guarded(Act(step), memory, now=1000.0 + SETTLE[Reset] - 1), Wait)
    assert isinstance(guarded(Act(step), memory, now=1000.0 + SETTLE[Reset]), Act)


def test_switching_on_a_machine_that_is_still_off_is_asked_again_soon_and_counts_as_one_restart():
    step = Reset("On")
    memory = Memory().after("C", step, 1000.0)
    assert isinstance(guarded(Act(step), memory, now=1000.0 + SWITCH_ON_SETTLE - 1), Wait)
    assert isinstance(guarded(Act(step), memory, now=1000.0 + SWITCH_ON_SETTLE), Act)
    assert isinstance(guarded(Act(Reset("ForceRestart")), memory, now=1000.0 + SWITCH_ON_SETTLE), Wait)
    again = memory.after("C", step, 1030.0)
    assert (again.firmware_restarts, again.attempts) == (1, 2)
    assert memory.after("C", Reset("ForceRestart"), 1300.0).firmware_restarts == 2


def test_a_step_without_effect_ends_in_stuck():
    memory, now = Memory(), 0.0
    for _ in range(MAX_ATTEMPTS):
        assert isinstance(guarded(Act(STAGE), memory, now=now), Act)
        memory = memory.after("C", STAGE, now)
        now += 1000
    verdict = guarded(Act(STAGE), memory, now=now)
    assert isinstance(verdict, Stuck) and f"no effect {MAX_ATTEMPTS} times" in verdict.reason


def test_another_step_counts_anew():
    memory = Memory().after("C", STAGE, 0.0).after("C", STAGE, 0.0).after("C", Reset("On"), 0.0)
    assert memory.attempts == 1 and memory.firmware_restarts == 1


def test_a_wait_that_lasts_too_long_is_stuck():
    memory = Memory().waits("C", 1000.0)
    assert memory.waits("C", 1030.0) == memory
    assert guarded(Wait("no answer", 5), memory, now=1060.0) == Wait("no answer", 5)
    verdict = guarded(Wait("no answer", 5), memory, now=1061.0)
    assert isinstance(verdict, Stuck) and "no answer" in verdict.reason


def test_only_a_stuck_subject_starts_anew():
    memory = Memory().after("C", STAGE, 0.0)
    assert memory.retried() == memory
    assert replace(memory, stuck="C: no effect").retried().attempts == 0


def test_a_restart_that_changed_nothing_is_not_tried_again():
    before = RestartHost("the running kernel lacks iommu=pt", "boot-1")
    memory = Memory().after("KernelApplied", before, 1000.0)
    assert isinstance(guarded(Act(before), memory, now=1030.0), Wait)
    verdict = guarded(Act(replace(before, boot="boot-2")), memory, now=1030.0)
    assert isinstance(verdict, Stuck)
    assert verdict.reason == "the restart changed nothing: the running kernel lacks iommu=pt"
    assert isinstance(guarded(Act(replace(before, boot="boot-2")), replace(memory, stuck="x").retried(), now=1030.0), Act)


def test_another_reason_to_restart_is_another_restart():
    memory = Memory().after("KernelApplied", RestartHost("the running kernel lacks iommu=pt", "boot-1"), 1000.0)
    verdict = guarded(Act(RestartHost("floppy is loaded, and the profile forbids it", "boot-2")), memory, now=2000.0)
    assert isinstance(verdict, Act)


def test_a_host_that_is_met_is_not_done_while_its_node_may_still_be_cordoned_by_us():
    silent = ServiceFacts(problem="the Kubernetes API does not answer", passing=True)
    ours = Memory(cordoned="node1", waiting="C", waiting_since=990.0)
    verdict = guard(Met(), "C", 60.0, ours, NOBODY, "uuid-1", 1000.0, silent)
    assert isinstance(verdict, Wait) and "Node node1 is still cordoned by BPA" in verdict.reason
    assert isinstance(guard(Met(), "C", 60.0, ours, NOBODY, "uuid-1", 1051.0, silent), Stuck)
    assert guard(Met(), "C", 60.0, NEW, NOBODY, "uuid-1", 1000.0, silent) == Met()
    assert guard(Met(), "C", 60.0, ours, NOBODY, "uuid-1", 1000.0, ServiceFacts("node1")) == Met()


def test_a_drain_is_remembered_from_its_cordon_to_the_step_that_it_is_for():
    memory = Memory().after("C", Cordon("node1", "admin.conf", "restart"), 1000.0)
    memory = memory.after("C", EvictPods("node1", "admin.conf", {"shop/web": "u"}), 1010.0)
    assert (memory.cordoned, memory.draining) == ("node1", 1000.0)
    assert memory.after("C", STAGE, 1020.0).draining == 1000.0
    memory = memory.after("C", RestartHost("kernel"), 1030.0)
    assert (memory.cordoned, memory.draining) == ("node1", 0.0)
    assert memory.met().cordoned == ""


def test_consent_is_asked_before_anything_is_drained():
    serving = ServiceFacts("node1", ready=True, pods=())
    verdict = guard(Act(WIPE), "C", 60.0, NEW, Permissions(disrupt=True), "uuid-1", 1000.0, serving)
    assert isinstance(verdict, Stuck) and "no consent" in verdict.reason
