"""Section `minimum` of a HardwareProfile: the least that a machine may have."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

DiskClass = Literal["nvme", "ssd", "hdd"]


@dataclass(frozen=True, slots=True)
class DisksWant:
    """`count` disks of a class, each of at least `size` bytes. ssd = nothing in it spins, NVMe included."""

    media: DiskClass
    size: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True)
class NicsWant:
    """`count` network ports. device is "vendor:device" in lower case, "" = any; speed in Mbit/s; firmware at least."""

    device: str = ""
    speed: int = 0
    count: int = 1
    firmware: str = ""


@dataclass(frozen=True, slots=True)
class Minimum:
    """The least the machine may have. memory, disk and persistent_memory in bytes; 0, "" and () = anything.

    cpus are logical, cores physical; disk is the one that gets the image; generation as in
    bpa.core.host.hardware.generations; bios and bmc are versions of their firmware, as far as a person writes them.
    """

    cpus: int = 0
    memory: int = 0
    disk: int = 0
    generation: str = ""
    sockets: int = 0
    cores: int = 0
    persistent_memory: int = 0
    disks: tuple[DisksWant, ...] = ()
    nics: tuple[NicsWant, ...] = ()
    bios: str = ""
    bmc: str = ""

    def larger(self, other: Minimum) -> Minimum:
        """What fits both. Of texts and lists the other one's count where this one says nothing."""
        mine = {one.name: getattr(self, one.name) for one in fields(self)}
        for name, value in mine.items():
            theirs = getattr(other, name)
            mine[name] = max(value, theirs) if isinstance(value, int) else value or theirs
        return Minimum(**mine)
