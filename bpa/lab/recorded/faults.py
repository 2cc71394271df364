"""What can go wrong with a BMC, by name; each is switched on and off while the machine runs."""

from __future__ import annotations

import logging
from pathlib import Path

from bpa.lab.errors import LabError

LOG = logging.getLogger(__name__)
ABOUT: dict[str, str] = {
    "slow": "every answer comes so many seconds late (slow=3)",
    "trickle": "answers come byte by byte, so many seconds apart (trickle=0.1)",
    "503-storm": "503 with Retry-After to everything (503-storm=5: seconds to wait)",
    "503-once": "503 to the next so many requests (503-once=3)",
    "reset-mid-patch": "the connection breaks after a write took effect, before its answer",
    "reset-before-patch": "the connection breaks before a write takes effect",
    "reset-mid-answer": "the connection breaks in the middle of an answer to a GET",
    "truncated-json": "answers to GET end in the middle of their JSON, with a Content-Length that fits",
    "html-errors": "errors come as an HTML page, as from a web server before the service",
    "wrong-password": "every password is wrong",
    "unauthorized-mid-look": "sessions end after so many requests (unauthorized-mid-look=5)",
    "session-leak": "logging out is answered 204, and the session stays",
    "session-limit": "no more sessions: as if others had used them all up",
    "expand-broken": "$expand is announced and does nothing (=error: 500; =short: members are missing)",
    "etag-mismatch": "If-Match never matches (=weak: only the strong form of a weak ETag does)",
    "if-match-required": "a PATCH without If-Match is refused with 428",
    "no-etags": "no ETag is served",
    "post-lock": "settings cannot be changed while the System is in POST",
    "dropped-bios-setting": "staged BIOS settings are forgotten at the restart (=NAME: this one)",
    "unstaged-bios-setting": "a PATCH of BIOS settings is accepted and nothing is staged (=NAME: but this one)",
    "wrong-task-status": "tasks fail with TaskState Exception and TaskStatus OK (=critical: they complete with Critical)",
    "task-vanishes": "a finished task is gone at once",
    "stale-media": "ejecting is accepted, and the image stays in",
    "media-needs": "InsertMedia demands one more parameter (media-needs=TransferProtocolType)",
    "media-refuses": "InsertMedia refuses these parameters (media-refuses=Inserted,WriteProtected)",
    "media-405": "InsertMedia is 405 (=ID: in this slot)",
    "boot-override-stays": "a boot override for once stays after the boot",
    "power-stuck": "a reset is accepted and does nothing",
    "clock-jump": "the BMC's clock is so many seconds off (clock-jump=86400)",
    "password-not-kept": "a new password is accepted and not kept",
    "dropped-memory-goal": "a goal for persistent memory is forgotten at the restart",
}


def parsed(text: str) -> tuple[str, str]:
    """NAME or NAME=VALUE. Raises LabError for a name that is no fault."""
    name, _, value = text.partition("=")
    if name not in ABOUT:
        raise LabError(f"no fault is called {name!r}; there are {', '.join(ABOUT)}")
    return name, value


def read(path: Path) -> dict[str, str]:
    """The faults that a file switches on: NAME or NAME=VALUE per line, # begins a comment; {} where there is no file."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    told: dict[str, str] = {}
    for line in lines:
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            name, value = parsed(text)
            told[name] = value
        except LabError as error:
            LOG.warning("%s: %s", path, error)
    return told


def number(value: str | None, default: float) -> float:
    """A fault's value as a number."""
    try:
        return float(value) if value else default
    except ValueError:
        return default
