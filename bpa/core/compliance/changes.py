"""What differs between two mappings, as a flat list of changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bpa.core.compliance.document_words import in_document_words
from bpa.core.compliance.report import ConditionReport


@dataclass(frozen=True, slots=True)
class Change:
    """What was `old` and is `new`, as text, "" = not there. what names it: a field of the report ("bpa", "serial"), or where
    the documents ask it ("sriov[0].vfs"; with "[]" behind it: one thing of a list, "kernel.arguments[]").
    """

    what: str
    old: str
    new: str


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Change, ...]:
    """Where two mappings differ, in the order of the keys, so that it is the same both ways round."""
    return tuple(Change(key, old.get(key, ""), new.get(key, "")) for key in sorted({*old, *new})
                 if old.get(key, "") != new.get(key, ""))


def wanted_changes(old: ConditionReport, new: ConditionReport) -> tuple[Change, ...]:
    """What the documents ask otherwise of a condition, in their words."""
    before, after = (in_document_words(one.wanted, one.needs == "cluster") for one in (old, new))
    lists: dict[str, tuple[list[str], list[str]]] = {}
    flat = (dict(_leaves(before, "", lists, 0)), dict(_leaves(after, "", lists, 1)))
    return tuple(sorted((*changes(*flat), *(change for path in lists for change in _in_list(path, *lists[path]))),
                        key=lambda change: change.what))


def _in_list(path: str, old: list[str], new: list[str]) -> Iterator[Change]:
    """A list of texts or numbers: what is in one alone; where only the order is another, all of it."""
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    if gone or come:
        yield from (Change(f"{path}[]", one, "") for one in gone.elements())
        yield from (Change(f"{path}[]", "", one) for one in come.elements())
    elif old != new:
        yield Change(path, ", ".join(old), ", ".join(new))


def _leaves(value: Any, path: str, lists: dict[str, tuple[list[str], list[str]]], side: int) -> Iterator[tuple[str, str]]:
    """{"sriov": [{"vfs": 4}]} -> ("sriov[0].vfs", "4"); a list of plain values goes to `lists`, to its side."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key), lists, side)
    elif isinstance(value, (list, tuple)):
        if any(isinstance(inner, (Mapping, list, tuple)) for inner in value):
            for n, inner in enumerate(value):
                yield from _leaves(inner, f"{path}[{n}]", lists, side)
        else:
            lists.setdefault(path, ([], []))[side].extend(_text(inner) for inner in value)
    else:
        yield path, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
