"""Facts of a machine as a person reads them at three in the morning: short, and the same things counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click

from bpa.core.machine import (
    BiosFacts,
    Boot,
    Disk,
    Firmware,
    Identity,
    MachineFacts,
    Manager,
    Memory,
    MemoryModule,
    Network,
    Nic,
    PciDevice,
    Port,
    Power,
    Processors,
    Security,
    Sensors,
    State,
    Storage,
)
from bpa.core.media import Slot

WIDTH = 11
URL = 200
"""Characters shown of an image's URL: a signed one has thousands, and all of them with -o json."""


def lines(facts: MachineFacts) -> Iterator[str]:
    """All sections that were asked for; problems stand below their section."""
    for name, section in facts.sections():
        said = [line for line in _SAY[name](section.value) if line] if section.value is not None else []
        if not said and not section.problem:
            said = ["none"]
        for place, line in enumerate(said):
            head = click.style(f"{name:{WIDTH}}", bold=True) if place == 0 else " " * WIDTH
            yield f"{head} {line}".rstrip()
        if section.problem:
            head = " " * WIDTH if said else click.style(f"{name:{WIDTH}}", bold=True)
            yield f"{head} {click.style('! not all read:', fg='red')} {section.problem}"


def _identity(one: Identity) -> Iterator[str]:
    yield _joined((one.manufacturer, one.model), " ") or one.system
    yield _joined((_named("serial", one.serial), _named("service tag", one.service_tag),
                   _named("SKU", one.sku if not one.service_tag else ""), _named("asset tag", one.asset_tag)))
    yield _joined((_named("UUID", one.uuid), _named("hostname", one.hostname), _named("BIOS", one.bios_version)))
    yield one.system


def _state(one: State) -> Iterator[str]:
    yield _joined((f"power {one.power or 'not told'}", _named("health", _ok(one.health)),
                   _named("boot progress", one.boot_progress), _named("last reset", one.last_reset)))


def _managers(all_of_them: tuple[Manager, ...]) -> Iterator[str]:
    for one in all_of_them:
        yield _joined((_joined((one.type, one.model), " ") or one.name, _named("firmware", one.firmware),
                       _named("clock", one.time), _named("health", _ok(one.health))))


def _firmware(all_of_them: tuple[Firmware, ...]) -> Iterator[str]:
    # An iDRAC lists what runs as Current and as Installed; they differ in that word alone.
    once = {re.sub(r"^(Current|Installed)-", "", one.id): one for one in all_of_them}
    lines = Counter(f"{one.name or one.id}: {one.version or 'not told'}"
                    + (f" ({one.state})" if one.state not in ("", "Enabled") else "") for one in once.values())
    yield from (line if count == 1 else f"{line}, {count} times" for line, count in lines.items())


def _processors(one: Processors) -> Iterator[str]:
    said = list(_counted(_joined((
        cpu.model or cpu.manufacturer or "CPU", _cores(cpu.cores, cpu.threads),
        f"{cpu.max_mhz} MHz at most" if cpu.max_mhz else "", _named("microcode", cpu.microcode), _bad(cpu.health),
    )) for cpu in one.cpus))
    empty = f"{_number(one.empty_sockets, 'socket')} empty" if one.empty_sockets and (one.cores or said) else ""
    if summed := _joined((_cores(one.cores, one.threads), empty)):
        yield summed
    yield from said
    yield from _counted(_joined((f"{other.type} {other.model}", _bad(other.health))) for other in one.others)


def _cores(cores: int, threads: int) -> str:
    return _joined((f"{cores} cores" if cores else "", f"{threads} threads" if threads else ""))


def _memory(one: Memory) -> Iterator[str]:
    if one.mib or one.persistent_mib:
        yield _joined((f"{gib(one.mib)}", f"{gib(one.persistent_mib)} persistent" if one.persistent_mib else "",
                       f"{_number(one.empty_slots, 'slot')} empty" if one.empty_slots else ""))
    yield from _counted(map(_module, one.modules))


def _module(one: MemoryModule) -> str:
    kind = one.kind if one.kind != "dram" else ""
    speed = str(one.mhz) if one.mhz else ""
    made = _joined((gib(one.mib), kind, one.technology, speed, one.manufacturer, one.part_number), " ")
    return _joined((made, _named("security", one.security), _bad(one.health)))


def _storage(one: Storage) -> Iterator[str]:
    yield from _counted(_joined((size(d.bytes), d.protocol, d.media, d.manufacturer, d.model), " ") for d in one.drives)
    for drive in one.drives:
        yield "  " + _drive(drive)
    if one.empty_bays:
        yield f"{_number(one.empty_bays, 'bay')} empty"


def _drive(one: Disk) -> str:
    return _joined((one.bay or one.name, _named("serial", one.serial), one.wwn, _named("firmware", one.firmware),
                    "about to fail" if one.failure_predicted else "", _bad(one.health)))


def _network(one: Network) -> Iterator[str]:
    for nic in one.adapters:
        yield _nic(nic)
        yield from (f"  {_port(port)}" for port in nic.ports)
    if one.interfaces:
        yield "interfaces of no adapter listed"
        yield from (f"  {_port(port)}" for port in one.interfaces)


