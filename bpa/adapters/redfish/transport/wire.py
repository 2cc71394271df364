"""Requests to one BMC: one attempt each, bounded, judged, and never to anywhere else. For several threads at once."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from bpa.adapters.errors import AdapterError, Refused, Unsupported
from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.transport import answers
from bpa.adapters.redfish.transport.answers import Faulty, Moved, clean, judge, parse_object, transport_error
from bpa.adapters.redfish.transport.connection import Connection
from bpa.adapters.redfish.transport.kept import Kept
from bpa.adapters.redfish.transport.response import Response
from bpa.core.secret import Secret

READ_SECONDS = 30.0
"""Of silence. A whole answer may take answers.BODY_SECONDS, or as long as a write is allowed to be silent."""
REDIRECTS = 4
ASCII = "".join(map(chr, range(0x21, 0x7F)))
PLAIN = re.compile(r"(?:/[\w.~:@!$&'()*+,;=%-]+)+/?", re.ASCII)
"""A reference that is nothing but a path, as nearly all are."""
LONGEST = 1024
DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Answer:
    """A resource: its JSON object, its ETag and Location ("" = none served), all headers, and the HTTP status."""

    body: Mapping[str, Any]
    etag: str = ""
    location: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: int = 200


class Wire:
    """Raises the adapter errors, and Unauthorized and Moved for the link above it to judge.

    parallel: requests that may be under way at once; may be changed at any time. deadline: monotonic time after which
    nothing is asked any more (None = never).
    """

    def __init__(self, access: BmcAccess) -> None:
        self.origin = access.origin
        self.parallel = max(access.parallel, 1)
        self.deadline: float | None = None
        self.kept = Kept()
        self._at = urlsplit(self.origin)
        self._verify, self._pin = access.checked_verify(), access.pin
        self._turn = threading.Condition()
        self._under_way = 0
        self._idle: list[Connection] = []
        self._call = 0  # hang_up() ends a call: what was opened in an earlier one is not used again
        self._encoding = "identity"

    @property
    def room(self) -> int:
        """How many more requests than those under way this BMC bears now."""
        return self.parallel - self._under_way

    def exchange(
        self,
        method: str,
        path: str,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = READ_SECONDS,
    ) -> Answer:
        """One request, one answer. timeout in seconds of silence."""
        if method != "GET":
            return self._answer(self.fetch(method, path, data, headers, timeout))
        before = self.kept.find(path)
        asked = {**(headers or {}), "If-None-Match": before.etag} if before else headers
        response = self.fetch(method, path, data, asked, timeout)
        if response.status == 304 and before:
            return self._answer(before.unpacked(response))
        answer = self._answer(response)
        self.kept.keep(path, before, response, answer)
        return answer

    def fetch(
        self,
        method: str,
        path: str,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = READ_SECONDS,
    ) -> Response:
        """The same, as it comes: bytes, JSON or not, judged by its status (304 passes)."""
        body = None if data is None else json.dumps(data, default=_revealed).encode()
        head = {"Accept": "application/json", "Accept-Encoding": self._encoding, "OData-Version": "4.0", "User-Agent": "bpa"}
        if body is not None:
            head["Content-Type"] = "application/json"
        try:
            response = self._ask(method, path, body, {**head, **(headers or {})}, timeout)
            if response.status == 406 and self._encoding == "identity" and method == "GET":
                # Some iLO 5 serve registries only packed (seen by ironic on Gen10 Plus).
                response = self._ask(method, path, body, {**head, **(headers or {}), "Accept-Encoding": "gzip"}, timeout)
        except (OSError, http.client.HTTPException, EOFError, ValueError) as error:
            raise transport_error(self.origin, error) from None
        if response.status != 304 or "If-None-Match" not in (headers or {}):
            try:
                judge(self.origin, response)
            except AdapterError as error:
                error.status = response.status
                raise
        return response

    def follow(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """GET, over redirects that stay on this BMC."""
        for _ in range(REDIRECTS):
            try:
                return self.exchange("GET", path, None, headers)
            except Moved as moved:
                path = self.path_of(moved.location)
        raise Unsupported(f"{self.origin} redirects in circles")

    def path_of(self, link: object) -> str:
        """The path of an @odata.id (or of a whole reference object). Raises Unsupported if it leads elsewhere."""
        if isinstance(link, dict):
            link = link.get("@odata.id")
        if isinstance(link, str) and len(link) <= LONGEST and PLAIN.fullmatch(link):
            return link
        target, parts = self._split(link)
        if (parts.scheme or parts.netloc) and not self._here(parts):
            raise Unsupported(f"a link of the BMC leads elsewhere: {clean(target)}")
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def path_made(self, answer: Answer) -> str:
        """The path of what a POST has made: Location, else @odata.id. Raises Unsupported where it tells neither.

        A Location names the BMC as it knows itself, which behind a port forward or a DNS name is not as we call it:
        of another address only the path counts, and it is asked for here.
        """
        _, parts = self._split(answer.location or answer.body.get("@odata.id"))
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def hang_up(self) -> None:
        """Close idle connections, and those in use once they have their answer."""
        with self._turn:
            idle, self._idle = self._idle, []
            self._call += 1
        for connection in idle:
            connection.close()

    def _split(self, link: object) -> tuple[str, SplitResult]:
        target = link.get("@odata.id") if isinstance(link, Mapping) else link
        if not isinstance(target, str) or not target or len(target) > LONGEST or not target.isprintable():
            raise Unsupported("a link of the BMC is missing or malformed")
        try:
            parts = urlsplit(target.split("#")[0])
        except ValueError:
            raise Unsupported("a link of the BMC is malformed") from None
        if not parts.path.startswith("/") or " " in target:
            raise Unsupported(f"a link of the BMC is no path: {clean(target)}")
        return target, parts

    def _here(self, parts: SplitResult) -> bool:
        try:
            port = parts.port
        except ValueError:
            return False
        there = (parts.scheme or self._at.scheme, parts.hostname, port or DEFAULT_PORTS.get(parts.scheme or self._at.scheme))
        return parts.username is None and there == (
            self._at.scheme, self._at.hostname, self._at.port or DEFAULT_PORTS[self._at.scheme])

    def _answer(self, response: Response) -> Answer:
        try:
            body = parse_object(self.origin, response)
        except Faulty:
            # A write that was accepted has happened, whatever its answer looks like.
            if response.method == "GET":
                raise
            body = {}
        etag = response.headers.get("ETag") or body.get("@odata.etag")
        served = isinstance(etag, str) and re.fullmatch(r"[\x21-\x7e]{1,256}", etag)
        return Answer(body, str(etag) if served else "", response.headers.get("Location", ""), response.headers,
                      response.status)

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str], silence: float) -> Response:
        now = time.monotonic()
        deadline = now + (silence if silence > max(READ_SECONDS, answers.BODY_SECONDS) else answers.BODY_SECONDS)
        if self.deadline is not None and method == "GET":
            deadline = min(deadline, self.deadline)
            if self.deadline <= now:
                raise Faulty(f"GET {self.origin}{clean(path)}: not asked, for the time for this look is over",
                             "the BMC is slow: look at less of it, or later")
        # A write is never sent twice, so it must not go out on a connection that the BMC may just have closed.
        while True:
            with self._connection(reuse=method == "GET") as connection:
                reused = connection.used
                try:
                    return connection.ask(method, quote(path, safe=ASCII), body, headers, silence, deadline, answers.BODY_LIMIT)
                except (ConnectionError, http.client.RemoteDisconnected):
                    # It hung up while the question was on its way: nothing is wrong with it, and a GET changes nothing.
                    if not reused:
                        raise

    @contextmanager
    def _connection(self, reuse: bool) -> Iterator[Connection]:
        with self._turn:
            while self._under_way >= self.parallel:
                self._turn.wait()
            self._under_way += 1
            call = self._call
            found = self._idle.pop() if reuse and self._idle else None
        try:
            if found is not None and found.dropped:
                found.close()
                found = None
            connection = found or self._new()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            with self._turn:
                keep = reuse and connection.sock is not None and call == self._call
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()
        finally:
            with self._turn:
                self._under_way -= 1
                self._turn.notify()

    def _new(self) -> Connection:
        host = self._at.hostname
        if host is None:
            raise Refused(f"{self.origin} names no host", "correct the BMC address")
        return Connection(self._at.scheme, host, self._at.port, self._verify, self._pin)


def _revealed(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} is no JSON")
