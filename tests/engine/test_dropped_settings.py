"""BIOS settings that a restart leaves behind: staged once more, then given up, each by its name."""

from __future__ import annotations

from bpa.core.guards import MAX_DROPPED, SETTLE, Consent, Memory, Permissions, guard
from bpa.core.steps import Reset, ResetByIronic, StageBios, Step
from bpa.core.verdict import Act, Stuck, Verdict, Wait

POST = SETTLE[Reset]


def asked(step: Step, memory: Memory, now: float) -> Verdict:
    return guard(Act(step, "A=x staged, not yet effective"), "C", 1800.0, memory, Permissions(Consent("", ("*",))), "", now)


def after(memory: Memory, *steps: tuple[float, Step]) -> Memory:
    for now, step in steps:
        memory = memory.after("C", step, now)
    return memory


def test_what_was_never_staged_may_be_staged():
    assert isinstance(asked(StageBios({"A": "x"}), Memory(), 0.0), Act)


def test_while_the_restart_may_still_be_at_work_nothing_is_staged_again():
    memory = after(Memory(), (0.0, StageBios({"A": "x"})), (10.0, Reset("ForceRestart")))
    verdict = asked(StageBios({"A": "x"}), memory, 11.0)
    assert isinstance(verdict, Wait) and "restart" in verdict.reason and 0 < verdict.seconds <= 5


def test_what_one_restart_dropped_is_staged_once_more_and_no_more():
    memory = after(Memory(), (0.0, StageBios({"A": "x", "B": "y"})), (10.0, ResetByIronic()))
    now = 10.0 + POST
    assert isinstance(asked(StageBios({"A": "x"}), memory, now), Act), "B is effective, A is not"
    memory = after(memory, (now, StageBios({"A": "x"})), (now + 10, ResetByIronic()))
    verdict = asked(StageBios({"A": "x"}), memory, now + 10 + POST)
    assert MAX_DROPPED == 2 and isinstance(verdict, Stuck)
    assert "the BIOS dropped A at 2 restarts" in verdict.reason and "B" not in verdict.reason.split("at 2")[0].split("dropped")[1]
    assert "BIOS password" in verdict.advice


def test_of_several_only_those_that_were_dropped_twice_are_named():
    memory = after(Memory(), (0.0, StageBios({"A": "x"})), (10.0, Reset("ForceRestart")))
    now = 10.0 + POST
    memory = after(memory, (now, StageBios({"A": "x", "B": "y"})), (now + 10, Reset("ForceRestart")))
    verdict = asked(StageBios({"A": "x", "B": "y"}), memory, now + 10 + POST)
    assert isinstance(verdict, Stuck) and "dropped A at" in verdict.reason


def test_another_value_is_another_setting():
    memory = after(Memory(), (0.0, StageBios({"A": "x"})), (10.0, Reset("ForceRestart")))
    assert isinstance(asked(StageBios({"A": "z"}), memory, 11.0), Act)
    assert isinstance(asked(StageBios({"A": 1}), after(Memory(), (0.0, StageBios({"A": True})), (1.0, Reset("On"))), 2.0), Act)


def test_what_was_staged_after_the_restart_is_under_way():
    memory = after(Memory(), (0.0, Reset("On")), (10.0, StageBios({"A": "x"})))
    verdict = asked(StageBios({"A": "x"}), memory, 16.0)
    assert isinstance(verdict, Act), "no restart has come after it"


def test_what_a_kill_made_us_stage_twice_counts_once():
    stage, reset = StageBios({"A": "x"}), Reset("ForceRestart")
    memory = after(Memory(), (0.0, stage), (6.0, stage), (12.0, stage), (20.0, reset))
    assert isinstance(asked(stage, memory, 20.0 + POST), Act | Stuck)
    verdict = asked(StageBios({"A": "x", "B": "y"}), memory, 20.0 + POST)
    assert isinstance(verdict, Act), "one restart has dropped it, not three"


def test_when_all_is_met_or_a_person_starts_anew_it_is_forgotten():
    stage, on = StageBios({"A": "x"}), Reset("On")
    memory = after(Memory(), (0.0, stage), (10.0, on), (400.0, stage), (410.0, on))
    assert isinstance(asked(StageBios({"A": "x"}), memory, 1000.0), Stuck)
    assert isinstance(asked(StageBios({"A": "x"}), memory.met(), 1000.0), Act)


def test_a_restart_without_effect_says_what_it_was_for():
    memory = after(Memory(), *((n * POST, Reset("ForceRestart")) for n in range(3)))
    verdict = asked(Reset("ForceRestart"), memory, 3 * POST)
    assert isinstance(verdict, Stuck) and "had no effect 3 times (A=x staged, not yet effective)" in verdict.reason
