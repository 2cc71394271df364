"""Persistent memory as a BMC shows it: memory domains, the chunks in them, their modules, and tasks that change them.

The words are DSP2046's (MemoryDomain, MemoryChunks, Memory, Task). A chunk is an interleave set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.request import Request


@dataclass(frozen=True, slots=True)
class Module:
    """A persistent-memory DIMM, by path. Sizes in MiB, 0 = not told. security: Redfish SecurityState.

    persistent_mib, volatile_mib: how it is partitioned now, None = not told.
    """

    path: str
    name: str
    mib: int = 0
    health: str = ""
    state: str = ""
    security: str = ""
    persistent_mib: int | None = None
    volatile_mib: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A MemoryChunks resource: an interleave set. kind: AddressRangeType. percent of the modules' capacity, None = not told."""

    path: str
    id: str
    kind: str
    mib: int
    modules: tuple[str, ...]
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """A MemoryDomain: the modules of one socket. sets: those that may be interleaved. chunks_path "" = none may be made."""

    path: str
    id: str
    chunks_path: str
    sets: tuple[tuple[str, ...], ...]
    chunks: tuple[Chunk, ...] = ()
    creatable: bool | None = None
    min_mib: int = 0
    increment_mib: int = 0

    @property
    def modules(self) -> tuple[str, ...]:
        """Paths of its modules."""
        return tuple(dict.fromkeys(m for one in self.sets for m in one))


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """A task that changes memory chunks. request: what it was made from. outcome: waiting, working, done or failed."""

    path: str
    request: Request
    outcome: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Persistent:
    """What a BMC shows of persistent memory. percentages: it takes sizes as HPE's MemoryChunkSizePercentage."""

    domains: tuple[Domain, ...] = ()
    modules: Mapping[str, Module] = field(default_factory=dict)
    tasks: tuple[ChunkTask, ...] = ()
    percentages: bool = False
    model: str = ""

    @property
    def pending(self) -> tuple[ChunkTask, ...]:
        """Tasks that wait for a restart, or are at work."""
        return tuple(t for t in self.tasks if t.outcome in ("waiting", "working"))
