"""A stub BMC that keeps what it is sent, as a BMC does that works: PATCH is merged, a reset changes the power."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stub_bmc import Reply, Request, StubBmc

from bpa.adapters.redfish.waiting import Waiting


class KeepingBmc(StubBmc):
    """status_of: path -> status with which accepted writes are answered (204). keeps: False = nothing is kept."""

    keeps: bool = True

    def answer(self, request: Request) -> Reply:
        reply = super().answer(request)
        if reply.status >= 300 or not self.keeps or not isinstance(self.resources, dict):
            return reply
        if request.method == "PATCH":
            merge(self.resources[request.key], request.body)
        if request.method == "DELETE":
            self.resources.pop(request.key, None)
        return reply


def merge(into: dict[str, Any], change: dict[str, Any]) -> None:
    for name, value in change.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            merge(into[name], value)
        elif not name.startswith("@Redfish."):
            into[name] = value


class FakeTime:
    """A clock that only sleeping moves. At given times something happens: (seconds, what to do)."""

    def __init__(self, *events: tuple[float, Any]) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._events = sorted(events, key=lambda e: e[0])

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        while self._events and self._events[0][0] <= self.now:
            self._events.pop(0)[1]()

    def waiting(self, seconds: float = 60.0, every: float = 2.0) -> Waiting:
        return Waiting(seconds, every, self.clock, self.sleep)


def sent(stub: StubBmc, *methods: str) -> list[Request]:
    """What was written, without logging in and out."""
    return [r for r in stub.log if r.method in (methods or ("POST", "PATCH", "DELETE")) and "/Session" not in r.path]


def put(stub: StubBmc, path: str, body: dict[str, Any]) -> dict[str, str]:
    """A resource; the reference to it."""
    assert isinstance(stub.resources, dict)
    stub.resources[path.lower().rstrip("/")] = {"@odata.id": path, **body}
    return {"@odata.id": path}


def collection(stub: StubBmc, path: str, bodies: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, str]:
    """A collection with members by their last name; the reference to it."""
    return put(stub, path, {"Members": [put(stub, f"{path}/{name}", body) for name, body in bodies]})
