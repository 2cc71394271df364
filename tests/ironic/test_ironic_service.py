"""The embedded Ironic as a process: started, found again, killed, stopped."""

from __future__ import annotations

import importlib.metadata
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from polling import until

from bpa.adapters.errors import Refused, Unreachable, Unsupported
from bpa.adapters.ironic import FAKE_INTERFACES, IronicEndpoint, NodeSpec
from bpa.adapters.ironic.client import Ironic
from bpa.adapters.ironic_service import EmbeddedIronic, Ramdisk, Running, Settings, Status, render_conf
from bpa.adapters.ironic_service.daemon import look_at
from bpa.core.config_drive import FirstBoot, HostKey, render
from bpa.core.facts import Facts, NodeFacts
from bpa.core.host.image import check
from bpa.core.secret import Secret
from bpa.core.steps import Deploy
from bpa.core.verdict import Act
from bpa.core.want import HostWant, Image

SPEC = NodeSpec("kept", "https://192.0.2.1", "admin", Secret("pass"), "52:54:00:aa:00:01",
                driver="fake-hardware", interfaces=FAKE_INTERFACES)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Site:
    """A state directory with its ports: what stays when the process that uses it dies."""

    def __init__(self, state: Path, files: Path) -> None:
        self.state, self.files, self.ports = state, files, free_ports(2)

    def service(self, **more: object) -> EmbeddedIronic:
        given = {"api_port": self.ports[0], "http_port": self.ports[1], "hardware": ("fake-hardware", "redfish"),
                 "serve": {"debian.raw": self.files / "debian.raw"}} | more
        return EmbeddedIronic(self.state, "127.0.0.1", **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    files = tmp_path_factory.mktemp("files")
    (files / "debian.raw").write_bytes(bytes(range(256)) * 40)
    site = Site(tmp_path_factory.mktemp("site") / "ironic", files)
    yield site
    site.service().stop()


def endpoint(running: Running) -> IronicEndpoint:
    return IronicEndpoint(running.api_url, running.username, running.password)


def processes_of(status: Status) -> list[int]:
    """Everything in the API's session."""
    found = (look_at(int(p.name)) for p in Path("/proc").iterdir() if p.name.isdigit())
    return [s.pid for s in found if s and s.session == status.api_pid and s.state not in "ZX"]


def kill_9(pids: list[int]) -> None:
    """SIGKILL, and wait until the kernel has taken the processes down."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: [s for s in map(look_at, pids) if s and s.state not in "ZX"], lambda alive: not alive)


def test_nothing_runs_before_it_is_asked_for(tmp_path: Path) -> None:
    service = Site(tmp_path / "ironic", tmp_path).service()
    assert (service.status().api_pid, service.status().answers) == (None, False)
    service.stop()
    assert not (tmp_path / "ironic").exists()


def test_it_starts_answers_and_keeps_its_secrets_to_its_owner(site: Site) -> None:
    running = site.service().ensure()
    assert site.service().status().answers
    assert requests.get(f"{running.api_url}/v1/nodes", timeout=10).status_code == 401
    for name in ("password", "htpasswd", "ironic.conf"):
        assert (site.state / name).stat().st_mode & 0o077 == 0
    assert site.state.stat().st_mode & 0o077 == 0
    assert running.password.reveal() not in (site.state / "htpasswd").read_text()
    with sqlite3.connect(site.state / "ironic.sqlite") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_wrong_password_is_refused(site: Site) -> None:
    running = site.service().ensure()
    with pytest.raises(Refused, match="credentials"):
        Ironic(replace(endpoint(running), password=Secret("wrong"))).look("x")


def test_another_process_finds_what_runs(site: Site) -> None:
    first, again = site.service(), site.service()
    first.ensure()
    before = first.status()
    again.ensure()
    assert again.status() == before


def test_two_at_once_start_one(site: Site) -> None:
    site.service().stop()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: site.service().ensure(), range(2)))
    status = site.service().status()
    assert status.answers and len(processes_of(status)) == 2


@pytest.mark.parametrize("noted", ["", "1 1\n", "not a pid"])
def test_what_was_started_just_before_we_were_killed_is_found_without_its_pid(site: Site, noted: str) -> None:
    site.service().ensure()
    before = site.service().status()
    for name in ("ironic.pid", "http.pid"):
        (site.state / name).write_text(noted)
    site.service().ensure()
    assert site.service().status() == before


@pytest.mark.parametrize("who", ["the master", "everything"])
def test_after_kill_9_it_is_started_again_and_knows_its_nodes(site: Site, who: str) -> None:
    running = site.service().ensure()
    Ironic(endpoint(running)).enrol(SPEC)
    killed = site.service().status()
    pids = processes_of(killed) if who == "everything" else [killed.api_pid or 0]
    kill_9(pids)
    running = site.service().ensure()
    now = site.service().status()
    assert now.answers and now.api_pid != killed.api_pid
    assert Ironic(endpoint(running), lambda name: SPEC).look("kept").current


def test_a_deployment_that_ironic_died_in_is_started_again(site: Site) -> None:
    image, want = Image("http://127.0.0.1:1/x.raw", "ab" * 32), HostWant("cut", "https://bmc", "52:54:00:aa:00:02", None)
    want = replace(want, image=image)
    slow = site.service(extra={"fake": {"deploy_delay": "60"}})
    ironic = Ironic(endpoint(slow.ensure()))
    ironic.enrol(replace(SPEC, name="cut", boot_mac=want.boot_mac))
    for verb in ("manage", "provide"):
        ironic.set_provision_state("cut", verb)
        wait_for(ironic, "manageable", "available")
    ironic.deploy("cut", image, {}, render(FirstBoot("cut", "", HostKey(Secret("k"), "p"), ())))
    wait_for(ironic, "deploying")
    kill_9(processes_of(slow.status()))
    with pytest.raises(Unreachable):
        ironic.look_anew()
        ironic.look("cut")
    slow.ensure()
    failed = wait_for(ironic, "deploy failed")
    verdict = check(want, Facts(node=failed))
    assert isinstance(verdict, Act) and isinstance(verdict.step, Deploy)
    ironic.remove("cut")


def wait_for(ironic: Ironic, *states: str) -> NodeFacts:
    def look() -> NodeFacts:
        ironic.look_anew()
        return ironic.look("cut")

    return until(look, lambda node: node.provision_state in states)


def test_after_kill_9_of_the_image_server_it_is_started_again(site: Site) -> None:
    running = site.service().ensure()
    kill_9([site.service().status().http_pid or 0])
    site.service().ensure()
    assert requests.head(running.images["debian.raw"], timeout=10).status_code == 200


def test_a_changed_setting_restarts_it(site: Site) -> None:
    site.service().ensure()
    before = site.service().status().api_pid
    site.service(kernel_arguments="quiet").ensure()
    after = site.service().status().api_pid
    assert after != before
    site.service(kernel_arguments="quiet").ensure()
    assert site.service().status().api_pid == after


def test_stop_leaves_no_process_and_may_be_repeated(site: Site) -> None:
    service = site.service()
    service.ensure()
    status = service.status()
    everything = [*processes_of(status), status.http_pid or 0]
    service.stop()
    assert not [pid for pid in everything if look_at(pid) and look_at(pid).state not in "ZX"]  # type: ignore[union-attr]
    service.stop()
    assert service.status().api_pid is None


def test_a_pid_that_was_given_to_another_process_is_left_alone(site: Site) -> None:
    service = site.service()
    service.stop()
    (site.state / "ironic.pid").write_text(f"{os.getpid()} 1\n")
    assert service.status().api_pid is None
    service.stop()


def test_a_port_that_is_taken_is_named(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpa.adapters.ironic_service.parts.PORT_PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        service = EmbeddedIronic(tmp_path / "ironic", "127.0.0.1", api_port=site.ports[0], http_port=port)
        with pytest.raises(Refused, match=str(port)):
            service.ensure()


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = tmp_path / "file"
    files.write_text("x")
    service = EmbeddedIronic(tmp_path / "ironic", "127.0.0.1", Ramdisk(files, files, files))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unsupported, match="genisoimage") as raised:
        service.ensure()
    assert "apt-get install" in raised.value.advice

    def no_such(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", no_such)
    with pytest.raises(Unsupported, match="ironic"):
        service.ensure()


def test_a_file_that_is_not_there_is_named_before_anything_starts(tmp_path: Path) -> None:
    service = EmbeddedIronic(tmp_path / "ironic", "127.0.0.1", serve={"a.raw": tmp_path / "a.raw"})
    with pytest.raises(Refused, match=r"a\.raw"):
        service.ensure()
    assert service.status().api_pid is None


def test_a_start_that_fails_says_what_ironic_said(tmp_path: Path) -> None:
    site = Site(tmp_path / "ironic", tmp_path)
    service = site.service(serve={}, extra={"conductor": {"sync_power_state_interval": "often"}})
    try:
        with pytest.raises(Refused, match="sync_power_state_interval"):
            service.ensure()
    finally:
        service.stop()


def test_no_secret_is_in_the_configuration() -> None:
    text = render_conf(Settings(Path("/state"), "192.0.2.1"))
    assert "auth_strategy = http_basic" in text and "password" not in text.replace("htpasswd", "")


def test_an_ipv6_address_is_put_in_brackets() -> None:
    assert Settings(Path("/s"), "fd00::1").api_url == "http://[fd00::1]:6385"
