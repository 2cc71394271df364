"""A TCP server whose answers a test writes byte by byte: what no HTTP library would ever send."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Peer:
    """One connection; `number` counts them from 1."""

    def __init__(self, sock: socket.socket, number: int, over: threading.Event) -> None:
        self._sock, self.number, self._over = sock, number, over

    def request(self) -> str:
        """The head of the next request and, in `body`, what follows it; "" where the client has hung up."""
        head = b""
        while b"\r\n\r\n" not in head:
            part = self._sock.recv(65536)
            if not part:
                return ""
            head += part
        return head.decode()

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def trickle(self, data: bytes, every: float = 0.02) -> None:
        """A byte at a time, until the client has had enough or the test is over."""
        for byte in data:
            if self._over.wait(every):
                return
            self._sock.sendall(bytes([byte]))

    def hold(self) -> None:
        """Say nothing until the test is over."""
        self._over.wait(30)


@contextmanager
def raw_server(talk: Callable[[Peer], None]) -> Iterator[str]:
    """Gives the base URL; talk is called in a thread of its own for every connection."""
    over = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            number = 0
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                number += 1
                thread = threading.Thread(target=serve, args=(sock, number), daemon=True)
                threads.append(thread)
                thread.start()

        def serve(sock: socket.socket, number: int) -> None:
            with sock, suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                talk(Peer(sock, number, over))

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def ok(body: str, *headers: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in ("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers))
    return f"{head}\r\n{body}".encode()
