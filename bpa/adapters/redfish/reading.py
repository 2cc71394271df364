"""Reading hostile JSON: values of the type that was asked for or nothing, collections member by member."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bpa.adapters.errors import AdapterError, Refused, Unsupported
from bpa.adapters.redfish.transport.answers import Denied, Faulty, clean
from bpa.adapters.redfish.transport.link import Link
from bpa.adapters.redfish.transport.look import key_of
from bpa.adapters.redfish.transport.wire import Answer

Json = Mapping[str, Any]
NOT_THERE = (Unsupported, Faulty, Denied)
"""What makes one resource unreadable and leaves the rest of the machine readable."""
MEMBERS = 512
PAGES = 32
REQUESTS = 2000


def text(body: Json, *keys: str) -> str:
    """The first of the keys that holds a text with something in it, without control characters; else ""."""
    for key in keys:
        value = body.get(key)
        if isinstance(value, str) and (said := clean(value)):
            return said
    return ""


def number(body: Json, key: str) -> int:
    """A whole number of zero or more; 0 for anything else. Fractions are rounded down."""
    value = body.get(key)
    # No isfinite: it fails on integers that no float can hold.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**64:
        return 0
    return max(int(value), 0)


def inner(body: Json, *keys: str) -> Json:
    """The object at a path of keys; {} where there is none."""
    for key in keys:
        value = body.get(key)
        if not isinstance(value, dict):
            return {}
        body = value
    return body


def objects(body: Json, key: str) -> list[Json]:
    """The objects of a list; [] where there is none."""
    value = body.get(key)
    return [v for v in value[:MEMBERS] if isinstance(v, dict)] if isinstance(value, list) else []


def texts(body: Json, key: str) -> tuple[str, ...]:
    """The texts of a list; () where there is none."""
    value = body.get(key)
    return tuple(clean(v) for v in value[:MEMBERS] if isinstance(v, str)) if isinstance(value, list) else ()


def mac(value: object) -> str:
    """A MAC address in lower case with colons; "" for anything else, all zeros and InfiniBand GUIDs among them."""
    plain = re.sub(r"[:.\-\s]", "", value).lower() if isinstance(value, str) else ""
    if not re.fullmatch(r"[0-9a-f]{12}", plain) or plain in ("0" * 12, "f" * 12):
        return ""
    return ":".join(plain[i : i + 2] for i in range(0, 12, 2))


def absent(body: Json) -> bool:
    """A slot, not a thing: Status.State Absent."""
    return text(inner(body, "Status"), "State") == "Absent"


def _refers(value: object) -> bool:
    """A reference, be it a bad one. iLO 4 has counts in such places, without any link: {"Count": 2}."""
    return isinstance(value, Mapping) and (not value or "@odata.id" in value)


@dataclass(slots=True)
class Reader:
    """Reads one section; what could not be read is told in `problems`, one line each."""

    link: Link
    problems: list[str] = field(default_factory=list)
    asked: int = 0

    def resource(self, link: object) -> Answer:
        """A resource by its reference. Raises the adapter errors."""
        self._count()
        return self.link.get(self.link.path_of(link))

    def optional(self, body: Json, key: str) -> Json:
        """The resource that a property refers to; {} where there is none, with a problem where it is unreadable."""
        if not _refers(body.get(key)):
            return {}
        try:
            return self.resource(body[key]).body
        except NOT_THERE as error:
            self.note(error)
            return {}

    def each(self, links: Iterable[object]) -> Iterator[tuple[str, Json]]:
        """Path and body of every reference that can be read, each once; fetched a few at a time, given in order."""
        paths: list[str] = []
        seen: set[str] = set()
        for link in links:
            try:
                path = self.link.path_of(link)
            except NOT_THERE as error:
                self.note(error)
                continue
            if key_of(path) not in seen:
                seen.add(key_of(path))
                paths.append(path)
        answers = self.link.each(paths)
        try:
            for path, answer in zip(paths, answers, strict=True):
                try:
                    self._count()
                    yield path, answer.result().body
                except NOT_THERE as error:
                    self.note(error)
        finally:
            answers.close()

    def collection(self, body: Json, key: str) -> Iterator[tuple[str, Json]]:
        """Path and body of every member of the collection that a property refers to; none where it has none."""
        yield from self.each(self._links(body, key, bodies=True))

    def links(self, body: Json, key: str) -> list[object]:
        """The references of that collection, over all its pages; a null or missing Members is no members."""
        return self._links(body, key, bodies=False)

    def _links(self, body: Json, key: str, bodies: bool) -> list[object]:
        found: list[object] = []
        expanded = self._expanded(body, key) if bodies else None
        page = self.optional(body, key) if expanded is None else expanded
        for _ in range(PAGES):
            members = objects(page, "Members")
            found += members
            if expanded is not None:
                self._keep(members)
            if "Members@odata.nextLink" not in page or len(found) >= MEMBERS:
                break
            try:
                page = self.resource(page["Members@odata.nextLink"]).body
            except NOT_THERE as error:
                self.note(error)
                break
        return found[:MEMBERS]

    def _expanded(self, body: Json, key: str) -> Json | None:
        if not _refers(body.get(key)):
            return None
        try:
            answer = self.link.expand(self.link.path_of(body[key]))
        except NOT_THERE as error:
            self.note(error)
            return None
        if answer is not None:
            self._count()
        return None if answer is None else answer.body

    def _keep(self, members: list[Json]) -> None:
        for member in members:
            if len(member) > 2:
                try:
                    self.link.seed(self.link.path_of(member), Answer(member, text(member, "@odata.etag")))
                except NOT_THERE:
                    continue  # told of where it is read

    def _count(self) -> None:
        self.asked += 1
        if self.asked > REQUESTS:
            raise Unsupported(f"more than {REQUESTS} resources: reading stopped")

    def note(self, error: AdapterError) -> None:
        """Remember what could not be read; raises it if the credentials were refused, for then nothing will be."""
        if isinstance(error, Refused) and self.link.refused is not None:
            raise error
        self.problems.append(str(error))

    @property
    def problem(self) -> str:
        """All problems in one line, shortened."""
        first, rest = "; ".join(self.problems[:3]), len(self.problems) - 3
        return first + (f"; and {rest} more" if rest > 0 else "")
