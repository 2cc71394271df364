"""What changed between two texts, in lines that a terminal holds: before and now, or what came and what went."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

WIDTH = 120
INDENT = "    "
NAMES_A_THING = re.compile(r"[=_/.:\d-]")


def change_lines(what: str, old: str, new: str) -> Iterator[str]:
    """One line where it fits, else one for each: "what: old -> new"."""
    if len(line := f"{INDENT}{what}: {old} -> {new}") <= WIDTH:
        yield line
        return
    yield from _wrapped(f"{what} before: {old}")
    yield from _wrapped(f"{what} now: {new}")


def list_lines(what: str, gone: Sequence[str], come: Sequence[str]) -> Iterator[str]:
    """What left a list and what was added to it: "what: +intel_iommu=on, -quiet"."""
    yield from _wrapped(f"{what}: " + ", ".join((*(f"-{one}" for one in gone), *(f"+{one}" for one in come))))


def found_lines(old: str, new: str) -> Iterator[str]:
    """Two texts of one kind: only the clauses that differ are told, and of a list only what came and went.

    Texts that fit on one line, and those that have nothing in common, are told whole.
    """
    before, after = _cut(old, ";"), _cut(new, ";")
    gone, come = _left(before, after), _left(after, before)
    pairs = {one: other for one in gone if (other := _became(one, gone, come))}
    shared = len(gone) < len(before) or len(come) < len(after) or pairs
    if len(f"{INDENT}found: {old} -> {new}") <= WIDTH or not shared or not (gone or come):
        yield from change_lines("found", old, new)
        return
    for one, other in pairs.items():
        yield from _of_lists(one, other)
    gone, come = _left(gone, [*pairs]), _left(come, [*pairs.values()])
    if len(gone) == len(come) == 1:
        yield from change_lines("found", *gone, *come)
        return
    for what, clauses in (("found no more", gone), ("found now", come)):
        for one in clauses:
            yield from _wrapped(f"{what}: {one}")


def _became(one: str, gone: Sequence[str], come: Sequence[str]) -> str:
    """The only clause that lists things under the same head and shares some of them, "" = there is none."""
    head, items = _listed(one)
    rivals = [clause for clause in gone if _listed(clause)[0] == head]
    alike = [other for other in come if _listed(other)[0] == head and Counter(items) & Counter(_listed(other)[1])]
    return alike[0] if len(alike) == len(rivals) == 1 else ""


def _of_lists(old: str, new: str) -> Iterator[str]:
    (head, items), (_, others) = _listed(old), _listed(new)
    gone, come = _left(items, others), _left(others, items)
    what = f"found, {head}" if head else "found"
    if not gone and not come:
        yield from change_lines(what, ", ".join(items), ", ".join(others))
        return
    by_shape = {_shape(one): one for one in gone}
    for one in list(come):
        if (was := by_shape.pop(_shape(one), None)) is not None:  # "16 GiB of memory" has become "126 GiB of memory"
            yield from change_lines(what, was, one)
            gone.remove(was)
            come.remove(one)
    if gone or come:
        yield from list_lines(what, gone, come)


def _listed(clause: str) -> tuple[str, list[str]]:
    """"not loaded: a, b" -> "not loaded" and the two; "running with a=1 b=2" -> "running with" and the two."""
    head, colon, rest = clause.partition(": ")
    items = _cut(rest if colon else clause, ",")
    if len(items) > 1:
        return (head if colon else ""), items
    words = clause.split()
    first = next((n for n, word in enumerate(words) if NAMES_A_THING.search(word.rstrip(":"))), len(words))
    things = [word for word in words[first:] if NAMES_A_THING.search(word)]
    if first and len(things) * 2 > len(words) - first:
        return " ".join(words[:first]).rstrip(":"), words[first:]
    return clause, []


def _cut(text: str, mark: str) -> list[str]:
    """The text cut at "; " or ", " where that is outside of brackets and quotes."""
    found, depth, quoted, begin = [], 0, False, 0
    for at, char in enumerate(text):
        quoted ^= char == '"'
        depth = max(0, depth + (char in "([{") - (char in ")]}"))
        if char == mark and not depth and not quoted and text[at + 1:at + 2] == " ":
            found.append(text[begin:at].strip())
            begin = at + 1
    return [*found, text[begin:].strip()]


def _left(some: Sequence[str], others: Sequence[str]) -> list[str]:
    return list((Counter(some) - Counter(others)).elements())


def _shape(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "#", text.partition("=")[0])


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT + "  ", break_long_words=False,
                         break_on_hyphens=False) or [INDENT + text]
