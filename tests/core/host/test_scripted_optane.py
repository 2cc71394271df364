"""Goals and erasure of Optane modules from the first look to the last, on a host played by scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_optane import ScriptedHost

from bpa.core.host import pmem
from bpa.core.host.pmem import goal
from bpa.core.steps import RestartHost, RunOnHost
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import EraseWant, GoalWant, HostWant, ModulesWant, Profile

MIXED = (GoalWant(25),)
STORY = (pmem.FIT, goal.STAGED, goal.APPLIED, pmem.READY)


def wanting(goals: tuple[GoalWant, ...] = (), modules: ModulesWant = ModulesWant()) -> HostWant:  # noqa: B008
    return HostWant("node1", "https://192.0.2.1", "", None, Profile(pmem_goals=goals, pmem_modules=modules))


def drive(host: ScriptedHost, want: HostWant, most: int = 12) -> tuple[list[str], Verdict]:
    """The steps that it took, and how it ended; nothing is erased by a step that does not name it."""
    steps: list[str] = []
    for _ in range(most):
        have = host.look()
        verdicts = [requirement.check(want, have) for requirement in STORY]
        verdict = next((one for one in verdicts if not isinstance(one, Met)), verdicts[-1])
        if not isinstance(verdict, Act):
            return steps, verdict
        steps.append(verdict.step.text)
        if isinstance(verdict.step, RestartHost):
            host.restart()
        else:
            assert isinstance(verdict.step, RunOnHost)
            host.run(verdict.step.argv)
    raise AssertionError(steps)


@pytest.mark.parametrize(("goals", "memory", "kinds"), [
    (MIXED, [25, 25, 25, 25], {"AppDirect"}),
    ((GoalWant(0, False),), [0, 0, 0, 0], {"AppDirectNotInterleaved"}),
    ((GoalWant(100),), [100, 100, 100, 100], {""}),
    ((GoalWant(100, True, 0), GoalWant(0)), [100, 100, 0, 0], {"", "AppDirect"}),
    ((GoalWant(0, True, 1),), [0, 0, 0, 0], {"", "AppDirect"}),
])
def test_a_goal_costs_one_restart_and_is_then_met(
    tmp_path: Path, goals: tuple[GoalWant, ...], memory: list[int], kinds: set[str]
) -> None:
    host = ScriptedHost(tmp_path)
    steps, verdict = drive(host, wanting(goals))
    assert isinstance(verdict, Met)
    assert [text.split(":")[0] for text in steps] == ["set the goal for persistent memory", "restart the host"]
    modules = host.state["modules"]
    assert [round(100 * one["memory"] / one["capacity"]) for one in modules] == memory
    assert {one["kind"] for one in modules} == kinds
    assert drive(host, wanting(goals)) == ([], verdict), "a second run does nothing"


def test_a_goal_that_is_dropped_once_is_set_again(tmp_path: Path) -> None:
    host = ScriptedHost(tmp_path)
    host.drops = 1
    steps, verdict = drive(host, wanting(MIXED))
    assert isinstance(verdict, Met) and len(steps) == 4 and host.boots == 3


def test_a_goal_that_is_dropped_twice_is_explained(tmp_path: Path) -> None:
    host = ScriptedHost(tmp_path)
    host.drops = 9
    _, verdict = drive(host, wanting(MIXED))
    assert isinstance(verdict, Stuck) and "dropped the goal 2 times without a word" in verdict.reason
    assert host.boots == 3, "no restart beyond the second"


@pytest.mark.parametrize(("why", "advice"), [("Bad request", "rules of population"), ("Not enough resources", "SKU"),
                                             ("Firmware error", "update BIOS"), ("Unknown", "event log")])
def test_a_goal_that_is_refused_is_explained_by_its_status(tmp_path: Path, why: str, advice: str) -> None:
    host = ScriptedHost(tmp_path)
    host.refuses = why
    _, verdict = drive(host, wanting(MIXED))
    assert isinstance(verdict, Stuck) and why in verdict.reason and advice in verdict.advice
    host.refuses = ""
    _, verdict = drive(host, wanting((GoalWant(50),)))
    assert isinstance(verdict, Met), "another goal in the profile replaces the refused one"


def test_a_run_that_was_killed_between_two_sockets_is_taken_up_again(tmp_path: Path) -> None:
    host = ScriptedHost(tmp_path, fails_once=1)
    steps, verdict = drive(host, wanting(MIXED))
    assert isinstance(verdict, Met)
    assert steps[1] == "set the goal for persistent memory: socket 1: 25% Memory Mode, rest App Direct interleaved"


def test_an_ipmctl_that_knows_no_xml_and_writes_another_decimal_point(tmp_path: Path) -> None:
    host = ScriptedHost(tmp_path, old=True, point=",")
    _, verdict = drive(host, wanting(MIXED))
    assert isinstance(verdict, Met)


def test_namespaces_go_before_the_goal(tmp_path: Path) -> None:
    host = ScriptedHost(tmp_path, namespaces=["namespace0.0"])
    (tmp_path / "sys" / "region0").mkdir()
    (tmp_path / "sys" / "region0" / "nstype").write_text("5\n")
    (tmp_path / "sys" / "region0" / "mapping0").write_text("nmem0,0,1,0\n")
    assert goal.changes(wanting(MIXED), host.look())[-1].destroys
    steps, verdict = drive(host, wanting(MIXED))
    assert isinstance(verdict, Met) and steps[0] == "destroy namespace0.0 for the goal of persistent memory"


def test_a_goal_that_is_taken_back_before_the_restart_leaves_nothing(tmp_path: Path) -> None:
    host = ScriptedHost(tmp_path)
    verdict = goal.STAGED.check(wanting(MIXED), host.look())
    assert isinstance(verdict, Act) and isinstance(verdict.step, RunOnHost)
    assert host.run(verdict.step.argv).exit_code == 0
    assert (tmp_path / "etc/bpa/pmem-goal").exists()
    steps, verdict = drive(host, wanting())
    assert steps == ["withdraw the goal for persistent memory"] and isinstance(verdict, Met)
    assert not any(one.get("goal") for one in host.state["modules"]) and not (tmp_path / "etc/bpa/pmem-goal").exists()


def test_somebody_elses_goal_is_neither_applied_nor_deleted(tmp_path: Path) -> None:
    host = ScriptedHost(tmp_path)
    host.run(("ipmctl", "create", "-f", "-goal", "MemoryMode=100", "-socket", "0"))
    steps, verdict = drive(host, wanting(MIXED))
    assert isinstance(verdict, Stuck) and "BPA did not set" in verdict.reason and not steps


@pytest.mark.parametrize(("locks", "keys"), [(None, 4), ("Unlocked", 0)])
def test_erasure_happens_once_for_an_id_and_goes_on_after_an_interruption(tmp_path: Path, locks: str | None, keys: int) -> None:
    host = ScriptedHost(tmp_path, fails_once="nmem2")
    if locks:
        host.save({**host.state, "modules": [{**one, "lock": locks} for one in host.state["modules"]]})
    want = wanting((), ModulesWant("", EraseWant("first")))
    steps, verdict = drive(host, want)
    assert isinstance(verdict, Met)
    assert steps == ["crypto-erase nmem0, nmem1, nmem2, nmem3", "crypto-erase nmem2, nmem3"]
    log = (tmp_path / "ndctl.log").read_text().splitlines()
    erased = [line for line in log if line.startswith("sanitize-dimm")]
    assert [line.split()[-1] for line in erased] == ["nmem0", "nmem1", "nmem2", "nmem2", "nmem3"]
    assert sum("--zero-key" in line for line in erased) == (keys + 1 if keys else 0)
    assert drive(host, want)[0] == []
    assert drive(host, wanting((), ModulesWant("", EraseWant("second"))))[0] == ["crypto-erase nmem0, nmem1, nmem2, nmem3"]
    assert drive(host, wanting())[0] == ["forget which persistent memory was erased"]
