"""The whole machine: who it is, how it is now, and all its sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

from bpa.core.machine.parts import Memory, Network, PciDevice, Power, Processors, Raw, Sensors, Storage
from bpa.core.machine.settings import BiosFacts, Boot, Security
from bpa.core.media import Slot

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Section(Generic[T]):
    """One part of the machine. problem "" = read wholly; else what could not be read, and why: the value stands."""

    value: T
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who it is. service_tag: what Dell prints on the machine (its SKU). uuid in lower case."""

    system: str
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    sku: str = ""
    service_tag: str = ""
    part_number: str = ""
    uuid: str = ""
    asset_tag: str = ""
    hostname: str = ""
    system_type: str = ""
    bios_version: str = ""
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """How it is now. power: On, Off, PoweringOn, PoweringOff, Paused. health: OK, Warning, Critical. Times as told."""

    power: str = ""
    health: str = ""
    enabled: str = ""
    boot_progress: str = ""
    boot_progress_time: str = ""
    last_reset: str = ""
    indicator: str = ""
    resets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manager:
    """A manager of this System. time: its clock as it told it, with its offset from UTC."""

    path: str
    name: str = ""
    type: str = ""
    model: str = ""
    firmware: str = ""
    uuid: str = ""
    time: str = ""
    time_offset: str = ""
    last_reset: str = ""
    health: str = ""


@dataclass(frozen=True, slots=True)
class Firmware:
    """A member of the firmware inventory. state: Enabled, StandbySpare (the other image), Disabled, …"""

    id: str
    name: str = ""
    version: str = ""
    updateable: bool | None = None
    state: str = ""
    manufacturer: str = ""


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """One machine through its BMC, whole. Sections that were not asked for are None."""

    bmc: str
    system: str
    redfish: str = ""
    product: str = ""
    identity: Section[Identity] | None = None
    state: Section[State] | None = None
    managers: Section[tuple[Manager, ...]] | None = None
    firmware: Section[tuple[Firmware, ...]] | None = None
    processors: Section[Processors] | None = None
    memory: Section[Memory] | None = None
    storage: Section[Storage] | None = None
    network: Section[Network] | None = None
    pcie: Section[tuple[PciDevice, ...]] | None = None
    bios: Section[BiosFacts] | None = None
    boot: Section[Boot] | None = None
    media: Section[tuple[Slot, ...]] | None = None
    security: Section[Security] | None = None
    power: Section[Power] | None = None
    sensors: Section[Sensors] | None = None

    def sections(self) -> Iterator[tuple[str, Section[Any]]]:
        """Name and section of all that were asked for, in the order above."""
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, Section):
                yield each.name, value

    @property
    def problems(self) -> Mapping[str, str]:
        """Section -> what could not be read of it."""
        return {name: section.problem for name, section in self.sections() if section.problem}
