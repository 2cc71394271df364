"""A goal of a profile through the BMC, because the host has no ipmctl: asked for only then, staged, and seen again."""

from __future__ import annotations

import threading
from typing import Any

from stub_bmc import StubBmc, serve
from test_pmem import generic

from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.core.facts import Facts, NodeFacts, Ran
from bpa.core.host.pmem import goal
from bpa.core.secret import Secret
from bpa.core.steps import StageMemoryGoal
from bpa.core.verdict import Act, Met, Wait
from bpa.core.want import GoalWant, HostWant, Profile
from bpa.worlds import HostWorld

ANSWERS = {"boot_id": Ran(0, "boot-1\n"), "pmem": Ran(0, "@@ ndctl\n[]\n@@ regions\n"), "ipmctl": Ran(0, "@@ record\n@@ tool\n")}


class OneHost:
    """SSH and Ironic of a host that runs."""

    def __init__(self, tool: str = "") -> None:
        self.answers = {**ANSWERS, "ipmctl": Ran(0, f"@@ record\n@@ tool\n{tool}")}

    def ask(self, *_: Any, **__: Any) -> dict[str, Ran]:
        return self.answers

    def look(self, _: str) -> NodeFacts:
        return NodeFacts("active")

    def close(self) -> None:
        pass


def world(stub: StubBmc, host: OneHost) -> HostWorld:
    want = HostWant("node0", stub.address, "", None, Profile(pmem_goals=(GoalWant(0),)), node_ip="192.0.2.10")
    access = BmcAccess(stub.address, "admin", Secret("right"))
    return HostWorld(want, lambda: Bmc(access), threading.BoundedSemaphore(), host, None, None, lambda _: host)  # type: ignore


def look(one: HostWorld) -> Facts:
    have = Facts()
    for source in ("bmc", "node", "os"):
        have = one.look(have, source)  # type: ignore[arg-type]
    return have


def test_the_bmc_is_asked_once_the_host_is_known_to_have_no_tool() -> None:
    stub = generic()
    with serve(stub):
        one = world(stub, OneHost())
        want = HostWant("node0", stub.address, "", None, Profile(pmem_goals=(GoalWant(0),)))
        first = look(one)
        assert isinstance(goal.STAGED.check(want, first), Wait) and first.bmc is not None and first.bmc.persistent is None
        verdict = goal.STAGED.check(want, look(one))
        assert isinstance(verdict, Act) and isinstance(verdict.step, StageMemoryGoal)
        one.perform(verdict.step)
        assert len([path for path in stub.asked("POST") if "memorychunks" in path.lower()]) == 1
        one.close()


def test_a_host_with_the_tool_costs_the_bmc_nothing() -> None:
    stub = generic()
    with serve(stub):
        one = world(stub, OneHost("/usr/bin/ipmctl\n"))
        look(one)
        have = look(one)
        assert have.bmc is not None and have.bmc.persistent is None and not have.bmc.unread.get("persistent")
        one.close()


def test_a_bmc_without_memory_domains_says_so() -> None:
    stub = generic()
    assert isinstance(stub.resources, dict)
    system = next(path for path, body in stub.resources.items() if "MemoryDomains" in body)
    del stub.resources[system]["MemoryDomains"]
    with serve(stub):
        one = world(stub, OneHost())
        look(one)
        have = look(one)
        assert have.bmc is not None and "memory domains" in have.bmc.unread["persistent"]
        assert not isinstance(goal.STAGED.check(
            HostWant("node0", "", "", None, Profile(pmem_goals=(GoalWant(0),))), have), Met | Act | Wait)
        one.close()
