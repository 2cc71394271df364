"""Walking a tree section by section: resources that are what they should be; the rest is told as a problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bpa.adapters.redfish.reading import NOT_THERE, Json, Reader, inner, objects, text
from bpa.adapters.redfish.transport.answers import Faulty


def same(path: str) -> str:
    """A path as it is compared: without regard to case and trailing slash (iLO 5 writes both)."""
    return path.split("#")[0].rstrip("/").lower()


def last(path: str) -> str:
    """The last part of a path: often the Id, where a resource tells none."""
    return path.rstrip("/").rsplit("/", 1)[-1]


def each(reader: Reader, links: Iterable[object]) -> Iterator[tuple[str, Json]]:
    """Path and body of every reference that can be read, each once."""
    for path, body in reader.each(links):
        if _is_resource(reader, path, body):
            yield path, body


def members(reader: Reader, body: Json, key: str) -> Iterator[tuple[str, Json]]:
    """Path and body of every member of the collection that a property refers to; none where it has none."""
    for path, member in reader.collection(body, key):
        if _is_resource(reader, path, member):
            yield path, member


def optional(reader: Reader, body: Json, key: str) -> Json:
    """The resource that a property refers to; {} where there is none or it cannot be read."""
    found = reader.optional(body, key)
    return found if _is_resource(reader, path_of(reader, body.get(key)), found) else {}


def path_of(reader: Reader, link: object) -> str:
    """The path of a reference; "" where it is none."""
    try:
        return reader.link.path_of(link)
    except NOT_THERE:
        return ""


def paths(reader: Reader, links: Iterable[object]) -> tuple[str, ...]:
    """The paths of references as they are compared."""
    return tuple(same(path) for link in links if (path := path_of(reader, link)))


def references(body: Json, *keys: str) -> list[object]:
    """The references at a path of keys, be it one or a list of them."""
    at: Any = inner(body, *keys[:-1]).get(keys[-1])
    return [at] if isinstance(at, Mapping) else list(objects(inner(body, *keys[:-1]), keys[-1]))


def _is_resource(reader: Reader, path: str, body: Json) -> bool:
    # Intel's S2600 and others answer errors with status 200.
    if "error" not in body or "@odata.id" in body:
        return True
    error = inner(body, "error")
    said = next((said for info in objects(error, "@Message.ExtendedInfo") if (said := text(info, "Message"))), "")
    problem = Faulty(f"{path} answered an error: {said or text(error, 'message', 'code') or 'without a word'}")
    if str(problem) not in reader.problems:
        reader.note(problem)
    return False
