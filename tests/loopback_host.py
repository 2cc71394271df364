"""For benchmarks: a real sshd on loopback, alone or on a host of its own, and a wire that delays and counts.

The host is a mount namespace (bench/namespace.sh): its /etc, /boot, /run, /sys and /proc/sys are copies or inventions, and
tools that would act on the kernel act on these. What runs there does not reach the machine's own. Needs root.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bpa.adapters.ssh import SshAccess
from bpa.core.secret import Secret
from tests.polling import until

HERE = Path(__file__).parent / "bench"


@dataclass(frozen=True)
class Loopback:
    """An sshd that answers: how BPA reaches it, and the files by which others do."""

    access: SshAccess
    folder: Path

    @property
    def port(self) -> int:
        return self.access.port

    def ssh(self, port: int) -> list[str]:
        """OpenSSH's client, as Ansible calls it but for what it keeps open."""
        return ["ssh", "-p", str(port), "-i", str(self.folder / "client"), "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", f"{self.access.username}@127.0.0.1"]


def _key(path: Path) -> tuple[Secret, str]:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return Secret(path.read_text()), " ".join(path.with_suffix(".pub").read_text().split()[:2])


@contextmanager
def loopback(folder: Path, own: bool = False) -> Iterator[Loopback]:
    """An sshd on a free port of loopback; own: on a host of its own. Ends with the block."""
    server = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    if server is None:
        raise SystemExit("the benchmark needs openssh-server")
    folder.mkdir(parents=True)
    key, public = _key(folder / "client")
    _, host_key = _key(folder / "host")
    (folder / "authorized").write_text(public + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "config"
    config.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\n"
        f"PermitRootLogin prohibit-password\nMaxSessions 50\nSubsystem sftp internal-sftp\n"
        "SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n")
    argv = [server, "-D", "-e", "-f", str(config)]
    if own:
        (folder / "root").mkdir()
        argv = ["unshare", "--mount", "--propagation", "private", "sh", str(HERE / "namespace.sh"), str(folder / "root"), server,
                str(config), str(HERE)]
    elif os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen(argv, stderr=log)
    try:
        until(lambda: socket.create_connection(("127.0.0.1", port)), lambda one: one.close() is None, seconds=20,
              ignore=ConnectionError)
        yield Loopback(SshAccess("127.0.0.1", key, host_key, port, getpass.getuser()), folder)
    finally:
        process.terminate()
        process.wait()


class Wire:
    """A TCP proxy on loopback that holds every byte back for half the round trip, and counts.

    turns: how often the client spoke after the server had: what a round trip is, as an application has them.
    """

    def __init__(self, to: int, milliseconds: float) -> None:
        self.to, self.delay = to, milliseconds / 2000
        self.sent = self.received = self.turns = self.connections = 0
        self._server_spoke = True
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def __enter__(self) -> Wire:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()

    def _stop(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)

    def clear(self) -> None:
        self.sent = self.received = self.turns = self.connections = 0
        self._server_spoke = True

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        # A connection is there after a round trip of its own.
        await asyncio.sleep(2 * self.delay)
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.to)
        for one in (writer, there_writer):
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(asyncio.CancelledError, ConnectionError):
            await asyncio.gather(self._carry(reader, there_writer, True), self._carry(there_reader, writer, False))
        writer.close()
        there_writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: bool) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await queue.get()
                if (left := due - self._loop.time()) > 0:
                    await asyncio.sleep(left)
                if not data:
                    writer.close()
                    return
                writer.write(data)

        delivering = asyncio.ensure_future(deliver())
        while True:
            try:
                data = await reader.read(65536)
            except ConnectionError:
                data = b""
            self._count(len(data), client)
            queue.put_nowait((self._loop.time() + self.delay, data))
            if not data:
                break
        with suppress(ConnectionError):
            await delivering

    def _count(self, size: int, client: bool) -> None:
        if client:
            self.sent += size
            if size and self._server_spoke:
                self.turns += 1
                self._server_spoke = False
        else:
            self.received += size
            self._server_spoke = self._server_spoke or bool(size)
