"""One emulated machine: a recorded tree, a personality, a state, and an answer to every request."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bpa.lab.errors import LabError
from bpa.lab.recorded import actions, media, memory, reading, writing
from bpa.lab.recorded.events import Events
from bpa.lab.recorded.exchange import Doc, Refusal, Reply, Request
from bpa.lab.recorded.faulting import Faulting
from bpa.lab.recorded.gate import Gate
from bpa.lab.recorded.host import Host
from bpa.lab.recorded.media import Slot
from bpa.lab.recorded.messages import Messages
from bpa.lab.recorded.personalities import chosen
from bpa.lab.recorded.personality import Personality
from bpa.lab.recorded.store import Store
from bpa.lab.recorded.tasks import Tasks
from bpa.lab.recorded.timeline import Timeline
from bpa.lab.recorded.tree import ROOT, Tree

LOG = logging.getLogger(__name__)
LOGGED = 100_000
"""Requests that are kept in the log."""


class Machine:
    """Safe to use from several threads. Times are seconds.

    post_seconds: from power on to the end of POST; os_seconds: from there to a running system. shutdown_seconds: a
    graceful shutdown. bmc_seconds: how long the BMC is gone after Manager.Reset. task_seconds: a firmware update.
    frozen: time passes by `advance` only. pmem: fixtures of a machine with persistent memory.
    mend: resources that lack the required Id or Name get one.
    intercept sees each request first; what it returns is the answer.
    """

    def __init__(
        self, tree: Tree, username: str = "admin", password: str = "right",  # noqa: S107
        *, personality: Personality | None = None, on: Iterable[str] = (), post_seconds: float = 0.0,
        os_seconds: float = 0.0, shutdown_seconds: float = 0.0, bmc_seconds: float = 0.0, task_seconds: float = 0.0,
        clock: Callable[[], float] = time.time, frozen: bool = False,
        pmem: Path | None = None, mend: bool = False, logged: int = LOGGED,
    ) -> None:
        self.lock = threading.RLock()
        self.time = Timeline(clock, frozen)
        self.ways = personality or _personality(tree)
        self.store = Store(tree, self.ways, mend)
        self.say = Messages(self.ways, _base(tree, self.ways))
        self.post_seconds = post_seconds
        self.os_seconds = os_seconds
        self.shutdown_seconds = shutdown_seconds
        self.bmc_seconds = bmc_seconds
        self.task_seconds = task_seconds
        self.address = ""
        self.log: list[Request] = []
        self.observer: Callable[[Request], None] | None = None
        self.intercept: Callable[[Request], Reply | None] | None = None
        self._logged = logged
        self._at_restart: list[Callable[[], None]] = []
        self._back = 0.0
        self._faults = Faulting(self)
        systems = self.store.members(self.store.link(self.store.get(ROOT), "Systems"))
        self.hosts = [Host(self, path.rstrip("/")) for path in systems if self.store.has(path)]
        self.media: dict[str, Slot] = media.slots(self)
        self.tasks = Tasks(self)
        self.events = Events(self)
        self.gate = Gate(self, username, password)
        for fault in on:
            self.fault(fault)
        if pmem is not None:
            memory.overlay(self, pmem)

    # What a test or a user of the emulation looks at and sets.

    @property
    def host(self) -> Host:
        """The first System. LabError where there is none."""
        if not self.hosts:
            raise LabError(f"{self.store.tree.folder} has no System")
        return self.hosts[0]

    @property
    def power(self) -> str:
        """PowerState of the first System."""
        return self.host.power

    @power.setter
    def power(self, state: str) -> None:
        """As if somebody pressed the button: "On" boots, "Off" switches off."""
        with self.lock:
            if state == "On":
                self.restarting(self.host)
            else:
                self.host.switch_off()

    @property
    def bios(self) -> dict[str, Any]:
        """Bios.Attributes of the first System, as they are now."""
        with self.lock:
            return self.host.bios

    @property
    def pending(self) -> dict[str, Any]:
        """Its staged BIOS attributes."""
        with self.lock:
            return dict(self.host.pending)

    @property
    def boot(self) -> Doc:
        """Its Boot property."""
        with self.lock:
            boot = self.host.doc.get("Boot")
            return dict(boot) if isinstance(boot, dict) else {}

    @property
    def sessions(self) -> dict[str, str]:
        """Path -> user of every open session."""
        with self.lock:
            self.gate.expire()
            return {s.path: s.user for s in self.gate.open.values()}

    @property
    def chunks(self) -> dict[str, Doc]:
        """Path -> MemoryChunks resource."""
        with self.lock:
            return memory.chunks(self)

    def slot(self, ident: str) -> Slot:
        """The first virtual media slot with this Id. KeyError."""
        for one in self.media.values():
            if one.id == ident:
                return one
        raise KeyError(ident)

    def advance(self, seconds: float) -> None:
        """Let time pass on this machine."""
        with self.lock:
            self.time.advance(seconds)

    @property
    def faults(self) -> dict[str, str]:
        """Name -> value of every fault that is on."""
        return self._faults.on

    def fault(self, text: str, on: bool = True) -> None:
        """Switch NAME or NAME=VALUE on or off. Raises LabError for a name that is no fault."""
        with self.lock:
            self._faults.switch(text, on)

    def follow_faults(self, path: Path) -> None:
        """From now on, a file says which faults are on; it is read again whenever it has changed."""
        with self.lock:
            self._faults.follow(path)

    def on(self, name: str) -> bool:
        """Whether a fault is on."""
        return name in self._faults.on

    def told(self, name: str) -> str | None:
        """The value of a fault that is on, "" without one; None where it is off."""
        return self._faults.on.get(name)

    # What happens to the machine.

    def restarting(self, host: Host) -> None:
        """Power on, or a restart."""
        host.start()

    def restarted(self) -> None:
        """POST is over."""
        done, self._at_restart = self._at_restart, []
        for do in done:
            do()

    def at_restart(self, do: Callable[[], None]) -> None:
        """Do something at the end of the next POST."""
        self._at_restart.append(do)

    def restart_bmc(self) -> None:
        """The BMC goes away and comes back without its sessions."""
        self.gate.end_all()
        self._back = self.time.now() + self.bmc_seconds

    def tell(self, name: str, origin: str) -> None:
        """An event."""
        self.events.tell(name, origin)

    # Answers.

    def answer(self, request: Request) -> Reply:
        """What this machine says. Never raises."""
        with self.lock:
            self.time.settle()
            self._faults.look()
            self.log.append(request)
            del self.log[:-self._logged]
            reply = self._faults.after(request, self._judged(request))
            request.status = 0 if reply.cut == -1 else reply.status
            if self.observer:
                self.observer(request)
            return reply

    def done(self) -> Reply:
        """An action has been done."""
        return self.say.done(style=self.ways.post_success)

    def gone(self) -> Reply:
        """A DELETE has been done."""
        return self.say.done(style=self.ways.delete_success)

    def location(self, path: str) -> str:
        """A Location header: absolute or relative, as this vendor does."""
        return f"{self.address}{path}" if self.ways.absolute_location else path

    def allow(self, path: str) -> str:
        """The methods that a resource takes."""
        return writing.allow(self, path)

    def _judged(self, request: Request) -> Reply:
        if self.time.now() < self._back:
            return Reply(cut=-1)
        said = (self.intercept and self.intercept(request)) or self._faults.before(request)
        if said:
            return said
        try:
            return self.gate.may(request) or self._dispatched(request)
        except Refusal as refusal:
            return refusal.reply
        except Exception:
            # A tree may say anything; a BMC answers 500 and lives on.
            LOG.exception("%s %s %s", self.store.tree.folder, request.method, request.path)
            return self.say.error("InternalError")

    def _dispatched(self, request: Request) -> Reply:
        method = request.method
        if request.headers.get("OData-Version", "4.0") != "4.0":
            return self.say.error("PreconditionFailed")
        if method in ("GET", "HEAD"):
            return reading.get(self, request)
        if method == "PATCH":
            return writing.patch(self, request)
        if method == "POST":
            writing.check_body(self, request)
            return actions.post(self, request)
        if method == "DELETE":
            writing.check_etag(self, request)
            return actions.delete(self, request.where.rstrip("/"))
        if method in ("PUT", "OPTIONS", "TRACE", "CONNECT"):
            return self.say.error("OperationNotAllowed", Allow=self.allow(request.where))
        return self.say.error("OperationNotAllowed", status=501, Allow=self.allow(request.where))


def _personality(tree: Tree) -> Personality:
    docs: list[Any] = [tree.doc(ROOT)]
    for name in ("Systems", "Managers"):
        collection = tree.doc(f"{ROOT}/{name}") or {}
        members = collection.get("Members")
        for member in members if isinstance(members, list) else ():
            path = Store.link(member).rstrip("/")
            docs.append(tree.doc(tree.find(path, True) or path))
    return chosen(*docs)


def _base(tree: Tree, ways: Personality) -> str:
    """ "Base.1.12": the version of the Base registry that the tree names."""
    for path in tree.paths():
        match = re.fullmatch(rf"{ROOT}/Registries/Base(Messages)?[\w.]*", path)
        told = (tree.doc(path) or {}).get("Registry") if match else None
        version = re.match(r"Base\.(\d+)\.(\d+)(?:\.(\d+))?", told) if isinstance(told, str) else None
        if version:
            major, minor, patch = version[1], version[2], version[3] or "0"
            return f"Base.v{major}_{minor}_{patch}" if ways.base_underscored else f"Base.{major}.{minor}"
    return "Base.1.8"
