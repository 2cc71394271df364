"""One BMC: look at its System, stage BIOS attributes, reset, choose the boot source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Literal, get_args

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.answers import Missing
from bpa.adapters.redfish.bios import Bios, BiosPaths, read_bios, stage_bios
from bpa.adapters.redfish.inventory import read_adapters, read_cpus, read_dimms, read_drives, read_macs
from bpa.adapters.redfish.link import Link
from bpa.adapters.redfish.reading import NOT_THERE, Json, Reader, inner, number, objects, text, texts
from bpa.adapters.redfish.systems import find_system
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
_INSTEAD: dict[ResetType, tuple[str, ...]] = {
    "On": ("On", "ForceOn"),
    "ForceOff": ("ForceOff",),
    "GracefulShutdown": ("GracefulShutdown",),
    "GracefulRestart": ("GracefulRestart", "ForceRestart", "PowerCycle"),
    "ForceRestart": ("ForceRestart", "PowerCycle", "GracefulRestart"),
}


class Bmc:
    """Use as a context manager: it logs out. One thread at a time. Every method raises the four adapter errors only.

    Sections once read are kept while power and boot progress stay the same; unreadable ones are tried again.
    """

    def __init__(self, access: BmcAccess) -> None:
        self._access = access
        self._link = Link(access)
        self._path = ""
        self._paths: BiosPaths | None = None
        self._kept: dict[Section, Any] = {}
        self._unread: dict[str, str] = {}
        self._kept_at = ("", "")

    def look(self, sections: Collection[Section] = ALL) -> BmcFacts:
        """The System with the named sections, and those kept from earlier looks; what cannot be read says why."""
        try:
            return self._look(sections)
        finally:
            self._link.hang_up()

    def stage_bios(self, attributes: Mapping[str, BiosValue]) -> None:
        """Stage Bios.Attributes for the next restart."""
        reader = Reader(self._link)
        if self._paths is None:
            self._paths = read_bios(reader, self._system(reader), None).paths
        stage_bios(self._link, self._paths, attributes)

    def reset(self, reset_type: ResetType) -> None:
        """ComputerSystem.Reset with the nearest type that this BMC allows; nothing where it is so already."""
        reader = Reader(self._link)
        system = self._system(reader)
        power = text(system, "PowerState")
        if power == {"On": "On", "ForceOff": "Off", "GracefulShutdown": "Off"}.get(reset_type):
            return
        if power == "Off" and reset_type in ("ForceRestart", "GracefulRestart"):
            reset_type = "On"
        action = inner(system, "Actions", "#ComputerSystem.Reset")
        if not text(action, "target"):
            raise Unsupported(f"{self._access.origin} offers no ComputerSystem.Reset", "switch the host by hand")
        allowed = texts(action, "ResetType@Redfish.AllowableValues") or self._allowed(reader, action)
        chosen = next((r for r in _INSTEAD[reset_type] if r in allowed), None) if allowed else reset_type
        if chosen is None:
            raise Unsupported(f"{self._access.origin} allows no {reset_type}, only {', '.join(allowed)}")
        self._forget()
        self._link.post(self._link.path_of(action["target"]), {"ResetType": chosen})

    def set_boot_override(self, target: str, enabled: Literal["Once", "Continuous", "Disabled"] = "Once") -> None:
        """BootSourceOverride to target (Pxe, Cd, Hdd, UefiHttp, None, …); Once where Continuous is not allowed."""
        reader = Reader(self._link)
        answer = reader.resource(self._system_path(reader))
        boot = inner(answer.body, "Boot")
        targets = texts(boot, "BootSourceOverrideTarget@Redfish.AllowableValues")
        if targets and target not in targets:
            raise Unsupported(f"{self._access.origin} cannot boot from {target}, only from {', '.join(targets)}")
        modes = texts(boot, "BootSourceOverrideEnabled@Redfish.AllowableValues")
        chosen = "Once" if enabled == "Continuous" and modes and enabled not in modes else enabled
        change = {"Boot": {"BootSourceOverrideTarget": target, "BootSourceOverrideEnabled": chosen}}
        self._link.patch(self._system_path(reader), change, answer.etag)

    def close(self) -> None:
        """Log out and hang up. May be called twice; a later look logs in again."""
        self._link.close()

    def __enter__(self) -> Bmc:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _look(self, sections: Collection[Section]) -> BmcFacts:
        reader = Reader(self._link)
        system = self._system(reader)
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
            system=self._path,
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
        reader = Reader(self._link)
        try:
            self._kept[section] = _READ[section](reader, system)
        except NOT_THERE as error:
            reader.note(error)
        self._tell(section, reader)

    def _bios(self, system: Json) -> Bios | None:
        reader = Reader(self._link)
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

    def _system(self, reader: Reader) -> Json:
        path = self._system_path(reader)
        try:
            system = reader.resource(path).body
        except Missing:
            # Gone behind our back (a BMC replaced or updated): what was found before counts no more.
            self._path, self._paths = "", None
            raise
        if not system:
            raise Unsupported(f"{self._access.origin}{path} is empty: not a usable System")
        return system

    def _system_path(self, reader: Reader) -> str:
        if not self._path:
            self._path = find_system(reader, self._access)
        return self._path

    @staticmethod
    def _allowed(reader: Reader, action: Json) -> tuple[str, ...]:
        info = reader.optional({"info": {"@odata.id": action.get("@Redfish.ActionInfo")}}, "info")
        return next(
            (texts(p, "AllowableValues") for p in objects(info, "Parameters") if text(p, "Name") == "ResetType"),
            (),
        )


def _gib(summary: Json) -> int:
    return number(summary, "TotalSystemMemoryGiB")
