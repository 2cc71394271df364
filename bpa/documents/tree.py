"""YAML text to trees of nodes that remember their place, with every limit that hostile input needs.

The scalars are the ones Kubernetes reads (sigs.k8s.io/yaml): `yes` and `on` are booleans as in YAML 1.1, but there are
no sexagesimal numbers and no dates, so that 52:54:00:12:34:56 without quotes is a MAC address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import yaml

from bpa.documents.errors import DocumentError, Path, shortened

Scalar = str | int | float | bool | None

MAX_DEPTH = 64
MAX_NODES = 500_000

_CORE = "tag:yaml.org,2002:"
_NULLS = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}
_FALSE = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}
_INTEGER = re.compile(r"[-+]?(0x[0-9a-fA-F]{1,16}|0o?[0-7]{1,21}|0b[01]{1,63}|0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,3})?")
_DOCUMENT_START = re.compile(r"^---(?=[ \t\r]|$)", re.MULTILINE)
_EMPTY = re.compile(r"(?:[ \t\r]*(?:#.*)?\n|%.*\n)*[ \t\r]*(?:#.*|%.*)?")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A scalar, a sequence or a mapping. weight and depth count its nodes and levels with every alias expanded."""

    mark: Mark
    value: Scalar | tuple[Node, ...] | Mapping[str, Entry] = field(repr=False)
    weight: int = 1
    depth: int = 1

    def at(self, path: Path) -> Node | None:
        """The node at `path` below this one, None when there is none."""
        node: Node | None = self
        for part in path:
            node = _child(node, part)
        return node

    def mark_of(self, path: Path) -> Mark:
        """Where `path` is: its key where it has one, else where the nearest thing above it begins."""
        node: Node = self
        mark = self.mark
        for part in path:
            entry = node.value.get(part) if isinstance(node.value, Mapping) and isinstance(part, str) else None
            child = entry.node if entry is not None else _child(node, part)
            if child is None:
                break
            mark = entry.mark if entry is not None else child.mark
            node = child
        return mark

    def plain(self) -> Any:
        """The same as dicts, lists and scalars, as a JSON parser would give them."""
        if isinstance(self.value, Mapping):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        return self.value


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """The value of a key, and where the key is."""

    mark: Mark
    node: Node


_REMEDIES = {"could not find expected ':'": "a colon after the name",
             "did not find expected key": "names of one section indented alike"}


class TreeError(Exception):
    """The text is no document: what, and where."""

    def __init__(self, mark: Mark, message: str, expected: str = "", suggestion: str = "") -> None:
        super().__init__(message)
        self.mark = mark
        self.message = message
        self.expected = expected
        self.suggestion = suggestion


def _child(node: Node | None, part: str | int) -> Node | None:
    if node is None:
        return None
    if isinstance(node.value, Mapping):
        entry = node.value.get(part) if isinstance(part, str) else None
        return entry.node if entry is not None else None
    if isinstance(node.value, tuple) and isinstance(part, int):
        return node.value[part] if 0 <= part < len(node.value) else None
    return None


def parse_stream(text: str, file: str) -> tuple[tuple[Node, ...], tuple[DocumentError, ...]]:
    """The documents of a YAML stream, empty ones left out, and one error for each document that is broken.

    A broken document does not hide those after the next `---`.
    """
    nodes: list[Node] = []
    errors: list[DocumentError] = []
    starts = [0, *(match.start() for match in _DOCUMENT_START.finditer(text) if match.start()), len(text)]
    lines = 0
    for begin, end in pairwise(starts):
        part = text[begin:end]
        if not _EMPTY.fullmatch(part):
            try:
                nodes.extend(node for node in _documents(part, lines) if node.value is not None)
            except TreeError as error:
                errors.append(
                    DocumentError(
                        file,
                        error.mark.line,
                        error.mark.column,
                        "",
                        error.message,
                        error.expected,
                        error.suggestion,
                    )
                )
        lines += part.count("\n")
    return tuple(nodes), tuple(errors)


