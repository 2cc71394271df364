"""The BIOS of one System with its registry, looked at as a person or a plan needs it; and after a restart again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bpa.adapters.errors import Busy, Unreachable
from bpa.adapters.redfish.bios.attributes import Bios, read_bios
from bpa.adapters.redfish.bios.registry import RegistryCache, read_registry, wanted_registry
from bpa.adapters.redfish.reading import NOT_THERE, text
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.waiting import Waiting
from bpa.core.bios import Machine
from bpa.core.bios.rules import same
from bpa.core.steps import BiosValue


@dataclass(frozen=True, slots=True)
class SeenBios:
    """One look. registry_id is what Bios.AttributeRegistry says; problems: why there is no registry, one line each."""

    bios: Bios
    machine: Machine
    registry_id: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of staged attributes at a restart: effective, still pending, or dropped (name -> its value now)."""

    effective: tuple[str, ...]
    pending: tuple[str, ...]
    dropped: Mapping[str, BiosValue]

    @property
    def whole(self) -> bool:
        """Whether all of them are effective."""
        return not self.pending and not self.dropped


def look_at_bios(target: Target, registries: RegistryCache | None = None) -> SeenBios:
    """Attributes, pending ones and registry. Raises the adapter errors; Unsupported where the System has no Bios."""
    with target.link.look():
        reader = target.reader()
        system = target.system(reader).body
        bios = read_bios(reader, system, None)
        wanted = wanted_registry(system, bios)
        registry = None
        try:
            registry = read_registry(reader, bios.body, bios.now, wanted, registries) if bios.now else None
        except NOT_THERE as error:
            reader.note(error)
    machine = Machine(bios.now, registry, text(system, "Manufacturer"), bios.pending)
    return SeenBios(bios, machine, wanted.id, tuple(reader.problems) if registry is None else ())


def look_after_restart(target: Target, staged: Mapping[str, BiosValue], wait: Waiting) -> Kept:
    """What the BIOS made of `staged`, attribute by attribute, once it is through POST.

    Looks again until all are effective or `wait` is over: BMCs show the new values seconds to minutes after POST.
    Raises the adapter errors.
    """
    kept = Kept((), (), staged)
    trouble: Unreachable | Busy | None = None
    seen = False
    for _ in wait.looks():
        try:
            kept, seen = _compare(target, staged), True
        except (Unreachable, Busy) as error:
            trouble = error
            continue
        if kept.whole:
            break
    if not seen and trouble is not None:
        raise trouble
    return kept


def _compare(target: Target, staged: Mapping[str, BiosValue]) -> Kept:
    reader = target.reader()
    bios = read_bios(reader, target.system(reader).body, None)
    effective = tuple(n for n, v in staged.items() if n in bios.now and same(bios.now[n], v))
    pending = tuple(n for n, v in staged.items() if n not in effective and n in bios.pending and same(bios.pending[n], v))
    lost = {n: bios.now.get(n, "") for n in staged if n not in effective and n not in pending}
    return Kept(effective, pending, lost)
