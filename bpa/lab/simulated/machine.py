"""The hardware of a simulated host: power, firmware, disks, PCI functions and persistent memory, over an injected clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bpa.core.facts import BmcFacts, Dimm, Drive
from bpa.core.steps import BiosValue, ResetType
from bpa.lab.simulated.faults import Faults
from bpa.lab.simulated.linux import Installed, Running
from bpa.lab.simulated.optane import Optane, apply_goals


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds that things take. post: firmware; boot: operating system; the rest as Ironic's states."""

    post: float = 90.0
    boot: float = 25.0
    first_boot: float = 15.0
    verify: float = 3.0
    ramdisk: float = 40.0
    write: float = 60.0
    provide: float = 2.0
    installer: float = 120.0


USUAL = Durations()
SPEED = 40_000
"""Mbit/s that every network port can do."""


@dataclass(slots=True)
class Function:
    """A PCI function that is not a VF. total None = it can have no VFs at all; vfs = how many it has now,
    options = what they are set to, as our script is told. services: of a QAT device whose driver tells."""

    address: str
    device: str
    pci_class: str
    driver: str
    total: int | None = None
    nic: str = ""
    mac: str = ""
    vfs: int = 0
    numa: int = 0
    link: str = "up"
    services: str = ""
    options: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Namespace:
    """A persistent-memory namespace: raw = bytes taken from the region; block device "" for devdax.

    align, sector: in bytes, 0 = as ndctl chooses; group: the LVM volume group that it is in.
    """

    dev: str
    mode: str
    raw: int
    name: str = ""
    block: str = ""
    signature: str = ""
    uuid: str = ""
    blank: bool = True
    enabled: bool = True
    align: int = 0
    sector: int = 0
    group: str = ""


@dataclass(slots=True)
class Region:
    """A persistent-memory region; not labelled = it holds one whole namespace without a name."""

    dev: str
    size: int
    dimm: str
    align: int = 16 << 20
    labelled: bool = False
    namespaces: list[Namespace] = field(default_factory=list)

    @property
    def free(self) -> int:
        return self.size - sum(one.raw for one in self.namespaces)


@dataclass(slots=True)
class Disk:
    """A disk and what is installed on it."""

    drive: Drive
    image: str = ""
    installed: Installed | None = None


@dataclass(slots=True)
class Hardware:
    """What was bought: identity, parts, and the BIOS attributes of a new machine."""

    uuid: str
    serial: str
    macs: tuple[str, ...]
    cpus: int
    memory_mib: int
    bios: dict[str, BiosValue]
    disks: list[Disk]
    functions: list[Function]
    regions: list[Region]
    vendor: str = "GenuineIntel"
    hands_to: str = ""
    """The MAC that boots; its address is what SSH reaches."""
    optane: list[Optane] = field(default_factory=list)
    promised: list[Region] = field(default_factory=list)
    """Regions that an App Direct goal makes."""
    nodes: int = 1
    """NUMA nodes; memory and huge pages are spread evenly over them."""
    lost_mib: int = 0
    """Memory that the BMC still counts and the running system does not get."""
    generation: str = "cascadelake"
    sockets: int = 1
    versions: tuple[str, str] = ("1.0", "1.0")
    """Of the BIOS and of the BMC's firmware."""


