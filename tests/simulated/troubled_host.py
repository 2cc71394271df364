"""A site of one simulated host, brought up by BPA and then troubled as a file of tests/simulated/troubles/ says.

    trouble: one line, for people
    profile: spec of the HardwareProfile by which the host is brought up
    faults: [{name: vfs fail, value: ...}]          what goes wrong while it is brought up (see bpa.lab.simulated.faults)
    then: [{restart: null}, {bios: {...}}, ...]     what befalls the host that came all the way: the functions below, by name
    asks: spec of the HardwareProfile that takes the place of the first
    apply: true                                     whether `bpa apply` runs once more before anybody asks why
    consent: false                                  whether a person agrees to all that this destroys; else one does
    why: {condition: ..., state: stuck, says: [...], try: [...]}      what `bpa explain` must name first
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from driving import NOBODY_AGREED, QUICK, all_of, new_host
from site_of_many import HOST, SITE, mac

import bpa.wiring
from bpa.core.host import HOST as REQUIREMENTS
from bpa.engine import Subject
from bpa.fleet import Fleet
from bpa.lab.simulated import Clock, SimulatedHost
from bpa.site import OpenSite

ANNOTATED = '  name: node-0\n  annotations: {bpa.akraino.org/profile: asked}\n'
AWAY = 60.0


class TroubledHost:
    """The site's directory and its host; wire(opened) gives an open site this host instead of a real one."""

    def __init__(self, directory: Path, trouble: Mapping[str, Any], clock: Clock) -> None:
        self.directory, self.clock = directory, clock
        self.world: SimulatedHost | None = None
        directory.mkdir(parents=True)
        (directory / "host.yaml").write_text(
            HOST.format(n=0, mac=mac(0), checksum="ab" * 32).replace("  name: node-0\n", ANNOTATED, 1))
        (directory / "site.yaml").write_text(SITE.replace("  kud: {installer: kud/installer}\n", "  concurrency: {hosts: 1}\n"))
        self.ask(trouble["profile"])

    def ask(self, spec: Mapping[str, Any]) -> None:
        """The documents ask for this now."""
        (self.directory / "profile.yaml").write_text(yaml.safe_dump({
            "apiVersion": "bpa.akraino.org/v1alpha1", "kind": "HardwareProfile", "metadata": {"name": "asked"},
            "spec": spec}))

    def wire(self, opened: OpenSite) -> None:
        (host,) = opened.site.hosts
        if self.world is None:
            self.world = new_host(host.want, self.clock, durations=QUICK)
        opened.hosts = (Subject(host.want.name, host.want, REQUIREMENTS, self.world),)

    def apply(self, consent: bool = True) -> bool:
        """As `bpa apply`, with consent to everything or to nothing; whether the host came all the way."""
        with bpa.wiring.open_site(str(self.directory)) as opened:
            (subject,), world = opened.hosts, self.world
            assert world is not None
            memory = opened.store.memory(subject.name)
            if memory.stuck:
                world.acknowledge()
                opened.store.remember(subject.name, memory.retried())
            agreed = all_of(world) if consent else NOBODY_AGREED
            fleet = Fleet(opened.store, lambda name: agreed, _nobody, "run", 1, self.clock, self.clock, self.clock.pause)
            fleet.drive(opened.hosts)
            return fleet.outcomes[subject.name].done

    def befall(self, events: list[dict[str, Any]]) -> None:
        """Let each event happen, in order."""
        assert self.world is not None
        for event in events:
            ((name, value),) = event.items()
            EVENTS[name](self.world, value)
            if name == "restart":
                self.clock.advance(AWAY)
                self.world.machine.advance()


def _nobody(name: str, outcome: object) -> None:
    pass


def _restart(world: SimulatedHost, _: None) -> None:
    world.machine.restart()


def _bios(world: SimulatedHost, said: dict[str, Any]) -> None:
    world.machine.hardware.bios.update(said)


def _shows(world: SimulatedHost, said: dict[str, dict[str, str]]) -> None:
    """Sections of probes that the host prints so from now on."""
    for probe, sections in said.items():
        world.machine.shown.setdefault(probe, {}).update(sections)


def _adds(world: SimulatedHost, said: dict[str, dict[str, str]]) -> None:
    """Lines that it prints besides."""
    for probe, sections in said.items():
        world.machine.added.setdefault(probe, {}).update(sections)


def _log(world: SimulatedHost, lines: list[str]) -> None:
    assert world.machine.os is not None
    world.machine.os.log += lines


def _fault(world: SimulatedHost, said: dict[str, Any]) -> None:
    world.fault(**said)


def _mend(world: SimulatedHost, name: str) -> None:
    world.faults.mend(name)


def _port(world: SimulatedHost, said: dict[str, dict[str, Any]]) -> None:
    """Fields of PCI functions by address."""
    for one in world.machine.hardware.functions:
        for name, value in said.get(one.address, {}).items():
            setattr(one, name, value)


def _carries_us(world: SimulatedHost, address: str) -> None:
    """The address by which BPA reaches the host is on this port."""
    world.machine.hardware.hands_to = next(one.mac for one in world.machine.hardware.functions if one.address == address)


def _modules(world: SimulatedHost, said: dict[str, Any]) -> None:
    """unload: names; busy: names; nested: name -> truth value."""
    os = world.machine.os
    assert os is not None
    os.busy |= set(said.get("busy", ()))
    os.nested.update(said.get("nested", {}))
    for name in said.get("unload", ()):
        os.unload(name)


def _optane(world: SimulatedHost, said: dict[str, Any]) -> None:
    for one in world.machine.hardware.optane:
        for name, value in said.items():
            setattr(one, name, value)


def _namespace(world: SimulatedHost, said: dict[str, dict[str, Any]]) -> None:
    """Fields of namespaces by name; what is disabled is not mounted."""
    assert world.machine.os is not None
    for one in (one for region in world.machine.hardware.regions for one in region.namespaces):
        for name, value in said.get(one.dev, {}).items():
            setattr(one, name, value)
        if not one.enabled:
            mounts = world.machine.os.mounts
            for point in [point for point, (device, _, _) in mounts.items() if device == f"/dev/{one.block}"]:
                del mounts[point]


def _gone(world: SimulatedHost, paths: list[str]) -> None:
    assert world.machine.os is not None
    for path in paths:
        del world.machine.os.installed.files[path]


EVENTS: dict[str, Callable[[SimulatedHost, Any], None]] = {
    "restart": _restart, "bios": _bios, "shows": _shows, "adds": _adds, "log": _log, "fault": _fault, "mend": _mend,
    "port": _port, "carries us": _carries_us, "modules": _modules, "optane": _optane, "namespace": _namespace, "gone": _gone,
}
