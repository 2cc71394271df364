"""The parts of the lab that need no root: processes, namespace look-ups, faults, refusals."""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path

import pytest

from bpa.lab import faults, kvm, namespace, processes, tls
from bpa.lab.errors import LabError
from bpa.lab.layout import Layout

SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")


def test_a_process_is_found_again_and_stopped(tmp_path: Path) -> None:
    pid_file = tmp_path / "pids" / "x.pid"
    pid = processes.start(SLEEPER, pid_file, tmp_path / "x.log")
    assert processes.alive(pid_file) == pid
    processes.stop(pid_file)
    assert processes.alive(pid_file) is None
    assert not pid_file.exists()


def test_another_process_with_the_same_pid_is_not_ours(tmp_path: Path) -> None:
    pid_file = tmp_path / "x.pid"
    pid_file.write_text(f"{os.getpid()} 1\n")
    assert processes.alive(pid_file) is None
    processes.stop(pid_file)


@pytest.mark.parametrize("text", ["", "no number", "12"])
def test_a_broken_pid_file_is_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.pid").write_text(text)
    assert processes.alive(tmp_path / "x.pid") is None


def test_what_a_lost_daemon_left_running_is_found_by_its_files(tmp_path: Path) -> None:
    ours, other = tmp_path / "disks", tmp_path / "others"
    pid_files = {ours: tmp_path / "a.pid", other: tmp_path / "b.pid"}
    for directory, pid_file in pid_files.items():
        processes.start((*SLEEPER, str(directory / "x.qcow2")), pid_file, tmp_path / "log")
    processes.end_users_of(ours, "no-such-program")
    assert processes.alive(pid_files[ours])
    processes.end_users_of(ours, Path(sys.executable).name)
    os.waitid(os.P_PID, int(pid_files[ours].read_text().split()[0]), os.WEXITED | os.WNOWAIT)
    assert processes.alive(pid_files[ours]) is None
    assert processes.alive(pid_files[other])
    processes.stop(pid_files[other])


def test_a_command_that_is_not_there_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="make apt-lab"):
        processes.run("no-such-command-of-the-lab")
    with pytest.raises(LabError, match="make apt-lab"):
        processes.start(("no-such-command-of-the-lab",), tmp_path / "p", tmp_path / "l")


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(LabError, match="out of cheese"):
        processes.run(sys.executable, "-c", "import sys; sys.exit('out of cheese')")


def test_entering_a_namespace_that_is_not_there_is_a_lab_error() -> None:
    with pytest.raises(LabError, match="does not exist"):
        namespace.enter("no-such-namespace")


def test_no_lab_owns_an_address_when_none_is_up(tmp_path: Path) -> None:
    assert namespace.lab_of(["172.22.0.1"], Layout(tmp_path)) is None


@pytest.mark.parametrize(
    ("address", "inside"), [("172.22.0.1", True), ("172.22.1.1", False), ("bmc.example.org", False), ("::1", False)]
)
def test_which_addresses_are_the_labs(
    address: str, inside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lab.json").write_text("{}")
    monkeypatch.setattr(namespace, "exists", lambda name=namespace.NAMESPACE: True)
    found = namespace.lab_of([address], Layout(tmp_path))
    assert (found is not None) == inside


def test_a_lab_that_only_root_may_see_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(path)

    monkeypatch.setattr(namespace, "exists", lambda name=namespace.NAMESPACE: True)
    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(LabError, match="needs root"):
        namespace.lab_of(["172.22.0.1"], Layout(tmp_path))
    assert namespace.lab_of(["10.0.0.1"], Layout(tmp_path)) is None


def test_faults_are_kept_by_name_and_host_and_run_out(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    faults.switch(file, "slow")
    faults.switch(file, "power-stuck", "lab-0", seconds=60)
    assert {(f.name, f.host) for f in faults.read(file)} == {("slow", None), ("power-stuck", "lab-0")}
    until = next(f.until for f in faults.read(file) if f.until is not None)
    assert [f.name for f in faults.read(file, now=until + 1)] == ["slow"]
    assert faults.switch(file, "slow", on=False)[0].name == "power-stuck"
    with pytest.raises(LabError, match="there are bios-ignored"):
        faults.switch(file, "gremlins")


def test_a_broken_faults_file_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text("{")
    assert faults.read(tmp_path / "faults.json") == ()


def test_kvm_off_is_off_and_kvm_on_without_kvm_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kvm.decide("off", tmp_path) is False
    monkeypatch.setattr(kvm, "usable", lambda kernel, seconds=20: False)
    assert kvm.decide("auto", tmp_path) is False
    with pytest.raises(LabError, match="--kvm"):
        kvm.decide("on", tmp_path)


def test_the_certificate_is_trusted_through_the_ca_for_its_address_and_made_once(tmp_path: Path) -> None:
    made = tls.ensure(tmp_path, "172.22.0.1")
    assert made.key.stat().st_mode & 0o777 == 0o600
    before = made.certificate.read_bytes()
    assert tls.ensure(tmp_path, "172.22.0.1").certificate.read_bytes() == before
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=str(made.ca))
    server.load_cert_chain(made.certificate, made.key)
    assert handshake(server, client, "172.22.0.1")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, client, "172.22.0.2")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, ssl.create_default_context(), "172.22.0.1")


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> bool:
    """A TLS handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    done: set[int] = set()
    for _ in range(10):
        for number, end in enumerate(ends):
            try:
                end.do_handshake()
                done.add(number)
            except ssl.SSLWantReadError:
                continue
    return done == {0, 1}
