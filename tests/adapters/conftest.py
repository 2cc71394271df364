from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from polling import until
from ssh_servers import Sshd, make_key

from bpa.adapters.ssh import Ssh, SshAccess


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