def _documents(text: str, lines: int) -> Iterator[Node]:
    try:
        yield from _Composer(lines).documents(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        mark = Mark(lines + place.line + 1, place.column + 1) if place is not None else Mark(lines + 1, 1)
        if place is not None and _tab_before(text, place.line, place.column):
            raise TreeError(mark, "a tab is not indentation in YAML", "spaces") from None
        problem = error.problem or error.context or "not YAML"
        while_ = f" {error.context}" if error.context and error.context != problem else ""
        if problem == "could not find expected ':'" and error.context_mark is not None:
            # Noticed a line or more behind the name that lacks its colon.
            mark = Mark(lines + error.context_mark.line + 1, error.context_mark.column + 1)
        raise TreeError(mark, f"broken YAML: {problem}{while_}", _REMEDIES.get(problem, "")) from None
    except yaml.YAMLError as error:
        raise TreeError(Mark(lines + 1, 1), f"broken YAML: {shortened(str(error), 120)}") from None


def _tab_before(text: str, line: int, column: int) -> bool:
    lines = text.split("\n")
    if line >= len(lines):
        return False
    indentation = lines[line][: len(lines[line]) - len(lines[line].lstrip())]
    return "\t" in indentation and column <= len(indentation)


@dataclass(slots=True)
class _Open:
    """A collection being composed: a mapping while `keys` is not None."""

    mark: Mark
    anchor: str | None
    keys: list[tuple[str, Mark]] | None
    nodes: list[Node] = field(default_factory=list)
    key: tuple[str, Mark] | None = None


class _Composer:
    """Events to nodes without recursion, so that no depth of input reaches the interpreter's stack."""

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._anchors: dict[str, Node] = {}
        self._open: list[_Open] = []

    def documents(self, events: Iterator[Any]) -> Iterator[Node]:
        for event in events:
            done: Node | None = None
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors, self._open = {}, []
            elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                done = self._close()
            elif isinstance(event, yaml.AliasEvent):
                done = self._alias(event)
            elif isinstance(event, yaml.ScalarEvent):
                if self._wants_key():
                    self._open[-1].key = (self._key(event), self._mark(event))
                else:
                    done = Node(self._mark(event), self._scalar(event))
                    self._remember(event.anchor, done)
            if done is not None:
                if not self._open:
                    yield done
                else:
                    self._add(done)

    def _mark(self, event: Any) -> Mark:
        return Mark(self._lines + event.start_mark.line + 1, event.start_mark.column + 1)

    def _wants_key(self) -> bool:
        return bool(self._open) and self._open[-1].keys is not None and self._open[-1].key is None

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _begin(self, event: Any) -> None:
        mark = self._mark(event)
        if self._wants_key():
            raise TreeError(
                mark,
                "a key cannot be a list or a mapping",
                "text before the colon",
                "quotes around it, if { or [ begins a text",
            )
        if len(self._open) >= MAX_DEPTH:
            raise TreeError(mark, f"nested more than {MAX_DEPTH} levels deep")
        tag = event.tag
        mapping = isinstance(event, yaml.MappingStartEvent)
        if tag not in (None, "!", _CORE + ("map" if mapping else "seq")):
            raise TreeError(mark, f"tag {shortened(tag)} is not supported")
        self._open.append(_Open(mark, event.anchor, [] if mapping else None))

    def _alias(self, event: Any) -> Node:
        mark = self._mark(event)
        if self._wants_key():
            raise TreeError(mark, "a key cannot be an alias", "text before the colon")
        node = self._anchors.get(event.anchor)
        if node is None:
            inside = any(item.anchor == event.anchor for item in self._open)
            raise TreeError(
                mark,
                f"alias *{shortened(event.anchor)} " + ("contains itself" if inside else "has no anchor"),
            )
        return node

    def _add(self, node: Node) -> None:
        top = self._open[-1]
        top.nodes.append(node)
        if top.keys is not None and top.key is not None:
            top.keys.append(top.key)
            top.key = None

    def _close(self) -> Node:
        top = self._open.pop()
        weight = 1 + sum(node.weight for node in top.nodes)
        depth = 1 + max((node.depth for node in top.nodes), default=0)
        if weight > MAX_NODES:
            raise TreeError(top.mark, f"more than {MAX_NODES} values, aliases expanded")
        if depth > MAX_DEPTH:
            raise TreeError(top.mark, f"nested more than {MAX_DEPTH} levels deep, aliases expanded")
        value = tuple(top.nodes) if top.keys is None else _mapping(top.keys, top.nodes)
        node = Node(top.mark, value, weight, depth)
        self._remember(top.anchor, node)
        return node

    def _key(self, event: Any) -> str:
        if event.tag not in (None, "!", _CORE + "str"):
            raise TreeError(self._mark(event), f"tag {shortened(event.tag)} is not supported on a key")
        return str(event.value)

    def _scalar(self, event: Any) -> Scalar:
        plain = event.tag is None and event.implicit[0]
        if plain:
            return resolve_scalar(event.value)
        tag = event.tag
        if tag in (None, "!", _CORE + "str"):
            return str(event.value)
        kind = tag.removeprefix(_CORE) if tag.startswith(_CORE) else ""
        value = resolve_scalar(event.value)
        accepted = {
            "int": type(value) is int,
            "float": type(value) in (int, float),
            "bool": type(value) is bool,
            "null": value is None,
        }
        if not accepted.get(kind, False):
            raise TreeError(self._mark(event), f"tag {shortened(tag)} is not supported here")
        return value


def _mapping(keys: list[tuple[str, Mark]], nodes: list[Node]) -> Mapping[str, Entry]:
    """Entries by key; a merge key (`<<`) brings in what the mapping does not say itself."""
    entries: dict[str, Entry] = {}
    merged: dict[str, Entry] = {}
    for (key, mark), node in zip(keys, nodes, strict=True):
        if key == "<<":
            for source in node.value if isinstance(node.value, tuple) else (node,):
                if not isinstance(source.value, Mapping):
                    raise TreeError(mark, "the merge key << takes a mapping or a list of mappings")
                for name, entry in source.value.items():
                    merged.setdefault(name, entry)
        elif key in entries:
            first = entries[key].mark.line
            raise TreeError(mark, f"key {shortened(key)} is here twice (first in line {first})", "each key once")
        else:
            entries[key] = Entry(mark, node)
    return {**merged, **entries}


def resolve_scalar(text: str) -> Scalar:
    """What an unquoted scalar means; what is out of range for a 64-bit number stays text."""
    if text in _NULLS:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INTEGER.fullmatch(text):
        digits = text.lstrip("+-")
        octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
        return int(text.replace(digits, "0o" + digits[1:]) if octal else text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if number not in (float("inf"), float("-inf")) else text
    return text
