"""The $filter query of a GET (DSP0266, 7.3.4): and, or, not, parentheses, and six comparisons."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from typing import Any

from bpa.lab.recorded.exchange import Doc

Test = Callable[[Doc], bool]
TOKEN = re.compile(r"\s*(?:(?P<bracket>[()])|'(?P<text>(?:[^']|'')*)'|(?P<word>[^\s()']+))")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}


def parse(text: str) -> Test:
    """What tells whether a member is wanted. Raises ValueError for what is no filter."""
    tokens: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"no filter: {text[at:]}")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind]))
        at = match.end()
    parser = _Parser(tokens)
    test = parser.either()
    if parser.left:
        raise ValueError(f"left over: {parser.left[0][1]}")
    return test


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.left = tokens

    def either(self) -> Test:
        tests = [self._both()]
        while self._take("word", "or"):
            tests.append(self._both())
        return lambda doc: any(test(doc) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("word", "and"):
            tests.append(self._one())
        return lambda doc: all(test(doc) for test in tests)

    def _one(self) -> Test:
        if self._take("word", "not"):
            inner = self._one()
            return lambda doc: not inner(doc)
        if self._take("bracket", "("):
            inner = self.either()
            if not self._take("bracket", ")"):
                raise ValueError("a bracket is not closed")
            return inner
        if len(self.left) < 3:
            raise ValueError("a comparison is not complete")
        (kind, name), (_, way), (literal, value) = self.left[:3]
        del self.left[:3]
        if kind != "word" or way not in COMPARE or literal == "bracket":
            raise ValueError(f"no comparison: {name} {way} {value}")
        return _comparison(name, COMPARE[way], value.replace("''", "'") if literal == "text" else _literal(value))

    def _take(self, kind: str, text: str) -> bool:
        if self.left and self.left[0] == (kind, text):
            del self.left[0]
            return True
        return False


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _comparison(name: str, compare: Callable[[Any, Any], bool], wanted: Any) -> Test:
    def test(doc: Doc) -> bool:
        found: Any = doc
        for part in name.split("/"):
            found = found.get(part) if isinstance(found, dict) else None
        try:
            return bool(compare(found, wanted))
        except TypeError:
            return False

    return test
