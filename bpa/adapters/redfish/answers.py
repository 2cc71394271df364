"""What a BMC's HTTP answer means: its body, bounded, or one of the four adapter errors."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable, Unsupported

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes. The largest resource recorded on a real machine is a 2 MB attribute registry."""
BODY_SECONDS = 60.0
NOT_NOW = re.compile(
    r"SYS518|UnableToModifyDuringSystemPOST|InvalidOperationForSystemState|ServiceTemporarilyUnavailable"
    r"|ServiceShuttingDown|ResourceInUse|SessionLimitExceeded|ResourceNotReady|NotReady"
)
"""Message ids with which BMCs say "not now" under a status that says "no" (iDRAC, iLO, DMTF Base registry)."""


class Broken(Unreachable):
    """The connection ended in mid-answer: worth asking again at once, if the question changes nothing."""


class Faulty(Busy):
    """It answered, but not with anything usable: a 500, or no JSON."""


class Missing(Unsupported):
    """404 or 410."""


class Denied(Refused):
    """Refused by an HTTP status, and not by the transport."""


class Stale(Denied):
    """412 or 428: the ETag was not the one it wants."""


class Unauthorized(Exception):
    """401, for the link to judge: an ended session, or wrong credentials. Never leaves the adapter."""

    def __init__(self, said: str = "") -> None:
        super().__init__(said)
        self.said = said


class Moved(Exception):
    """3xx with its Location. Never leaves the adapter."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


def read_body(response: requests.Response) -> bytes:
    """The body; Faulty where it is endless or comes in drops."""
    deadline = time.monotonic() + BODY_SECONDS
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(65536):
        parts.append(part)
        size += len(part)
        if size > BODY_LIMIT or time.monotonic() > deadline:
            response.close()
            raise Faulty(f"{_asked(response)} does not come to an end ({size} bytes so far)")
    return b"".join(parts)


def parse_object(response: requests.Response, body: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer ({} for an empty body). Raises Faulty."""
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Faulty(f"{_asked(response)} answered something that is not JSON") from None
    if not isinstance(value, dict):
        raise Faulty(f"{_asked(response)} answered {type(value).__name__} where a JSON object was due")
    return value


def judge(response: requests.Response, body: bytes) -> None:
    """Raise what a status of 300 and above means."""
    status = response.status_code
    if status < 300:
        return
    if status < 400:
        raise Moved(response.headers.get("Location", ""))
    said, ids = _messages(body)
    if status == 401:
        raise Unauthorized(said)
    text = f"{_asked(response)} was answered {status}" + (f": {said}" if said else "")
    if status in (409, 423, 425, 429, 502, 503, 504) or NOT_NOW.search(ids):
        raise Busy(text, "it may be starting, in POST or at work: wait", retry_after(response.headers))
    if status in (404, 410):
        raise Missing(text)
    if status in (405, 501):
        raise Unsupported(text)
    if status in (412, 428):
        raise Stale(text)
    if status == 403:
        raise Denied(text, "give the BMC account the privilege, or set its initial password anew")
    if status >= 500:
        raise Faulty(text, retry_after=retry_after(response.headers))
    raise Denied(text)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds, given as a number or a date, no longer than an hour."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isdecimal():
        return min(float(text), 3600.0)
    try:
        return min(max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0), 3600.0)
    except (ValueError, TypeError, OverflowError):
        return None


def transport_error(origin: str, error: BaseException) -> AdapterError:
    """What an exception of requests, urllib3 or ssl means."""
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, ssl.SSLCertVerificationError):
            return Refused(
                f"the certificate of {origin} is not trusted: {link.verify_message or link.reason}",
                "name the CA (spec.bmc.caFile), or set disableCertificateVerification on this host",
            )
        if isinstance(link, ssl.SSLError) and link.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            return Refused(f"{origin} does not speak TLS", "correct the scheme or port of the BMC address")
    names = " ".join(type(link).__name__ for link in chain)
    if "Timeout" in names or "timed out" in str(error):
        return Unreachable(f"{origin} did not answer in time", "check cabling, address and the BMC itself")
    if "NameResolution" in names or "gaierror" in names:
        return Unreachable(f"the name in {origin} does not resolve", "correct the BMC address, or DNS")
    if "ConnectionRefused" in names:
        return Unreachable(f"{origin} refused the connection", "check address and port, and that the BMC is up")
    if "Reset" in names or "BrokenPipe" in names or "Protocol" in names or "Chunked" in names:
        return Broken(f"{origin} broke the connection off")
    return Unreachable(f"{origin} cannot be reached ({_reason(chain)})", "check network and address")


def _reason(chain: list[BaseException]) -> str:
    said = next((link.strerror for link in reversed(chain) if isinstance(link, OSError) and link.strerror), "")
    return said or type(chain[-1]).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        link = todo.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        todo += [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]


def _messages(body: bytes) -> tuple[str, str]:
    """What the error says to people, and all message ids in one text. Hostile: anything may be of any type."""
    try:
        error = json.loads(body)["error"]
        infos = error.get("@Message.ExtendedInfo") or []
        infos = [i for i in (infos if isinstance(infos, list) else [infos]) if isinstance(i, dict)]
        said = [str(i["Message"]) for i in infos if i.get("Message")] or [str(error.get("message") or "")]
        ids = " ".join([str(error.get("code") or ""), *(str(i.get("MessageId") or "") for i in infos), *said])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""
    return clean("; ".join(dict.fromkeys(said)), 400), ids


def clean(text: str, limit: int = 256) -> str:
    """Text of a BMC fit to be shown: one line, no control characters, no more than limit characters."""
    return "".join(c if c.isprintable() else " " for c in text[:limit]).strip()


def _asked(response: requests.Response) -> str:
    request = response.request
    return f"{request.method} {clean(request.url or '')}"
