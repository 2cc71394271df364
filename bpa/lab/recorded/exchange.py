"""One request to an emulated BMC, and what is answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

Doc = dict[str, Any]


class Headers(Mapping[str, str]):
    """HTTP headers; names compare without regard to case, and are listed as they were sent."""

    __slots__ = ("_known",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._known = {name.lower(): (name, value) for name, value in pairs}

    def __getitem__(self, name: str) -> str:
        return self._known[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._known.values())

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._known

    def __repr__(self) -> str:
        return f"Headers({list(self)})"


@dataclass(slots=True)
class Request:
    """path is what came in the request line, with its query. body is the JSON value, None where there is none.

    status is the HTTP status that was answered; 0 = none yet, or the connection was broken off without one.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=Headers)
    raw: bytes = field(default=b"", repr=False)
    body: Any = field(default=None, repr=False)
    malformed: bool = False
    status: int = 0
    user: str = ""

    def __post_init__(self) -> None:
        if self.raw:
            try:
                self.body = json.loads(self.raw)
            except (ValueError, RecursionError):
                self.malformed = True

    @property
    def key(self) -> str:
        """The path without query and trailing slash, in lower case."""
        return self.where.rstrip("/").lower()

    @property
    def where(self) -> str:
        """The path without its query, percent-decoded."""
        return unquote(self.path.split("?")[0].split("#")[0])

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; one without a value is ""."""
        return dict(parse_qsl(self.path.partition("?")[2], keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Reply:
    """body: a JSON value, or bytes as they are; None = no body.

    cut: so many bytes of the body are sent, then the connection is broken off; -1 = without any answer.
    delay: seconds before the answer starts. trickle: seconds between its bytes. stream: server-sent events follow.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    delay: float = 0.0
    trickle: float = 0.0
    stream: bool = False


class Refusal(Exception):
    """A request is answered with an error; raised anywhere below the machine's door."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply
