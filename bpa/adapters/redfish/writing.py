"""Requests that change something: If-Match as the BMC wants it, "not now" waited out, or only told what would be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bpa.adapters.errors import Busy
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Stale
from bpa.adapters.redfish.transport.wire import Answer
from bpa.adapters.redfish.waiting import Waiting
from bpa.core.request import Request

T = TypeVar("T")
AT_ONCE = Waiting(seconds=0.0)


@dataclass(slots=True)
class Writer:
    """dry_run: nothing is sent, `sent` tells what would be. patience: for how long "not now" is waited out."""

    target: Target
    dry_run: bool = False
    patience: Waiting = AT_ONCE
    sent: list[Request] = field(default_factory=list)

    def patch(self, path: str, change: Mapping[str, Any], etag: str = "") -> Answer:
        """PATCH with If-Match where an ETag was served; made strong, `*` or left out where the BMC wants it so.

        Sent again after a 412, which has changed nothing. Raises the adapter errors; Busy after `patience`.
        """
        if not self._send(Request("PATCH", path, change)):
            return Answer({})
        return self.patiently(lambda: self._patch(path, change, etag))

    def post(self, path: str, data: Mapping[str, Any], done: Callable[[], bool] = lambda: False) -> Answer | None:
        """POST. Where it is answered "not now", `done` is asked whether it came about all the same; None where it did.

        Raises the adapter errors; Busy after `patience`.
        """
        if not self._send(Request("POST", path, data)):
            return Answer({})
        def attempt() -> Answer | None:
            try:
                return self.target.link.post(path, data)
            except Busy:
                # 409 is "not now", and also what some say of a machine that is so already (iDRAC PSU501).
                if done():
                    return None
                raise

        return self.patiently(attempt)

    def delete(self, path: str) -> Answer:
        """DELETE. Raises the adapter errors; Busy after `patience`."""
        if not self._send(Request("DELETE", path)):
            return Answer({})
        return self.patiently(lambda: self.target.link.delete(path))

    def _send(self, request: Request) -> bool:
        self.sent.append(request)
        return not self.dry_run

    def _patch(self, path: str, change: Mapping[str, Any], etag: str) -> Answer:
        tries = if_match(etag)
        for attempt in tries:
            try:
                return self.target.link.patch(path, change, attempt)
            except Stale:
                if attempt == tries[-1]:
                    raise
        raise AssertionError("there is always one attempt")

    def patiently(self, attempt: Callable[[], T]) -> T:
        """What attempt() comes to, asked again while it raises Busy, for as long as `patience` allows."""
        wait = self.patience
        end = wait.clock() + wait.seconds
        while True:
            try:
                return attempt()
            except Busy as error:
                pause = error.retry_after or max(wait.every, 1.0)
                if wait.clock() + pause > end:
                    raise
                wait.sleep(pause)


def if_match(etag: str) -> tuple[str, ...]:
    """Values of If-Match to try in turn, "" = without.

    As served; strong where it was weak (iLO and AMI refuse their own weak ETags, sushy); without the second quotes that
    one vendor writes (community.general pull 3268); any, for those that demand the header without serving an ETag
    (Huawei, AMI: gofish issue 171); none, for those that refuse their own (XCC: community.general pull 11270).
    """
    if not etag:
        return ("", "*")
    strong = etag.removeprefix("W/")
    plain = '"' + strong.strip('"') + '"'
    return tuple(dict.fromkeys((etag, strong, plain, "*", "")))
