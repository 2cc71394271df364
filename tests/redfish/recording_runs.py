"""Recording a BMC in a test, and what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stub_bmc import StubBmc

from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.recorder import Recording, record
from bpa.adapters.redfish.target import Target
from bpa.core.secret import Secret
from bpa.lab import recorded as lab


def access(stub: StubBmc | lab.Emulated, password: str = "right") -> BmcAccess:
    return BmcAccess(stub.address, "admin", Secret(password))


def record_it(stub: StubBmc | lab.Emulated, folder: Path, **options: Any) -> Recording:
    with Target(access(stub)) as target:
        return record(target, folder, **{"per_second": 1e6, "sleep": lambda seconds: None, **options})


def files(folder: Path) -> dict[str, Any]:
    """Path -> body of every index.json."""
    return {f"/{f.parent.relative_to(folder).as_posix()}": json.loads(f.read_text()) for f in folder.rglob("index.json")}
