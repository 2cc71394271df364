"""One kept-alive HTTP/1.1 connection to a BMC, on which nothing can last longer than it may, drops of bytes included.

http.client and not sushy's connector: that one is not for two threads, cannot pin a certificate, and asks again by itself.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import http.client
import io
import select
import socket
import ssl
import time
import zlib
from pathlib import Path
from typing import Any

from bpa.adapters.errors import Refused
from bpa.adapters.redfish.transport.answers import Endless
from bpa.adapters.redfish.transport.response import Headers, Response

CONNECT_SECONDS = 5.0


class Connection(http.client.HTTPConnection):
    """verify: True, a CA bundle's path, or False; pin: SHA-256 of the one certificate that is accepted instead ("" = none).

    Raises what socket, ssl and http.client raise; Refused where the certificate is not the pinned one, before a byte is said.
    """

    def __init__(self, scheme: str, host: str, port: int | None, verify: bool | str, pin: str = "") -> None:
        super().__init__(host, port or (443 if scheme == "https" else 80), timeout=CONNECT_SECONDS)
        self._origin = f"{scheme}://[{host}]" if ":" in host else f"{scheme}://{host}"
        self._origin += f":{port}" if port else ""
        self._tls = None if scheme != "https" else tls_context(False if pin else verify)
        self._pin = pin
        self._clock = _Clock()
        self.used = False

    def connect(self) -> None:
        """Also does the TLS handshake, and checks the pin."""
        plain = socket.create_connection((self.host, self.port), CONNECT_SECONDS)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock = plain
            if self._tls is not None:
                # With its own timeout a handshake ends in time as a whole: Python counts it as one operation.
                plain.settimeout(CONNECT_SECONDS * 2)
                wrapped = self._tls.wrap_socket(plain, server_hostname=self.host)
                self.sock = wrapped
                if self._pin:
                    self._check_pin(wrapped)
        except BaseException:
            (self.sock or plain).close()
            self.sock = None
            raise
        self.sock = _TimedSocket(self.sock, self._clock)

    def ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str],
            silence: float, deadline: float, limit: int) -> Response:
        """One request and its whole answer. silence: seconds without a byte; deadline: monotonic time; limit: bytes.

        Raises Endless where the answer is longer or later than that.
        """
        self._clock.start(silence, deadline)
        self.request(method, path, body, headers)
        answer = self.getresponse()
        self.used = True
        raw = _read(answer, limit)
        head = Headers(answer.msg.raw_items())  # as decoded by http.client; items() would look for e-mail's encodings
        return Response(answer.status, head, _unpacked(raw, head.get("Content-Encoding", ""), limit), method, path)

    @property
    def dropped(self) -> bool:
        """Whether the other end has hung up (or says something out of turn) since the last answer."""
        if self.sock is None:
            return True
        poll = select.poll()
        poll.register(self.sock.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _check_pin(self, wrapped: ssl.SSLSocket) -> None:
        shown = hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()
        if not hmac.compare_digest(shown, self._pin.lower()):
            raise Refused(
                f"{self._origin} shows another certificate than the pinned one: pinned SHA-256 {self._pin.lower()}, "
                f"shown {shown}",
                "if it was renewed on purpose: bpa bmc trust ADDRESS; if not, somebody stands in between: find out who",
            )


class _Clock:
    """What the request under way may take."""

    def __init__(self) -> None:
        self.silence, self.deadline, self.heard = CONNECT_SECONDS, 0.0, False

    def start(self, silence: float, deadline: float) -> None:
        self.silence, self.deadline, self.heard = silence, deadline, False


class _TimedSocket:
    """The few calls of a socket that http.client makes, each with what is left of the time."""

    def __init__(self, sock: Any, clock: _Clock) -> None:
        self._sock, self._clock = sock, clock
        self.fileno, self.close, self.setsockopt = sock.fileno, sock.close, sock.setsockopt

    def sendall(self, data: Any) -> None:
        self._sock.settimeout(self._clock.silence)
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, self._clock), 65536)


class _TimedReader(io.RawIOBase):
    def __init__(self, sock: Any, clock: _Clock) -> None:
        self._sock, self._clock = sock, clock
        # Counts as one more user of the socket, so that an answer outlives its connection where the server closes it.
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._clock.deadline - time.monotonic()
        if left <= 0:
            raise Endless
        self._sock.settimeout(min(left, self._clock.silence))
        try:
            count: int | None = self._raw.readinto(buffer)
        except TimeoutError:
            if self._clock.heard and left < self._clock.silence:
                raise Endless from None
            raise
        self._clock.heard = True
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def _read(answer: http.client.HTTPResponse, limit: int) -> bytes:
    if (answer.length or 0) > limit:
        raise Endless
    parts, size = [], 0
    while part := answer.read(65536):
        parts.append(part)
        size += len(part)
        if size > limit:
            raise Endless
    if answer.length:
        # http.client tells of a missing rest only where all is read at once.
        raise http.client.IncompleteRead(b"", answer.length)
    return b"".join(parts)


def _unpacked(raw: bytes, encoding: str, limit: int) -> bytes:
    if not raw or encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return raw
    packed = zlib.decompressobj(47)  # zlib or gzip, by the header
    try:
        data = packed.decompress(raw, limit)
    except zlib.error as error:
        raise http.client.HTTPException(f"a {encoding} answer that is none: {error}") from None
    if packed.unconsumed_tail:
        raise Endless
    if not packed.eof:
        raise http.client.IncompleteRead(b"")
    return data


def tls_context(verify: bool | str) -> ssl.SSLContext:
    """The TLS settings for a way to verify; made once for all BMCs, for the CA list alone is a megabyte."""
    changed = Path(verify).stat().st_mtime if isinstance(verify, str) else 0.0
    return _context(verify, changed)


@functools.lru_cache(maxsize=32)
def _context(verify: bool | str, changed: float) -> ssl.SSLContext:
    if verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if verify is True:
        return ssl.create_default_context()
    path = Path(verify)
    return ssl.create_default_context(cafile=None if path.is_dir() else verify, capath=verify if path.is_dir() else None)
