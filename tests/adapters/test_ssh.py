"""The SSH adapter against a real sshd of a normal user, and against servers that misbehave."""

from __future__ import annotations

import base64
import getpass
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import paramiko
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import until

from bpa.adapters.errors import Refused, Unreachable
from bpa.adapters.ssh import OUTPUT_BYTES, Ssh, SshAccess, fingerprint
from bpa.core.facts import Ran
from bpa.core.secret import Secret

AUTH_SUCCESSFUL = OPEN_SUCCEEDED = 0
"""RFC 4252 and 4254: both are zero in paramiko's interface."""


def make_key(path: Path, kind: str = "ed25519") -> tuple[Secret, str]:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path], check=True)
    return Secret(path.read_text()), " ".join(path.with_suffix(".pub").read_text().split()[:2])


@dataclass(frozen=True)
class Sshd:
    access: SshAccess
    folder: Path
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A real sshd, run by whoever runs the tests, on a port of loopback that was free a moment ago."""
    folder = tmp_path_factory.mktemp("sshd")
    server = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    assert server, "the tests need openssh-server"
    key, public = make_key(folder / "client")
    _, host_key = make_key(folder / "host")
    make_key(folder / "rsahost", "rsa")
    (folder / "authorized").write_text(public + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nHostKey {folder}/rsahost\n"
        f"AuthorizedKeysFile {folder}/authorized\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "UsePAM no\nStrictModes no\nPidFile none\nPermitRootLogin prohibit-password\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen([server, "-D", "-e", "-f", folder / "config"], stderr=subprocess.DEVNULL)
    access = SshAccess("127.0.0.1", key, host_key, port, getpass.getuser())
    try:
        until(lambda: socket.create_connection(("127.0.0.1", port)), lambda probe: probe.close() is None,
              ignore=ConnectionError)
        yield Sshd(access, folder, process)
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def ssh(sshd: Sshd) -> Iterator[Ssh]:
    with Ssh(sshd.access) as connection:
        yield connection


def test_exit_code_and_both_outputs_come_back(ssh: Ssh) -> None:
    ran = ssh.run(("sh", "-c", "echo out; echo err >&2; exit 7"))
    assert (ran.exit_code, ran.stdout, ran.stderr) == (7, "out\n", "err\n")


def test_stdin_reaches_the_command_beyond_any_window(ssh: Ssh) -> None:
    text = "0123456789abcdef" * 20000
    assert ssh.run(("wc", "-c"), stdin=text).stdout.split() == [str(len(text))]
    assert ssh.run(("cat",), stdin=text).stdout == text


def test_an_unread_stdin_is_no_trouble(ssh: Ssh) -> None:
    assert ssh.run(("true",), stdin="x" * 5_000_000).exit_code == 0


def test_output_is_bounded_and_says_so(ssh: Ssh) -> None:
    ran = ssh.run(("head", "-c", str(OUTPUT_BYTES + 5), "/dev/zero"))
    assert ran.exit_code == 0
    assert len(ran.stdout) == OUTPUT_BYTES
    assert "5 bytes of output dropped" in ran.stderr


def test_a_command_over_its_time_has_no_exit_code_and_is_ended_on_the_host(ssh: Ssh, tmp_path: Path) -> None:
    ran = ssh.run(("sh", "-c", 'echo $$ >"$0"; exec sleep 1000', str(tmp_path / "pid")), timeout=0.5)
    assert ran.exit_code is None
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_command_may_itself_exit_with_the_code_of_timeout(ssh: Ssh) -> None:
    assert ssh.run(("sh", "-c", "exit 124")).exit_code == 124


def test_bytes_that_are_not_text_are_replaced(ssh: Ssh) -> None:
    assert ssh.run(("printf", r"\377ok")).stdout == "\ufffdok"


def test_a_command_that_does_not_exist_is_127(ssh: Ssh) -> None:
    assert ssh.run(("no-such-command-anywhere",)).exit_code == 127


def test_the_locale_is_the_same_everywhere(ssh: Ssh) -> None:
    assert ssh.run(("printenv", "LC_ALL")).stdout == "C\n"


def test_questions_are_answered_by_name_in_one_round_trip(ssh: Ssh) -> None:
    asked = {f"q{n}": ("sh", "-c", f"cat; printf 'out {n}'; echo err {n} >&2; exit {n}") for n in range(20)}
    assert ssh.ask(asked) == {f"q{n}": Ran(n, f"out {n}", f"err {n}") for n in range(20)}
    assert ssh.ask({}) == {}


def test_a_question_that_takes_too_long_leaves_the_other_answers(ssh: Ssh) -> None:
    # Two run at a time: the first, the third and so on, and beside them the second, the fourth and so on.
    asked = {"quick": ("echo", "hello"), "beside": ("true",), "slow": ("sleep", "1000"), "too": ("true",), "after": ("true",)}
    answers = ssh.ask(asked, timeout=0.5)
    assert answers["quick"] == Ran(0, "hello\n")
    assert answers["slow"].exit_code is None
    assert answers["after"].exit_code is None


def test_an_answer_longer_than_a_pipe_is_whole(ssh: Ssh) -> None:
    long = ("sh", "-c", "head -c 200000 /dev/zero | tr '\\0' x")
    assert [len(ran.stdout) for ran in ssh.ask({str(number): long for number in range(4)}).values()] == [200000] * 4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30), max_size=5))
def test_arguments_arrive_as_they_were_given(shared: Ssh, words: list[str]) -> None:
    ran = shared.run(("printf", r"%s\0", *words))
    assert ran.stdout == "".join(word + "\0" for word in words or [""])


@pytest.fixture(scope="module")
def shared(sshd: Sshd) -> Iterator[Ssh]:
    with Ssh(sshd.access) as connection:
        yield connection


def test_a_file_is_written_whole_with_its_mode_and_its_directories(ssh: Ssh, tmp_path: Path) -> None:
    path = tmp_path / "new dir" / "-x; touch pwned"
    ssh.write_file(str(path), "first\n")
    ssh.write_file(str(path), "grüße\n'$HOME'", mode=0o600)
    assert path.read_text() == "grüße\n'$HOME'"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_a_power_failure_left_of_an_earlier_write_goes_and_one_under_way_stays(ssh: Ssh, tmp_path: Path) -> None:
    for name, age in ((".bpa.Ab3dEf9h", 7200.0), (".bpa.Zz3dEf9h", 60.0), (".bpa.theirs", 7200.0)):
        (tmp_path / name).write_text("half")
        changed = time.time() - age
        os.utime(tmp_path / name, (changed, changed))
    ssh.write_file(str(tmp_path / "new"), "x")
    assert {path.name for path in tmp_path.iterdir()} == {"new", ".bpa.Zz3dEf9h", ".bpa.theirs"}


def test_an_empty_file_can_be_written(ssh: Ssh, tmp_path: Path) -> None:
    ssh.write_file(str(tmp_path / "empty"), "")
    assert (tmp_path / "empty").read_bytes() == b""


def test_writing_over_a_directory_is_refused_and_leaves_nothing(ssh: Ssh, tmp_path: Path) -> None:
    (tmp_path / "there" / "inside").mkdir(parents=True)
    with pytest.raises(Refused, match="could not be written"):
        ssh.write_file(str(tmp_path / "there"), "x")
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


def test_content_cut_off_on_the_way_is_not_put_in_place(ssh: Ssh, tmp_path: Path) -> None:
    from bpa.adapters.ssh import _WRITE

    path = tmp_path / "file"
    path.write_text("old")
    ran = ssh.run(("sh", "-c", _WRITE, "sh", str(path), "644", "100"), stdin="only this much")
    assert ran.exit_code == 9
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_another_host_key_is_refused_naming_both_fingerprints(sshd: Sshd, tmp_path: Path) -> None:
    _, other = make_key(tmp_path / "other")
    with pytest.raises(Refused) as caught:
        Ssh(replace(sshd.access, host_key=other)).run(("true",))
    for public in (other, sshd.access.host_key):
        assert fingerprint(base64.b64decode(public.split()[1])) in str(caught.value)
    assert "check the address" in caught.value.advice


def test_fingerprints_are_those_of_ssh_keygen(sshd: Sshd) -> None:
    printed = subprocess.run(["ssh-keygen", "-lf", sshd.folder / "host.pub"], check=True, capture_output=True, text=True)
    assert fingerprint(base64.b64decode(sshd.access.host_key.split()[1])) == printed.stdout.split()[1]


def test_an_rsa_host_key_can_be_pinned_though_the_server_has_others(sshd: Sshd) -> None:
    rsa = " ".join((sshd.folder / "rsahost.pub").read_text().split()[:2])
    with Ssh(replace(sshd.access, host_key=rsa)) as ssh:
        assert ssh.run(("true",)).exit_code == 0


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_client_key_work(sshd: Sshd, tmp_path: Path, kind: str) -> None:
    key, public = make_key(tmp_path / "key", kind)
    authorized = sshd.folder / "authorized"
    authorized.write_text(authorized.read_text() + public + "\n")
    with Ssh(replace(sshd.access, key=key)) as ssh:
        assert ssh.run(("true",)).exit_code == 0


def test_a_key_that_is_not_accepted_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    key, _ = make_key(tmp_path / "stranger")
    with pytest.raises(Refused, match="does not accept our key"):
        Ssh(replace(sshd.access, key=key)).connect()


@pytest.mark.parametrize("text", ["", "not a key", "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRETSECRET\n"
                                  "-----END OPENSSH PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\nAA\n"])
def test_an_unreadable_private_key_is_refused_without_showing_it(sshd: Sshd, text: str) -> None:
    with pytest.raises(Refused, match="cannot be read") as caught:
        Ssh(replace(sshd.access, key=Secret(text))).connect()
    assert "SECRET" not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 !!!notbase64"])
def test_without_a_pinned_host_key_nothing_is_asked(sshd: Sshd, text: str) -> None:
    with pytest.raises(Refused, match=r"host key"):
        Ssh(replace(sshd.access, host_key=text)).connect()


def test_secrets_do_not_show_in_the_access(sshd: Sshd) -> None:
    assert "PRIVATE" not in repr(sshd.access)


def test_nobody_listening_is_unreachable(sshd: Sshd) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        access = replace(sshd.access, port=taken.getsockname()[1])
        with pytest.raises(Unreachable, match="refused"):
            Ssh(access).run(("true",))


def test_sudo_that_wants_a_password_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    tool = tmp_path / "sudo"
    tool.write_text('#!/bin/sh\necho "sudo: a password is required" >&2\nexit 1\n')
    tool.chmod(0o755)
    with FakeServer(str(tmp_path)) as server, \
            pytest.raises(Refused, match="a password is required") as caught:
        Ssh(replace(server.access(sshd.access), sudo=True)).run(("true",))
    assert "NOPASSWD" in caught.value.advice


def test_sudo_stands_before_the_command(sshd: Sshd, tmp_path: Path) -> None:
    tool = tmp_path / "sudo"
    tool.write_text('#!/bin/sh\nprintf "%s " "$@"\n')
    tool.chmod(0o755)
    with FakeServer(str(tmp_path)) as server, Ssh(replace(server.access(sshd.access), sudo=True)) as ssh:
        assert ssh.run(("id", "a b")).stdout == "-n -- env LC_ALL=C timeout -k 5 60 id a b "


@pytest.mark.parametrize("trouble", ["silent-close", "garbage", "cut-in-command", "cut-in-auth"])
def test_a_connection_that_breaks_is_unreachable(sshd: Sshd, trouble: str) -> None:
    with FakeServer(trouble=trouble) as server, pytest.raises(Unreachable):
        Ssh(server.access(sshd.access)).run(("true",))


def test_a_lost_connection_is_made_anew_by_the_next_command(sshd: Sshd) -> None:
    with Ssh(sshd.access) as ssh:
        assert ssh.run(("true",)).exit_code == 0
        assert ssh._transport is not None
        ssh._transport.sock.shutdown(socket.SHUT_RDWR)
        with suppress(Unreachable):  # whether this one meets the dead connection depends on who notices first
            ssh.run(("true",))
        assert ssh.run(("true",)).exit_code == 0


class FakeServer(paramiko.ServerInterface):
    """A paramiko server that runs commands with `path` first in PATH, or gets into `trouble`."""

    def __init__(self, path: str = "", trouble: str = "") -> None:
        self.path, self.trouble = path, trouble
        self.key = paramiko.ECDSAKey.generate()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.transports: list[paramiko.Transport] = []

    def __enter__(self) -> FakeServer:
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        for transport in self.transports:
            transport.close()

    def access(self, access: SshAccess) -> SshAccess:
        return replace(access, host_key=f"{self.key.get_name()} {self.key.get_base64()}",
                       port=self.listener.getsockname()[1])

    def serve(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if self.trouble in ("silent-close", "garbage"):
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n" * 200 if self.trouble == "garbage" else b"")
                sock.close()
                continue
            transport = paramiko.Transport(sock)
            self.transports.append(transport)
            transport.add_server_key(self.key)
            transport.start_server(event=threading.Event(), server=self)

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        if self.trouble == "cut-in-auth":
            self.transports[-1].close()
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        def work() -> None:
            if self.trouble == "cut-in-command":
                self.transports[-1].close()
                return
            environment = dict(os.environ, PATH=f"{self.path}:{os.environ['PATH']}")
            done = subprocess.run(["sh", "-c", command.decode()], env=environment, capture_output=True, check=False)
            channel.sendall(done.stdout)
            channel.sendall_stderr(done.stderr)
            channel.send_exit_status(done.returncode)
            channel.close()

        threading.Thread(target=work, daemon=True).start()
        return True