def _nic(one: Nic) -> str:
    sriov = {True: f"SR-IOV, {one.max_vfs} VFs a port" if one.max_vfs else "SR-IOV", False: "no SR-IOV", None: ""}[one.sriov]
    return _joined((_joined((one.id, one.manufacturer, one.model), " "), one.slot, one.pci, sriov,
                    _named("firmware", one.firmware), _named("serial", one.serial), _bad(one.health)))


def _port(one: Port) -> str:
    speed = one.mbps or one.max_mbps
    at_most = " at most" if speed and not one.mbps else ""
    return _joined((f"{one.id} {' '.join(one.macs) or 'no MAC'}", one.kind if one.kind != "Ethernet" else "",
                    _named("link", one.link), f"{speed} Mbit/s{at_most}" if speed else "", _bad(one.health)))


def _pcie(all_of_them: tuple[PciDevice, ...]) -> Iterator[str]:
    for one in all_of_them:
        ids = f"{one.vendor_id}:{one.device_id}" if one.vendor_id and one.device_id else "id not told"
        yield _joined((f"{ids} {one.name or one.model or one.id}", one.class_name, one.slot,
                       click.style("QuickAssist", fg="green") if one.qat else "", _bad(one.health)))


def _bios(one: BiosFacts) -> Iterator[str]:
    if one.attributes:
        yield _joined((f"{len(one.attributes)} attributes (all with -o json, or bpa bmc bios)",
                       _named("registry", one.registry), _named("staged at", one.settings)))
    for each in one.attributes:
        if each.pending is not None:
            yield f"  {each.name}: {each.value} -> {each.pending} at the next restart"


def _boot(one: Boot) -> Iterator[str]:
    if one.mode or one.target:
        yield _joined((_named("mode", one.mode), f"override {one.enabled or 'not told'} {one.target}".rstrip(),
                       _named("next", one.next)))
    if one.targets:
        yield f"can boot from {' '.join(one.targets)}"
    for option in one.order:
        yield f"  {_joined((f'{option.reference} {option.name}'.rstrip(), 'disabled' if option.enabled is False else ''))}"


def _media(all_of_them: tuple[Slot, ...]) -> Iterator[str]:
    for one in all_of_them:
        image = one.image if len(one.image) <= URL else f"{one.image[:URL]}…"
        held = image or "something" if one.occupied else "empty"
        yield _joined((f"{one.id} ({' '.join(one.types) or 'types not told'})", held, f"by {one.way}: {one.why}"))


def _security(one: Security) -> Iterator[str]:
    words = {True: "on", False: "off", None: "not told"}
    now = f"{words[one.secure_boot_now]} now" if one.secure_boot_now not in (None, one.secure_boot) else ""
    yield _joined((f"Secure Boot {words[one.secure_boot]}", now, one.secure_boot_mode))
    for tpm in one.tpms:
        yield _joined((f"TPM {tpm.version}", _named("firmware", tpm.firmware), tpm.state))


def _power(one: Power) -> Iterator[str]:
    yield _joined((f"{one.watts} W" if one.watts else "", f"{one.capacity_watts} W capacity" if one.capacity_watts else "",
                   f"capped at {one.capped_watts} W" if one.capped_watts is not None else ""))
    yield from _counted(_joined((f"supply of {s.watts} W" if s.watts else "supply", _joined((s.manufacturer, s.model), " "),
                                 _named("firmware", s.firmware), _bad(s.health))) for s in one.supplies)
    yield from (f"redundancy: {each}" for each in one.redundancy)


def _sensors(one: Sensors) -> Iterator[str]:
    if one.counts:
        yield _joined(_number(number, kind) for kind, number in one.counts.items())
    for each in one.not_ok:
        yield _joined((f"{each.kind} {each.name}", each.reading, _bad(each.health), each.state))
    if one.counts and not one.not_ok:
        yield "all OK"


_SAY: dict[str, Callable[[Any], Iterable[str]]] = {
    "identity": _identity, "state": _state, "managers": _managers, "firmware": _firmware, "processors": _processors,
    "memory": _memory, "storage": _storage, "network": _network, "pcie": _pcie, "bios": _bios, "boot": _boot,
    "media": _media, "security": _security, "power": _power, "sensors": _sensors,
}


def gib(mib: int) -> str:
    """32768 -> "32 GiB"."""
    return f"{mib / 1024:g} GiB" if mib >= 1024 else f"{mib} MiB"


def size(number: int) -> str:
    """Bytes as drives are sold: 1920383410176 -> "1.92 TB"."""
    if not number:
        return ""
    return f"{number / 1e12:.3g} TB" if number >= 1e12 else f"{number / 1e9:.3g} GB"


def _counted(said: Iterable[str]) -> Iterator[str]:
    for line, number in Counter(said).items():
        yield f"{number} x {line}"


def _number(number: int, what: str) -> str:
    many = re.sub(r"y$", "ie", what) + "s"
    return f"{number} {what if number == 1 else many}"


def _joined(parts: Iterable[str], by: str = ", ") -> str:
    return by.join(part for part in parts if part)


def _named(what: str, value: str) -> str:
    return f"{what} {value}" if value else ""


def _ok(health: str) -> str:
    return click.style(health, fg="red") if health not in ("", "OK") else health


def _bad(health: str) -> str:
    return click.style(health, fg="red") if health not in ("", "OK") else ""
