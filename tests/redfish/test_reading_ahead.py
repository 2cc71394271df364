"""What is read ahead of a reader ends with it: nothing is asked during what comes next, and nobody logs in for nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from raw_server import Peer, ok, raw_server

from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.transport.link import Link
from bpa.core.secret import Secret

ROOT = '{"Links": {"Sessions": {"@odata.id": "/sessions"}}}'
GONE = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Ahead:
    """A BMC that holds /m/2 until `until` returns, and answers /m/1 once /m/2 is under way. True = it breaks off."""

    until: Callable[[], bool] = lambda: False
    asked: list[str] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    under_way: threading.Event = field(default_factory=threading.Event)
    logged_out: threading.Event = field(default_factory=threading.Event)
    written: threading.Event = field(default_factory=threading.Event)

    @property
    def logins(self) -> int:
        return self.asked.count("POST /sessions")

    def talk(self, peer: Peer) -> None:
        while head := peer.request():
            method, path = head.split()[:2]
            self.asked.append(f"{method} {path}")
            if path == "/m/1":
                self.under_way.wait(10)
            if path == "/m/2":
                self.under_way.set()
                if self.until():
                    return
            token = next((line.split(": ")[1] for line in head.split("\r\n") if line.startswith("X-Auth-Token")), "")
            if (method, path) == ("POST", "/sessions"):
                self.open.add(f"t{self.logins}")
                peer.send(ok("{}", f"X-Auth-Token: t{self.logins}", f"Location: /sessions/t{self.logins}"))
            elif path.startswith("/redfish"):
                peer.send(ok(ROOT))
            elif token not in self.open:
                peer.send(GONE)
            else:
                if method == "DELETE":
                    self.open.discard(path.rpartition("/")[2])
                    self.logged_out.set()
                if method == "PATCH":
                    self.written.set()
                peer.send(ok("{}"))
            self.asked.append(f"answered {path}")


@pytest.fixture
def bmc() -> Ahead:
    return Ahead()


@pytest.fixture
def link(bmc: Ahead) -> Iterator[Link]:
    with raw_server(bmc.talk) as address:
        made = Link(BmcAccess(address, "admin", Secret("right"), parallel=2))
        yield made
        made.close()


def all_is_over() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("bmc"):
            thread.join(10)


def test_a_reader_that_stops_early_has_ended_what_was_under_way_before_anything_is_written(bmc: Ahead, link: Link) -> None:
    bmc.until = lambda: bmc.written.wait(0.2) and False
    for future in link.each(["/m/1", "/m/2"]):
        future.result()
        break
    link.patch("/account", {})
    assert bmc.asked.index("answered /m/2") < bmc.asked.index("PATCH /account")


def test_a_read_that_outlives_the_logout_does_not_log_in_again(bmc: Ahead, link: Link) -> None:
    bmc.until = lambda: bmc.logged_out.wait(10) and False
    reading = link.each(["/m/1", "/m/2"])
    next(reading).result()
    link.close()  # while the reader is still there, as it is in the traceback of an exception
    all_is_over()
    assert bmc.logins == 1
    assert bmc.open == set()


def test_a_read_that_is_to_be_asked_again_is_not_after_the_logout(bmc: Ahead, link: Link) -> None:
    bmc.until = lambda: True
    broken = threading.Event()

    def sleep(seconds: float) -> None:
        broken.set()
        bmc.logged_out.wait(10)

    link.sleep = sleep
    reading = link.each(["/m/1", "/m/2"])
    next(reading).result()
    assert broken.wait(10)
    link.close()
    all_is_over()
    assert bmc.logins == 1
    assert "GET /m/2" not in bmc.asked[bmc.asked.index("DELETE /sessions/t1"):]
    assert bmc.open == set()


def test_who_reads_after_a_logout_logs_in_again(bmc: Ahead, link: Link) -> None:
    for _ in range(2):
        assert [future.result().status for future in link.each(["/m/1", "/m/2"])] == [200, 200]
        link.close()
    assert bmc.logins == 2
    assert bmc.open == set()
