"""Recorded machines that behave: a tree in DMTF's mockup layout, served as a BMC with state (docs/guides/recorded-machine.md).

    with serve(folder, username="admin", password="right") as bmc:
        ...  # bmc.address, bmc.log, bmc.machine, bmc.fault("slow")
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpa.lab.recorded.exchange import Reply, Request
from bpa.lab.recorded.machine import Machine
from bpa.lab.recorded.personalities import named
from bpa.lab.recorded.server import Server
from bpa.lab.recorded.tree import open_tree

__all__ = ["Emulated", "Machine", "Reply", "Request", "serve"]


@dataclass(slots=True)
class Emulated:
    """A machine that is being served."""

    machine: Machine
    username: str
    password: str

    @property
    def address(self) -> str:
        """http(s)://ADDRESS:PORT"""
        return self.machine.address

    @property
    def log(self) -> list[Request]:
        """All requests so far: .method .path .headers .body .status"""
        return self.machine.log

    def fault(self, name: str, on: bool = True) -> None:
        """Switch a fault (NAME or NAME=VALUE) on or off. Raises LabError for an unknown one."""
        self.machine.fault(name, on)

    def asked(self, method: str = "") -> list[str]:
        """The paths of all requests with this method."""
        return [r.path for r in list(self.log) if not method or r.method == method]

    def intercept(self, answer: Callable[[Request], Reply | None] | None) -> None:
        """Let a function see each request first; what it returns is the answer, None goes on."""
        self.machine.intercept = answer


@contextmanager
def serve(
    tree_dir: Path | str, username: str = "admin", password: str = "right",  # noqa: S107
    *, faults: Iterable[str] = (),
    post_seconds: float = 0.0, tls: ssl.SSLContext | None = None, personality: str = "", port: int = 0,
    address: str = "127.0.0.1", **more: Any,
) -> Iterator[Emulated]:
    """Serve a recorded tree as a machine of its own, for as long as the block lasts.

    more: what Machine takes (shutdown_seconds, bmc_seconds, task_seconds, frozen, pmem, clock). Raises LabError where
    there is no tree, or no such fault or personality.
    """
    machine = Machine(
        open_tree(Path(tree_dir)), username, password, personality=named(personality) if personality else None,
        on=faults, post_seconds=post_seconds, **more,
    )
    server = Server()
    try:
        server.add(machine, address, port, tls)
        yield Emulated(machine, username, password)
    finally:
        server.close()
