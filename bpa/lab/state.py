"""What the lab remembers of itself and how it is found: its state file, its lock, its BMC's password, its status."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpa.core.secret import Secret
from bpa.lab import faults, hypervisor, namespace, processes
from bpa.lab.errors import LabError
from bpa.lab.faults import Fault
from bpa.lab.hosts import LabHost
from bpa.lab.layout import Layout


@dataclass(frozen=True, slots=True)
class HostStatus:
    """A host of the lab; power is "On", "Off", or "missing" when its libvirt domain is not there."""

    host: LabHost
    power: str


@dataclass(frozen=True, slots=True)
class LabStatus:
    """The lab as it is. running = everything that should run does; missing names what does not."""

    directory: Path
    up: bool
    running: bool
    missing: tuple[str, ...] = ()
    hosts: tuple[HostStatus, ...] = ()
    kvm: bool = False
    faults: tuple[Fault, ...] = ()
    site: Path | None = None
    kept: tuple[str, ...] = ()


def look(layout: Layout, kept: tuple[str, ...] = ()) -> LabStatus:
    state = read_state(layout)
    if state is None:
        return LabStatus(layout.root, up=False, running=False)
    missing = [] if namespace.exists() else ["network namespace"]
    missing += [name for name in ("virtlogd", "libvirtd", "bmc") if processes.alive(layout.pid(name)) is None]
    hosts = tuple(LabHost(n) for n in range(state["hosts"]))
    power: dict[str, str] = {}
    if "libvirtd" not in missing:
        try:
            with hypervisor.connect(layout) as connection:
                power = {d.UUIDString(): "On" if d.isActive() else "Off" for d in connection.listAllDomains()}
        except LabError:
            missing.append("libvirtd")
    missing += [h.name for h in hosts if h.uuid not in power]
    return LabStatus(
        layout.root,
        up=True,
        running=not missing,
        missing=tuple(missing),
        hosts=tuple(HostStatus(h, power.get(h.uuid, "missing")) for h in hosts),
        kvm=state["kvm"],
        faults=faults.read(layout.faults),
        site=layout.site,
        kept=kept,
    )


def read_state(layout: Layout) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(layout.state.read_text())
    except FileNotFoundError:
        return None
    except PermissionError as e:
        raise LabError("looking at the lab needs root") from e
    return found


def remember(layout: Layout, state: dict[str, Any]) -> None:
    draft = layout.state.with_suffix(".new")
    draft.write_text(json.dumps(state))
    os.replace(draft, layout.state)


def password_of(layout: Layout) -> Secret:
    """The BMC's password: made once, kept 0600, and again the same for as long as a site directory refers to it."""
    file = layout.bmc / "password"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(18))
    return Secret(file.read_text())


@contextlib.contextmanager
def locked(layout: Layout) -> Iterator[None]:
    layout.root.mkdir(parents=True, exist_ok=True)
    layout.root.chmod(0o700)
    with layout.lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise LabError("another `bpa lab` is at work on this lab") from e
        yield
