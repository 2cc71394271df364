"""The resources of one machine: the recorded tree, and over it what has changed since."""

from __future__ import annotations

import json
import zlib
from typing import Any

from bpa.lab.recorded.exchange import Doc
from bpa.lab.recorded.personality import Personality
from bpa.lab.recorded.tree import Raw, Tree


class Store:
    """Copy on write: an untouched machine holds nothing of its own. Paths with or without trailing slash.

    changes: counts them, for those who keep what they have found.
    """

    def __init__(self, tree: Tree, ways: Personality, mend: bool = False) -> None:
        self.tree = tree
        self._mend = mend
        self._ways = ways
        self.changes = 0
        self._changed: dict[str, Doc | None] = {}
        self._versions: dict[str, int] = {}

    def key(self, path: str) -> str:
        """What identifies a resource: its recorded path, folded where the vendor does not mind case."""
        path = path.split("?")[0].split("#")[0].rstrip("/")
        path = self.tree.find(path, self._ways.any_case) or path
        return path.lower() if self._ways.any_case else path

    def has(self, path: str) -> bool:
        """Whether there is such a resource."""
        key = self.key(path)
        if key in self._changed:
            return self._changed[key] is not None
        return self.tree.find(key, self._ways.any_case) is not None

    def get(self, path: str) -> Doc | None:
        """The resource, to be read only; None where there is none."""
        key = self.key(path)
        if key in self._changed:
            return self._changed[key]
        spelled = self.tree.find(key, self._ways.any_case)
        doc = self.tree.doc(spelled) if spelled else None
        return _mended(doc, key) if doc and self._mend else doc

    def linked(self, doc: Any, *names: str) -> Doc | None:
        """The resource that a property of doc links to, through inner objects."""
        path = self.link(doc, *names)
        return self.get(path) if path else None

    @staticmethod
    def link(doc: Any, *names: str) -> str:
        """The @odata.id below doc[name][name]..., "" where there is none."""
        for name in names:
            doc = doc.get(name) if isinstance(doc, dict) else None
        path = doc.get("@odata.id") if isinstance(doc, dict) else None
        return path if isinstance(path, str) else ""

    def edit(self, path: str) -> Doc:
        """The resource, to be changed in place; its ETag changes with the call. KeyError where there is none."""
        doc = self.get(path)
        if doc is None:
            raise KeyError(path)
        self.put(path, doc)
        return doc

    def put(self, path: str, doc: Doc) -> None:
        """Make a resource, or replace it."""
        key = self.key(path)
        self.changes += 1
        self._changed[key] = doc
        self._versions[key] = self._versions.get(key, 0) + 1
        if "@odata.etag" in doc:
            doc["@odata.etag"] = self._shaped(f"{zlib.crc32(key.encode()):08X}{self._versions[key]:04X}", doc["@odata.etag"])

    def remove(self, path: str) -> None:
        """Take a resource away."""
        self.changes += 1
        self._changed[self.key(path)] = None

    def members(self, path: str) -> list[str]:
        """The paths of a collection's members; none where it is none."""
        doc = self.get(path) or {}
        listed = doc.get("Members")
        return [m for m in map(self.link, listed if isinstance(listed, list) else []) if m]

    def join(self, collection: str, path: str) -> None:
        """Make a resource a member."""
        doc = self.edit(collection)
        doc["Members"] = [*_listed(doc), {"@odata.id": path}]
        doc["Members@odata.count"] = len(doc["Members"])

    def leave(self, collection: str, path: str) -> None:
        """Take a member out."""
        doc = self.edit(collection)
        gone = self.key(path)
        doc["Members"] = [m for m in _listed(doc) if self.key(self.link(m)) != gone]
        doc["Members@odata.count"] = len(doc["Members"])

    def raw(self, path: str) -> Raw | None:
        """The bytes of a resource and its ETag ("" = this vendor serves none), as a GET gives them."""
        key = self.key(path)
        if key in self._changed:
            doc = self._changed[key]
            if doc is None:
                return None
            kind = doc.get("@odata.type")
            return Raw(json.dumps(doc).encode(), self._etag_of(key, doc), kind if isinstance(kind, str) else "")
        spelled = self.tree.find(key, self._ways.any_case)
        raw = self.tree.raw(spelled) if spelled else None
        if raw and self._mend:
            doc = self.get(path)
            raw = Raw(json.dumps(doc).encode(), raw.etag, raw.kind, raw.headers) if doc else raw
        if raw is None or raw.etag or not self._served(raw.kind):
            return raw
        return Raw(raw.data, self._shaped(f"{zlib.crc32(raw.data):08X}"), raw.kind, raw.headers)

    def untouched(self, path: str) -> str | None:
        """The recorded spelling of a resource that nobody has changed."""
        key = self.key(path)
        return None if self._mend or key in self._changed else self.tree.find(key, self._ways.any_case)

    def _etag_of(self, key: str, doc: Doc) -> str:
        known = doc.get("@odata.etag")
        if isinstance(known, str):
            return known
        kind = doc.get("@odata.type")
        if not self._served(kind if isinstance(kind, str) else ""):
            return ""
        return self._shaped(f"{zlib.crc32(key.encode()):08X}{self._versions.get(key, 0):04X}")

    def _served(self, kind: str) -> bool:
        """Whether a resource without a recorded ETag gets one; accounts have one everywhere (DSP0266, 6.5)."""
        return self._ways.etags not in ("none", "recorded") or (
            self._ways.etags == "recorded" and kind.startswith("#ManagerAccount."))

    def _shaped(self, value: str, like: object = "") -> str:
        weak = like.startswith("W/") if isinstance(like, str) and like else self._ways.etags == "weak"
        return f'W/"{value}"' if weak else f'"{value}"'


def _mended(doc: Doc, key: str) -> Doc:
    """With the properties that the specification requires of every resource, and some firmware forgets."""
    last = key.rsplit("/", 1)[-1]
    required = {"Name": last} if isinstance(doc.get("Members"), list) else {"Id": last, "Name": last}
    return required | doc


def _listed(doc: Doc) -> list[Any]:
    members = doc.get("Members")
    return members if isinstance(members, list) else []
