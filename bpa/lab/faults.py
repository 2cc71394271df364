"""Faults of the lab's BMC by name, switched at run time through one file that the BMC reads at every request."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from bpa.lab.errors import LabError

FaultName = Literal["bios-ignored", "unavailable", "wrong-password", "power-stuck", "slow"]
NAMES: tuple[FaultName, ...] = get_args(FaultName)
ABOUT = {
    "bios-ignored": "a staged BIOS change is accepted and silently dropped",
    "unavailable": "503 with Retry-After to everything",
    "wrong-password": "every password is wrong",
    "power-stuck": "a reset is accepted and does nothing",
    "slow": "every answer takes 3 s",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one host's System (None = of the whole BMC), until a time (epoch seconds; None = until cleared)."""

    name: FaultName
    host: str | None = None
    until: float | None = None


def read(path: Path, now: float | None = None) -> tuple[Fault, ...]:
    """The faults that are on now."""
    try:
        entries = json.loads(path.read_text())
    except (OSError, ValueError):
        return ()
    now = time.time() if now is None else now
    faults = (Fault(e["name"], e.get("host"), e.get("until")) for e in entries)
    return tuple(f for f in faults if f.until is None or f.until > now)


def switch(
    path: Path, name: str, host: str | None = None, on: bool = True, seconds: float | None = None
) -> tuple[Fault, ...]:
    """Switch a fault on (for `seconds`, or until switched off) or off; returns the faults that are on afterwards.

    LabError for a name that is no fault.
    """
    if name not in NAMES:
        raise LabError(f"no fault is called {name!r}; there are {', '.join(NAMES)}")
    known: FaultName = NAMES[NAMES.index(name)]
    kept = tuple(f for f in read(path) if (f.name, f.host) != (known, host))
    faults = kept + ((Fault(known, host, time.time() + seconds if seconds else None),) if on else ())
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps([asdict(f) for f in faults]))
    os.replace(draft, path)
    return faults
