"""A HardwareProfile with its comments: `#` lines above a key and a `#` beside it belong to that key (YAML 1.2, 6.6).

The comment that the file begins with is its introduction; an empty `#` line divides paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

_BESIDE = re.compile(r"""^[^"'#]*\s#\s?(.*)$""")
_BEFORE_FIRST = re.compile(r"""[\s{[-]*["']?""")


@dataclass(frozen=True, slots=True)
class Field:
    """A value with its place below its section ("match.device"; of several items "[1].match.device"; "" = the section
    itself is the value) and the comment of its own. plain: the same place without numbers, as a schema knows it.
    """

    path: str
    plain: tuple[str, ...]
    value: str
    comment: str


@dataclass(frozen=True, slots=True)
class Section:
    """A key of `spec`: its own comment, and its fields in the order of the file."""

    name: str
    comment: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class CommentedProfile:
    """introduction: paragraphs without line breaks."""

    name: str
    introduction: tuple[str, ...]
    sections: tuple[Section, ...]


def parse_profile(text: str) -> CommentedProfile:
    """The profile of a file with one HardwareProfile that is known to be right. Raises yaml.YAMLError, KeyError."""
    lines, root = text.splitlines(), yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise KeyError("spec")
    top = {key.value: value for key, value in root.value}
    name = next(value.value for key, value in top["metadata"].value if key.value == "name")
    return CommentedProfile(name, _introduction(lines), tuple(
        Section(key.value, _comment(key, value, lines), tuple(_fields(value, lines, "", ())))
        for key, value in top["spec"].value))


def _introduction(lines: list[str]) -> tuple[str, ...]:
    head = []
    for line in lines:
        if not line.startswith("#"):
            break
        head.append(line.removeprefix("#").strip())
    return tuple(" ".join(block.split()) for block in "\n".join(head).split("\n\n") if block.strip())


def _fields(node: yaml.Node, lines: list[str], path: str, plain: tuple[str, ...]) -> Iterator[Field]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            there = f"{path}.{key.value}" if path else key.value
            yield from _of(key, value, lines, there, (*plain, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            if isinstance(item, yaml.ScalarNode):
                yield Field(path, plain, item.value, _comment(item, item, lines))
            else:
                yield from _fields(item, lines, path if len(node.value) == 1 else f"{path}[{number}]", plain)
    elif isinstance(node, yaml.ScalarNode):
        yield Field(path, plain, node.value, "")


def _of(key: yaml.Node, value: yaml.Node, lines: list[str], path: str, plain: tuple[str, ...]) -> Iterator[Field]:
    """The fields below a key. What is said of a mapping or list of several is said at its first field."""
    comment = _comment(key, value, lines)
    for first, field in enumerate(_fields(value, lines, path, plain)):
        said = (comment, field.comment) if first == 0 else (field.comment,)
        yield Field(field.path, field.plain, field.value, " ".join(one for one in said if one))


def _comment(key: yaml.Node, value: yaml.Node, lines: list[str]) -> str:
    line = key.start_mark.line
    if not _BEFORE_FIRST.fullmatch(lines[line][:key.start_mark.column]):
        return ""  # of several on one line the first has what is said there
    above: list[str] = []
    for before in reversed(lines[:line]):
        if not before.strip().startswith("#"):
            break
        above.insert(0, before.strip().removeprefix("#").strip())
    # A key is followed by its value on the same line, or by nothing but a comment.
    end = value.end_mark if value.end_mark.line == line else key.end_mark
    beside = _BESIDE.match(lines[line][end.column:])
    return " ".join(" ".join((*above, beside[1] if beside else "")).split())
