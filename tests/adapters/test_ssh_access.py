"""Whom SSH talks to and as whom: keys of the host and ours, sudo, and servers that are not there or misbehave."""

from __future__ import annotations

import base64
import socket
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from ssh_servers import FakeServer, Sshd, make_key

from bpa.adapters.errors import Refused, Unreachable
from bpa.adapters.ssh import Ssh, fingerprint
from bpa.core.secret import Secret


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
