"""What provisioning needs of a machine, in as few requests as it can be had: counts from the System's own summaries,
MACs until the wanted one is found, drives and modules only for those who ask."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from bpa.adapters.redfish.interfaces import macs_of
from bpa.adapters.redfish.reading import NOT_THERE, Json, Reader, inner, objects, text
from bpa.adapters.redfish.sections.cpus import read_processors
from bpa.adapters.redfish.sections.drives import read_storage
from bpa.adapters.redfish.sections.ground import Ground, chassis_of, managers_of
from bpa.adapters.redfish.sections.memory import read_memory, summed_mib
from bpa.adapters.redfish.sections.network import read_nics
from bpa.adapters.redfish.sections.normal import amount, told
from bpa.adapters.redfish.target import Target
from bpa.core.facts import Adapter, Dimm, Drive
from bpa.core.machine import Disk

AT_ONCE = 5
"""EthernetInterfaces that one look reads where the machine is known by more than its MAC; the next look goes on."""


def bare_ground(target: Target, system: Json) -> Ground:
    """The System alone: enough for CPUs, memory and most drives, and nothing more is read for it."""
    return Ground(target, target.system_path(), system, target.link.root(), {}, {})


def read_cpus(reader: Reader, ground: Ground) -> int:
    """Logical processors of all CPUs: as the System sums them up, else as its Processors add up; 0 = not told.

    Cores and sockets are no measure of them: a machine would be judged too small by what its BMC does not tell (iLO 4).
    """
    told = amount(inner(ground.system, "ProcessorSummary"), "LogicalProcessorCount")
    return told or read_processors(reader, ground).threads


def told_memory(system: Json) -> int:
    """MiB as the System sums them up; 0 = not told."""
    return summed_mib(inner(system, "MemorySummary"))


def read_dimms(reader: Reader, ground: Ground) -> tuple[Dimm, ...]:
    """Memory modules that are there, in real MiB."""
    modules = read_memory(reader, ground).modules
    return tuple(Dimm(m.slot, m.mib, m.kind not in ("dram", "other")) for m in modules)


def read_drives(reader: Reader, ground: Ground) -> tuple[Drive, ...]:
    """Drives that are there, as root device hints are matched against."""
    return tuple(
        Drive(d.name, d.serial, d.bytes, d.model, d.wwn, {"hdd": True, "ssd": False}.get(d.media), media=_class_of(d))
        for d in read_storage(reader, ground).drives if d.serial or d.bytes
    )


def _class_of(disk: Disk) -> Literal["nvme", "ssd", "hdd", ""]:
    if disk.protocol.startswith("NVMe"):
        return "nvme"
    return "ssd" if disk.media == "ssd" else "hdd" if disk.media in ("hdd", "smr") else ""


def read_bmc_version(reader: Reader, ground: Ground) -> str:
    """The firmware of the manager of this System, "" = not told."""
    managers = managers_of(reader, ground.root, ground.path, ground.system)
    return next((version for body in managers.values() if (version := told(body, "FirmwareVersion"))), "")


def read_adapters(reader: Reader, ground: Ground) -> tuple[Adapter, ...]:
    """Network adapters; this needs the chassis, too."""
    chassis = chassis_of(reader, ground.root, ground.path, ground.system)
    return tuple(
        Adapter(f"{a.id} {a.model}".rstrip(), tuple(dict.fromkeys(m for p in a.ports for m in p.macs)), a.max_vfs)
        for a in read_nics(reader, replace(ground, chassis=chassis))
    )


@dataclass(slots=True)
class Macs:
    """The search for one MAC, over several looks if need be. `left` None = not begun."""

    found: dict[str, None] = field(default_factory=dict)
    left: list[object] | None = None
    total: int = 0

    def read(self, reader: Reader, system: Json, wanted: str, at_once: int | None) -> None:
        """Read on until `wanted` is found, `at_once` members are read (None = no limit) or none is left."""
        if self.left is None:
            self.left = self._members(reader, system)
            self.total = len(self.left)
        for read, link in enumerate(list(self.left)):
            if wanted in self.found or (at_once is not None and read >= at_once):
                return
            self.left.pop(0)
            try:
                self.found.update(dict.fromkeys(macs_of(reader.resource(link).body)))
            except NOT_THERE as error:
                reader.note(error)

    def _members(self, reader: Reader, system: Json) -> list[object]:
        link = inner(system, "EthernetInterfaces")
        if not text(link, "@odata.id"):
            return []
        try:
            whole = reader.link.expand(reader.link.path_of(link))
        except NOT_THERE:
            whole = None
        members = objects(whole.body, "Members") if whole is not None else []
        if whole is None or "Members@odata.nextLink" in whole.body:
            return reader.links(system, "EthernetInterfaces")
        for member in members:
            self.found.update(dict.fromkeys(macs_of(member)))
        return []

    def known(self, wanted: str) -> tuple[str, ...]:
        """The MACs, if the wanted one is among them or all were read; () while that is open."""
        return tuple(self.found) if wanted in self.found or not self.left else ()

    def open(self, wanted: str) -> str:
        """What is yet to be read; "" = nothing, or nothing that matters."""
        if not self.left or wanted in self.found:
            return ""
        return f"{self.total - len(self.left)} of {self.total} EthernetInterfaces read so far"
