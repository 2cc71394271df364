"""Why a failure that a validator reports may stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from tools import Failure


@dataclass(frozen=True)
class Explanation:
    """whose: machine (the recorded firmware is so), emulator (ours), tool (the validator's)."""

    where: str
    said: str
    machines: tuple[str, ...] | str
    whose: str
    why: str

    def covers(self, machine: str, failure: Failure) -> bool:
        return ((self.machines == "all" or machine in self.machines)
                and re.fullmatch(self.where, failure.where) is not None
                and re.search(self.said, f"{failure.subject} {failure.said}") is not None)


def _read() -> dict[str, tuple[Explanation, ...]]:
    data = yaml.safe_load(Path(__file__).with_name("explained.yaml").read_text())
    return {tool: tuple(Explanation(one["where"], one.get("said", ""), _names(one["machines"]), one["whose"], one["why"])
                        for one in lines) for tool, lines in data.items()}


def _names(machines: str | list[str]) -> tuple[str, ...] | str:
    return machines if isinstance(machines, str) else tuple(machines)


EXPLAINED = _read()


def explanation(tool: str, machine: str, failure: Failure) -> Explanation | None:
    """The first that covers it."""
    return next((one for one in EXPLAINED[tool] if one.covers(machine, failure)), None)


def unexplained(tool: str, machine: str, failures: Sequence[Failure]) -> list[str]:
    return [str(one) for one in failures if explanation(tool, machine, one) is None]
