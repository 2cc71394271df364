"""The whole machine: every section by itself, so that one which cannot be read leaves the others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

from bpa.adapters.errors import Busy, Unreachable
from bpa.adapters.redfish.reading import NOT_THERE, Reader, text
from bpa.adapters.redfish.sections import cpus, network
from bpa.adapters.redfish.sections.bios import read_bios_facts
from bpa.adapters.redfish.sections.boot import read_boot
from bpa.adapters.redfish.sections.cpus import read_processors
from bpa.adapters.redfish.sections.drives import read_storage
from bpa.adapters.redfish.sections.firmware import read_firmware
from bpa.adapters.redfish.sections.ground import Ground, side_by_side, survey
from bpa.adapters.redfish.sections.identity import read_identity, read_managers, read_state
from bpa.adapters.redfish.sections.media import read_media
from bpa.adapters.redfish.sections.memory import read_memory
from bpa.adapters.redfish.sections.network import read_network
from bpa.adapters.redfish.sections.pcie import Pcie, read_pcie
from bpa.adapters.redfish.sections.power import read_power
from bpa.adapters.redfish.sections.security import read_security
from bpa.adapters.redfish.sections.sensors import read_sensors
from bpa.adapters.redfish.target import Target
from bpa.core.machine import (
    BiosFacts,
    Boot,
    MachineFacts,
    Memory,
    Network,
    Power,
    Processors,
    Section,
    Security,
    Sensors,
    State,
    Storage,
)

Name = Literal[
    "identity", "state", "managers", "firmware", "processors", "memory", "storage", "network", "pcie", "bios", "boot",
    "media", "security", "power", "sensors",
]
SECTIONS: tuple[Name, ...] = get_args(Name)

_READ: dict[Name, tuple[Callable[[Reader, Ground], Any], Any]] = {
    # What takes most steps, one after the other, first: the last to end should be a short one.
    "network": (read_network, Network()),
    "pcie": (read_pcie, Pcie()),
    "bios": (read_bios_facts, BiosFacts()),
    "media": (read_media, ()),
    "storage": (read_storage, Storage()),
    "firmware": (read_firmware, ()),
    "memory": (read_memory, Memory()),
    "boot": (read_boot, Boot()),
    "processors": (read_processors, Processors()),
    "sensors": (read_sensors, Sensors()),
    "power": (read_power, Power()),
    "security": (read_security, Security()),
    "managers": (read_managers, ()),
    "identity": (read_identity, None),
    "state": (read_state, State()),
}
"""How a section is read, and what stands where nothing of it can be."""
_ON_CHASSIS = frozenset({"network", "pcie", "power", "sensors"})


def full_facts(target: Target, sections: Collection[Name] = SECTIONS) -> MachineFacts:
    """The machine with the named sections, in one look. What cannot be read is the section's `problem`.

    Raises the four adapter errors where service root, login or System cannot be read, be it at the end of the look: a
    BMC that restarts in between is not mistaken for a poor machine.
    """
    with target.link.look():
        ground = survey(target)
        wanted = [name for name in _READ if name in sections]
        read = dict(zip(wanted, side_by_side(target, lambda name: _section(target, ground, name), wanted), strict=True))
        if ground.interrupted or any(section.interrupted for section in read.values()):
            target.link.raw(ground.path)
    return _facts(target, ground, {name: Section(one.value, one.problem) for name, one in read.items()})


@dataclass(frozen=True, slots=True)
class _Read:
    """interrupted: the BMC was busy, or gone; whether for good, the System will tell."""

    value: Any
    problem: str
    interrupted: bool


def _section(target: Target, ground: Ground, name: Name) -> _Read:
    reader = target.reader()
    read, nothing = _READ[name]
    interrupted = False
    try:
        value = read(reader, ground)
    except (*NOT_THERE, Busy, Unreachable) as error:
        interrupted = not isinstance(error, NOT_THERE)
        reader.note(error)
        value = nothing
    told = {"managers": ground.managers_problem}.get(name, ground.chassis_problem if name in _ON_CHASSIS else "")
    return _Read(value, "; ".join(part for part in (told, reader.problem) if part), interrupted)


def _facts(target: Target, ground: Ground, read: dict[Name, Section[Any]]) -> MachineFacts:
    found: dict[str, Any] = {str(name): section for name, section in read.items()}
    pcie = read.get("pcie")
    joined: tuple[tuple[Name, Callable[[Any, Pcie | None], Any]], ...] = (
        ("network", network.with_pcie), ("processors", cpus.with_pcie))
    for name, with_pcie in joined:
        if name in read:
            found[name] = Section(with_pcie(read[name].value, pcie.value if pcie else None), read[name].problem)
    if pcie is not None:
        found["pcie"] = Section(pcie.value.devices, pcie.problem)
    return MachineFacts(
        bmc=target.origin,
        system=ground.path,
        redfish=text(ground.root, "RedfishVersion"),
        product=text(ground.root, "Product", "Vendor"),
        **found,
    )
