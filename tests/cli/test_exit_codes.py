"""What a script sees: exit codes, consent, the lock, interruption."""

import json
import os
import signal
import sys

import pytest

from bpa.adapters.errors import Busy, Refused, Unreachable
from bpa.adapters.store import only_one
from bpa.cli.exits import Exit
from bpa.core.guards import SETTLE
from bpa.core.steps import Deploy
from bpa.site import OpenSite


def plan_hash(run, site):
    return json.loads(run("plan", site, "--json").out)["hash"]


def test_a_plan_that_can_be_done_is_success_and_changes_nothing(run, site, drawer):
    ran = run("plan", site)
    assert ran.code == Exit.MET
    assert "! destroys disk DRAWER1 (8.0 GiB)" in ran.out
    assert "BIOS Virt: Disabled -> Enabled  [firmware restart]" in ran.out
    assert drawer.performed == []


def test_a_host_that_cannot_be_as_documented_makes_the_plan_fail(run, site, drawer):
    drawer.refuses = True
    ran = run("plan", site)
    assert ran.code == Exit.NOT_MET
    assert "the disk is too small" in ran.out


@pytest.mark.parametrize("error", [Unreachable("no route"), Busy("503")])
@pytest.mark.parametrize("command", ["plan", "verify", "explain", "facts"])
def test_what_cannot_be_looked_at_is_told_from_drift(run, site, drawer, command, error):
    drawer.fails = [error]
    argument = ("drawer", "--site", site) if command in ("explain", "facts") else (site,)
    ran = run(command, *argument)
    assert str(error) in ran.out
    if command != "explain":
        assert ran.code == Exit.NOT_SEEN


def test_verify_tells_drift_by_its_exit_code(run, site, drawer):
    assert run("verify", site).code == Exit.NOT_MET
    drawer.deployed = True
    assert run("verify", site).code == Exit.MET
    assert drawer.performed == []


def test_without_anybody_to_ask_nothing_is_destroyed(run, site, drawer):
    ran = run("apply", site)
    assert ran.code == Exit.NO_CONSENT
    assert "--yes" in ran.err
    assert f"--plan {plan_hash(run, site)}" in ran.err
    assert drawer.performed == []


def test_consent_to_another_plan_is_no_consent(run, site, drawer):
    ran = run("apply", site, "--plan", "000000000000")
    assert ran.code == Exit.NO_CONSENT
    assert plan_hash(run, site) in ran.err
    assert drawer.performed == []


def test_consent_by_the_hash_of_the_plan_is_enough(run, site, drawer):
    ran = run("apply", site, "--plan", plan_hash(run, site))
    assert ran.code == Exit.MET, ran
    assert drawer.performed == ["write debian.raw to disk DRAWER1 (8.0 GiB)"]
    assert run("verify", site).code == Exit.MET


def test_a_second_apply_takes_no_step(run, site, drawer):
    assert run("apply", site, "--yes").code == Exit.MET
    again = run("apply", site)
    assert again.code == Exit.MET
    assert "everything is as the documents say" in again.out
    assert len(drawer.performed) == 1


def test_a_stuck_host_is_named_with_its_advice(run, site, drawer):
    drawer.refuses = True
    ran = run("apply", site, "--yes")
    assert ran.code == Exit.NOT_MET
    assert "the disk is too small" in ran.err
    assert "try: use another disk" in ran.err
    assert "bpa explain drawer" in ran.err


def test_a_refusal_is_a_plain_error(run, site, drawer):
    drawer.fails = [Refused("the password is wrong", "correct it in the Secret")]
    ran = run("apply", site, "--yes")
    assert ran.code in (Exit.NOT_MET, Exit.NOT_SEEN)
    assert "the password is wrong" in ran.err


def test_another_machine_behind_the_address_is_not_written_to(run, site, drawer):
    assert run("apply", site, "--yes").code == Exit.MET
    drawer.deployed, drawer.uuid = False, "0f0f0f0f-0000-4000-8000-000000000002"
    ran = run("apply", site, "--yes")
    assert ran.code == Exit.NOT_MET
    assert "another machine" in ran.err
    assert len(drawer.performed) == 1
    assert run("apply", site, "--yes", "--replaced", "drawer").code == Exit.MET
    assert len(drawer.performed) == 2


def test_two_applies_at_once_are_one_too_many(run, site, state, drawer):
    with only_one(state / "lock"):
        ran = run("apply", site, "--yes")
        assert ran.code == Exit.LOCKED
        assert f"process {os.getpid()}" in ran.err
        assert drawer.performed == []
        assert run("status", site).code == Exit.MET


def test_interrupted_it_says_how_to_go_on_and_keeps_the_consent(run, site, drawer, monkeypatch):
    monkeypatch.setitem(SETTLE, Deploy, 0.1)
    def interrupt(step):
        os.kill(os.getpid(), signal.SIGINT)
        drawer.on_step = None
        raise Unreachable("cut off in the middle")

    drawer.on_step = interrupt
    ran = run("apply", site, "--yes")
    assert ran.code == Exit.INTERRUPTED
    assert "give the same command again to go on" in ran.err
    assert not drawer.deployed
    assert run("apply", site).code == Exit.MET


def test_the_prompt_takes_no_for_an_answer(run, site, drawer, monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    asked = []
    monkeypatch.setattr("click.confirm", lambda text, **_: asked.append(text))
    ran = run("apply", site)
    assert ran.code == Exit.NO_CONSENT
    assert asked and "disk DRAWER1" in asked[0] and drawer.uuid in asked[0]
    assert drawer.performed == []


def test_a_bug_leaves_its_traceback_in_a_file_and_not_on_the_screen(run, site, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(OpenSite, "survey", lambda self, only=(): 1 // 0)
    ran = run("verify", site)
    assert ran.code == Exit.BUG
    (left,) = tmp_path.glob("bpa-bug-*.txt")
    assert "ZeroDivisionError" in left.read_text()
    assert str(left) in ran.err


def test_a_bug_in_one_tick_does_not_end_in_success(run, site, drawer):
    def bug(step):
        raise AssertionError("not foreseen")

    drawer.on_step = bug
    ran = run("apply", site, "--yes")
    assert ran.code == Exit.NOT_MET
    assert "not foreseen" in ran.err
