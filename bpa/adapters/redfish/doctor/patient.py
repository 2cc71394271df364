"""What all checks look at: the machine, read once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from bpa.adapters.errors import AdapterError
from bpa.adapters.redfish.reading import NOT_THERE, Json, Reader
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.target import Target
from bpa.core.bios import Machine, Rules
from bpa.core.machine import MachineFacts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patient:
    """bios: the Bios resource, {} where there is none. machine: its attributes and registry, None where there is none.

    now: this computer's clock, with a time zone.
    """

    target: Target
    facts: MachineFacts
    ground: Ground
    rules: Rules
    now: datetime
    bios: Json = field(default_factory=dict)
    machine: Machine | None = None

    @property
    def system(self) -> Json:
        """The System's body."""
        return self.ground.system

    @property
    def root(self) -> Json:
        """The service root."""
        return self.ground.root

    def tried(self, read: Callable[[Reader], T]) -> tuple[T | None, str]:
        """What a read gives, or None and why it does not. Raises what ends a whole look: refused, unreachable, busy."""
        reader = self.target.reader()
        try:
            return read(reader), reader.problem
        except NOT_THERE as error:
            self.target.reader().note(error)
            return None, said(error)


def said(error: AdapterError) -> str:
    """An error and its advice in one line."""
    return f"{error} ({error.advice})" if error.advice else str(error)
