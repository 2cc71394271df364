"""Tick and fleet over a toy subject: the rules that hold for every requirement."""

import threading
from dataclasses import dataclass, field, replace

import pytest

from bpa.adapters.errors import Busy, Refused, Unreachable
from bpa.adapters.store import Store
from bpa.core.guards import Memory, Permissions
from bpa.core.requirement import Requirement
from bpa.core.steps import RunOnHost
from bpa.core.verdict import Act, Met, Stuck, Wait
from bpa.core.walk import LooksAtAll
from bpa.engine import Subject, survey, tick
from bpa.fleet import Fleet

STEP = RunOnHost(("true",), "set it")


@dataclass
class Toy(LooksAtAll):
    """A world of one number that a step raises; `fails` are raised by looks or acts in turn."""

    value: int = 0
    fails: list[Exception] = field(default_factory=list)
    perform_fails: list[Exception] = field(default_factory=list)
    performed: int = 0
    seen: list[Memory] = field(default_factory=list)

    def nothing_seen(self):
        return None

    def identity(self, have):
        return "toy"

    def look(self, have, source):
        if self.fails:
            raise self.fails.pop(0)
        return self.value

    def perform(self, step):
        if self.perform_fails:
            raise self.perform_fails.pop(0)
        self.performed += 1
        self.value += 1


def wants(number):
    def check(want, have):
        return Met(str(have)) if have >= number else Act(STEP, f"{have} of {number}")
    return Requirement(f"AtLeast{number}", "os", check, about="")


def subject(world, name="toy", *requirements):
    return Subject(name, None, requirements or (wants(1), wants(2)), world)


def once(world, now=0.0):
    saved = []
    outcome = tick(subject(world), Memory(), Permissions(), lambda: now, saved.append)
    return outcome, saved


def test_at_most_one_step_a_tick_and_memory_is_saved_before_it():
    world = Toy()
    world.perform = lambda step, real=world.perform: (world.seen.append(list(saved)), real(step))
    saved = []
    outcome = tick(subject(world), Memory(), Permissions(), lambda: 5.0, saved.append)
    assert world.performed == 1 and outcome.step == STEP
    assert world.seen[0][0].attempts == 1 and world.seen[0][0].at == 5.0


@pytest.mark.parametrize("error, kind", [
    (Unreachable("no route"), Wait), (Busy("in POST", retry_after=7.0), Wait), (Refused("401"), Stuck),
])
def test_an_adapter_error_is_a_verdict(error, kind):
    outcome, _ = once(Toy(fails=[error]))
    assert isinstance(outcome.last.verdict, kind) and outcome.last.name == "AtLeast1"
    if isinstance(error, Busy):
        assert outcome.again_in == 7.0


def test_a_step_that_was_not_done_is_no_attempt():
    outcome, _ = once(Toy(perform_fails=[Busy("locked")]))
    assert outcome.memory.attempts == 0 and isinstance(outcome.last.verdict, Wait)


def test_survey_judges_everything_and_acts_on_nothing():
    world = Toy()
    result = survey(subject(world))
    assert [type(j.verdict) for j in result.judged] == [Act, Act] and world.performed == 0 and not result.met


def test_survey_says_what_it_could_not_see():
    result = survey(subject(Toy(fails=[Unreachable("no route")])))
    assert str(result.unseen["os"]) == "no route" and not result.met


def drive(tmp_path, *subjects, watch=lambda *_: None):
    store = Store(tmp_path / "site.sqlite")
    fleet = Fleet(store, lambda name: Permissions(), watch, "run")
    return fleet, fleet.drive(subjects), store


def test_many_hosts_end_met_and_their_history_tells_how(tmp_path):
    worlds = [Toy() for _ in range(30)]
    _, outcomes, store = drive(tmp_path, *(subject(w, f"node{n}") for n, w in enumerate(worlds)))
    assert all(o.done for o in outcomes.values()) and all(w.value == 2 for w in worlds)
    assert [e.kind for e in store.events("node7")] == ["start", "step", "met", "step", "met"]


def test_one_hosts_bug_is_not_its_neighbours(tmp_path):
    _, outcomes, _ = drive(tmp_path, subject(Toy(fails=[ZeroDivisionError("oops")]), "bad"), subject(Toy(), "good"))
    assert outcomes["good"].done
    assert "ZeroDivisionError" in outcomes["bad"].last.verdict.reason and outcomes["bad"].stuck


def test_a_stuck_host_does_not_stop_the_others(tmp_path):
    _, outcomes, store = drive(tmp_path, subject(Toy(fails=[Refused("wrong password")]), "bad"), subject(Toy(), "good"))
    assert outcomes["bad"].stuck and outcomes["good"].done
    assert "wrong password" in store.memory("bad").stuck


def test_halt_lets_the_tick_end_and_takes_no_more(tmp_path):
    world = Toy()
    never = replace(wants(1), check=lambda want, have: Wait("for ever", 3600))
    seen = threading.Event()
    store = Store(tmp_path / "site.sqlite")
    fleet = Fleet(store, lambda name: Permissions(), lambda *_: seen.set(), "run")
    thread = threading.Thread(target=lambda: fleet.drive([subject(world, "toy", never)]))
    thread.start()
    assert seen.wait(10)
    fleet.halt()
    thread.join(10)
    assert not thread.is_alive() and fleet.outcomes["toy"].again_in == 3600
