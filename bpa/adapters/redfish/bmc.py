"""One BMC: look at its System, stage BIOS attributes, reset, choose the boot source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Literal, get_args

from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.bios import settings
from bpa.adapters.redfish.bios.attributes import Bios, BiosPaths, read_bios
from bpa.adapters.redfish.bios.registry import RegistryCache, Wanted, read_registry, wanted_registry
from bpa.adapters.redfish.boot import override as boot
from bpa.adapters.redfish.pmem import perform, read_persistent
from bpa.adapters.redfish.power import reset as power
from bpa.adapters.redfish.provisioning import (
    AT_ONCE,
    Macs,
    bare_ground,
    read_adapters,
    read_bmc_version,
    read_cpus,
    read_dimms,
    read_drives,
    told_memory,
)
from bpa.adapters.redfish.reading import NOT_THERE, Json, Reader, inner, text
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import amount, words
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Missing
from bpa.adapters.redfish.writing import Writer
from bpa.core.bios import Registry
from bpa.core.facts import BmcFacts
from bpa.core.persistent_memory import Persistent
from bpa.core.pmem_goal import GoalPlan
from bpa.core.request import Request
from bpa.core.steps import BiosValue, ResetType

Section = Literal["cpus", "macs", "drives", "dimms", "adapters", "version"]
ALL: frozenset[Section] = frozenset(get_args(Section))
QUICK: frozenset[Section] = frozenset({"macs"})
"""What identity needs; identity, power, memory in all and BIOS are always read."""
_READ: dict[Section, Callable[[Reader, Ground], Any]] = {
    "cpus": read_cpus,
    "drives": read_drives,
    "dimms": read_dimms,
    "adapters": read_adapters,
    "version": read_bmc_version,
}


class Bmc:
    """Use as a context manager: it logs out. One thread at a time. Every method raises the four adapter errors only.

    Sections once read are kept until the machine is switched on, or another one is behind the address; what was empty
    is read again when power or boot progress change, and what was unreadable with each look. registries: where BIOS
    attribute registries are kept; None = nobody needs this machine's, and it is not read.
    """

    def __init__(self, access: BmcAccess, registries: RegistryCache | None = None) -> None:
        self.target = Target(access)
        self._paths: BiosPaths | None = None
        self._kept: dict[Section, Any] = {}
        self._unread: dict[str, str] = {}
        self._kept_at = ("", "")
        self._who = ("", "", "")
        self._macs = Macs()
        self._registries = registries
        self._registry: tuple[Wanted, Registry | None] | None = None

    def look(self, sections: Collection[Section] | None = None) -> BmcFacts:
        """The System with the named sections, and those kept from earlier looks; what cannot be read says why.

        None: what identity needs, which is at most 15 requests on the machines that we know, log-in and log-out included.
        """
        with self.target.link.look():
            return self._look(sections)

    def stage_bios(self, attributes: Mapping[str, BiosValue]) -> None:
        """Stage Bios.Attributes for the next restart. Refused names those that the BMC accepts and does not keep."""
        reader = self.target.reader()
        if self._paths is None:
            self._paths = read_bios(reader, self.target.system(reader).body, None).paths
        settings.stage_bios(Writer(self.target), self._paths, attributes).checked(self.target.origin)

    def persistent(self) -> Persistent:
        """Memory domains with persistent modules; Unsupported where this BMC shows none."""
        return read_persistent(self.target)

    def stage_memory_goal(self, requests: tuple[Request, ...]) -> None:
        """Send the requests of a planned goal; where one is refused, those before it are withdrawn."""
        perform(self.target, GoalPlan(requests))

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

    def _look(self, sections: Collection[Section] | None) -> BmcFacts:
        system = self._system()
        progress = text(inner(system, "BootProgress"), "LastState")
        self._forget_what_changed(system, (text(system, "PowerState"), progress))
        wanted = QUICK if sections is None and self.target.access.mac else sections or ()
        for section in sorted(wanted):
            if section not in self._kept or section in self._unread:
                self._read(section, system)
        bios = self._bios(system)
        registry = None if bios is None or self._registries is None else self._read_registry(system, bios)
        kept = self._kept
        dimms = kept.get("dimms", ())
        # The sum that a BMC tells may have persistent memory in it.
        dram = sum(d.mib for d in dimms if not d.persistent)
        adapters = kept.get("adapters", ())
        maker, processors = text(system, "Manufacturer"), inner(system, "ProcessorSummary")
        return BmcFacts(
            system=self.target.system_path(),
            power=text(system, "PowerState"),
            uuid=text(system, "UUID").lower(),
            serial=text(system, "SerialNumber"),
            manufacturer=maker,
            model=text(system, "Model"),
            bios_version=text(system, "BiosVersion"),
            boot_progress=progress,
            cpus=kept.get("cpus", 0),
            memory_mib=dram if dram and "dimms" not in self._unread else max(dram, told_memory(system)),
            macs=tuple(dict.fromkeys((*kept.get("macs", ()), *(m for a in adapters for m in a.macs)))),
            bios=None if bios is None else bios.now,
            pending={} if bios is None else bios.pending,
            drives=kept.get("drives", ()),
            dimms=dimms,
            adapters=adapters,
            unread=dict(self._unread),
            service_tag=text(system, "SKU") if maker.startswith("Dell") else "",
            registry=registry,
            cpu_model=words(processors, "Model"),
            sockets=amount(processors, "Count"),
            cores=amount(processors, "CoreCount"),
            bmc_version=kept.get("version", ""),
        )

    def _forget_what_changed(self, system: Json, now: tuple[str, str]) -> None:
        who = (self.target.system_path(), text(system, "UUID").lower(), text(system, "SerialNumber"))
        if who != self._who and any(self._who):
            # Another machine behind the address, or its board was changed: nothing of before counts.
            self._paths = None
            self.target.forget()
            self._forget()
        elif now != self._kept_at and now[0] == "On" != self._kept_at[0]:
            self._forget()
        elif now != self._kept_at:
            for section in [section for section, value in self._kept.items() if not value]:
                del self._kept[section]
        self._who, self._kept_at = who, now

    def _read(self, section: Section, system: Json) -> None:
        reader = self.target.reader()
        try:
            if section == "macs":
                self._kept[section] = self._read_macs(reader, system)
            else:
                self._kept[section] = _READ[section](reader, bare_ground(self.target, system))
        except NOT_THERE as error:
            reader.note(error)
        self._tell(section, reader)
        if section == "macs" and "macs" not in self._unread and (still := self._macs.open(self._wanted_mac)):
            self._unread[section] = still

    def _read_macs(self, reader: Reader, system: Json) -> tuple[str, ...]:
        wanted = self._wanted_mac
        # Whose serial number or UUID fits is the machine that is meant; the MAC may then be looked for at leisure.
        self._macs.read(reader, system, wanted, AT_ONCE if wanted and self._is_proven(system) else None)
        found = self._macs.known(wanted)
        if reader.problems:
            self._macs = Macs()
            return found if wanted in found or not wanted else ()
        return found

    @property
    def _wanted_mac(self) -> str:
        return (self.target.access.mac or "").lower()

    def _is_proven(self, system: Json) -> bool:
        access = self.target.access
        serials = {text(system, key).lower() for key in ("SerialNumber", "SKU")}
        return bool(
            (access.uuid and access.uuid.strip().lower() == text(system, "UUID").lower())
            or (access.serial and access.serial.strip().lower() in serials)
        )

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

    def _read_registry(self, system: Json, bios: Bios) -> Registry | None:
        """Once for each BIOS version: it says what may be, not what is."""
        wanted = wanted_registry(system, bios)
        if self._registry is not None and self._registry[0] == wanted and "registry" not in self._unread:
            return self._registry[1]
        reader = self.target.reader()
        found = None
        if bios.now:
            try:
                found = read_registry(reader, bios.body, bios.now, wanted, self._registries)
            except NOT_THERE as error:
                reader.note(error)
        # What was said on the way to it does not matter once it is there.
        self._unread.pop("registry", None)
        if found is None:
            self._tell("registry", reader)
        self._registry = wanted, found
        return found

    def _tell(self, section: str, reader: Reader) -> None:
        self._unread.pop(section, None)
        if reader.problems:
            self._unread[section] = reader.problem

    def _forget(self) -> None:
        self._kept.clear()
        self._unread.clear()
        self._macs = Macs()

    def _system(self) -> Json:
        try:
            return self.target.system().body
        except Missing:
            self._paths = None
            raise
