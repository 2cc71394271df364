"""What of a tree is read, and in which order: breadth first, each resource once, floods cut short."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.reading import inner, objects, text

Extra = Literal["schemas", "registries", "logs", "telemetry"]
EXTRAS: tuple[Extra, ...] = get_args(Extra)
"""What is left out, or cut short, unless asked for."""
START = ("/redfish", "/redfish/v1/", "/redfish/v1/odata")
_SCHEMAS = re.compile(r"/(jsonschemas?|schemas?|schemastore|\$metadata)(/|$)", re.IGNORECASE)
_SESSION = re.compile(r"/sessions/[^/]+$", re.IGNORECASE)
_LOG = re.compile(r"/(log\w*)/.*entries|/entries$|/log(s|services)?/[^/]+/[^/]+$", re.IGNORECASE)
_TELEMETRY = re.compile(r"/(metric\w*|triggers|historicaldata)$", re.IGNORECASE)
_SIGNATURES = re.compile(r"/(signatures|certificates)$", re.IGNORECASE)
_UNSAFE = re.compile(r"(^|/)(\.|index\.json(/|$)|headers\.json(/|$))|//|[\x00-\x1f\\]|^/recording\.json")
SEGMENT = 200
PAGES = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """resources in all; members of one collection; log entries of one log; depth in links from the service root."""

    resources: int = 20_000
    members: int = 2_000
    log_entries: int = 50
    telemetry: int = 20
    depth: int = 40
    extras: frozenset[Extra] = frozenset()


@dataclass(slots=True)
class Frontier:
    """The resources that are known and not read yet. left_out: why -> how many that are announced are not recorded."""

    limits: Limits
    left_out: Counter[str] = field(default_factory=Counter)
    _queue: deque[tuple[str, int]] = field(default_factory=deque)
    _queued: int = 0
    _seen: set[str] = field(default_factory=set)
    _of: Counter[str] = field(default_factory=Counter)
    _files: list[tuple[str, Mapping[str, Any], int]] = field(default_factory=list)
    _registries: set[str] = field(default_factory=set)

    @property
    def known(self) -> int:
        """Resources that are recorded or will be."""
        return self._queued

    def next(self) -> tuple[str, int] | None:
        """Path and depth of the next resource; None when nothing is left."""
        if not self._queue:
            self._choose_registries()
        return self._queue.popleft() if self._queue else None

    def add(self, path: str, depth: int, registry: bool = False) -> None:
        """A resource that a link leads to. registry: one that was chosen; some keep them among the schemas."""
        plain = path.partition("?")[0]
        if same(path) in self._seen or not plain.strip("/"):
            return
        why = self._refused(plain, path != plain, depth, registry)
        self._seen.add(same(path))
        if why:
            self.left_out[why] += 1
        else:
            self._queued += 1
            self._queue.append((path, depth))

    def read(self, path: str, body: Mapping[str, Any], depth: int, path_of: Any) -> None:
        """Take in what a resource links to. path_of: the link's, which raises Unsupported for what leads elsewhere."""
        if text(body, "Registry") and isinstance(body.get("Location"), list):
            self._files.append((path, body, depth))
        if name := text(body, "AttributeRegistry"):
            self._registries.add(name.lower())
        for link in links(body):
            try:
                self.add(path_of(link), depth + 1)
            except Unsupported:
                self.left_out["leads elsewhere, or is no path"] += 1

    def _refused(self, plain: str, page: bool, depth: int, registry: bool) -> str:
        limits, parent = self.limits, plain.rstrip("/").rpartition("/")[0]
        if _UNSAFE.search(plain) or any(len(segment) > SEGMENT for segment in plain.split("/")):
            return "no name for a file"
        if _SESSION.search(plain.rstrip("/")):
            return "sessions"
        if _SCHEMAS.search(plain) and "schemas" not in limits.extras and depth > 1 and not registry:
            return "schemas"
        if self._queued >= limits.resources or depth > limits.depth:
            return "limit of resources"
        if page:
            parent, most, why = f"pages of {plain}", PAGES, "pages of a collection"
            if _LOG.search(plain) and "logs" not in limits.extras:
                most, why = 0, "log entries"
        elif _LOG.search(parent) and "logs" not in limits.extras:
            most, why = limits.log_entries, "log entries"
        elif _TELEMETRY.search(parent) and "telemetry" not in limits.extras:
            most, why = limits.telemetry, "telemetry"
        elif _SIGNATURES.search(parent):
            most, why = limits.telemetry, "certificates and signatures"
        else:
            most, why = limits.members, "members of a collection"
        self._of[parent] += 1
        return why if self._of[parent] > most else ""

    def _choose_registries(self) -> None:
        """Of the registries the BIOS's, now that the Bios resources have said what theirs are called."""
        files, self._files = self._files, []
        for _, body, depth in files:
            name = text(body, "Registry").lower()
            named = f"{text(body, 'Id')} {name}".lower()
            wanted = "bios" in named or any(r.startswith(name) or name.startswith(r) for r in self._registries if name)
            if not wanted and "registries" not in self.limits.extras:
                self.left_out["message registries"] += 1
                continue
            for uri in _uris(body):
                self.add(uri, depth + 1, registry=True)


def same(path: str) -> str:
    """One text for all spellings of a path: services differ in case and slashes, and mix them."""
    return path.rstrip("/").lower()


def links(value: Any) -> Iterator[str]:
    """The links of a body that a GET may follow, registry files aside. Actions' targets are not among them."""
    if isinstance(value, Mapping):
        for key, inside in value.items():
            if isinstance(inside, str):
                if key in ("@odata.id", "@Redfish.ActionInfo") or key.endswith("@odata.nextLink"):
                    yield inside
            elif not isinstance(inside, int | float | None):
                yield from links(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from links(inside)


def _uris(body: Mapping[str, Any]) -> list[str]:
    """Where a registry file is served: the English one where there are several languages."""
    places = [p for p in objects(body, "Location") if _uri(p)]
    english = [p for p in places if text(p, "Language").lower().startswith(("en", "default"))]
    return [_uri(p) for p in (english or places)[:1]]


def _uri(place: Mapping[str, Any]) -> str:
    # iLO wraps it: {"Uri": {"extref": "/redfish/v1/..."}}.
    uri = text(place, "Uri") or text(inner(place, "Uri"), "extref")
    return uri if uri.startswith("/") else ""
