"""What one source sees of a machine: the BMC, Ironic's inspection or the running system, in the same words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bpa.core.host.hardware.generations import Generation
from bpa.core.sizes import rounded

Media = Literal["nvme", "ssd", "hdd", ""]


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk that is no removable medium. media "" = not told; virtual = a volume of a RAID controller."""

    name: str
    size: int = 0
    media: Media = ""
    serial: str = ""
    model: str = ""
    virtual: bool = False

    @property
    def text(self) -> str:
        known = " ".join(part for part in (self.media.upper(), self.model, self.serial) if part)
        return f"{self.name} ({', '.join(part for part in (known, rounded(self.size)) if part)})"


@dataclass(frozen=True, slots=True)
class Port:
    """A network port that is no VF. speed in Mbit/s, the most it can do where that is known; 0 = not told.

    device "vendor:device"; nic is its interface, "" = it has none; driver "" = none or not told.
    """

    address: str = ""
    device: str = ""
    driver: str = ""
    nic: str = ""
    mac: str = ""
    speed: int = 0
    firmware: str = ""

    @property
    def text(self) -> str:
        known = " ".join(part for part in (self.device, f"{self.speed} Mbit/s" if self.speed else "") if part)
        return f"{self.nic or self.address or self.mac}" + (f" ({known})" if known else "")


@dataclass(frozen=True, slots=True)
class Module:
    """A memory module. volatile: how much of a persistent one serves as memory now, where that is told."""

    slot: str
    size: int
    persistent: bool = False
    volatile: int = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """A machine as `source` sees it. Sizes in bytes; 0, "", None and () = not told.

    memory: what software can use, with what firmware and kernel keep for themselves where they tell; slack: how much of
    it may be missing all the same. reserved: what is kept, in words. processor: its name or numbers; disks and ports
    None = nobody looked. limits: kernel arguments that hide CPUs or memory. offline: CPUs that are switched off.
    smt_off: a core runs one thread, and could run more.
    """

    source: str
    cpus: int = 0
    cores: int = 0
    sockets: int = 0
    smt_off: bool = False
    offline: int = 0
    generation: Generation | None = None
    processor: str = ""
    memory: int = 0
    slack: int = 0
    reserved: str = ""
    modules: tuple[Module, ...] = ()
    persistent: int | None = None
    disks: tuple[Disk, ...] | None = None
    ports: tuple[Port, ...] | None = None
    macs: frozenset[str] = frozenset()
    bios: str = ""
    bmc: str = ""
    limits: tuple[str, ...] = ()

    @property
    def dram(self) -> int:
        return sum(one.size for one in self.modules if not one.persistent)

    @property
    def memory_mode(self) -> int:
        """Bytes of persistent memory that serve as memory."""
        return sum(one.volatile for one in self.modules if one.persistent)
