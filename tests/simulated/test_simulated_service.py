"""A host in service, drifted: nothing is disturbed unless told to; then it is drained first and given back at the end."""

import dataclasses
import pickle

import pytest
from driving import brought_up, drive, host_want, subject
from killing import POINTS, Killed, Killer

from bpa.adapters.store import Store
from bpa.core.facts import Pod
from bpa.core.guards import Permissions
from bpa.core.host.grub import DROP_IN
from bpa.core.in_service import API_SECONDS, DRAIN_SECONDS, Drain
from bpa.core.verdict import Stuck, Wait
from bpa.lab.simulated import Clock, KubernetesNode

WEB = Pod("shop", "web-1", "u1", controller="ReplicaSet/web")
DB = Pod("shop", "db-0", "u2", controller="StatefulSet/db")
AGENT = Pod("kube-system", "agent", "u3", controller="DaemonSet/agent")
ETCD = Pod("kube-system", "etcd-node1", "u4", controller="Node/node1", mirror=True)
DEBUG = Pod("shop", "debug", "u5", empty_dirs=("scratch",))
TOLD_TO = Permissions(disrupt=True)
ONE_RESTART = ["Cordon", "EvictPods", "WriteFile", "RestartHost", "Uncordon"]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A host that has come all the way, with its clock, to be had many times."""
    want, clock = host_want(), Clock()
    store = Store(tmp_path_factory.mktemp("done") / "site.sqlite")
    world = brought_up(want, clock, store)
    memory = store.memory(want.name)
    store.close()
    return pickle.dumps((want, clock, world, memory))


@pytest.fixture
def serving(done, place):
    """serving(*pods) = (want, world, clock, store): the host is now a Node with these pods; its kernel arguments drifted."""
    store = Store(place / "site.sqlite")
    yield lambda *pods: _serving(done, store, pods)
    store.close()


def _serving(done, store, pods):
    want, clock, world, memory = pickle.loads(done)
    store.remember(want.name, memory)
    world.performed.clear()
    world.kubernetes = KubernetesNode(world.machine, want.name, pods)
    world.machine.os.installed.files[DROP_IN] = "# nothing of theirs\n"
    world.machine.os.installed.update_grub()
    world.machine.restart()
    clock.advance(60)
    world.machine.advance()
    world.kubernetes.disturbed.clear()
    return want, world, clock, store


def steps(world):
    return [type(step).__name__ for step in world.performed]


def test_nothing_is_restarted_without_leave_and_the_pods_never_notice(serving):
    want, world, clock, store = serving(WEB, AGENT)
    outcome = drive(subject(want, world), store, clock)
    assert isinstance(outcome.last.verdict, Stuck) and "Node node1 is Ready and schedulable" in outcome.last.verdict.reason
    assert "--disrupt" in outcome.last.verdict.advice
    assert steps(world) == ["WriteFile"]  # what disturbs nobody is staged
    assert not world.kubernetes.unschedulable and set(world.kubernetes.pods) == {"shop/web-1", "kube-system/agent"}


def test_told_to_it_is_drained_restarted_and_given_back(serving):
    want, world, clock, store = serving(WEB, DB, AGENT, ETCD)
    assert drive(subject(want, world), store, clock, TOLD_TO).done
    assert sorted(steps(world)) == sorted(ONE_RESTART)
    assert [s for s in steps(world) if s != "WriteFile"] == ["Cordon", "EvictPods", "RestartHost", "Uncordon"]
    node = world.kubernetes
    assert node.disturbed == [] and set(node.pods) == {"kube-system/agent", "kube-system/etcd-node1"}
    assert (node.unschedulable, node.cordoned) == (False, "")
    assert node.boot_id == world.machine.os.boot_id  # given back by the kubelet of after the restart
    memory = store.memory(want.name)
    assert (memory.cordoned, memory.draining) == ("", 0.0)
    world.performed.clear()
    assert drive(subject(want, world), store, clock, most=1).done and world.performed == []


def test_a_budget_is_waited_for(serving):
    want, world, clock, store = serving(WEB, DB)
    world.kubernetes.held["shop/web-1"] = clock() + 300
    outcome = drive(subject(want, world), store, clock, TOLD_TO, until=lambda o: isinstance(o.last.verdict, Wait))
    assert "shop/web-1 may not be evicted now" in outcome.last.verdict.reason
    assert drive(subject(want, world), store, clock, TOLD_TO).done
    assert world.kubernetes.disturbed == [] and not world.kubernetes.unschedulable


def test_a_budget_that_never_gives_way_ends_in_its_name_and_the_host_stays_up(serving):
    want, world, clock, store = serving(WEB, DB)
    world.kubernetes.held["shop/web-1"] = float("inf")
    starts, began = world.machine.starts, clock()
    outcome = drive(subject(want, world), store, clock, TOLD_TO)
    assert isinstance(outcome.last.verdict, Stuck) and "shop/web-1 (budget of-web-1 allows 0)" in outcome.last.verdict.reason
    assert DRAIN_SECONDS < clock() - began < DRAIN_SECONDS + 120
    assert world.machine.starts == starts and world.kubernetes.cordoned
    # Asked again, it is tried for as long again; the budget gives way meanwhile.
    world.kubernetes.held["shop/web-1"] = clock() + 60
    store.remember(want.name, store.memory(want.name).retried())
    assert drive(subject(want, world), store, clock, TOLD_TO).done and not world.kubernetes.unschedulable


def test_pods_that_would_be_lost_are_named_and_nothing_is_cordoned(serving):
    want, world, clock, store = serving(WEB, DEBUG)
    outcome = drive(subject(want, world), store, clock, TOLD_TO)
    assert isinstance(outcome.last.verdict, Stuck) and "shop/debug" in outcome.last.verdict.reason
    assert not world.kubernetes.unschedulable and len(world.kubernetes.pods) == 2
    store.remember(want.name, store.memory(want.name).retried())
    agreed = Permissions(disrupt=True, drain=Drain(delete_emptydir_data=True, force=True))
    assert drive(subject(want, world), store, clock, agreed).done and world.kubernetes.pods == {}


def test_a_node_that_an_admin_cordoned_is_not_in_service_and_stays_cordoned(serving):
    want, world, clock, store = serving(AGENT)
    world.kubernetes.unschedulable = True
    assert drive(subject(want, world), store, clock).done
    assert "RestartHost" in steps(world) and world.kubernetes.unschedulable


def test_a_silent_cluster_is_taken_for_one_in_service_where_the_host_was_handed_over(serving):
    want, world, clock, store = serving(WEB)
    store.remember(want.name, dataclasses.replace(store.memory(want.name), in_service=True))
    world.fault("kubernetes silent")
    outcome = drive(subject(want, world), store, clock)
    assert isinstance(outcome.last.verdict, Stuck) and "could not be asked" in outcome.last.verdict.reason
    store.remember(want.name, store.memory(want.name).retried())
    began = clock()
    outcome = drive(subject(want, world), store, clock, TOLD_TO)
    assert isinstance(outcome.last.verdict, Stuck) and "--no-drain" in outcome.last.verdict.advice
    assert clock() - began > API_SECONDS and "RestartHost" not in steps(world)
    store.remember(want.name, store.memory(want.name).retried())
    assert drive(subject(want, world), store, clock, Permissions(disrupt=True, drain=Drain(wanted=False))).done


def test_a_cluster_that_is_silent_while_its_only_master_restarts_gets_its_node_back(serving):
    want, world, clock, store = serving(AGENT)
    outcome = drive(subject(want, world), store, clock, TOLD_TO, until=lambda o: type(o.step).__name__ == "RestartHost")
    world.fault("kubernetes silent", lasts=200)
    seen = []
    outcome = drive(subject(want, world), store, clock, TOLD_TO, until=lambda o: seen.append(o.last))
    assert outcome.done and not world.kubernetes.unschedulable
    assert any(isinstance(c.verdict, Wait) and "still cordoned by BPA" in c.verdict.reason for c in seen)


def test_a_cluster_that_never_comes_back_is_said(serving):
    want, world, clock, store = serving(AGENT)
    drive(subject(want, world), store, clock, TOLD_TO, until=lambda o: type(o.step).__name__ == "RestartHost")
    world.fault("kubernetes silent")
    outcome = drive(subject(want, world), store, clock, TOLD_TO)
    assert isinstance(outcome.last.verdict, Stuck) and "still cordoned by BPA" in outcome.last.verdict.reason


class Disrupting(Killer):
    """Every process is told that it may disturb the host."""

    def drive(self, want, world, place, clock):
        store = Store(place / "site.sqlite")
        try:
            return drive(subject(want, world), store, clock, TOLD_TO, remember=self._remembering(store.memory(want.name)))
        finally:
            store.close()


@pytest.mark.parametrize("point", [point for point in POINTS if point != "half-way"])
@pytest.mark.parametrize("step", range(1, len(ONE_RESTART) + 1))
def test_killed_at_this_point_of_this_step_the_end_is_the_same(serving, place, step, point):
    want, world, clock, _ = serving(WEB, DB, AGENT)
    starts = world.machine.starts
    killer = Disrupting({(step, point)})
    assert killer.run(want, world, place, clock).done and killer.kills == 1
    node = world.kubernetes
    assert node.disturbed == [] and not node.unschedulable and set(node.pods) == {"kube-system/agent"}
    assert world.machine.starts == starts + 1


def test_a_run_that_was_killed_in_a_drain_and_is_not_told_again_disturbs_nobody(serving, place):
    want, world, clock, store = serving(WEB)
    with pytest.raises(Killed):
        Disrupting({(3, "before its end is recorded")}).drive(want, world, place, clock)
    outcome = drive(subject(want, world), store, clock)
    assert isinstance(outcome.last.verdict, Stuck) and "BPA cordoned Node node1" in outcome.last.verdict.reason
    assert "RestartHost" not in steps(world)
