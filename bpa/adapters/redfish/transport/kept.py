"""Bodies kept from one look to the next, so that a BMC with ETags need not send them again. Distrusts it."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bpa.adapters.redfish.transport.response import Response

if TYPE_CHECKING:
    from bpa.adapters.redfish.transport.wire import Answer

ROOM = 256 * 1024
"""Bytes per BMC, packed: the resources of a large server without its registries. 200 BMCs may be looked at at once."""
SMALLEST = 1024
VOLATILE = ("#ComputerSystem.", "#Bios.", "#Task", "#Job", "#Session", "#Event", "#LogEntry", "#VirtualMedia.", "#Manager.",
            "#Chassis.", "#Thermal", "#Power", "#Sensor")
"""Types that are always read whole: decisions rest on them, and ETags that miss a change of state have been shipped."""
PROBES = 3


@dataclass(frozen=True, slots=True)
class KeptBody:
    """A body as it was served with this ETag, packed."""

    etag: str
    packed: bytes
    digest: bytes

    def unpacked(self, answer: Response) -> Response:
        """What a 304 stands for."""
        return Response(200, answer.headers, zlib.decompress(self.packed), answer.method, answer.path)


class Kept:
    """For several threads. Off for good once this BMC ignores If-None-Match, or two bodies had one ETag."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bodies: OrderedDict[str, KeptBody] = OrderedDict()
        self._size = 0
        self._ignored = 0
        self._trusted = True

    def find(self, path: str) -> KeptBody | None:
        """What is kept of a resource, for If-None-Match; None = ask plainly."""
        with self._lock:
            return self._bodies.get(path) if self._trusted else None

    def keep(self, path: str, before: KeptBody | None, response: Response, answer: Answer) -> None:
        """Remember a body that has an ETag, is worth it, and decides nothing. before: what had been asked with."""
        if not self._trusted or not answer.etag or len(response.body) < SMALLEST or _volatile(answer.body):
            return
        digest = hashlib.sha256(response.body).digest()
        if before is not None and before.etag == answer.etag:
            self._ignored += 1
            if before.digest != digest or self._ignored >= PROBES:
                self._give_up()
            return
        packed = zlib.compress(response.body, 1)
        if len(packed) > ROOM // 2:
            return
        with self._lock:
            self._forget(path)
            self._bodies[path] = KeptBody(answer.etag, packed, digest)
            self._size += len(packed)
            while self._size > ROOM:
                self._forget(next(iter(self._bodies)))

    def _forget(self, path: str) -> None:
        body = self._bodies.pop(path, None)
        self._size -= len(body.packed) if body else 0

    def _give_up(self) -> None:
        with self._lock:
            self._trusted = False
            self._bodies.clear()
            self._size = 0


def _volatile(body: Mapping[str, object]) -> bool:
    kind = body.get("@odata.type")
    return not isinstance(kind, str) or kind.startswith(VOLATILE)
