"""Many hosts and their cluster at once, with time that passes by itself."""

import dataclasses
import threading

from driving import GOLDEN, LAB, QUICK, all_of, drive, host_want, kinds, new_host, subject

from bpa.adapters.store import Store
from bpa.core.cluster import CLUSTER
from bpa.core.facts import MemberFacts
from bpa.core.guards import Permissions
from bpa.core.steps import StartInstaller
from bpa.core.want import ClusterWant, Member
from bpa.engine import Subject
from bpa.fleet import Fleet
from bpa.lab.simulated import SimulatedCluster


def many(number, clock):
    wants = [host_want(f"node{n}") for n in range(number)]
    return {want.name: (want, new_host(want, clock, n, QUICK)) for n, want in enumerate(wants)}


def cluster_of(hosts, clock, outcomes):
    """The cluster of these hosts; a host is ready when the fleet says so."""
    def members():
        found = {}
        for name, (_, world) in hosts.items():
            outcome = outcomes().get(name)
            done, stuck = outcome is not None and outcome.done, outcome is not None and outcome.stuck
            found[name] = MemberFacts(done, world.address, "" if done or outcome is None else outcome.last.name, stuck=stuck)
        return found

    labels = tuple(Member(name, name, want.boot_mac) for name, (want, _) in hosts.items())
    want = ClusterWant("edge", labels[:1], labels[1:], ("nfd", "sriov"), "172.21.64.0/18")
    return want, SimulatedCluster(want, members, clock, durations=QUICK)


def run(hosts, place, clock, faults=(), workers=8):
    """The whole site through one Fleet: (fleet, store, the cluster's world)."""
    fleet: Fleet
    want, cluster = cluster_of(hosts, clock, lambda: fleet.outcomes)
    for name, arguments in faults:
        cluster.fault(name, **arguments)
    store = Store(place / "site.sqlite")
    fleet = Fleet(store, lambda name: all_of(hosts[name][1]) if name in hosts else Permissions(), lambda name, outcome: None,
                  "run", workers, clock, clock, clock.pause)
    fleet.drive([*(subject(*one) for one in hosts.values()), Subject("cluster/edge", want, CLUSTER, cluster)])
    return fleet, store, cluster


def test_fifty_hosts_and_their_cluster_end_handed_over(place, clock):
    hosts = many(50, clock)
    fleet, store, cluster = run(hosts, place, clock)
    assert all(outcome.done for outcome in fleet.outcomes.values()), {
        n: o.last for n, o in fleet.outcomes.items() if not o.done}
    for name, (_, world) in hosts.items():
        assert len(world.performed) == len(GOLDEN) and len(world.machine.destroyed) == 1
        memory = store.memory(name)
        assert (memory.firmware_restarts, memory.kernel_restarts) == (1, 1)
    assert kinds(cluster.performed) == ["RenderInventory", "StartInstaller"]
    assert "node49  ansible_ssh_host=198.18.0.49" in cluster.files["hosts.ini"]
    store.close()


def test_one_thing_at_a_time_on_one_host_whatever_the_number_of_workers(place, clock):
    hosts = many(6, clock)
    inside, overlaps = set(), []
    for name, (_, world) in hosts.items():
        def look(have, source, name=name, real=world.look):
            key = (name, threading.get_ident())
            overlaps.extend(other for other in inside if other[0] == name and other != key)
            inside.add(key)
            try:
                return real(have, source)
            finally:
                inside.discard(key)
        world.look = look
    fleet, store, _ = run(hosts, place, clock, workers=16)
    assert all(outcome.done for outcome in fleet.outcomes.values()) and overlaps == []
    store.close()


def test_of_ten_hosts_with_three_in_trouble_seven_arrive_and_the_cluster_says_who_is_missing(place, clock):
    hosts = many(10, clock)
    hosts["node2"][1].fault("wrong password")
    hosts["node5"][1].fault("deploy fails", value="Something odd")
    hosts["node7"][1].fault("bios ignored")
    fleet, store, cluster = run(hosts, place, clock)
    stuck = {name for name, outcome in fleet.outcomes.items() if outcome.stuck}
    assert stuck == {"node2", "node5", "node7", "cluster/edge"}
    reason = fleet.outcomes["cluster/edge"].last.verdict.reason
    assert "node2 (BmcReachable)" in reason or "members are stuck" in reason
    assert cluster.performed == []
    store.close()


def test_a_fault_in_our_own_code_stops_one_host_only(place, clock):
    hosts = many(3, clock)

    def oops(have, source):
        raise ZeroDivisionError("oops")

    hosts["node1"][1].look = oops
    fleet, store, _ = run(hosts, place, clock)
    assert "ZeroDivisionError" in fleet.outcomes["node1"].last.verdict.reason
    assert fleet.outcomes["node0"].done and fleet.outcomes["node2"].done
    store.close()


def test_an_installer_that_was_killed_is_started_again(place, clock):
    fleet, store, cluster = run(many(2, clock), place, clock, [("installer lost", {"times": 1})])
    assert fleet.outcomes["cluster/edge"].done
    assert sum(isinstance(step, StartInstaller) for step in cluster.performed) == 2
    store.close()


def test_an_installer_that_fails_is_told_and_not_started_again_by_itself(place, clock):
    hosts = many(2, clock)
    fleet, store, cluster = run(hosts, place, clock, [("installer fails", {"times": 1})])
    assert "exit code 2" in fleet.outcomes["cluster/edge"].last.verdict.reason
    assert sum(isinstance(step, StartInstaller) for step in cluster.performed) == 1
    cluster.acknowledge()
    again = Subject("cluster/edge", cluster_of(hosts, clock, dict)[0], CLUSTER, cluster)
    assert drive(again, store, clock).done
    assert sum(isinstance(step, StartInstaller) for step in cluster.performed) == 2
    store.close()


def test_a_changed_cluster_runs_the_installer_again(place, clock):
    hosts = many(2, clock)
    fleet, store, cluster = run(hosts, place, clock)
    before = dict(cluster.files)
    want, _ = cluster_of(hosts, clock, lambda: fleet.outcomes)
    changed = dataclasses.replace(want, pod_subnet="10.64.0.0/16")
    assert drive(Subject("cluster/edge", changed, CLUSTER, cluster), store, clock).done and cluster.files != before
    assert kinds(cluster.performed) == ["RenderInventory", "StartInstaller"] * 2
    store.close()


def test_hosts_of_other_profiles_side_by_side(place, clock):
    hosts = many(4, clock)
    other = dataclasses.replace(hosts["node3"][0], profile=dataclasses.replace(LAB, nested="forbidden", kata=False, pmem=()))
    hosts["node3"] = other, new_host(other, clock, 3, QUICK)
    fleet, store, _ = run(hosts, place, clock)
    assert all(outcome.done for outcome in fleet.outcomes.values())
    assert hosts["node3"][1].machine.os.nested == {"kvm_intel": False}
    store.close()
