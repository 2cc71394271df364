"""What is wrong with the documents: where, what, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bpa.core.redaction import REDACTED

Path = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")


def field_name(path: Sequence[str | int]) -> str:
    """A path as people write it: ("spec", "masters", 0, "a.b") is `spec.masters[0]["a.b"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f'["{shortened(part)}"]'
    return text


def shortened(text: str, limit: int = 60) -> str:
    """Text fit for one line of a message: no password of a URL, control characters escaped, the end cut off beyond `limit`
    characters."""
    text = _without_password(text)
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[: limit + 1])
    return line if len(line) <= limit else line[:limit] + "..."


def _without_password(text: str) -> str:
    """A password may hold @ and /, so all between the scheme and the last @ goes."""
    scheme, there, rest = text.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}{there}{REDACTED}{at}{host}" if at and ":" in user else text


@dataclass(frozen=True, slots=True, order=True)
class DocumentError:
    """One thing wrong. line and column count from 1; line 0 = the file as a whole.

    field is the path of the field in its document ("" = the document); expected says what would be accepted;
    suggestion is what the writer probably meant ("" = no idea). None of them ever holds a value of a Secret.
    """

    file: str
    line: int
    column: int
    field: str
    message: str
    expected: str = ""
    suggestion: str = ""

    @property
    def text(self) -> str:
        """The error in one line: `file:line:column: field: message; expected ...; did you mean ...?`."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        parts = [self.message]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.suggestion:
            parts.append(f"did you mean {self.suggestion}?")
        return ": ".join(part for part in (place, self.field, "; ".join(parts)) if part)


class DocumentErrors(Exception):
    """Everything that is wrong with a site's documents, in the order of files and lines."""

    def __init__(self, errors: Iterable[DocumentError]) -> None:
        self.errors = tuple(sorted(set(errors)))
        super().__init__("\n".join(error.text for error in self.errors))
