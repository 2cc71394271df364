"""A recorded tree on disk: DMTF mockup layout, found once, read lazily, shared by all machines that serve it."""

from __future__ import annotations

import gzip
import json
import os
from collections import OrderedDict
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from bpa.lab.errors import LabError

ROOT = "/redfish/v1"
CACHE_BYTES = 24 * 1024 * 1024
"""Of all trees together, the bytes of resources that are kept in memory."""
RECORDING = "recording.json"
"""Where `bpa bmc record` keeps what announced resources answered that have no body."""
NOT_HEADERS = frozenset({
    "connection", "content-encoding", "content-length", "date", "keep-alive", "set-cookie", "transfer-encoding",
    "x-auth-token", "location", "www-authenticate",
})
"""Recorded headers that belong to the moment of recording, or to the connection, and are not served again."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The bytes of a resource as recorded; its ETag, from its headers or from itself ("" = none); its @odata.type."""

    data: bytes
    etag: str
    kind: str
    headers: tuple[tuple[str, str], ...] = ()


Key = tuple[int, str, bool]
"""Which tree, which path, whether compressed."""


class _Cache:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[Key, Raw | bytes] = OrderedDict()

    def get(self, key: Key) -> Raw | bytes | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: Key, value: Raw | bytes) -> None:
        size = _size(value)
        if size > self._limit // 4 or key in self._kept:
            return
        self._kept[key] = value
        self._size += size
        while self._size > self._limit:
            self._size -= _size(self._kept.popitem(last=False)[1])


def _size(value: Raw | bytes) -> int:
    return len(value.data if isinstance(value, Raw) else value) + 256


_CACHE = _Cache(CACHE_BYTES)
_NUMBERS = count()
_TREES: WeakValueDictionary[Path, Tree] = WeakValueDictionary()


class Tree:
    """Read-only. Paths are Redfish paths without trailing slash; `find` gives the recorded spelling of one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = next(_NUMBERS)
        base, prefix = _base(folder)
        self._base = base
        self._files: dict[str, str] = {}
        self._folded: dict[str, str] = {}
        for where, _, names in os.walk(base):
            if "index.json" not in names:
                continue
            relative = os.path.relpath(where, base)
            path = prefix if relative == "." else f"{prefix}/{relative.replace(os.sep, '/')}"
            self._files[path] = relative
            known = self._folded.setdefault(path.lower(), path)
            # Where two folders differ by case only, the one that the resource names itself by is the resource.
            if known != path and self._named(relative) == path:
                self._folded[path.lower()] = path
        self.answers = _answers(base)
        if ROOT not in self._files:
            raise LabError(f"{folder} holds no recorded Redfish tree: no index.json of {ROOT} below it")

    def __len__(self) -> int:
        return len(self._files)

    def paths(self) -> list[str]:
        """All recorded paths."""
        return list(self._files)

    def find(self, path: str, any_case: bool) -> str | None:
        """The recorded spelling of a path, or None."""
        return self._folded.get(path.lower()) if any_case else path if path in self._files else None

    def raw(self, path: str) -> Raw | None:
        """The resource at a path in its recorded spelling."""
        relative = self._files.get(path)
        if relative is None:
            return None
        key = (self._number, path, False)
        kept = _CACHE.get(key)
        if isinstance(kept, Raw):
            return kept
        data = Path(f"{self._base}/{relative}/index.json").read_bytes()
        value = _value(data)
        etag = value.get("@odata.etag") if isinstance(value, dict) else None
        kind = value.get("@odata.type") if isinstance(value, dict) else None
        headers = _headers(f"{self._base}/{relative}/headers.json")
        served = next((v for n, v in headers if n.lower() == "etag"), etag)
        raw = Raw(
            data, served if isinstance(served, str) else "", kind if isinstance(kind, str) else "",
            tuple((n, v) for n, v in headers if n.lower() != "etag"),
        )
        _CACHE.keep(key, raw)
        return raw

    def gzipped(self, path: str, data: bytes) -> bytes:
        """data, which is what `raw` gave for path, compressed; kept like the resource itself."""
        key = (self._number, path, True)
        kept = _CACHE.get(key)
        if isinstance(kept, bytes):
            return kept
        packed = gzip.compress(data, 1, mtime=0)
        _CACHE.keep(key, packed)
        return packed

    def doc(self, path: str) -> dict[str, Any] | None:
        """The resource as an object of the caller's own; None where there is none, or it is no JSON object."""
        raw = self.raw(path)
        value = _value(raw.data) if raw else None
        return value if isinstance(value, dict) else None

    def _named(self, relative: str) -> str:
        value = _value((Path(self._base) / relative / "index.json").read_bytes())
        name = value.get("@odata.id") if isinstance(value, dict) else None
        return name.rstrip("/") if isinstance(name, str) else ""


def open_tree(folder: Path) -> Tree:
    """The tree below a folder; the same object for the same folder. Raises LabError where there is none."""
    where = folder.resolve()
    tree = _TREES.get(where)
    if tree is None:
        if not where.is_dir():
            raise LabError(f"{folder} is no directory")
        tree = _TREES[where] = Tree(where)
    return tree


def _base(folder: Path) -> tuple[str, str]:
    """The directory that paths are relative to, and the path that stands for it: layouts differ in how deep they begin."""
    if (folder / "redfish" / "v1" / "index.json").is_file():
        return str(folder), ""
    if (folder / "v1" / "index.json").is_file():
        return str(folder), "/redfish"
    return str(folder), ROOT


def _value(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _answers(base: str) -> dict[str, int]:
    """Path -> HTTP status of announced resources that were not served as JSON; 0 = the connection broke."""
    try:
        told = json.loads((Path(base) / RECORDING).read_bytes())["answers"]
        return {str(path).rstrip("/"): int(status) for path, status in told.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _headers(file: str) -> tuple[tuple[str, str], ...]:
    """What DMTF's mockup creator and our recorder keep beside a resource: {"GET": {name: value}}."""
    try:
        kept = json.loads(Path(file).read_bytes())["GET"]
        return tuple((str(n), str(v)) for n, v in kept.items() if str(n).lower() not in NOT_HEADERS)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()
