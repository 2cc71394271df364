"""Regular expressions that a BMC sends (ValueExpression): matched only where they cannot take for ever."""

from __future__ import annotations

import re
from functools import lru_cache
from math import inf, log2

LONGEST_EXPRESSION = 4096
LONGEST_VALUE = 512
DEEPEST = 32
MOST_WAYS = 22.0
"""Base-2 logarithm of how many ways of matching there may be: all are tried before a value is found not to match."""
_QUANTIFIER = re.compile(r"(\*|\+|\?|\{(\d{1,6})(,?)(\d{0,6})\})[?+]?")
_ODD_IN_CLASS = ("[", "--", "&&", "||", "~~")
"""Other dialects, and Python's to come, read these as sets of sets."""


def matches(expression: str, value: str) -> bool | None:
    """Whether the value is as the expression wants it; None where BPA does not try it."""
    compiled = _compiled(expression)
    if compiled is None or len(value) > LONGEST_VALUE:
        return None
    return compiled.search(value) is not None


@lru_cache(maxsize=512)
def _compiled(expression: str) -> re.Pattern[str] | None:
    if len(expression) > LONGEST_EXPRESSION:
        return None
    try:
        if _Ways(expression).of_all() > MOST_WAYS:
            return None
        # Perl's dialect is the registry's; what Python does not know of it is not tried.
        return re.compile(expression)
    except (_Strange, re.error, RecursionError, OverflowError):
        return None


class _Strange(Exception):
    """Not of the plain kind that is counted here."""


class _Ways:
    """Counts, as a base-2 logarithm, in how many ways an expression can be laid over a text: an upper bound."""

    def __init__(self, expression: str) -> None:
        self._text = expression
        self._at = 0

    def of_all(self) -> float:
        """Of the whole. Raises _Strange for what it does not understand: back-references, look-arounds, a stray bracket."""
        found = self._alternatives(0)
        if self._at < len(self._text):
            raise _Strange
        return found

    def _alternatives(self, depth: int) -> float:
        if depth > DEEPEST:
            raise _Strange
        sums = [self._sequence(depth)]
        while self._peek() == "|":
            self._at += 1
            sums.append(self._sequence(depth))
        return log2(sum(2.0**ways for ways in sums)) if max(sums) < 64 else inf

    def _sequence(self, depth: int) -> float:
        total = 0.0
        while self._peek() not in ("", "|", ")"):
            total += self._repeated(self._one(depth))
        return total

    def _one(self, depth: int) -> float:
        c = self._peek()
        self._at += 1
        if c == "\\":
            if self._peek() in "123456789":
                raise _Strange
            self._at += 1
        elif c == "[":
            self._class()
        elif c == "(":
            if self._peek() == "?":
                if not self._text.startswith("?:", self._at):
                    raise _Strange
                self._at += 2
            ways = self._alternatives(depth + 1)
            if self._peek() != ")":
                raise _Strange
            self._at += 1
            return ways
        return 0.0

    def _repeated(self, ways: float) -> float:
        found = _QUANTIFIER.match(self._text, self._at)
        if found is None:
            return ways
        self._at = found.end()
        least, most = _limits(found)
        return min(most, LONGEST_VALUE) * ways + log2(max(1, min(most, LONGEST_VALUE) - least + 1))

    def _class(self) -> None:
        if self._peek() == "^":
            self._at += 1
        if self._peek() == "]":
            self._at += 1
        while self._peek() != "]":
            if not self._peek():
                raise _Strange
            if self._peek() == "\\":
                self._at += 2
                continue
            if any(self._text.startswith(odd, self._at) for odd in _ODD_IN_CLASS):
                raise _Strange
            self._at += 1
        self._at += 1

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]


def _limits(found: re.Match[str]) -> tuple[int, int]:
    if found.group(1) in ("*", "+", "?"):
        return int(found.group(1) == "+"), 1 if found.group(1) == "?" else LONGEST_VALUE
    least = int(found.group(2))
    most = least if not found.group(3) else int(found.group(4) or LONGEST_VALUE)
    return least, most
