"""Sections `pmem`, `pmemGoal` and `pmemModules` of a HardwareProfile: persistent memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EraseMethod = Literal["crypto-erase", "overwrite"]


@dataclass(frozen=True, slots=True)
class NamespaceWant:
    """One persistent-memory namespace. Sizes in bytes. size None = all the region has; filesystem needs fsdax or sector.

    align is that of the pages of fsdax and devdax, sector the sector size of mode sector; 0 = as ndctl chooses.
    volume_group: it is a physical volume of that LVM volume group, "" = of none.
    """

    region: str
    mode: str = "fsdax"
    size: int | None = None
    name: str = ""
    filesystem: str = ""
    mount_point: str = ""
    align: int = 0
    sector: int = 0
    volume_group: str = ""


@dataclass(frozen=True, slots=True)
class GoalWant:
    """How the modules of a socket are divided; socket None = of every socket that no other goal names.

    memory_percent of the capacity is volatile (Memory Mode), the rest App Direct.
    """

    memory_percent: int = 0
    interleaved: bool = True
    socket: int | None = None

    @property
    def text(self) -> str:
        """For a person."""
        if self.memory_percent == 100:
            return "100% Memory Mode"
        laid = "App Direct interleaved" if self.interleaved else "App Direct not interleaved"
        return f"{self.memory_percent}% Memory Mode, rest {laid}" if self.memory_percent else laid


@dataclass(frozen=True, slots=True)
class EraseWant:
    """All modules are erased once for each id."""

    id: str
    method: EraseMethod = "crypto-erase"


@dataclass(frozen=True, slots=True)
class ModulesWant:
    """What the modules must be. firmware: the least version, as ipmctl writes it ("01.02.00.5446"); "" = any."""

    firmware: str = ""
    erase: EraseWant | None = None
