"""One BMC: look at its System, stage BIOS attributes, reset, choose the boot source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Literal, get_args

from bpa.adapters.redfish import boot, power
from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.answers import Missing
from bpa.adapters.redfish.bios import Bios, BiosPaths, read_bios, stage_bios
from bpa.adapters.redfish.inventory import read_adapters, read_cpus, read_dimms, read_drives, read_macs
from bpa.adapters.redfish.reading import NOT_THERE, Json, Reader, inner, number, text
from bpa.adapters.redfish.target import Target
from bpa.core.facts import BmcFacts
from bpa.core.steps import BiosValue, ResetType

Section = Literal["cpus", "macs", "drives", "dimms", "adapters"]
ALL: frozenset[Section] = frozenset(get_args(Section))
QUICK: frozenset[Section] = frozenset({"macs"})
"""What identity needs; identity, power and BIOS are always read."""
_READ: dict[Section, Callable[[Reader, Json], Any]] = {
    "cpus": read_cpus,
    "macs": read_macs,
    "drives": read_drives,
    "dimms": read_dimms,
    "adapters": read_adapters,
}


class Bmc:
    """Use as a context manager: it logs out. One thread at a time. Every method raises the four adapter errors only.

    Sections once read are kept while power and boot progress stay the same; unreadable ones are tried again.
    """

    def __init__(self, access: BmcAccess) -> None:
        self.target = Target(access)
        self._paths: BiosPaths | None = None
        self._kept: dict[Section, Any] = {}
        self._unread: dict[str, str] = {}
        self._kept_at = ("", "")

    def look(self, sections: Collection[Section] = ALL) -> BmcFacts:
        """The System with the named sections, and those kept from earlier looks; what cannot be read says why."""
        try:
            return self._look(sections)
        finally:
            self.target.link.hang_up()

    def stage_bios(self, attributes: Mapping[str, BiosValue]) -> None:
        """Stage Bios.Attributes for the next restart."""
        reader = self.target.reader()
        if self._paths is None:
            self._paths = read_bios(reader, self.target.system(reader).body, None).paths
        stage_bios(self.target.link, self._paths, attributes)

    def reset(self, reset_type: ResetType) -> None:
        """ComputerSystem.Reset with the nearest type that this BMC allows; nothing where it is so already."""
        if power.reset(self.target, reset_type):
            self._forget()

    def set_boot_override(self, source: str, enabled: boot.Enabled = "Once") -> None:
        """BootSourceOverride to source (Pxe, Cd, Hdd, UefiHttp, None, …); Once where Continuous is not allowed."""
        boot.set_boot_override(self.target, source, enabled)

    def close(self) -> None:
        """Log out and hang up. May be called twice; a later look logs in again."""
        self.target.close()

    def __enter__(self) -> Bmc:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _look(self, sections: Collection[Section]) -> BmcFacts:
        system = self._system()
        progress = text(inner(system, "BootProgress"), "LastState")
        now = (text(system, "PowerState"), progress)
        if now != self._kept_at:
            self._forget()
            self._kept_at = now
        for section in sorted(sections):
            if section not in self._kept or section in self._unread:
                self._read(section, system)
        bios = self._bios(system)
        kept = self._kept
        dimms = kept.get("dimms", ())
        adapters = kept.get("adapters", ())
        summary = inner(system, "MemorySummary")
        maker = text(system, "Manufacturer")
        return BmcFacts(
            system=self.target.system_path(),
            power=now[0],
            uuid=text(system, "UUID").lower(),
            serial=text(system, "SerialNumber"),
            manufacturer=maker,
            model=text(system, "Model"),
            bios_version=text(system, "BiosVersion"),
            boot_progress=progress,
            cpus=kept.get("cpus", 0),
            memory_mib=max(sum(d.mib for d in dimms if not d.persistent), _gib(summary) * 1024),
            macs=tuple(dict.fromkeys((*kept.get("macs", ()), *(m for a in adapters for m in a.macs)))),
            bios=None if bios is None else bios.now,
            pending={} if bios is None else bios.pending,
            drives=kept.get("drives", ()),
            dimms=dimms,
            adapters=adapters,
            unread=dict(self._unread),
            service_tag=text(system, "SKU") if maker.startswith("Dell") else "",
        )

    def _read(self, section: Section, system: Json) -> None:
        reader = self.target.reader()
        try:
            self._kept[section] = _READ[section](reader, system)
        except NOT_THERE as error:
            reader.note(error)
        self._tell(section, reader)

    def _bios(self, system: Json) -> Bios | None:
        reader = self.target.reader()
        bios = None
        try:
            bios = read_bios(reader, system, self._paths)
            self._paths = bios.paths
        except NOT_THERE as error:
            reader.note(error)
        self._tell("bios", reader)
        return bios

    def _tell(self, section: str, reader: Reader) -> None:
        self._unread.pop(section, None)
        if reader.problems:
            self._unread[section] = reader.problem

    def _forget(self) -> None:
        self._kept.clear()
        self._unread.clear()

    def _system(self) -> Json:
        try:
            return self.target.system().body
        except Missing:
            self._paths = None
            raise


def _gib(summary: Json) -> int:
    return number(summary, "TotalSystemMemoryGiB")
