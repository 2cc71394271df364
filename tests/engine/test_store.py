"""The site's file: what is saved is there after any end of the process, and one process holds a site."""

import contextlib
import multiprocessing
import os
import signal
import sqlite3

import pytest

from bpa.adapters.store import Locked, StateError, Store, only_one
from bpa.core.drift import Baseline
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


def test_how_conditions_were_seen_comes_back_whole_and_is_replaced_as_a_whole(store, tmp_path):
    first = {"VfsCreated": Baseline("4 VFs", 1.5, "boot-1", "docs", {"/etc/bpa/sriov.sh": "aa"}),
             "KernelApplied": Baseline("x", 1.5)}
    store.see("node0", first)
    assert Store(tmp_path / "site.sqlite").seen("node0") == first and store.seen("node1") == {}
    store.see("node0", {"KernelApplied": Baseline("x", 1.5, found=2.5, now="y")})
    assert store.seen("node0")["KernelApplied"].found == 2.5 and store.seen("node0")["VfsCreated"] == first["VfsCreated"]
    store.forget_seen("node0")
    assert store.seen("node0") == {}


OF_VERSION_1 = """
CREATE TABLE memory (subject TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE condition (subject TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, text TEXT NOT NULL, since REAL NOT NULL,
    PRIMARY KEY (subject, name));
INSERT INTO memory VALUES ('node0', '{"identity": "u", "in_service": true}');
INSERT INTO condition VALUES ('node0', 'VfsCreated', 'met', '4 VFs', 10.0);
PRAGMA user_version = 1;
"""


def test_a_file_of_an_older_bpa_is_taken_over_with_all_that_is_in_it(tmp_path):
    path = tmp_path / "site.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript(OF_VERSION_1)
    for _ in range(2):
        store = Store(path)
        assert store.memory("node0") == Memory(identity="u", in_service=True)
        assert store.conditions("node0")["VfsCreated"].text == "4 VFs"
        store.see("node0", {"VfsCreated": Baseline("4 VFs", 20.0)})
        assert store.seen("node0")["VfsCreated"].at == 20.0
        store.close()


def test_a_file_of_a_newer_bpa_is_left_alone(tmp_path):
    path = tmp_path / "site.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as new:
        new.execute("PRAGMA user_version = 99")
    with pytest.raises(StateError, match="newer BPA"):
        Store(path)
    with contextlib.closing(sqlite3.connect(path)) as new:
        assert new.execute("SELECT name FROM sqlite_master").fetchall() == []
