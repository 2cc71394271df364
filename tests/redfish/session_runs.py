"""Runs of BPA against a BMC in a test, whole ones and killed ones, and the shelf on which they note their sessions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from stub_bmc import StubBmc

from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.login.shelf import FileShelf
from bpa.core.secret import Secret


def access(stub: StubBmc, shelf: FileShelf | None = None, password: str = "right") -> BmcAccess:
    return BmcAccess(stub.address, "admin", Secret(password), shelf=shelf)


def look(stub: StubBmc, shelf: FileShelf) -> list[float]:
    """One run; gives the waits that it made."""
    waits: list[float] = []
    with Bmc(access(stub, shelf)) as machine:
        machine.target.link.sleep = waits.append
        assert machine.look().serial == "S1"
    return waits


def files(shelf: FileShelf) -> list[Path]:
    return sorted(shelf._directory.glob("*/*.json"))


def killed(shelf: FileShelf, stub: StubBmc, path: str, age: float = 60.0, user: str = "admin") -> None:
    """What a run that was killed `age` seconds ago has left on the shelf."""
    slip: Any = shelf.intend(stub.address, user)
    slip.write({"intended": time.time() - age})
    if path:
        slip.made(path)
    slip.leave()
