"""Which probes of a host a requirement's check reads: it is run, and the answers note who was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bpa.core.facts import Facts, Ran
from bpa.core.requirement import Requirement


class _Noted(Mapping[str, Ran]):
    """The answers of a host that remember which probes were read: those are what a verdict rests on."""

    def __init__(self, answers: Mapping[str, Ran]) -> None:
        self._answers = answers
        self.read: list[str] = []

    def __getitem__(self, probe: str) -> Ran:
        if probe not in self.read:
            self.read.append(probe)
        return self._answers[probe]

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers)

    def __len__(self) -> int:
        return len(self._answers)


def probes_read(requirement: Requirement[Any, Any], want: Any, have: Facts) -> tuple[str, ...]:
    """The names of the probes, in the order in which they were read; () where the host was not looked at."""
    if have.os is None:
        return ()
    noted = _Noted(have.os.answers)
    requirement.check(want, replace(have, os=replace(have.os, answers=noted)))
    return tuple(noted.read)
