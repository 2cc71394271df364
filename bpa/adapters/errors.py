"""The four ways the outside world can say no. The engine makes Wait of the first two and Stuck of the others."""

from __future__ import annotations


class AdapterError(Exception):
    """Base. The message is for a person; `advice` is the next thing to do ("" = none).

    status: the HTTP status that said so; 0 where none did.
    """

    status: int = 0

    def __init__(self, message: str, advice: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.advice = advice
        self.retry_after = retry_after


class Unreachable(AdapterError):
    """Nothing answered: refused, timed out, no route, connection broken."""


class Busy(AdapterError):
    """It answered "not now": 503, locked, in POST. retry_after in seconds where it said so."""


class Refused(AdapterError):
    """It answered no: wrong credentials, certificate not trusted, value not accepted, another identity."""


class Unsupported(AdapterError):
    """It cannot do this at all."""
