"""The HTTP server that ramdisks and BMCs fetch images from: GET and HEAD of regular files, nothing else.

Run as `python -m bpa.adapters.ironic_service.file_server ADDRESS PORT ROOT`. No directory is listed, no name that
starts with a dot is served, one byte range is answered (RFC 9110, section 14), and files go out by sendfile(2).
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def find(root: Path, target: str) -> Path | None:
    """The file that a request target names below root, None where there is none to serve."""
    parts = [part for part in unquote(urlsplit(target).path).split("/") if part]
    if not parts or any(part.startswith(".") or "\0" in part for part in parts):
        return None
    path = root.joinpath(*parts)
    return path if path.is_file() else None


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """(first, count) for a Range header, the whole file without one; None = it cannot be satisfied."""
    match = RANGE.match(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return 0, size
    first, last = match.groups()
    if not first:
        count = min(int(last), size)
        return (size - count, count) if count else None
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    return (start, end - start + 1) if start < size and end >= start else None


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server_version = "bpa-files"
    protocol_version = "HTTP/1.1"
    timeout = 300
    root: Path

    def do_GET(self) -> None:
        """Send the file, or the part of it that was asked for."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Send what a GET would, without the content."""
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        path = find(self.root, self.path)
        if path is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            file = path.open("rb")
        except OSError:
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            asked = self.headers.get("Range")
            part = byte_range(asked, size)
            if part is None:
                self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            first, count = part
            partial = (first, count) != (0, size)
            self.send_response(HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK)
            if partial:
                self.send_header("Content-Range", f"bytes {first}-{first + count - 1}/{size}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(count))
            self.send_header("Last-Modified", self.date_time_string(int(os.fstat(file.fileno()).st_mtime)))
            self.end_headers()
            if body and count:
                self.wfile.flush()
                with contextlib.suppress(ConnectionError, TimeoutError):
                    self.connection.sendfile(file, first, count)


class Server(ThreadingHTTPServer):
    """A thread per connection: a dozen hosts may fetch gigabytes at once."""

    daemon_threads = True
    request_queue_size = 128


def make_server(address: str, port: int, root: Path) -> Server:
    """A server bound to address and port (0 = any), not yet serving. OSError where it cannot be bound."""
    handler = type("RootedHandler", (Handler,), {"root": root})
    kind = type("FamilyServer", (Server,), {"address_family": socket.AF_INET6 if ":" in address else socket.AF_INET})
    server: Server = kind((address, port), handler)
    return server


def main(argv: list[str]) -> int:
    """Serve until killed."""
    address, port, root = argv
    make_server(address, int(port), Path(root)).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
