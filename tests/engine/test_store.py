"""The site's file: what is saved is there after any end of the process, and one process holds a site."""

import multiprocessing
import os
import signal

import pytest

from bpa.adapters.store import Locked, Store, only_one
from bpa.core.guards import Consent, Memory
from bpa.core.history import Event, durations


@pytest.fixture
def store(tmp_path):
    with_path = Store(tmp_path / "site.sqlite")
    yield with_path
    with_path.close()


def test_nothing_is_remembered_of_a_new_host(store):
    assert store.memory("node0") == Memory() and store.consent("node0") is None and store.conditions("node0") == {}


def test_memory_and_consent_come_back_whole(store, tmp_path):
    memory = Memory(identity="u", condition="C", step="s", attempts=2, at=1.5, in_service=True, stuck="why")
    store.remember("node0", memory)
    store.grant("node0", Consent("u", ("disk serial D1",)), 1.0)
    again = Store(tmp_path / "site.sqlite")
    assert again.memory("node0") == memory and again.consent("node0") == Consent("u", ("disk serial D1",))
    again.withdraw("node0")
    assert store.consent("node0") is None


def test_since_stays_while_the_state_stays(store):
    assert store.note("node0", "VfsCreated", "met", "4 VFs", 10.0)
    assert not store.note("node0", "VfsCreated", "met", "4 VFs on eth1", 20.0)
    since = store.conditions("node0")["VfsCreated"]
    assert (since.since, since.text) == (10.0, "4 VFs on eth1")
    assert store.note("node0", "VfsCreated", "stuck", "0 VFs", 30.0)
    assert store.conditions("node0")["VfsCreated"].since == 30.0


def test_the_file_is_for_its_owner_only(store, tmp_path):
    assert (tmp_path / "site.sqlite").stat().st_mode & 0o077 == 0


def _save_and_die(path):
    store = Store(path)
    store.remember("node0", Memory(step="Deploy", attempts=1))
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_was_remembered_survives_kill_9(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=_save_and_die, args=(tmp_path / "site.sqlite",))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert Store(tmp_path / "site.sqlite").memory("node0").attempts == 1


def test_a_site_is_held_by_one_process_and_let_go_at_the_end(tmp_path):
    lock = tmp_path / "lock"
    with only_one(lock):
        with pytest.raises(Locked, match=str(os.getpid())), only_one(lock):
            pass
    with only_one(lock):
        pass


def test_durations_are_between_one_condition_and_the_next():
    def event(at, kind, condition=""):
        return Event("run", "node0", at, kind, condition, "")

    events = [event(0, "start"), event(1, "met", "A"), event(2, "step", "B"), event(9, "met", "B"), event(9.5, "stuck", "C")]
    assert durations(events) == {"A": 1, "B": 8}


def test_what_is_met_twice_in_a_run_took_both_times_and_a_later_run_counts_anew():
    def met(run, at, condition):
        return Event(run, "node0", at, "met", condition, "")

    def start(run, at):
        return Event(run, "node0", at, "start", "", "")

    first = [start("1", 0), met("1", 5, "Access"), met("1", 6, "Staged"), met("1", 16, "Access")]
    assert durations(first) == {"Access": 15, "Staged": 1}
    assert durations([*first, start("2", 100), met("2", 102, "Access")]) == {"Access": 2, "Staged": 1}
