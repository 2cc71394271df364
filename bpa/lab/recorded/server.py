"""The HTTP side: one thread and one event loop for any number of machines, each on a port of its own."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus

from bpa.lab.recorded import reading
from bpa.lab.recorded.exchange import Doc, Headers, Reply, Request
from bpa.lab.recorded.machine import Machine

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 16 * 1024 * 1024
TICK = 0.25
"""Seconds between looks at what is due, while somebody listens to events."""
PHRASES = {s.value: s.phrase for s in HTTPStatus}


class Server:
    """Listens from `add` on, until `close`. One per process is enough for hundreds of machines."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="recorded-machines", daemon=True)
        self._thread.start()
        self._servers: list[asyncio.Server] = []
        self._open: set[_Connection] = set()

    def add(self, machine: Machine, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> str:
        """Serve a machine; its base URL. Raises OSError where the port is taken."""
        server = asyncio.run_coroutine_threadsafe(self._listen(machine, address, port, tls), self._loop).result()
        taken = server.sockets[0].getsockname()[1]
        host = f"[{address}]" if ":" in address else address
        machine.address = f"{'https' if tls else 'http'}://{host}:{taken}"
        return machine.address

    def close(self) -> None:
        """Stop listening, and hang up on everybody."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self, machine: Machine, address: str, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
        server = await self._loop.create_server(
            lambda: _Connection(machine, self._open), address, port, ssl=tls, backlog=256)
        self._servers.append(server)
        return server

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        for connection in list(self._open):
            connection.abort()
        # One turn of the loop, for the transports to say good-bye.
        await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """HTTP/1.1, one request at a time, each answer in one write."""

    def __init__(self, machine: Machine, known: set[_Connection]) -> None:
        self._machine = machine
        self._known = known
        self._loop = asyncio.get_running_loop()
        self._waiting = bytearray()
        self._busy = False
        self._continued = False
        self._unlisten: Callable[[], None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._known.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._known.discard(self)
        if self._unlisten:
            self._unlisten()

    def abort(self) -> None:
        """Hang up."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        self._next()

    def _next(self) -> None:
        while not self._busy and self._waiting and not self._transport.is_closing():
            end = self._waiting.find(b"\r\n\r\n")
            if end < 0:
                if len(self._waiting) > HEAD_LIMIT:
                    self._fail(431)
                return
            lines = bytes(self._waiting[:end]).decode("latin-1").lstrip("\r\n").split("\r\n")
            first = lines[0].split(" ")
            if len(first) != 3 or not first[2].startswith("HTTP/1."):
                self._fail(400)
                return
            headers = Headers((n.strip(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:]))
            body = self._body(headers, end + 4)
            if body is None:
                return
            self._continued = False
            self._serve(Request(first[0], first[1], headers, body), first[2])

    def _body(self, headers: Headers, start: int) -> bytes | None:
        """The request's body, taken from what waits; None where it is not complete yet."""
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            taken = _unchunked(self._waiting, start)
            body, end = taken if taken else (b"", 0)
        else:
            length = headers.get("Content-Length", "0")
            if not length.isdecimal() or int(length) > BODY_LIMIT:
                self._fail(413 if length.isdecimal() else 400)
                return None
            end = start + int(length) if len(self._waiting) >= start + int(length) else 0
            body = bytes(self._waiting[start:end])
        if not end:
            if headers.get("Expect", "").lower() == "100-continue" and not self._continued:
                self._continued = True
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        del self._waiting[:end]
        return body

    def _serve(self, request: Request, version: str) -> None:
        reply = self._machine.answer(request)
        told = request.headers.get("Connection", "").lower()
        closes = "close" in told or (version == "HTTP/1.0" and "keep-alive" not in told)
        self._busy = True
        if reply.delay:
            self._loop.call_later(reply.delay, self._write, request, reply, closes)
        else:
            self._write(request, reply, closes)

    def _write(self, request: Request, reply: Reply, closes: bool) -> None:
        if self._transport.is_closing():
            return
        if reply.cut == -1:
            self._transport.abort()
            return
        body = b"" if reply.body is None else reading.encoded(reply.body)
        head = _head(self._machine, reply, len(body), closes or reply.cut is not None)
        if request.method == "HEAD":
            body = b""
        if reply.stream:
            self._transport.write(head)
            self._listen()
            return
        sent = body if reply.cut is None else body[: reply.cut]
        if reply.trickle:
            self._transport.write(head)
            self._drop(sent, 0, reply, closes)
            return
        self._transport.write(head + sent)
        self._over(closes or reply.cut is not None)

    def _drop(self, body: bytes, at: int, reply: Reply, closes: bool) -> None:
        if self._transport.is_closing():
            return
        if at >= len(body):
            self._over(closes)
            self._next()
            return
        self._transport.write(body[at:at + 1])
        self._loop.call_later(reply.trickle, self._drop, body, at + 1, reply, closes)

    def _over(self, closes: bool) -> None:
        if closes:
            self._transport.close()
        self._busy = False
        # After a delay nobody else looks whether more waits.
        self._loop.call_soon(self._next)

    def _listen(self) -> None:
        """Server-sent events until somebody hangs up."""
        listeners = self._machine.events.listeners

        def hear(event: Doc) -> None:
            data = f"id: {event['Id']}\ndata: {json.dumps(event)}\n\n".encode()
            self._loop.call_soon_threadsafe(self._send, data)

        listeners.append(hear)
        self._unlisten = lambda: listeners.remove(hear)
        self._send(b": stream of events\n\n")
        self._tick()

    def _tick(self) -> None:
        """What happens in time is told in time, although nobody asks."""
        if not self._transport.is_closing():
            self._machine.advance(0)
            self._loop.call_later(TICK, self._tick)

    def _send(self, data: bytes) -> None:
        # In chunks, so that clients see each event when it comes and not when their buffer is full.
        if not self._transport.is_closing():
            self._transport.write(f"{len(data):X}\r\n".encode() + data + b"\r\n")

    def _fail(self, status: int) -> None:
        self._transport.write(
            f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        self._transport.close()


def _head(machine: Machine, reply: Reply, length: int, closes: bool) -> bytes:
    headers = {"OData-Version": "4.0", "Cache-Control": "no-cache", "Date": formatdate(
        machine.time.now() + machine.time.skew, usegmt=True)}
    if machine.ways.server:
        headers["Server"] = machine.ways.server
    if reply.stream:
        closes, headers["Transfer-Encoding"] = True, "chunked"
    elif reply.status not in (204, 304):
        headers["Content-Length"] = str(length)
        if length:
            headers["Content-Type"] = machine.ways.content_type
    known = {n.lower(): n for n in headers}
    for name, value in reply.headers.items():
        headers.pop(known.get(name.lower(), ""), None)
        headers[name] = value
    if closes:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {reply.status} {PHRASES.get(reply.status, 'Unknown')}", *(f"{n}: {v}" for n, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _unchunked(data: bytearray, start: int) -> tuple[bytes, int] | None:
    """A chunked body and where it ends; None where it is not complete yet."""
    parts: list[bytes] = []
    while True:
        line = data.find(b"\r\n", start)
        if line < 0:
            return None
        try:
            size = int(bytes(data[start:line]).split(b";")[0], 16)
        except ValueError:
            return b"".join(parts), len(data)
        start = line + 2
        if len(data) < start + size + 2:
            return None
        if size == 0:
            return b"".join(parts), start + 2
        parts.append(bytes(data[start:start + size]))
        start += size + 2
