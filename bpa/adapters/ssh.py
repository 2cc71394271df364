"""A host's operating system over SSH: pinned host key, argv instead of shell text, every output bounded.

Protocol: RFC 4252-4254 by paramiko; fingerprints as OpenSSH prints them (SHA256, base64 without padding).
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import re
import secrets
import select
import shlex
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from bpa.adapters.errors import Refused, Unreachable
from bpa.core.facts import Ran
from bpa.core.secret import Secret

CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS = 5
SILENCE_MILLISECONDS = 12_000
OUTPUT_BYTES = 1 << 20
"""Of each stream of one command, what is kept; the rest is read and thrown away."""
GRACE_SECONDS = 10.0

# Length is checked before the rename: a connection lost in mid-write looks to `cat` like the end of the file.
_WRITE = """set -eu
umask 077
d=$(dirname -- "$1")
mkdir -p -m 755 -- "$d"
find "$d" -maxdepth 1 -type f -name '.bpa.????????' -mmin +60 -exec rm -f -- {} + 2>/dev/null || :
t=$(mktemp -- "$d/.bpa.XXXXXXXX")
trap 'rm -f -- "$t"' EXIT
cat >"$t"
[ "$(wc -c <"$t")" -eq "$3" ] || { echo "only part of the content arrived" >&2; exit 9; }
chmod -- "$2" "$t"
sync -- "$t"
mv -f -T -- "$t" "$1"
sync -- "$d"
"""

# Without a handler of its own paramiko's tracebacks of every refused connection end on the terminal.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class SshAccess:
    """How to reach a host. key is the private key's text (OpenSSH or PEM, no passphrase); host_key the public host
    key that must answer, as in known_hosts without the name ("ssh-ed25519 AAAA..."), or several, one per line.
    sudo: username is not root but may run anything by `sudo -n`.
    """

    address: str
    key: Secret
    host_key: str
    port: int = 22
    username: str = "root"
    sudo: bool = False


class Ssh:
    """One connection to one host, made at the first need and kept. Not for use by two threads at once.

    Raises Unreachable (nobody answers, connection lost) and Refused (other host key, key not accepted, sudo says no).
    """

    def __init__(self, access: SshAccess) -> None:
        self._access = access
        self._transport: paramiko.Transport | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Connect and authenticate, unless that is done already."""
        if self._transport is not None and self._transport.is_active():
            return
        self.close()
        key, pinned, where = _private_key(self._access.key), _pinned(self._access.host_key), self._where
        try:
            sock = socket.create_connection((self._access.address, self._access.port), timeout=CONNECT_SECONDS)
        except OSError as error:
            raise Unreachable(f"SSH at {where}: {error.strerror or error}") from error
        with ExitStack() as undo:
            undo.callback(sock.close)
            # Many small messages that wait for each other: Nagle's algorithm costs 80 ms per command.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A host that restarts says no goodbye: what it does not acknowledge in this time ends the connection.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MILLISECONDS)
            try:
                transport = paramiko.Transport(sock)
                undo.callback(transport.close)
                _prefer(transport, pinned)
                transport.start_client(timeout=CONNECT_SECONDS)
                _same_host(transport, pinned, where)
                transport.set_keepalive(KEEPALIVE_SECONDS)
                transport.auth_timeout = CONNECT_SECONDS
                if transport.auth_publickey(self._access.username, key):
                    raise Refused(f"SSH at {where} wants more than the key of {self._access.username}")
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise _said(error, where, self._access.username) from error
            undo.pop_all()
        self._transport = transport

    def run(self, argv: Sequence[str], stdin: str | None = None, timeout: float = 60) -> Ran:
        """Run argv as root (by sudo where access says so) with LC_ALL=C and return what came of it.

        timeout is in seconds: then the command is terminated on the host and exit_code is None. Output beyond
        OUTPUT_BYTES of a stream is dropped, which stderr then says. Bytes that are not UTF-8 are replaced.
        """
        started = time.monotonic()
        with ExitStack() as closing:
            try:
                self.connect()
                assert self._transport is not None
                channel = self._transport.open_session(timeout=CONNECT_SECONDS)
                closing.callback(channel.close)
                channel.exec_command(self._command(argv, timeout))
                ran = _collect(channel, (stdin or "").encode(), started + timeout + GRACE_SECONDS)
            except (OSError, EOFError, paramiko.SSHException) as error:
                self.close()
                raise Unreachable(f"SSH connection to {self._where} lost: {error or type(error).__name__}") from error
        return self._judged(ran, started, timeout)

    def ask(self, questions: Mapping[str, Sequence[str]], timeout: float = 120) -> dict[str, Ran]:
        """Run several commands that only look, in one round trip: name -> argv to name -> Ran.

        Two run at a time: most of a look is short processes. timeout is for all together; those that were not reached
        have no exit code. stderr comes without its last newlines.
        """
        token = secrets.token_hex(16)
        ran = self.run(("sh", "-c", _in_two_halves(questions, token)), timeout=timeout)
        # A part that was cut off by the time limit lacks its end and is not found.
        said = re.findall(rf"\n{token} begin ([0-9]+)\n(.*?)\n{token} code ([0-9]+)\n(.*?)\n{token} end\n", ran.stdout, re.DOTALL)
        names = list(questions)
        found = {names[int(number)]: Ran(int(code), stdout, stderr) for number, stdout, code, stderr in said}
        return {name: found.get(name, Ran(None, stderr=ran.stderr[-400:])) for name in questions}

    def _command(self, argv: Sequence[str], timeout: float) -> str:
        # timeout(1) ends the command on the host itself; closing a channel would leave it running there.
        guarded = ("env", "LC_ALL=C", "timeout", "-k", "5", f"{timeout:g}", *argv)
        return shlex.join(("sudo", "-n", "--", *guarded) if self._access.sudo else guarded)

    def _judged(self, ran: Ran, started: float, timeout: float) -> Ran:
        if ran.exit_code == -1:
            if self._transport is None or not self._transport.is_active():
                self.close()
                raise Unreachable(f"SSH connection to {self._where} lost while a command ran")
            return Ran(255, ran.stdout, ran.stderr)
        if ran.exit_code in (124, 137) and time.monotonic() - started >= timeout:
            return Ran(None, ran.stdout, ran.stderr)
        if self._access.sudo and ran.exit_code == 1 and ran.stderr.startswith("sudo: "):
            raise Refused(f"{self._access.username}@{self._where}: {ran.stderr.strip().splitlines()[0]}",
                          f"give {self._access.username} NOPASSWD in sudoers, or use root")
        return ran

    def write_file(self, path: str, content: str, mode: int = 0o644) -> None:
        """Replace the file at path (absolute) as a whole: temporary file beside it, fsync, rename; makes its directory.

        Raises Refused with what the host said (disk full, read-only file system, a directory in its place).
        """
        data = content.encode()
        ran = self.run(("sh", "-c", _WRITE, "sh", path, f"{mode:o}", str(len(data))), stdin=content)
        if ran.exit_code != 0:
            raise Refused(f"{path} could not be written on {self._where}: {ran.stderr.strip() or 'it took too long'}")

    def restart(self) -> None:
        """`systemctl reboot`; that the connection is lost over it is no error."""
        try:
            ran = self.run(("systemctl", "reboot"), timeout=30)
        except Unreachable:
            return
        self.close()
        if ran.exit_code not in (0, 255):
            raise Refused(f"{self._where} would not restart: {ran.stderr.strip()}")

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    @property
    def _where(self) -> str:
        return self._access.address if self._access.port == 22 else f"{self._access.address} port {self._access.port}"


