"""Section `minimum` of a HardwareProfile: the least that a machine may have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Minimum:
    """The least the machine may have. memory and disk in bytes; 0 = anything."""

    cpus: int = 0
    memory: int = 0
    disk: int = 0
