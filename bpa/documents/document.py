"""One Kubernetes-style document with the places of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from bpa.documents import errors
from bpa.documents.errors import DocumentError
from bpa.documents.tree import Mark, Node

OUR_GROUP = "bpa.akraino.org"
OUR_VERSION = f"{OUR_GROUP}/v1alpha1"
OUR_KINDS = ("HardwareProfile", "HostProvisioning", "Provisioning", "Site", "Software", "Tenant")
METAL3_VERSION = "metal3.io/v1alpha1"
VERSIONS = {**dict.fromkeys(OUR_KINDS, OUR_VERSION), "BareMetalHost": METAL3_VERSION, "Secret": "v1"}


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping with apiVersion and kind. origin is the field of a `kind: List` it came from ("items[3]") or ()."""

    file: str
    folder: Path
    root: Node
    api_version: str
    kind: str
    name: str
    namespace: str
    origin: errors.Path = ()
    body: Any = field(default=None, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.namespace, self.name

    @property
    def place_key(self) -> tuple[str, int, int, str]:
        """What tells this document from every other one, names apart: two may have one name by mistake."""
        return self.file, self.mark.line, self.mark.column, errors.field_name(self.origin)

    @property
    def mark(self) -> Mark:
        """Where the document begins."""
        return self.root.mark

    def get(self, *path: str | int) -> Any:
        """The plain value at `path`, None when it is absent."""
        value = self.body
        for part in path:
            if isinstance(value, dict) and isinstance(part, str):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int):
                value = value[part] if part < len(value) else None
            else:
                return None
        return value

    def text(self, *path: str | int) -> str | None:
        """The text at `path`; None when there is none."""
        value = self.get(*path)
        return value if isinstance(value, str) else None

    def label(self, name: str) -> str | None:
        """A label of the metadata."""
        return self.text("metadata", "labels", name)

    def annotation(self, name: str) -> str | None:
        """An annotation of the metadata."""
        return self.text("metadata", "annotations", name)

    def place(self, *path: str | int) -> str:
        """`file:line` of a field, for messages about another place."""
        return f"{self.file}:{self.root.mark_of(path).line}"

    def error(self, path: errors.Path, message: str, expected: str = "", suggestion: str = "") -> DocumentError:
        """An error at a field of this document."""
        mark = self.root.mark_of(path)
        return DocumentError(
            self.file,
            mark.line,
            mark.column,
            errors.field_name((*self.origin, *path)),
            message,
            expected,
            suggestion,
        )

    @property
    def title(self) -> str:
        """Kind and name, for notes."""
        return f"{self.kind} {self.name}" if self.name else self.kind


def nearest(word: str, words: list[str] | tuple[str, ...] | set[str], cutoff: float = 0.6) -> str:
    """The word that was probably meant, "" when none is near. Letter case does not count."""
    by_lower = {known.lower(): known for known in sorted(words)}
    if sum(known.startswith(word.lower()) for known in by_lower) > 1:
        return ""
    found = get_close_matches(word[:200].lower(), list(by_lower), 1, cutoff)
    return by_lower[found[0]] if found else ""


def open_document(file: str, folder: Path, root: Node, origin: errors.Path = ()) -> Iterator[Document | DocumentError]:
    """The document a tree is, or those of a `kind: List`; an error for what has no apiVersion or kind."""

    def wrong(path: errors.Path, message: str, expected: str, suggestion: str = "") -> DocumentError:
        mark = root.mark_of(path)
        return DocumentError(file, mark.line, mark.column, errors.field_name((*origin, *path)), message, expected, suggestion)

    body = root.plain()
    if not isinstance(body, dict):
        yield wrong((), "this document is no mapping", "apiVersion, kind, metadata and spec")
        return
    version, kind = body.get("apiVersion"), body.get("kind")
    broken = False
    for field_, value in (("apiVersion", version), ("kind", kind)):
        if not isinstance(value, str) or not value:
            message = f"{field_} is missing" if field_ not in body else f"{field_} is not text"
            near = "" if field_ in body else nearest(field_, set(body), 0.75)
            yield wrong((field_,), message, "text", f"{field_} instead of {near}" if near else "")
            broken = True
    if broken:
        return
    if version == "v1" and kind == "List":
        items = root.at(("items",))
        if items is None or not isinstance(items.value, tuple):
            yield wrong(("items",), "a List needs items", "a list of documents")
            return
        for number, item in enumerate(items.value):
            yield from open_document(file, folder, item, (*origin, "items", number))
        return
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name, namespace = metadata.get("name"), metadata.get("namespace")
    yield Document(
        file,
        folder,
        root,
        str(version),
        str(kind),
        name if isinstance(name, str) else "",
        namespace if isinstance(namespace, str) else "default",
        origin,
        body,
    )


def judge_kind(document: Document) -> DocumentError | str:
    """ "" for a kind that BPA reads; a note for one that is none of its business; an error for a slip of the pen."""
    version, kind = document.api_version, document.kind
    wanted = VERSIONS.get(kind)
    if wanted == version:
        return ""
    group = version.split("/")[0]
    if wanted is not None:
        if group == wanted.split("/")[0] or nearest(version, [wanted], 0.75):
            return document.error(("apiVersion",), f"{kind} has no version {errors.shortened(version)}", wanted, wanted)
    elif group == OUR_GROUP:
        return document.error(
            ("kind",),
            f"{errors.shortened(kind)} is no kind of {OUR_GROUP}",
            ", ".join(OUR_KINDS),
            nearest(kind, OUR_KINDS),
        )
    elif version in (METAL3_VERSION, "v1"):
        ours = [name for name, known in VERSIONS.items() if known == version]
        meant = nearest(kind, ours, 0.8)
        if meant:
            return document.error(("kind",), f"{errors.shortened(kind)} is no kind of {version}", "", meant)
    return f"{document.file}:{document.mark.line}: {errors.shortened(document.title)} ({version}) is not read by BPA"
