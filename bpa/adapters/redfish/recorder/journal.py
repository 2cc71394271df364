"""What has been read so far, on disk: whoever is killed goes on where he was. For nobody else's eyes."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from bpa.adapters.errors import Busy, Refused

MANIFEST = "recording.json"
_WORK = ".recording"


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: body None where it was no JSON object or an error; error says which. seconds: how long it took."""

    path: str
    status: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0


class Journal:
    """Use as a context manager: one recorder per directory. Pages are appended; a torn last line is taken back.

    The directory and its files are the owner's alone (0700, 0600) until `done` removes them: they are not redacted.
    """

    def __init__(self, directory: Path, origin: str) -> None:
        self._home = directory / _WORK
        self._origin = origin
        self._file: IO[str] | None = None
        self._lock: IO[str] | None = None
        self.key = b""

    def __enter__(self) -> Journal:
        directory = self._home.parent
        if directory.exists() and not self._home.exists() and any(directory.iterdir()):
            raise Refused(f"{directory} is not empty, and not a recording that was begun", "name a new directory")
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = (self._home / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise Busy(f"another recording into {directory} is at work") from None
        begun = self._kept("begun", json.dumps({"origin": self._origin, "key": secrets.token_hex(32)}))
        known = json.loads(begun)
        self.key = bytes.fromhex(known["key"])
        if known["origin"] != self._origin:
            raise Refused(f"the recording begun in {directory} is of {known['origin']}, not of {self._origin}",
                          "name a new directory, or remove this one")
        return self

    def __exit__(self, *error: object) -> None:
        for file in (self._file, self._lock):
            if file is not None:
                file.close()

    def pages(self) -> list[Page]:
        """What earlier runs have read."""
        file, found, whole = self._home / "pages", [], 0
        if file.exists():
            with file.open("rb") as lines:
                for line in lines:
                    if not line.endswith(b"\n"):
                        break
                    found.append(Page(**json.loads(line)))
                    whole += len(line)
            os.truncate(file, whole)
        return found

    def add(self, page: Page) -> None:
        """Keep a page."""
        if self._file is None:
            handle = os.open(self._home / "pages", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            self._file = os.fdopen(handle, "a", encoding="utf-8")
        self._file.write(json.dumps(asdict(page)) + "\n")
        self._file.flush()

    def done(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self._home)

    def _kept(self, name: str, content: str) -> str:
        file = self._home / name
        if not file.exists():
            replace(file, content, 0o600)
        return file.read_text()


def replace(file: Path, content: str, mode: int = 0o644) -> None:
    """Write a file so that it is there whole or not at all."""
    part = file.with_name(f".{file.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(content)
    part.replace(file)


def finished(directory: Path) -> dict[str, Any] | None:
    """The manifest of a recording that is complete; None where there is none."""
    file = directory / MANIFEST
    if not file.exists() or (directory / _WORK).exists():
        return None
    found = json.loads(file.read_text())
    return found if isinstance(found, dict) else None
