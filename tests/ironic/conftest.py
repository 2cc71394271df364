"""One real Ironic with fake hardware for all tests here: loopback, free ports, the user who runs the tests."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from polling import until

from bpa.adapters.ironic import FAKE_INTERFACES, IronicEndpoint, NodeSpec
from bpa.adapters.ironic.client import Ironic
from bpa.adapters.ironic_service import EmbeddedIronic, Running
from bpa.core.facts import NodeFacts
from bpa.core.secret import Secret

FAKE = ("fake-hardware", "redfish")


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def embedded(state: Path, **more: object) -> EmbeddedIronic:
    api, http = free_ports(2)
    given = {"api_port": api, "http_port": http, "hardware": FAKE} | more
    return EmbeddedIronic(state, "127.0.0.1", **given)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    service = embedded(tmp_path_factory.mktemp("ironic"))
    try:
        yield service.ensure()
    finally:
        service.stop()


def endpoint_of(running: Running) -> IronicEndpoint:
    return IronicEndpoint(running.api_url, running.username, running.password)


@dataclass
class Documents:
    """What the documents say, and may be changed to say, of the nodes of one test."""

    specs: dict[str, NodeSpec]

    def spec(self, name: str) -> NodeSpec | None:
        return self.specs.get(name)


@pytest.fixture
def documents() -> Documents:
    return Documents({})


@pytest.fixture
def ironic(running: Running, documents: Documents) -> Iterator[Ironic]:
    ironic = Ironic(endpoint_of(running), documents.spec)
    yield ironic
    ironic.close()


numbers = itertools.count(1)


@pytest.fixture
def spec(documents: Documents) -> NodeSpec:
    number = next(numbers)
    made = NodeSpec(f"host-{number}", "https://192.0.2.1", "admin", Secret("first password"),
                    f"52:54:00:00:{number // 256:02x}:{number % 256:02x}", root_device={"serial": "s== DISK"},
                    driver="fake-hardware", interfaces=FAKE_INTERFACES)
    documents.specs[made.name] = made
    return made


ROOT = b"""{"@odata.id": "/redfish/v1/", "Id": "RootService", "Name": "Root", "RedfishVersion": "1.6.0", "UUID": "1",
"Systems": {"@odata.id": "/redfish/v1/Systems"}, "Managers": {"@odata.id": "/redfish/v1/Managers"},
"SessionService": {"@odata.id": "/redfish/v1/SessionService"},
"Links": {"Sessions": {"@odata.id": "/redfish/v1/SessionService/Sessions"}}}"""


class NoEntry(BaseHTTPRequestHandler):
    """A BMC that knows nobody."""

    def do_GET(self) -> None:
        root = self.path.rstrip("/") == "/redfish/v1"
        body = ROOT if root else b"{}"
        self.send_response(200 if root else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Tests say what matters."""


@pytest.fixture(scope="session")
def closed_bmc() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), NoEntry)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def settle(ironic: Ironic) -> Callable[..., NodeFacts]:
    def settled(name: str, *states: str) -> NodeFacts:
        def look() -> NodeFacts:
            ironic.look_anew()
            return ironic.look(name)

        return until(look, lambda node: node.provision_state in states)

    return settled
