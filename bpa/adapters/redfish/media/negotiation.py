"""A request whose optional parameters a BMC refuses or misses: sent again without the one, or with the other, once each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.adapters.redfish.transport.answers import Denied, Faulty, Message, Stale
from bpa.adapters.redfish.transport.link import Link
from bpa.adapters.redfish.transport.wire import READ_SECONDS, Answer
from bpa.adapters.redfish.writing import if_match
from bpa.core.request import Request
from bpa.core.secret import Secret


@dataclass(slots=True)
class Negotiation:
    """offers: parameter -> value to add where the BMC misses it. optional: parameters that may be left out.

    `notes` tells what was left out or added, for a person to know.
    """

    offers: Mapping[str, object]
    optional: frozenset[str]
    notes: list[str] = field(default_factory=list)

    def send(self, link: Link, request: Request, etag: str = "", timeout: float = READ_SECONDS) -> Answer:
        """Send it as the BMC will have it. Raises the adapter errors: its last refusal, where nothing helps.

        timeout: seconds until the answer must begin.
        """
        body = dict(request.body or {})
        done: set[str] = set()
        while True:
            try:
                return send(link, Request(request.method, request.path, body), etag, timeout)
            except (Denied, Faulty) as error:
                # Several BMCs name the parameter under a 500 (AMI); a 500 that names none is no refusal.
                if isinstance(error, Stale) or not (change := self._change(error.messages, body, done)):
                    raise
                body = change

    def _change(self, messages: tuple[Message, ...], body: dict[str, object], done: set[str]) -> dict[str, object]:
        """The body with what the messages ask for; {} where they ask for nothing that could be done."""
        changed = dict(body)
        for name in (*self.offers, *self.optional):
            if name in done or not any(_is_about(m, name) for m in messages):
                continue
            if name not in body and name in self.offers:
                changed[name] = self.offers[name]
                self.notes.append(f"the BMC wants {name}: {_shown(self.offers[name])} was added")
            elif name in body and name in self.optional:
                del changed[name]
                self.notes.append(f"the BMC does not take {name}: it was left out")
            else:
                continue
            done.add(name)
        return changed if changed != body else {}


def send(link: Link, request: Request, etag: str = "", timeout: float = READ_SECONDS) -> Answer:
    """Send a planned change, with If-Match as the BMC wants it. Raises the adapter errors.

    A POST goes without at first: only xFusion wants it there (412 otherwise).
    """
    path = link.path_of(request.path)
    tries = tuple(dict.fromkeys(("", *if_match(etag)))) if request.method == "POST" else if_match(etag)
    for attempt in tries:
        try:
            return _once(link, request, path, attempt, timeout)
        except Stale:
            if attempt == tries[-1]:
                raise
    raise AssertionError("there is always a try")


def _once(link: Link, request: Request, path: str, etag: str, timeout: float) -> Answer:
    body = {k: v.reveal() if isinstance(v, Secret) else v for k, v in (request.body or {}).items()}
    if request.method == "PATCH":
        return link.patch(path, body, etag, timeout)
    return link.delete(path, etag) if request.method == "DELETE" else link.post(path, body, etag, timeout)


def _is_about(message: Message, name: str) -> bool:
    """It names the parameter: in its arguments, among the properties it is about, or in its words (Cisco, DGX, iDRAC)."""
    if name in message.args or any(p.rsplit("/", 1)[-1] == name for p in message.properties):
        return True
    if name in ("UserName", "Password") and "parameter missing" in message.said.lower():
        return True  # DGX H100: it names none (ironic bug 2071945, in sushy virtual_media.py)
    return re.search(rf"\b{name}\b", message.said) is not None


def _shown(value: object) -> str:
    return "a placeholder" if isinstance(value, Secret) else repr(value)
