"""What comes before a step that workloads on the host would notice: pure, from what the cluster says and a person allows."""

from dataclasses import replace

import pytest

from bpa.core.facts import Pod, ServiceFacts
from bpa.core.in_service import API_SECONDS, DRAIN_SECONDS, Drain, Standing, disturbs, protect
from bpa.core.steps import Cordon, Deploy, EvictPods, Reset, ResetByIronic, RestartHost, RunOnHost, StageBios, WriteFile
from bpa.core.verdict import Act, Stuck, Wait

RESTART = Act(RestartHost("kernel arguments are staged"), "2 are not in /proc/cmdline")
SERVING = ServiceFacts("node1", ready=True, kubeconfig="admin.conf", pods=())
OURS = replace(SERVING, unschedulable=True, cordoned="2026-11-23T10:02:00Z")
SILENT = ServiceFacts(kubeconfig="admin.conf", problem="the Kubernetes API does not answer", passing=True)
NOBODY = Standing(handed_over=False, cordoned="", disrupt=False, drain=Drain(), lasts=0.0)
TOLD_TO = replace(NOBODY, disrupt=True)
WEB = Pod("shop", "web-1", "u1", controller="ReplicaSet/web", budgets=("web allows 0",))
DB = Pod("shop", "db-0", "u2", controller="StatefulSet/db")
AGENT = Pod("kube-system", "agent", "u3", controller="DaemonSet/agent")
STATIC = Pod("kube-system", "etcd-node1", "u4", controller="Node/node1", mirror=True)
DONE = Pod("shop", "migrate", "u5", phase="Succeeded", empty_dirs=("tmp",))
LONELY = Pod("shop", "debug", "u6")
SCRATCH = Pod("shop", "cache-1", "u7", controller="ReplicaSet/cache", empty_dirs=("data",))


@pytest.mark.parametrize("step, noticed", [
    (RestartHost("x"), True), (ResetByIronic(), True), (Reset("ForceRestart"), True), (Reset("On"), False),
    (Deploy("http://i/os.raw", "00", "disk D1"), True), (StageBios({"A": 1}), False),
    (RunOnHost(("true",), "x"), False), (RunOnHost(("true",), "x", erases="namespace0.0"), True),
    (RunOnHost(("true",), "x", disrupts="4 VFs in use"), True), (WriteFile("/etc/x", "", "x", disrupts="containerd"), True),
], ids=repr)
def test_what_workloads_would_notice(step, noticed):
    assert disturbs(step) is noticed
    if not noticed:
        assert protect(Act(step), SERVING, NOBODY) == Act(step)


@pytest.mark.parametrize("service, standing, said", [
    (SERVING, NOBODY, "Node node1 is Ready and schedulable"),
    (OURS, NOBODY, "BPA cordoned Node node1 at 2026-11-23T10:02:00Z"),
    (None, replace(NOBODY, handed_over=True), "it was handed over"),
    (SILENT, replace(NOBODY, handed_over=True), "it was handed over, and its cluster could not be asked"),
    (SILENT, replace(NOBODY, cordoned="node1"), "its cluster could not be asked"),
])
def test_a_host_in_service_is_not_disturbed_unless_a_person_says_so(service, standing, said):
    verdict = protect(RESTART, service, standing)
    assert isinstance(verdict, Stuck) and "in service" in verdict.reason and said in verdict.reason
    assert RESTART.step.text in verdict.reason and "--disrupt" in verdict.advice


@pytest.mark.parametrize("service, said", [
    (ServiceFacts(kubeconfig="admin.conf"), "no Node of its cluster is this host"),
    (replace(SERVING, ready=False), "Node node1 is not Ready"),
    (replace(SERVING, unschedulable=True), "cordoned, not by BPA"),
    (replace(OURS, ready=False), "Node node1 is not Ready"),
    (SILENT, "could not be asked"),
])
def test_a_host_that_is_not_in_service_may_be_disturbed_and_it_is_said_why(service, said):
    verdict = protect(RESTART, service, NOBODY)
    assert isinstance(verdict, Act) and verdict.step == RESTART.step and said in verdict.reason
    assert RESTART.reason in verdict.reason


def test_what_a_step_would_disrupt_is_named():
    verdict = protect(Act(RunOnHost(("x",), "set 8 VFs", disrupts="4 VFs that pods use")), SERVING, NOBODY)
    assert isinstance(verdict, Stuck) and "4 VFs that pods use" in verdict.reason


def test_a_host_without_a_cluster_that_answers_for_it_is_disturbed_when_told_to():
    assert protect(RESTART, None, replace(TOLD_TO, handed_over=True)) == RESTART


def test_first_the_node_is_cordoned():
    verdict = protect(RESTART, replace(SERVING, pods=(WEB, AGENT)), TOLD_TO)
    assert isinstance(verdict, Act) and verdict.step == Cordon("node1", "admin.conf", RESTART.step.text)


