"""The lab's network namespace: made, entered, removed. Nothing in it routes out."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bpa.lab.errors import LabError
from bpa.lab.layout import NAMESPACE, NETWORK, Layout
from bpa.lab.processes import run

_RUN = Path("/run/netns")
_CLONE_NEWNET = 0x40000000  # linux/sched.h; os.setns comes with Python 3.12


@dataclass(frozen=True, slots=True)
class LabInfo:
    """A running lab: where its state lies, its network namespace, its CA certificate."""

    directory: Path
    namespace: str
    ca: Path


def exists(name: str = NAMESPACE) -> bool:
    return (_RUN / name).exists()


def create(name: str = NAMESPACE) -> None:
    """Make the namespace with its loopback up. Idempotent. LabError without root."""
    if not exists(name):
        run("ip", "netns", "add", name)
    run("ip", "-n", name, "link", "set", "lo", "up")


def enter(name: str) -> None:
    """Move the calling thread (and what it starts) into network namespace `name` by setns(2).

    LabError when there is no such namespace or the caller is not root. Threads that run already stay where they are:
    call it before the first of them starts.
    """
    try:
        fd = os.open(_RUN / name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as e:
        raise LabError(f"network namespace {name} does not exist; is the lab up? (bpa lab status)") from e
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(fd, _CLONE_NEWNET):
            code = ctypes.get_errno()
            raise LabError(f"cannot enter network namespace {name}: {os.strerror(code)} (it needs root)")
    finally:
        os.close(fd)


def lab_of(addresses: Iterable[str], layout: Layout | None = None) -> LabInfo | None:
    """The running lab whose network holds one of these addresses (hosts or literal IPs), None when there is none.

    LabError for a caller who may not look into the lab's state.
    """
    layout = layout or Layout.default()
    network = ipaddress.ip_network(NETWORK)
    if not exists() or not any(_inside(address, network) for address in addresses):
        return None
    try:
        return LabInfo(layout.root, NAMESPACE, layout.ca) if layout.state.exists() else None
    except PermissionError as e:
        raise LabError("these hosts are the lab's, and talking to the lab needs root") from e


def _inside(address: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(address) in network
    except ValueError:
        return False


def remove(name: str = NAMESPACE) -> None:
    """End what still runs in the namespace and remove it. Idempotent."""
    if not exists(name):
        return
    own = {os.getpid(), os.getppid()}
    for sign, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + seconds
        inside = [pid for pid in _pids(name) if pid not in own]
        for pid in inside:
            _kill(pid, sign)
        while inside and time.monotonic() < deadline:
            time.sleep(0.1)
            inside = [pid for pid in _pids(name) if pid not in own]
        if not inside:
            break
    run("ip", "netns", "delete", name)


def _pids(name: str) -> list[int]:
    return [int(line) for line in run("ip", "netns", "pids", name).stdout.split()]


def _kill(pid: int, sign: int) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return
