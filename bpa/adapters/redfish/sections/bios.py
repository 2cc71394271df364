"""BIOS attributes with what is staged, and what their registry says of them."""

from __future__ import annotations

from bpa.adapters.redfish.bios.attributes import read_bios
from bpa.adapters.redfish.bios.registry import served_registry, wanted_registry
from bpa.adapters.redfish.reading import Reader, inner, texts
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import LARGEST
from bpa.core.bios.dependencies import locks
from bpa.core.bios.machine import Machine
from bpa.core.machine import BiosAttribute, BiosFacts
from bpa.core.steps import BiosValue


def read_bios_facts(reader: Reader, ground: Ground) -> BiosFacts:
    """Raises Unsupported where the System has no Bios. Without a registry the values stand alone."""
    bios = read_bios(reader, ground.system, None)
    now = {name: value for name, value in bios.now.items() if _sane(value)}
    pending = {name: value for name, value in bios.pending.items() if _sane(value)}
    wanted = wanted_registry(ground.system, bios)
    apart = ground.target.reader()
    registry = served_registry(apart, bios.body, wanted) if now else None
    if registry is None:
        # What was said on the way to it does not matter once it is there.
        reader.problems += apart.problems
    machine = Machine(now, registry)
    return BiosFacts(
        attributes=tuple(_attribute(machine, name, value, pending.get(name)) for name, value in now.items()),
        registry=registry.id if registry is not None else "",
        settings=bios.paths.settings,
        apply_times=texts(inner(bios.body, "@Redfish.Settings"), "SupportedApplyTimes"),
    )


def _attribute(machine: Machine, name: str, value: BiosValue, pending: BiosValue | None) -> BiosAttribute:
    told = machine.attribute(name)
    if told is None:
        return BiosAttribute(name, value, pending)
    return BiosAttribute(name, value, pending, told.type, machine.allowed(name), _read_only(machine, name), told.display)


def _read_only(machine: Machine, name: str) -> bool:
    """As it is now: for good, or because of another attribute's present value."""
    registry = machine.registry
    told = registry.get(name) if registry is not None else None
    if registry is None or told is None:
        return False
    return told.read_only or bool(locks(registry, name, "ReadOnly", machine.now, machine.usual))


def _sane(value: BiosValue) -> bool:
    return isinstance(value, str) or abs(value) < LARGEST
