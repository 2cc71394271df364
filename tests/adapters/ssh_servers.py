"""Servers for the tests of the SSH adapter: a real sshd of a normal user, and one of paramiko's that misbehaves."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import paramiko

from bpa.adapters.ssh import SshAccess
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