def _in_two_halves(questions: Mapping[str, Sequence[str]], token: str) -> str:
    """A script whose output has a part for each question, by number. No temporary files: the second half's output waits in a
    pipe until the first half is through.
    """
    parts = [f"printf '\\n{token} begin {number}\\n'; said=$({shlex.join(argv)} </dev/null 2>&1 >&3); "
             f"printf '\\n{token} code %d\\n%s\\n{token} end\\n' $? \"$said\"\n"
             for number, argv in enumerate(questions.values())]
    first, second = ("{ " + "".join(half) + "} 3>&1" if half else ":" for half in (parts[::2], parts[1::2]))
    return f"{second} | {{ {first} >&4; cat; }} 4>&1"


def fingerprint(blob: bytes) -> str:
    """The fingerprint of a public key blob (RFC 4253 6.6) as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _collect(channel: paramiko.Channel, stdin: bytes, deadline: float) -> Ran:
    """Feed stdin and read both outputs at once: one after the other blocks as soon as a window is full."""
    kept = {"out": bytearray(), "err": bytearray()}
    dropped = 0
    unsent = memoryview(stdin)
    if not stdin and not channel.closed:
        channel.shutdown_write()
    while True:
        if unsent and channel.send_ready():
            try:
                unsent = unsent[channel.send(bytes(unsent[:32768])):]
                if not unsent:
                    channel.shutdown_write()
            except OSError:
                # The command ended without reading all; its exit status says whether that matters.
                unsent = memoryview(b"")
        for name, ready, read in (("out", channel.recv_ready, channel.recv),
                                  ("err", channel.recv_stderr_ready, channel.recv_stderr)):
            if ready():
                piece = read(65536)
                room = OUTPUT_BYTES - len(kept[name])
                kept[name] += piece[:room]
                dropped += max(0, len(piece) - room)
        ended = channel.closed or (channel.exit_status_ready() and channel.eof_received)
        if ended and not channel.recv_ready() and not channel.recv_stderr_ready():
            code: int | None = channel.recv_exit_status() if channel.exit_status_ready() else -1
            break
        left = deadline - time.monotonic()
        if left <= 0:
            code = None
            break
        if not channel.recv_ready() and not channel.recv_stderr_ready():
            # The window for stdin and the exit status do not wake select(); output and the end do.
            select.select([channel], [], [], min(left, 0.02 if unsent or channel.eof_received else 0.5))
    note = f"\n[{dropped} bytes of output dropped]" if dropped else ""
    return Ran(code, kept["out"].decode(errors="replace"), kept["err"].decode(errors="replace") + note)


def _private_key(secret: Secret) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(secret.reveal()))
        except (paramiko.SSHException, ValueError, IndexError, UnicodeError, TypeError):
            continue
    # `from None` and no cause: parser errors may quote what they parsed.
    raise Refused("the SSH private key cannot be read",
                  "give an OpenSSH key without passphrase: ssh-keygen -t ed25519 -N ''") from None


def _pinned(text: str) -> dict[bytes, str]:
    keys: dict[bytes, str] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2:
            try:
                keys[base64.b64decode(words[1], validate=True)] = words[0]
            except ValueError:
                raise Refused(f"the pinned SSH host key is not a public key: {line[:60]!r}") from None
    if not keys:
        raise Refused("no SSH host key is pinned for this host", "deploy it through BPA, or give its public host key")
    return keys


def _prefer(transport: paramiko.Transport, pinned: dict[bytes, str]) -> None:
    """Ask first for the pinned key's type; the others stay allowed so that a wrong key can be named."""
    options = transport.get_security_options()
    wanted = set(pinned.values())
    if "ssh-rsa" in wanted:
        wanted |= {"rsa-sha2-512", "rsa-sha2-256"}
    options.key_types = tuple(sorted(options.key_types, key=lambda kind: kind not in wanted))


