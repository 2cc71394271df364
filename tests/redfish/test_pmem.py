"""Persistent memory by Redfish on a machine with HPE's own fixtures over it: read, planned, staged, applied, dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from stub_bmc import RECORDED, ROOT, Reply, Request, StubBmc, error, small_machine
from stub_bmc import serve as serve_stub

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.pmem import perform, read_persistent
from bpa.adapters.redfish.power.reset import reset
from bpa.adapters.redfish.target import Target
from bpa.cli.bmc import bmc as group
from bpa.core.pmem_goal import Goal, GoalPlan, plan_goal, state_of
from bpa.core.secret import Secret
from bpa.lab.recorded import Emulated, serve

FIXTURES = RECORDED / "hpe-ilo5-optane-pmem-fixtures"
TREES = ("hpe-dl385g10plusv2-ilo5-2.72", "dell-r750-idrac9-6.00.30.00", "lenovo-sr670v2-xcc-2.83")
recorded = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run, it unpacks them into .recorded"
)


@pytest.fixture(params=TREES)
def bmc(request: pytest.FixtureRequest) -> Iterator[Emulated]:
    with serve(RECORDED / request.param, pmem=FIXTURES, shutdown_seconds=0.0) as emulated:
        yield emulated


def reach(address: str) -> Target:
    return Target(BmcAccess(address, "admin", Secret("right")))


def plan(goal: Goal, target: Target, *erase: str, **more: Any) -> GoalPlan:
    made = plan_goal(goal, read_persistent(target), erase, **more)
    assert isinstance(made, GoalPlan), made
    return made


def writes(bmc: Emulated) -> list[Any]:
    return [r for r in bmc.log if r.method != "GET" and "Session" not in r.path]


@recorded
def test_domains_chunks_and_modules_are_read_as_they_are(bmc: Emulated) -> None:
    with reach(bmc.address) as target:
        seen = read_persistent(target)
    assert [d.id for d in seen.domains] == ["PROC1MemoryDomain", "PROC2MemoryDomain"]
    one, two = seen.domains
    assert [(c.id, c.kind, c.mib, c.percent, [m.rstrip("/")[-9:] for m in c.modules]) for c in one.chunks] == [
        ("2", "PMEM", 131072, 50, ["proc1dimm7"[-9:]]), ("1", "PMEM", 131072, 50, ["proc1dimm6"[-9:]])]
    assert two.chunks == ()
    assert [len(s) for s in two.sets] == [2, 1, 1]
    assert len(seen.modules) == 4
    assert {m.mib for m in seen.modules.values()} == {262144}
    assert seen.percentages
    assert seen.tasks == ()


@recorded
@pytest.mark.parametrize(
    ("goal", "name"),
    [(Goal(0, True), "AppDirectInterleaved"), (Goal(0, False), "AppDirectNotInterleaved"), (Goal(100), "MemoryMode")],
)
def test_the_bodies_that_are_sent_are_those_of_hpes_tests(bmc: Emulated, goal: Goal, name: str) -> None:
    due = json.loads((FIXTURES / "expected-post-bodies.json").read_text().replace(
        "/redfish/v1/Systems/1/", f"{bmc.machine.hosts[0].path}/"))
    with reach(bmc.address) as target:
        perform(target, plan(Goal(goal.memory_percent, goal.interleaved, ("PROC2MemoryDomain",)), target))
    assert [r.body for r in writes(bmc)] == due[name]


@recorded
def test_a_goal_is_staged_waits_for_the_restart_and_is_applied_by_it(bmc: Emulated) -> None:
    goal = Goal(0, True)
    with reach(bmc.address) as target:
        staged = perform(target, plan(goal, target, "PROC1MemoryDomain"))
        assert [t.outcome for t in staged.tasks] == ["waiting"] * 4
        assert [r.method for r in writes(bmc)] == ["DELETE", "DELETE", "POST", "POST"]
        assert state_of(goal, read_persistent(target)).kind == "pending"
        again = plan(goal, target, "PROC1MemoryDomain")
        assert (again.requests, again.pending) == ((), True)
        reset(target, "ForceRestart")
        bmc.machine.advance(600)
        state = state_of(goal, read_persistent(target))
        assert state.kind == "met", state.why
        assert plan(goal, target).requests == ()


@recorded
def test_a_goal_that_the_firmware_drops_is_told(bmc: Emulated) -> None:
    bmc.fault("dropped-memory-goal")
    goal = Goal(0, True, ("PROC2MemoryDomain",))
    with reach(bmc.address) as target:
        perform(target, plan(goal, target))
        reset(target, "ForceRestart")
        bmc.machine.advance(600)
        state = state_of(goal, read_persistent(target))
    assert (state.kind, "PROC2MemoryDomain has no chunks" in state.why) == ("dropped", True)


@recorded
def test_another_goal_takes_the_place_of_one_that_waits(bmc: Emulated) -> None:
    with reach(bmc.address) as target:
        perform(target, plan(Goal(100, domains=("PROC2MemoryDomain",)), target))
        goal = Goal(0, True, ("PROC2MemoryDomain",))
        made = plan(goal, target, discard_pending=True)
        assert [r.method for r in made.requests] == ["DELETE", "POST"]
        perform(target, made)
        assert state_of(goal, read_persistent(target)).kind == "pending"
        assert len(read_persistent(target).pending) == 1


def run(bmc: Emulated, *words: str) -> Result:
    env = {"BPA_BMC_USER": "admin", "BPA_BMC_PASSWORD": "right"}
    return CliRunner().invoke(group, ["pmem", bmc.address, *words], env=env)


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


@recorded
def test_the_command_shows_plans_asks_for_consent_and_stages(bmc: Emulated) -> None:
    shown = run(bmc)
    assert shown.exit_code == 0, shown.output
    assert "PROC1MemoryDomain" in shown.output
    assert "131072" in shown.output
    refused = run(bmc, "set", "--mode", "app-direct")
    assert refused.exit_code == 4
    assert "--erase PROC1MemoryDomain/2 --erase PROC1MemoryDomain/1" in refused.output
    planned = run(bmc, "plan", "--mode", "app-direct", "--erase", "PROC1MemoryDomain")
    assert [line.split()[0] for line in planned.output.splitlines()] == ["DELETE", "DELETE", "POST", "POST", "!", "!"]
    assert writes(bmc) == []
    done = run(bmc, "set", "--mode", "app-direct", "--erase", "PROC1MemoryDomain", "--json")
    assert json.loads(done.output)["changed"] is True
    again = run(bmc, "set", "--mode", "app-direct", "--erase", "PROC1MemoryDomain")
    assert again.output.startswith("already so: App Direct interleaved waits for the restart")
    waits = run(bmc, "show", "--mode", "app-direct")
    assert (waits.exit_code, "pending" in waits.output) == (1, True)


@recorded
def test_with_restart_the_command_waits_until_the_goal_is_applied_or_says_why_not(bmc: Emulated) -> None:
    done = run(bmc, "set", "--mode", "app-direct", "--erase", "PROC1MemoryDomain", "--restart", "--timeout", "30")
    assert done.exit_code == 0, done.output
    assert "App Direct interleaved: met" in done.output
    again = run(bmc, "set", "--mode", "app-direct", "--restart")
    assert again.output == "already so: App Direct interleaved\n"
    bmc.fault("dropped-memory-goal")
    erase = ("--erase", "PROC1MemoryDomain", "--erase", "PROC2MemoryDomain")
    dropped = run(bmc, "set", "--mode", "app-direct", "--not-interleaved", *erase, "--restart", "--timeout", "30")
    assert dropped.exit_code == 1
    assert "dropped: the tasks are completed, and it is not so" in dropped.output


@recorded
@pytest.mark.parametrize("words", [("set",), ("plan", "--mode", "mixed"), ("set", "--mode", "memory", "--memory-percent", "50")])
def test_wrong_use_is_told(words: tuple[str, ...]) -> None:
    with serve(RECORDED / TREES[0]) as bmc:
        assert run(bmc, *words).exit_code == 2


@recorded
def test_a_machine_without_memory_domains_or_without_persistent_memory_says_so() -> None:
    with serve(RECORDED / TREES[1]) as bmc, reach(bmc.address) as target, pytest.raises(Unsupported, match="no memory domains"):
        read_persistent(target)
    with serve(RECORDED / TREES[0]) as bmc, reach(bmc.address) as target:
        assert read_persistent(target).domains == ()


CHUNKS = f"{ROOT}/Systems/1/MemoryDomains/D1/MemoryChunks"


def generic(*members: dict[str, Any]) -> StubBmc:
    """A machine of another vendor: sizes in MiB, chunks made at once."""
    resources = small_machine()
    memory = [f"{ROOT}/Systems/1/Memory/{n}" for n in ("A", "B", "DRAM")]
    spelled = memory[1].replace("Memory", "MEMORY") + "/"
    resources[f"{ROOT}/systems/1"]["MemoryDomains"] = {"@odata.id": f"{ROOT}/Systems/1/MemoryDomains"}
    resources[f"{ROOT}/systems/1/memorydomains"] = {"Members": [{"@odata.id": f"{ROOT}/Systems/1/MemoryDomains/D1"}]}
    resources[f"{ROOT}/systems/1/memorydomains/d1"] = {
        "Id": "D1", "AllowsMemoryChunkCreation": True, "MemoryChunkIncrementMiB": 1024, "MemoryChunks": {"@odata.id": CHUNKS},
        "InterleavableMemorySets": [
            {"MemorySet": [{"@odata.id": memory[0]}, {"@odata.id": spelled}]},
            {"MemorySet": [{"@odata.id": memory[2]}]}, "junk", {"MemorySet": None},
        ],
    }
    resources[CHUNKS.lower()] = {"Members": list(members)}
    for path in memory[:2]:
        resources[path.lower()] = {"Id": path[-1], "MemoryType": "NVDIMM_P", "CapacityMiB": 131072, "SecurityState": "Unlocked"}
    resources[memory[2].lower()] = {"MemoryType": "DRAM", "CapacityMiB": 32768}
    return StubBmc(resources)


def test_dram_is_no_persistent_memory_and_other_vendors_get_sizes() -> None:
    stub = generic()
    with serve_stub(stub), reach(stub.address) as target:
        seen = read_persistent(target)
        assert [len(s) for s in seen.domains[0].sets] == [2]
        assert [m.security for m in seen.modules.values()] == ["Unlocked"] * 2
        made = plan(Goal(), target)
        assert made.requests[0].body is not None
        assert made.requests[0].body["MemoryChunkSizeMiB"] == 262144
        assert perform(target, made).tasks == ()


def test_half_a_goal_is_withdrawn() -> None:
    stub = generic({"@odata.id": f"{CHUNKS}/1"})
    assert isinstance(stub.resources, dict)
    task = f"{ROOT}/TaskService/Tasks/1"
    stub.resources[f"{CHUNKS}/1".lower()] = {"Id": "1", "AddressRangeType": "PMEM", "MemoryChunkSizeMiB": 1024,
                                             "InterleaveSets": [{"Memory": {"@odata.id": f"{ROOT}/Systems/1/Memory/A"}}]}

    def fault(bmc: StubBmc, request: Request) -> Reply | None:
        if request.method == "DELETE" and request.path == f"{CHUNKS}/1":
            return Reply(202, {"@odata.id": task, "TaskState": "New"})
        return error(400, "population rules are violated") if request.path == CHUNKS and request.method == "POST" else None

    stub.fault = fault
    with serve_stub(stub), reach(stub.address) as target:
        made = plan(Goal(), target, "D1/1")
        with pytest.raises(Refused, match="population rules are violated"):
            perform(target, made)
    assert task in stub.asked("DELETE")


@pytest.mark.parametrize("payload", [
    None, {"TargetUri": 7}, {"TargetUri": f"{CHUNKS}/", "JsonBody": "{"}, {"TargetUri": CHUNKS, "JsonBody": "[1]"},
    {"TargetUri": CHUNKS, "HttpOperation": None, "JsonBody": '{"InterleaveSets": [1, {"Memory": 2}]}'}, "x",
])
def test_odd_tasks_hurt_nobody(payload: Any) -> None:
    stub = generic()
    assert isinstance(stub.resources, dict)
    stub.resources[ROOT]["Tasks"] = {"@odata.id": f"{ROOT}/TaskService"}
    stub.resources[f"{ROOT}/taskservice"] = {"Tasks": {"@odata.id": f"{ROOT}/TaskService/Tasks"}}
    stub.resources[f"{ROOT}/taskservice/tasks"] = {"Members": [{"@odata.id": f"{ROOT}/TaskService/Tasks/1"}]}
    stub.resources[f"{ROOT}/taskservice/tasks/1"] = {"TaskState": "New", "Payload": payload}
    with serve_stub(stub), reach(stub.address) as target:
        seen = read_persistent(target)
        plan_goal(Goal(), seen)
        state_of(Goal(), seen)
