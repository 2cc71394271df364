"""What a BMC's HTTP answer means: its body, bounded, or one of the four adapter errors."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable, Unsupported
from bpa.adapters.redfish.transport.response import Response

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes. The largest resource recorded on a real machine is a 2 MB attribute registry."""
BODY_SECONDS = 60.0
"""For a whole answer, from the request to its last byte."""
NOT_NOW = re.compile(
    r"SYS518|UnableToModifyDuringSystemPOST|InvalidOperationForSystemState|ServiceTemporarilyUnavailable"
    r"|ServiceShuttingDown|ResourceInUse|SessionLimitExceeded|ResourceNotReady|NotReady"
    r"|\b(in|during) (the )?([Ss]ystem )?POST\b"
)
"""Message ids and words with which BMCs say "not now" under a status that says "no" (iDRAC, iLO, DMTF Base registry)."""

LIMIT = re.compile(
    r"SessionLimitExceeded|CreateLimitReachedForResource|RAC0218|(?i:session limit|(maximum|max|too many) [\w ]*sessions)"
)
"""How they say that there are too many sessions: DMTF's Base registry; iDRAC's RAC0218, under a 503 (check_redfish issue 89,
gofish issue 75); in words elsewhere."""
OLD_TLS = ("UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "TLSV1_ALERT_PROTOCOL_VERSION", "DH_KEY_TOO_SMALL", "EE_KEY_TOO_SMALL")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an error: id without its registry ("PropertyUnknown"), words, arguments, properties it is about."""

    id: str
    said: str
    args: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()


class Broken(Unreachable):
    """The connection ended in mid-answer: worth asking again at once, if the question changes nothing."""


class Faulty(Busy):
    """It answered, but not with anything usable: a 500, or no JSON."""

    messages: tuple[Message, ...] = ()


class Missing(Unsupported):
    """404 or 410."""


class Denied(Refused):
    """Refused by an HTTP status, and not by the transport. messages: what it said, for code that can mend its request."""

    messages: tuple[Message, ...] = ()


class Stale(Denied):
    """412 or 428: the ETag was not the one it wants."""


class Full(Busy):
    """No more Redfish sessions: the limit is reached."""


class Endless(OSError):
    """An answer longer, or longer under way, than is allowed. Never leaves the adapter."""


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


def parse_object(origin: str, response: Response) -> Mapping[str, Any]:
    """The JSON object of an answer ({} for an empty body). Raises Faulty."""
    if not response.body.strip():
        return {}
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        raise Faulty(f"{_asked(origin, response)} answered something that is not JSON") from None
    if not isinstance(value, dict):
        raise Faulty(f"{_asked(origin, response)} answered {type(value).__name__} where a JSON object was due")
    return value


def judge(origin: str, response: Response) -> None:
    """Raise what a status of 300 and above means."""
    status = response.status
    if status < 300:
        return
    if status < 400:
        raise Moved(response.headers.get("Location", ""))
    said, ids = _messages(response.body)
    if status == 401:
        raise Unauthorized(said)
    text = f"{_asked(origin, response)} was answered {status}" + (f": {said}" if said else "")
    if LIMIT.search(ids) and response.method == "POST":
        raise Full(text, "close sessions on it (bpa bmc sessions ADDRESS), or wait", retry_after(response.headers))
    if status in (409, 423, 425, 429, 502, 503, 504) or NOT_NOW.search(ids):
        raise Busy(text, "it may be starting, in POST or at work: wait", retry_after(response.headers))
    if status in (404, 410):
        raise Missing(text)
    if status in (405, 501):
        raise Unsupported(text)
    error: Denied | Faulty
    if status in (412, 428):
        error = Stale(text)
    elif status == 403:
        error = Denied(text, "give the BMC account the privilege, or set its initial password anew")
    elif status >= 500:
        error = Faulty(text, retry_after=retry_after(response.headers))
    else:
        error = Denied(text)
    error.messages = _parsed(response.body)
    raise error


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
    """What an exception of socket, ssl or http.client means."""
    chain = list(_chain(error))
    if isinstance(error, Endless):
        return Faulty(f"an answer of {origin} does not come to an end", "the BMC may be overloaded: restart it, or wait")
    for link in chain:
        if isinstance(link, ssl.SSLCertVerificationError):
            return Refused(
                f"the certificate of {origin} is not trusted: {link.verify_message or link.reason}",
                "pin it (bpa bmc trust ADDRESS), name the CA (--ca, or spec.bmc.caFile), or disable verification on this host",
            )
        if isinstance(link, ssl.SSLError) and link.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            return Refused(f"{origin} does not speak TLS", "correct the scheme or port of the BMC address")
        if isinstance(link, ssl.SSLError) and link.reason in OLD_TLS:
            return Refused(f"{origin} speaks only TLS that is no longer safe ({link.reason})",
                           "update its firmware, or set a newer TLS version and certificate on it")
    if isinstance(error, http.client.BadStatusLine) and "\x15\x03" in str(error):
        return Refused(f"{origin} speaks TLS, and was spoken to without", "write https:// in the BMC address")
    names = " ".join(type(link).__name__ for link in chain)
    if "Timeout" in names or "timed out" in str(error):
        return Unreachable(f"{origin} did not answer in time", "check cabling, address and the BMC itself")
    if "NameResolution" in names or "gaierror" in names:
        return Unreachable(f"the name in {origin} does not resolve", "correct the BMC address, or DNS")
    if "ConnectionRefused" in names:
        return Unreachable(f"{origin} refused the connection", "check address and port, and that the BMC is up")
    if "Reset" in names or "BrokenPipe" in names or isinstance(error, http.client.HTTPException | EOFError):
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
        said = [str(i.get("Message") or str(i.get("MessageId") or "").rsplit(".", 1)[-1]) for i in infos]
        whole = str(error.get("message") or "")
        # iLO sends ids without words, under an error.message that only says that there are some.
        wordless = not any(i.get("Message") for i in infos) and "ExtendedInfo" not in whole
        said = [whole] if whole and wordless else [one for one in said if one] or [whole]
        ids = " ".join([str(error.get("code") or ""), *(str(i.get("MessageId") or "") for i in infos), *said])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""
    return clean("; ".join(dict.fromkeys(said)), 400), ids


def _parsed(body: bytes) -> tuple[Message, ...]:
    """The messages of an error body one by one, bounded; () where there are none. Hostile: anything may be of any type."""
    try:
        error = json.loads(body)["error"]
        infos = error.get("@Message.ExtendedInfo") or []
        found = [i for i in (infos if isinstance(infos, list) else [infos])[:64] if isinstance(i, dict)]
        found = found or [{"MessageId": error.get("code"), "Message": error.get("message")}]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ()
    return tuple(
        Message(
            id=clean(str(i.get("MessageId") or "")).rsplit(".", 1)[-1],
            said=clean(str(i.get("Message") or ""), 400),
            args=_strings(i.get("MessageArgs")),
            properties=_strings(i.get("RelatedProperties")),
        )
        for i in found
    )


def _strings(value: object) -> tuple[str, ...]:
    return tuple(clean(v) for v in value[:64] if isinstance(v, str)) if isinstance(value, list) else ()


def clean(text: str, limit: int = 256) -> str:
    """Text of a BMC fit to be shown: one line, no control characters, no more than limit characters."""
    text = text[:limit]
    # Nearly all texts are; a registry has ten thousand of them.
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return text.strip()


def _asked(origin: str, response: Response) -> str:
    return f"{response.method} {origin}{clean(response.path)}"