def test_then_pods_are_evicted_but_those_that_cannot_move():
    verdict = protect(RESTART, replace(OURS, pods=(WEB, DB, AGENT, STATIC, DONE)), TOLD_TO)
    assert isinstance(verdict, Act)
    assert verdict.step == EvictPods("node1", "admin.conf", {"shop/web-1": "u1", "shop/db-0": "u2", "shop/migrate": "u5"})


def test_pods_that_end_are_waited_for_and_those_beside_them_evicted():
    going = replace(WEB, ending=True)
    verdict = protect(RESTART, replace(OURS, pods=(going, DB)), TOLD_TO)
    assert isinstance(verdict, Act) and verdict.step == EvictPods("node1", "admin.conf", {"shop/db-0": "u2"})
    verdict = protect(RESTART, replace(OURS, pods=(going, AGENT)), TOLD_TO)
    assert isinstance(verdict, Wait) and "shop/web-1" in verdict.reason and "agent" not in verdict.reason


def test_a_drained_host_is_disturbed():
    verdict = protect(RESTART, replace(OURS, pods=(AGENT, STATIC)), TOLD_TO)
    assert isinstance(verdict, Act) and verdict.step == RESTART.step and "is drained" in verdict.reason


def test_pods_that_were_not_asked_for_do_not_count_as_none():
    assert isinstance(protect(RESTART, replace(OURS, pods=None), TOLD_TO), Wait)


@pytest.mark.parametrize("service", [SERVING, OURS], ids=["before", "after"])
@pytest.mark.parametrize("pods, drain, named, flags", [
    ((LONELY,), Drain(), "shop/debug has no controller", "--force"),
    ((SCRATCH,), Drain(), "shop/cache-1 would lose what is in emptyDir volumes (data)", "--delete-emptydir-data"),
    ((LONELY, SCRATCH), Drain(), "shop/cache-1", "--force --delete-emptydir-data"),
    ((LONELY, SCRATCH), Drain(force=True), "shop/cache-1", "--delete-emptydir-data"),
    ((replace(LONELY, empty_dirs=("d",)),), Drain(delete_emptydir_data=True), "shop/debug", "--force"),
])
def test_pods_that_would_be_lost_are_named_before_anything_is_touched(service, pods, drain, named, flags):
    verdict = protect(RESTART, replace(service, pods=(*pods, WEB)), replace(TOLD_TO, drain=drain))
    assert isinstance(verdict, Stuck) and named in verdict.reason and "web-1" not in verdict.reason
    assert verdict.advice.endswith(f"--disrupt HOST {flags}")


@pytest.mark.parametrize("pods", [(DONE,), (replace(LONELY, ending=True),), (replace(SCRATCH, phase="Failed"),)])
def test_pods_that_are_over_have_nothing_to_lose(pods):
    assert isinstance(protect(RESTART, replace(SERVING, pods=pods), TOLD_TO), Act)


def test_with_leave_they_are_evicted_too():
    told = replace(TOLD_TO, drain=Drain(delete_emptydir_data=True, force=True))
    verdict = protect(RESTART, replace(OURS, pods=(LONELY, SCRATCH)), told)
    assert isinstance(verdict, Act) and set(verdict.step.pods) == {"shop/debug", "shop/cache-1"}


def test_a_drain_that_takes_too_long_is_given_up_and_says_what_holds_it():
    late = replace(TOLD_TO, lasts=DRAIN_SECONDS + 1)
    verdict = protect(RESTART, replace(OURS, pods=(WEB, replace(DB, ending=True))), late)
    assert isinstance(verdict, Stuck)
    for said in ("15 min", "shop/web-1 (budget web allows 0)", "shop/db-0 is ending", RESTART.step.text):
        assert said in verdict.reason
    assert "kubectl uncordon node1" in verdict.advice
    assert isinstance(protect(RESTART, replace(OURS, pods=()), late), Act)


def test_a_silent_cluster_is_waited_for_then_given_up():
    """Its only master may be this host, which BPA has just restarted."""
    told = replace(TOLD_TO, cordoned="node1")
    assert isinstance(protect(RESTART, SILENT, told), Wait)
    verdict = protect(RESTART, SILENT, replace(told, lasts=API_SECONDS + 1))
    assert isinstance(verdict, Stuck) and "--no-drain" in verdict.advice and "admin.conf" in verdict.advice


def test_a_cluster_that_refuses_is_not_waited_for():
    assert isinstance(protect(RESTART, replace(SILENT, passing=False), replace(TOLD_TO, handed_over=True)), Stuck)


@pytest.mark.parametrize("service", [SERVING, SILENT, OURS])
def test_without_a_drain_the_step_is_taken_at_once(service):
    told = replace(TOLD_TO, handed_over=True, drain=Drain(wanted=False))
    assert protect(RESTART, service, told) == RESTART
