"""After a small step of ours only what the next requirement reads is asked anew; before what counts, everything is."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import pytest

from bpa.core.facts import Facts, NodeFacts, Ran
from bpa.core.guards import Memory, Permissions
from bpa.core.host import PROBES
from bpa.core.requirement import HostRequirement
from bpa.core.steps import RestartHost, RunOnHost, Step
from bpa.core.verdict import Act, Met, Verdict
from bpa.core.want import HostWant
from bpa.engine import Subject, tick
from bpa.worlds import HostWorld

ALL = frozenset(PROBES)


class Host:
    """A host whose probes print numbers; each command raises one of them. asked: what each look asked for."""

    def __init__(self) -> None:
        self.shown = dict.fromkeys(PROBES, 0)
        self.asked: list[frozenset[str]] = []
        self.boot = "first"

    def ask(self, questions: Mapping[str, Sequence[str]], timeout: float) -> dict[str, Ran]:
        self.asked.append(frozenset(questions))
        return {name: Ran(0, self.boot if name == "boot_id" else str(self.shown[name])) for name in questions}

    def run(self, argv: Sequence[str], timeout: float) -> Ran:
        self.shown[argv[1]] += 1
        return Ran(0)

    def restart(self) -> None:
        self.boot = "second"

    def close(self) -> None:
        """Nothing is open."""


class Nodes:
    def look(self, name: str) -> NodeFacts:
        return NodeFacts("active")


def needs(probe: str, step: Step | None = None, met: int = 1) -> HostRequirement:
    def check(want: HostWant, have: Facts) -> Verdict:
        assert have.os is not None
        told = int(have.os.answers[probe].stdout)
        return Met(str(told)) if told >= met else Act(step or RunOnHost(("raise", probe), f"raise {probe}"))

    return HostRequirement(probe.title(), "os", check, f"{probe} is raised")


@pytest.fixture
def host() -> Host:
    return Host()


def ticks(host: Host, *requirements: HostRequirement, between: Sequence[object] = ()) -> list[frozenset[str]]:
    """Drive the requirements to their end; what was asked."""
    want = HostWant("node1", "https://192.0.2.1", "", None, node_ip="192.0.2.10")
    node = HostRequirement("Node", "node", lambda want, have: Met(), "it is there")
    world = HostWorld(want, lambda: pytest.fail("no BMC"), threading.BoundedSemaphore(), Nodes(), lambda: pytest.fail("no"),
                      lambda: pytest.fail("no"), lambda address: host)  # type: ignore[arg-type]
    subject, memory = Subject("node1", want, (node, *requirements), world), Memory()
    for _ in range(12):
        outcome = tick(subject, memory, Permissions(), lambda: 1000.0, lambda new: None)
        memory = outcome.memory
        if outcome.again_in is None:
            assert outcome.done
            return host.asked
    raise AssertionError("no end")


def test_two_small_steps_cost_two_small_looks_between_two_whole_ones(host: Host) -> None:
    asked = ticks(host, needs("kernel"), needs("sysctl"))
    assert asked[0] == asked[-1] == ALL
    assert {frozenset({"boot_id", "kernel"}), frozenset({"boot_id", "sysctl"})} == set(asked[1:-1])


def test_nothing_to_do_is_one_look(host: Host) -> None:
    assert ticks(host, needs("kernel", met=0)) == [ALL]


def test_before_a_restart_everything_is_asked(host: Host) -> None:
    host.restarted = lambda: None  # type: ignore[attr-defined]
    raised = host.restart

    def restart() -> None:
        raised()
        host.shown["sysctl"] = 1

    host.restart = restart  # type: ignore[method-assign]
    asked = ticks(host, needs("kernel"), needs("sysctl", RestartHost("because")))
    first = next(n for n, one in enumerate(asked) if "sysctl" in one and one != ALL)
    assert asked[first + 1] == ALL, "before it"
    assert asked[-1] == ALL, "after it"


def test_a_host_that_was_restarted_by_others_is_asked_for_everything(host: Host) -> None:
    run = host.run

    def restarted(argv: Sequence[str], timeout: float) -> Ran:
        host.boot = "another"
        return run(argv, timeout)

    host.run = restarted  # type: ignore[method-assign]
    asked = ticks(host, needs("kernel"))
    assert asked == [ALL, frozenset({"boot_id", "kernel"}), ALL]
