"""One SQLite file per site: memory, consent, conditions and what happened when. Safe against kill -9 and threads."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bpa.adapters.errors import Refused
from bpa.core.drift import Baseline
from bpa.core.guards import Consent, Memory
from bpa.core.history import Event

SCHEMA_VERSION = 2
"""2: table seen. A file of 1 gets it when it is opened; a BPA that knows 1 only refuses one of 2."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS memory (subject TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS consent (
    subject TEXT PRIMARY KEY, identity TEXT NOT NULL, covers TEXT NOT NULL, documents TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS condition (
    subject TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, text TEXT NOT NULL, since REAL NOT NULL,
    PRIMARY KEY (subject, name));
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL, subject TEXT NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL,
    condition TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seen (
    subject TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, at REAL NOT NULL, boot TEXT NOT NULL,
    documents TEXT NOT NULL, files TEXT NOT NULL, found REAL, now TEXT NOT NULL, PRIMARY KEY (subject, name));
"""


@dataclass(frozen=True, slots=True)
class Since:
    """Where a condition stands, and since when it stands so."""

    state: str
    text: str
    since: float


class Locked(Refused):
    """Another process holds the site."""


class StateError(Refused):
    """The site's state cannot be read or written."""


class Store:
    """The site's file. Every write is on the disk before the call returns (WAL, synchronous=FULL)."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, timeout=30.0, isolation_level=None)
            path.chmod(0o600)
            self._prepare(path)
        except (sqlite3.DatabaseError, OSError) as error:
            raise StateError(f"the site's state {path} cannot be used: {error}",
                             "move the file away to start anew: machines are looked at again, only history is lost") from None

    def _prepare(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StateError(f"{path} was written by a newer BPA (schema {version}, this one knows {SCHEMA_VERSION})",
                             "use that BPA, or set BPA_STATE to another directory")
        self._db.executescript(SCHEMA)
        self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def _run(self, sql: str, *values: object) -> list[tuple[str, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def memory(self, subject: str) -> Memory:
        """What is remembered of a host or cluster; an empty Memory where nothing is."""
        rows = self._run("SELECT value FROM memory WHERE subject = ?", subject)
        return Memory(**json.loads(rows[0][0])) if rows else Memory()

    def remember(self, subject: str, memory: Memory) -> None:
        """Save; returns when it is on the disk."""
        self._run("INSERT OR REPLACE INTO memory VALUES (?, ?)", subject, json.dumps(asdict(memory)))

    def consent(self, subject: str) -> Consent | None:
        """The consent that stands for a host."""
        rows = self._run("SELECT identity, covers, documents FROM consent WHERE subject = ?", subject)
        return Consent(rows[0][0], tuple(json.loads(rows[0][1])), rows[0][2]) if rows else None

    def grant(self, subject: str, consent: Consent, at: float) -> None:
        """Keep a consent, so that a run after a crash may go on where this one was allowed to."""
        self._run("INSERT OR REPLACE INTO consent VALUES (?, ?, ?, ?, ?)",
                  subject, consent.identity, json.dumps(consent.covers), consent.documents, at)

    def withdraw(self, subject: str) -> None:
        """The consent is used up: the next destruction asks again."""
        self._run("DELETE FROM consent WHERE subject = ?", subject)

    def note(self, subject: str, name: str, state: str, text: str, at: float) -> bool:
        """Record where a condition stands; `since` stays while the state stays. True where the state is new."""
        rows = self._run("SELECT state FROM condition WHERE subject = ? AND name = ?", subject, name)
        if rows and rows[0][0] == state:
            self._run("UPDATE condition SET text = ? WHERE subject = ? AND name = ? AND text != ?", text, subject, name, text)
            return False
        self._run("INSERT OR REPLACE INTO condition VALUES (?, ?, ?, ?, ?)", subject, name, state, text, at)
        return True

    def conditions(self, subject: str) -> dict[str, Since]:
        """Where every condition of a subject stood at the last tick, in the order first seen."""
        rows = self._run("SELECT name, state, text, since FROM condition WHERE subject = ? ORDER BY rowid", subject)
        return {name: Since(state, text, float(since)) for name, state, text, since in rows}

    def seen(self, subject: str) -> dict[str, Baseline]:
        """Every condition of a subject as it was last seen met."""
        rows = self._run("SELECT name, text, at, boot, documents, files, found, now FROM seen WHERE subject = ?", subject)
        return {name: Baseline(text, float(at), boot, documents, json.loads(files), None if found is None else float(found), now)
                for name, text, at, boot, documents, files, found, now in rows}

    def see(self, subject: str, seen: Mapping[str, Baseline]) -> None:
        """Keep how conditions were seen, all of them in one write."""
        rows = [(subject, name, one.text, one.at, one.boot, one.documents, json.dumps(dict(one.files)), one.found, one.now)
                for name, one in seen.items()]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def forget_seen(self, subject: str) -> None:
        """It is another machine now."""
        self._run("DELETE FROM seen WHERE subject = ?", subject)

    def record(self, event: Event) -> None:
        """Append to the history."""
        self._run("INSERT INTO event (run, subject, at, kind, condition, text) VALUES (?, ?, ?, ?, ?, ?)",
                  event.run, event.subject, event.at, event.kind, event.condition, event.text)

    def events(self, subject: str | None = None) -> list[Event]:
        """The history of one subject or of all, oldest first."""
        rows = self._run(
            "SELECT run, subject, at, kind, condition, text FROM event WHERE ? IS NULL OR subject = ? ORDER BY id",
            subject, subject)
        return [Event(run, who, float(at), kind, condition, text) for run, who, at, kind, condition, text in rows]

    def close(self) -> None:
        with self._lock:
            self._db.close()


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the site's lock; the kernel lets go of it however the process ends.

    Raises Locked naming the process that holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise Locked(f"another `bpa apply` is at work on this site (process {holder})",
                         "wait for it, or stop it with Ctrl-C; watch it with `bpa status`") from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield
