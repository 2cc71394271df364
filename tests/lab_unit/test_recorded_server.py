"""The HTTP side of recorded machines: connections, ports, TLS, streams."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from recorded_tree import RESET, ROOT, SYSTEM, write_tree

from bpa.lab import tls
from bpa.lab.recorded import Emulated, Machine, Reply, serve
from bpa.lab.recorded.server import Server
from bpa.lab.recorded.tree import open_tree

AUTH = ("admin", "right")


@pytest.fixture
def bmc(tmp_path: Path) -> Iterator[Emulated]:
    with serve(write_tree(tmp_path)) as one:
        yield one


def plug(bmc: Emulated) -> socket.socket:
    parts = urlsplit(bmc.address)
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_a_connection_is_kept_for_many_requests(bmc: Emulated) -> None:
    parts = urlsplit(bmc.address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", ROOT)
    first = connection.getresponse()
    assert json.loads(first.read())["Id"] == "RootService"
    kept = connection.sock
    connection.request("GET", f"{ROOT}/odata")
    assert connection.getresponse().read() and connection.sock is kept
    connection.close()


def test_who_asks_to_close_is_told_so_and_hung_up_on(bmc: Emulated) -> None:
    with plug(bmc) as connection:
        connection.sendall(f"GET {ROOT} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = read_all(connection)
    assert b"\r\nConnection: close\r\n" in answer and b"RootService" in answer


def test_an_answer_is_one_write(bmc: Emulated) -> None:
    with plug(bmc) as connection:
        connection.sendall(f"GET {ROOT} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        first = connection.recv(65536)
    head, _, body = first.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head and body


def test_requests_may_come_in_pieces_or_all_at_once(bmc: Emulated) -> None:
    whole = f"GET {ROOT} HTTP/1.1\r\nHost: x\r\n\r\nGET /redfish HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    with plug(bmc) as connection:
        connection.sendall(whole[:30])
        connection.sendall(whole[30:])
        answer = read_all(connection)
    assert answer.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(("raw", "status"), [
    (b"nonsense\r\n\r\n", b"400"),
    (b"GET /redfish HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
    (b"GET /redfish HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
    (b"GET /redfish HTTP/1.1\r\nX: " + b"y" * 70000, b"431"),
])
def test_what_is_no_request_is_refused(bmc: Emulated, raw: bytes, status: bytes) -> None:
    with plug(bmc) as connection:
        connection.sendall(raw)
        assert read_all(connection).startswith(b"HTTP/1.1 " + status)


def test_a_chunked_body_and_one_that_waits_for_100_continue(bmc: Emulated) -> None:
    def parts() -> Iterator[bytes]:
        yield b'{"AssetTag"'
        yield b': "chunked"}'

    told = {"Content-Type": "application/json"}
    assert requests.patch(bmc.address + SYSTEM, data=parts(), auth=AUTH, headers=told, timeout=10).status_code < 300
    assert bmc.machine.store.get(SYSTEM)["AssetTag"] == "chunked"  # type: ignore[index]
    body = b'{"UserName": "admin", "Password": "right"}'
    with plug(bmc) as connection:
        connection.sendall((f"POST {ROOT}/SessionService/Sessions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                            f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n").encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(body)
        assert b"201 Created" in read_all(connection)


def test_head_has_the_length_and_no_body(bmc: Emulated) -> None:
    answer = requests.head(bmc.address + ROOT, timeout=10)
    assert answer.content == b"" and int(answer.headers["Content-Length"]) > 100


def test_a_connection_breaks_where_a_fault_says_so(bmc: Emulated) -> None:
    bmc.fault("reset-mid-patch")
    with pytest.raises(requests.ConnectionError):
        requests.patch(bmc.address + SYSTEM, json={"AssetTag": "new"}, auth=AUTH, timeout=10)
    bmc.fault("reset-mid-patch", on=False)
    bmc.fault("reset-mid-answer")
    with pytest.raises(requests.RequestException):
        requests.get(bmc.address + SYSTEM, auth=AUTH, timeout=10)
    bmc.fault("reset-mid-answer", on=False)
    assert requests.get(bmc.address + SYSTEM, auth=AUTH, timeout=10).json()["AssetTag"] == "new"


def test_a_late_and_a_dripping_answer_arrive_whole(bmc: Emulated) -> None:
    bmc.intercept(lambda request: Reply(200, {"late": True}, delay=0.01, trickle=0.001))
    assert requests.get(bmc.address + ROOT, timeout=10).json() == {"late": True}


def test_events_come_as_a_stream(bmc: Emulated) -> None:
    with requests.get(f"{bmc.address}{ROOT}/EventService/SSE", auth=AUTH, stream=True, timeout=10) as stream:
        lines = stream.iter_lines()
        assert stream.headers["Content-Type"] == "text/event-stream" and next(lines).startswith(b":")
        requests.post(bmc.address + RESET, json={"ResetType": "ForceOff"}, auth=AUTH, timeout=10)
        told = next(line for line in lines if line.startswith(b"data:"))
    assert json.loads(told[5:])["Events"][0]["MessageId"].endswith("ResourcePoweredOff")


def test_what_happens_in_time_is_told_to_who_only_listens(tmp_path: Path) -> None:
    with serve(write_tree(tmp_path), shutdown_seconds=0.01) as bmc:
        with requests.get(f"{bmc.address}{ROOT}/EventService/SSE", auth=AUTH, stream=True, timeout=10) as stream:
            lines = stream.iter_lines()
            assert next(lines)
            requests.post(bmc.address + RESET, json={"ResetType": "GracefulShutdown"}, auth=AUTH, timeout=10)
            assert b"ResourcePoweredOff" in next(line for line in lines if line.startswith(b"data:"))


def test_many_machines_share_one_thread(tmp_path: Path) -> None:
    tree, server = open_tree(write_tree(tmp_path)), Server()
    try:
        machines = [Machine(tree, "admin", f"password{n}") for n in range(40)]
        addresses = [server.add(machine) for machine in machines]
        assert len(set(addresses)) == 40
        for number, address in enumerate(addresses):
            answer = requests.get(address + SYSTEM, auth=("admin", f"password{number}"), timeout=10)
            assert answer.json()["Id"] == "1"
    finally:
        server.close()


def test_tls_with_a_certificate_of_the_labs_own(tmp_path: Path) -> None:
    made = tls.ensure(tmp_path / "tls", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with serve(write_tree(tmp_path / "tree"), tls=context) as bmc:
        assert bmc.address.startswith("https://")
        assert requests.get(bmc.address + ROOT, verify=str(made.ca), timeout=10).status_code == 200


def test_after_the_block_nobody_listens(tmp_path: Path) -> None:
    with serve(write_tree(tmp_path)) as bmc:
        address = bmc.address
    with pytest.raises(requests.ConnectionError):
        requests.get(address + ROOT, timeout=10)


def test_a_location_is_absolute_where_the_vendor_sends_absolute_ones(tmp_path: Path) -> None:
    login = {"UserName": "admin", "Password": "right"}
    for personality, starts in (("dmtf", "http://127.0.0.1:"), ("openbmc", ROOT)):
        with serve(write_tree(tmp_path), personality=personality) as bmc:
            answer = requests.post(f"{bmc.address}{ROOT}/SessionService/Sessions", json=login, timeout=10)
            assert answer.headers["Location"].startswith(starts)
