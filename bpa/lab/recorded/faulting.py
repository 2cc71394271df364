"""The faults of one machine: which are on, and what they make of requests and answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpa.lab.recorded import faults, reading
from bpa.lab.recorded.exchange import Reply, Request

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

HTML = b"<html><head><title>Error</title></head><body><h1>An error occurred</h1></body></html>"
READS = ("GET", "HEAD", "OPTIONS")


class Faulting:
    """on: name -> value of every fault that is on. Those that act deeper inside are asked for where they act."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.on: dict[str, str] = {}
        self._left: dict[str, float] = {}
        self._file: Path | None = None
        self._file_seen = 0

    def switch(self, text: str, on: bool) -> None:
        """NAME or NAME=VALUE on or off. Raises LabError for a name that is no fault."""
        name, value = faults.parsed(text)
        others = {n: v for n, v in self.on.items() if n != name}
        self._set(others | ({name: value} if on else {}), renewed=name)

    def follow(self, file: Path) -> None:
        """From now on a file says which are on."""
        self._file, self._file_seen = file, 0

    def look(self) -> None:
        """Read the file again if it has changed."""
        if self._file is None:
            return
        try:
            changed = self._file.stat().st_mtime_ns
        except OSError:
            changed = -1
        if changed != self._file_seen:
            self._file_seen = changed
            self._set(faults.read(self._file))

    def before(self, request: Request) -> Reply | None:
        """What is answered in the machine's place."""
        machine, storm = self._machine, self.on.get("503-storm")
        if storm is not None:
            return machine.say.error("ServiceTemporarilyUnavailable", storm or "5", Retry_After=storm or "5")
        if self._counted("503-once", 1):
            return machine.say.error("ServiceTemporarilyUnavailable", "1", Retry_After="1")
        if "unauthorized-mid-look" in self.on and not self._counted("unauthorized-mid-look", 5):
            self.switch("unauthorized-mid-look", False)
            machine.gate.end_all()
        if "reset-before-patch" in self.on and self._writes(request):
            return Reply(cut=-1)
        return None

    def after(self, request: Request, reply: Reply) -> Reply:
        """What becomes of an answer on its way."""
        if not self.on or reply.cut == -1:
            return reply
        status, body, headers, cut = reply.status, reply.body, dict(reply.headers), reply.cut
        if "reset-mid-patch" in self.on and self._writes(request) and status < 300:
            cut = -1
        if request.method == "GET" and body and status < 300:
            data = reading.encoded(body)
            if "reset-mid-answer" in self.on:
                body, cut = data, len(data) // 2
            elif "truncated-json" in self.on:
                body = data[: len(data) // 2]
        if "html-errors" in self.on and status >= 400:
            body, headers["Content-Type"] = HTML, "text/html"
        times: dict[str, Any] = {
            "delay": faults.number(self.on["slow"], 3) if "slow" in self.on else reply.delay,
            "trickle": faults.number(self.on["trickle"], 0.1) if "trickle" in self.on else reply.trickle,
        }
        return Reply(status, body, headers, cut, stream=reply.stream, **times)

    def _set(self, on: dict[str, str], renewed: str = "") -> None:
        for name in [n for n in self._left if n == renewed or self.on.get(n) != on.get(n)]:
            del self._left[name]
        self.on = on
        self._machine.time.skew = faults.number(on["clock-jump"], 86400) if "clock-jump" in on else 0.0

    def _writes(self, request: Request) -> bool:
        return request.method not in READS and not request.where.startswith(self._machine.gate.collection)

    def _counted(self, name: str, default: float) -> bool:
        """Whether a fault that lasts for so many requests still has one left, which this takes."""
        if name not in self.on:
            return False
        left = self._left.setdefault(name, faults.number(self.on[name], default))
        self._left[name] = left - 1
        return left > 0
