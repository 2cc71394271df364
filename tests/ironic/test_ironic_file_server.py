"""The image server: files and nothing else."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpa.adapters.ironic_service.file_server import byte_range, find, make_server
from bpa.adapters.ironic_service.parts import link

CONTENT = bytes(range(256)) * 1000


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    root = tmp_path_factory.mktemp("root")
    (root / "http").mkdir()
    (root / "http" / "disk.raw").write_bytes(CONTENT)
    (root / "http" / "redfish").mkdir()
    (root / "http" / "redfish" / "boot.iso").write_bytes(b"iso")
    (root / "http" / ".hidden").write_text("hidden")
    (root / "secret").write_text("secret")
    server = make_server("127.0.0.1", 0, root / "http")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def ask(port: int, target: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, target, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}


def test_a_file_comes_whole(port: int) -> None:
    status, body, headers = ask(port, "/disk.raw")
    assert (status, body, headers["content-length"]) == (200, CONTENT, str(len(CONTENT)))


def test_head_tells_the_size_and_sends_nothing(port: int) -> None:
    assert ask(port, "/redfish/boot.iso", "HEAD")[:2] == (200, b"")
    assert ask(port, "/redfish/boot.iso", "HEAD")[2]["content-length"] == "3"


RANGES = {
    "bytes=0-9": (206, CONTENT[:10]), "bytes=255990-": (206, CONTENT[255990:]), "bytes=-5": (206, CONTENT[-5:]),
    "bytes=0-99999999": (200, CONTENT), "bytes=256000-": (416, b""), "bytes=9-3": (416, b""),
    "bytes=-0": (416, b""), "lines=1-2": (200, CONTENT), "bytes=0-1,4-5": (200, CONTENT), "bytes=-": (200, CONTENT),
}


@pytest.mark.parametrize("asked", RANGES)
def test_one_byte_range_is_answered(port: int, asked: str) -> None:
    assert ask(port, "/disk.raw", Range=asked)[:2] == RANGES[asked]


@pytest.mark.parametrize("target", [
    "/", "/redfish", "/redfish/", "/nothing", "/../secret", "/%2e%2e/secret", "/redfish/../../secret", "/.hidden",
    "//../secret", "/disk.raw/", "/disk.raw%00", "/..%2fsecret",
])
def test_nothing_else_is_served(port: int, target: str) -> None:
    status, body, _ = ask(port, target)
    assert b"secret" not in body and (status == 404 or (target, body) == ("/disk.raw/", CONTENT))


def test_nothing_can_be_written(port: int) -> None:
    assert ask(port, "/disk.raw", "PUT")[0] == 501
    assert ask(port, "/disk.raw", "DELETE")[0] == 501


@given(st.text(max_size=60))
def test_no_target_leads_out_of_the_root(target: str) -> None:
    root = Path("/proc/sys/kernel")
    found = find(root, target)
    assert found is None or root in found.resolve().parents


@given(st.text(alphabet="bytes=-0123456789 ,", max_size=20), st.integers(0, 10**12))
def test_a_range_always_lies_in_the_file(header: str, size: int) -> None:
    part = byte_range(header, size)
    assert part is None or (part[0] >= 0 and part[1] >= 0 and sum(part) <= size)


def test_a_folder_is_served_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "cache" / "pool").mkdir(parents=True)
    (tmp_path / "cache" / "pool" / "jq.deb").write_bytes(b"jq")
    (tmp_path / "root").mkdir()
    for _ in range(2):
        link(tmp_path / "cache", tmp_path / "root" / "mirror")
    found = find(tmp_path / "root", "/mirror/pool/jq.deb")
    assert found is not None and found.read_bytes() == b"jq"
    assert find(tmp_path / "root", "/mirror/pool") is None
    link(tmp_path / "cache" / "pool", tmp_path / "root" / "mirror")
    assert find(tmp_path / "root", "/mirror/jq.deb") is not None