def _same_host(transport: paramiko.Transport, pinned: dict[bytes, str], where: str) -> None:
    found = transport.get_remote_server_key()
    if found.asbytes() not in pinned:
        raise Refused(
            f"another SSH host key answers at {where}: pinned {', '.join(map(fingerprint, pinned))}, "
            f"found {fingerprint(found.asbytes())} ({found.get_name()}); nothing was sent to it",
            "another machine has this address, or the host was installed anew by hand: check the address, then deploy "
            "it again through BPA or give its new host key",
        )


def _said(error: Exception, where: str, username: str) -> Refused | Unreachable:
    if isinstance(error, IncompatiblePeer):
        return Refused(f"SSH at {where}: no common algorithm: {error}")
    # paramiko reports a time-out and a lost connection during authentication by the same exception as a "no".
    lost = any(word in str(error) for word in ("timeout", "EOF"))
    if isinstance(error, paramiko.AuthenticationException) and not lost:
        return Refused(f"SSH at {where} does not accept our key for {username}",
                       f"the image must let {username} in by the config drive's key; see cloud-init on its console")
    # "No existing session" is how paramiko says that the server took the connection and then kept silent.
    said = "no answer in time" if "No existing session" in str(error) else str(error) or type(error).__name__
    return Unreachable(f"SSH at {where} does not answer as it should (yet): {said}")