class Machine:
    """One machine. Everything that takes time is an event at a time of the clock; `advance` lets the due ones happen.

    destroyed records every act that lost data, in words, in order; starts counts how often power came or was switched,
    formats the file systems made. tells_progress: the BMC shows BootProgress (many do not). shown, added: probe -> section
    -> what the running system prints instead of, or beside, what the simulation would: for what it has no parts for.
    """

    def __init__(self, hardware: Hardware, durations: Durations, now: Callable[[], float], faults: Faults) -> None:
        self.hardware, self.durations, self.now, self.faults = hardware, durations, now, faults
        self.power = "Off"
        self.phase = ""
        self.pending: dict[str, BiosValue] = {}
        self.os: Running | None = None
        self.starts = 0
        self.tells_progress = False
        self.destroyed: list[str] = []
        self.formats = 0
        self.ramdisk = False
        self.parts: dict[str, Any] = {"machine": self}
        self.shown: dict[str, dict[str, str]] = {}
        self.added: dict[str, dict[str, str]] = {}
        self._time = now()
        self._events: list[tuple[float, int, str, str, int]] = []
        self._number = 0

    # -- time

    @property
    def time(self) -> float:
        """The time at which the event that happens now is due; between events the time of the last advance."""
        return self._time

    def later(self, seconds: float, part: str, method: str) -> None:
        """Call `method` of a part in `seconds`; an event of the machine is void once the power was switched."""
        self._number += 1
        heapq.heappush(self._events, (self._time + seconds, self._number, part, method, self.starts))

    def advance(self) -> None:
        """Let everything happen that is due by now."""
        now = self.now()
        while self._events and self._events[0][0] <= now:
            at, _, part, method, start = heapq.heappop(self._events)
            self._time = at
            if part != "machine" or start == self.starts:
                getattr(self.parts[part], method)()
        self._time = max(self._time, now)

    # -- power and firmware

    def switch_off(self) -> None:
        """Everything that is not on a disk, in the firmware or in persistent memory is gone."""
        self.power, self.phase, self.os = "Off", "", None
        self.starts += 1
        for function in self.hardware.functions:
            function.vfs, function.options = 0, {}

    def switch_on(self) -> None:
        """POST begins; from outside the machine says On from its first moment."""
        self.power, self.phase = "On", "POST"
        if self.faults.strikes("start hangs", self._time):
            return
        slow = self.faults.active("slow post", self._time)
        self.later(self.durations.post + (float(slow.value) if slow else 0.0), "machine", "finish_post")

    def restart(self) -> None:
        self.switch_off()
        self.switch_on()

    def reset(self, reset_type: ResetType) -> None:
        """ComputerSystem.Reset."""
        if self.faults.strikes("reset ignored", self._time):
            return
        if reset_type == "On":
            if self.power == "Off":
                self.switch_on()
        elif reset_type in ("ForceOff", "GracefulShutdown"):
            self.switch_off()
        else:
            self.restart()

    def finish_post(self) -> None:
        """Staged attributes take effect, and the boot source is started."""
        if self.pending and not self.faults.strikes("bios ignored", self._time):
            self.hardware.bios.update(self.pending)
        self.pending.clear()
        apply_goals(self)
        if self.ramdisk:
            self.phase = "ramdisk"
        elif any(disk.installed for disk in self.hardware.disks):
            self.phase = "booting"
            self.later(self.durations.boot, "machine", "start_os")
        else:
            self.phase = "nothing to boot"

    def start_os(self) -> None:
        """The operating system is up."""
        installed = next(disk.installed for disk in self.hardware.disks if disk.installed)
        self.phase, self.os = "os", Running(self, installed)

    def stage(self, attributes: dict[str, BiosValue]) -> None:
        """PATCH of the pending settings; the caller has refused unknown names."""
        self.pending.update(attributes)

    # -- looking

    def bmc_facts(self, system: str) -> BmcFacts:
        """The Redfish System as bpa.adapters.redfish reads it."""
        progress = {"POST": "MemoryInitializationStarted", "os": "OSRunning"}.get(self.phase, "")
        another = self.faults.active("another machine", self._time)
        parts = self.hardware
        sizes = [one.capacity for one in parts.optane] or [region.size for region in parts.regions]
        persistent = tuple(Dimm(f"PMEM {n}", size >> 20, True) for n, size in enumerate(sizes))
        return BmcFacts(
            system, self.power, uuid=another.value if another else parts.uuid,
            serial="ANOTHER" if another else parts.serial, manufacturer="BPA", model="Simulated",
            bios_version=parts.versions[0], boot_progress=progress if self.tells_progress else "", cpus=parts.cpus,
            memory_mib=parts.memory_mib, macs=parts.macs, bios=dict(parts.bios), pending=dict(self.pending),
            drives=tuple(_as_a_bmc_tells(n, disk.drive) for n, disk in enumerate(parts.disks)),
            dimms=(Dimm("DIMM 0", parts.memory_mib), *persistent), sockets=parts.sockets, cores=parts.cpus,
            bmc_version=parts.versions[1],
        )

    def flags(self) -> tuple[str, ...]:
        """The processor's flags: the one for virtualization is there only where the BIOS has it on."""
        flag = {"GenuineIntel": "vmx", "AuthenticAMD": "svm"}[self.hardware.vendor]
        on = self.hardware.bios.get("ProcVirtualization", "Enabled") == "Enabled"
        return ("fpu", "lm", "sse4_1", "sse4_2", *((flag,) if on else ()))

    def able(self, function: Function) -> bool:
        """Whether a function shows its SR-IOV capability: the BIOS must not have it off."""
        return bool(function.total) and self.hardware.bios.get("SriovGlobalEnable", "Enabled") == "Enabled"

    def contradictions(self) -> tuple[str, ...]:
        """What cannot be; anything in here is a mistake of the simulation."""
        parts, found = self.hardware, []
        if self.os is not None and (self.power != "On" or self.phase != "os"):
            found.append(f"the operating system runs while power is {self.power} and the phase {self.phase!r}")
        if self.power == "Off" and self.phase:
            found.append(f"power is Off in phase {self.phase!r}")
        for one in parts.functions:
            if one.vfs and (self.os is None or not self.able(one) or one.vfs > (one.total or 0) or not one.driver):
                found.append(f"{one.address} has {one.vfs} VFs")
        for region in parts.regions:
            if region.free < 0 or (not region.labelled and len(region.namespaces) != 1):
                found.append(f"{region.dev} holds {len(region.namespaces)} namespaces, {region.free} bytes are free")
        if sum(disk.installed is not None for disk in parts.disks) > 1:
            found.append("two disks have an operating system")
        if self.os is not None:
            found.extend(self.os.contradictions())
        return tuple(found)


def _as_a_bmc_tells(number: int, drive: Drive) -> Drive:
    """A BMC names the bay, not the device, and knows nothing of paths."""
    return Drive(f"Disk.Bay.{number}", drive.serial, drive.size, drive.model)
