"""Sessions remembered until they are closed: on disk, so that the next run closes what a killed one left behind."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bpa.adapters.errors import Refused
from bpa.core.secret import Secret

LOG = logging.getLogger(__name__)
OLDEST = 24 * 3600.0
"""Seconds after which a record is given up: no BMC keeps an idle session for a day (Redfish's SessionTimeout ends there)."""


@dataclass(frozen=True, slots=True)
class Alive:
    """paths: the sessions that are held. coming: logins under way whose session has no path yet."""

    paths: frozenset[str] = frozenset()
    coming: int = 0


class Slip(Protocol):
    """One login: written before the POST, completed with the session's path right after it."""

    intended: float
    path: str

    def made(self, path: str) -> None:
        """The session is at `path`; on the disk when this returns."""

    def drop(self) -> None:
        """The session has ended, or never was: nothing is left to close."""

    def leave(self) -> None:
        """Given up by us, and still to be closed by whoever finds it."""


class SessionShelf(Protocol):
    """The logins of one user of one machine to all BMCs; safe for threads and processes. Raises Refused (no such place)."""

    def intend(self, origin: str, username: str) -> Slip:
        """A login is about to be tried."""

    def left(self, origin: str, username: str) -> list[Slip]:
        """The logins whose process has ended without closing them, claimed: nobody else gets them until leave()."""

    def alive(self, origin: str, besides: Collection[Slip] = ()) -> Alive:
        """What living processes hold, this one included; without the slips that we have just claimed."""

    def refused(self, origin: str, username: str, password: Secret) -> Refused | None:
        """What this BMC said when it refused these credentials to this process."""

    def remember_refused(self, origin: str, username: str, password: Secret, said: Refused) -> None:
        """Other hosts may share this BMC: each trying once would lock the account."""


class FileShelf:
    """One file for each login, below `directory` (0700), held under flock by its process: the kernel tells who is alive.

    No token and no password is in it, so there is nothing in it to steal.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._refused: dict[tuple[str, str, Secret], Refused] = {}
        self._lock = threading.Lock()

    def intend(self, origin: str, username: str) -> Slip:
        folder = self._folder(origin)
        record: dict[str, Any] = {"origin": origin, "user": username, "intended": time.time(), "pid": os.getpid(), "path": ""}
        path = folder / f"{os.getpid()}-{secrets.token_hex(6)}.json"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            # Before there is anything in it: whoever finds it free and empty takes it for rubbish.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            slip = _FileSlip(path, descriptor, record)
            slip.write(record)
            _sync(folder)
        except OSError as error:
            raise Refused(f"sessions cannot be remembered in {folder}: {error.strerror}",
                          "set BPA_STATE to a directory that you may write") from None
        return slip

    def left(self, origin: str, username: str) -> list[Slip]:
        found: list[Slip] = []
        for path in sorted(self._folder(origin).glob("*.json")):
            slip = _claim(path)
            if slip is None:
                continue
            if slip.record.get("user") != username:
                # Its password is not ours to know: a run with that user closes it.
                slip.leave()
            elif time.time() - slip.intended > OLDEST:
                slip.drop()
            else:
                found.append(slip)
        return found

    def alive(self, origin: str, besides: Collection[Slip] = ()) -> Alive:
        ours = {slip.file for slip in besides if isinstance(slip, _FileSlip)}
        paths: set[str] = set()
        coming = 0
        for file in self._folder(origin).glob("*.json"):
            try:
                with file.open() as record:
                    try:
                        fcntl.flock(record, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    except BlockingIOError:
                        path = str(_parse(record.read()).get("path") or "")
                        if file not in ours:
                            paths.add(path)
                            coming += not path
            except OSError:
                continue
        return Alive(frozenset(paths - {""}), coming)

    def refused(self, origin: str, username: str, password: Secret) -> Refused | None:
        with self._lock:
            return self._refused.get((origin, username, password))

    def remember_refused(self, origin: str, username: str, password: Secret, said: Refused) -> None:
        with self._lock:
            self._refused[(origin, username, password)] = said

    def _folder(self, origin: str) -> Path:
        return self._directory / hashlib.sha256(origin.lower().encode()).hexdigest()[:16]


class _FileSlip:
    def __init__(self, file: Path, descriptor: int, record: dict[str, Any]) -> None:
        self.file, self._descriptor, self.record = file, descriptor, record
        self.intended = float(record["intended"])
        self.path = str(record["path"])

    def made(self, path: str) -> None:
        self.path = path
        try:
            self.write({"path": path})
        except OSError as error:
            LOG.warning("the session %s cannot be remembered: %s", path, error)

    def write(self, line: dict[str, Any]) -> None:
        # Appended, never overwritten: a line torn by a power failure leaves the lines before it.
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")
        os.fsync(self._descriptor)

    def drop(self) -> None:
        if self._descriptor >= 0:
            self.file.unlink(missing_ok=True)
            self.leave()

    def leave(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _claim(path: Path) -> _FileSlip | None:
    """The record, locked by us; None where its process lives, another claims it, or it is gone or no record."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink == 0:
            raise BlockingIOError
        record = _parse(os.read(descriptor, 65536).decode(errors="replace"))
        if not isinstance(record.get("intended"), float | int) or not isinstance(record.get("path"), str):
            if time.time() - os.fstat(descriptor).st_mtime > 60:
                path.unlink(missing_ok=True)
            raise BlockingIOError
    except OSError:
        os.close(descriptor)
        return None
    return _FileSlip(path, descriptor, record)


def _parse(text: str) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for line in text.split("\n"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            record |= value
    return record


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
