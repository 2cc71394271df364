"""Which ports get VFs: those that a want matches, but never one that the host lives on unless it is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase

from bpa.core.host.sriov.functions import Pci, PciDevice
from bpa.core.verdict import Stuck
from bpa.core.want import PfMatch, VfWant

Chosen = tuple[tuple[PciDevice, VfWant], ...]


def matches(match: PfMatch, device: PciDevice) -> bool:
    """Whether every field that `match` gives agrees. MACs and hex compare without regard to case."""
    return all((
        match.pci_address is None or _full(match.pci_address) == device.address,
        match.device is None or match.device.lower().removeprefix("0x") == device.device,
        match.driver is None or match.driver == device.driver,
        match.mac is None or any(match.mac.lower() == nic.mac for nic in device.nics),
        match.interface is None or any(fnmatchcase(nic.name, match.interface) for nic in device.nics),
        match.numa_node is None or match.numa_node == device.numa,
        match.link is None or any((nic.state == "up") == (match.link == "up") for nic in device.nics),
    ))


def choose(wants: Iterable[VfWant], seen: Pci, address: str = "", ours: Iterable[str] = ()) -> Chosen | Stuck:
    """Each PF that a want matches, with that want; or why the machine cannot do it.

    address is the one by which BPA reaches the host; ours are the PFs that our unit has already: they come first where
    only some are wanted, and keep their VFs without a link.
    """
    chosen: dict[str, tuple[PciDevice, VfWant]] = {}
    kept = frozenset(ours)
    for wanted in wants:
        without_link = replace(wanted.match, link=None)
        matching = [device for device in seen.devices
                    if matches(without_link if device.address in kept else wanted.match, device)]
        able = [device for device in matching if device.total]
        if not able:
            return _none(wanted, matching, seen, kept)
        free = able if wanted.match.names_one else [one for one in able if not reserved(one, address, seen)]
        if not free:
            why = "; ".join(f"{device.text} {reserved(device, address, seen)}" for device in able)
            return Stuck(f"every port that matches {wanted.match.text} is in use by the host itself: {why}",
                         "name the port by pciAddress or mac if it is meant all the same")
        if wanted.count is not None:
            if len(free) < wanted.count:
                return Stuck(f"{wanted.count} ports are asked that match {wanted.match.text}, there are {len(free)}: "
                             f"{', '.join(device.text for device in free)}", "ask for fewer, or match more widely")
            free = sorted(free, key=lambda device: (device.address not in kept, device.address))[:wanted.count]
        for device in free:
            assert device.total is not None
            if isinstance(wanted.vfs, int) and wanted.vfs > device.total:
                return Stuck(f"{device.text} can have {device.total} VFs at most, {wanted.vfs} are asked ({wanted.what})",
                             "ask for fewer in the HardwareProfile; if the card can do more, SR-IOV is cut down in the BIOS "
                             "or in the card's firmware")
            other = chosen.get(device.address)
            if other and replace(other[1], match=wanted.match, count=wanted.count) != wanted:
                differ = (f"{other[1].vfs} VFs ({other[1].what}) and {wanted.vfs} VFs ({wanted.what})"
                          if other[1].vfs != wanted.vfs else "with other settings for its VFs")
                return Stuck(f"two sections of the profile match {device.text}: {differ}",
                             "match more narrowly, by pciAddress or mac")
            chosen[device.address] = (device, wanted)
    return tuple(chosen[one] for one in sorted(chosen))


def carrying(device: PciDevice, address: str, seen: Pci) -> str:
    """The interface through which `address` reaches the host, if it lies on this PF, by a bond, bridge or VLAN too."""
    names = (name for nic in device.nics for name in (nic.name, *nic.uppers))
    return next((name for name in names if address in seen.addresses.get(name, ())), "")


def reserved(device: PciDevice, address: str, seen: Pci) -> str:
    """Why a port is not taken unless it is named, "" = it is free."""
    if carrier := carrying(device, address, seen):
        return f"carries {address} ({carrier})"
    return next((f"{nic.name} is part of {nic.uppers[0]}" for nic in device.nics if nic.uppers), "")


def _none(wanted: VfWant, matching: list[PciDevice], seen: Pci, kept: frozenset[str]) -> Stuck:
    if matching:
        return Stuck(f"{', '.join(d.text for d in matching)} shows no SR-IOV: it is off in the BIOS or in the device's "
                     "firmware, or the device has none",
                     "switch it on by the BIOS intent `sriov` of the HardwareProfile, then apply again")
    if wanted.match.interface and (others := _called_otherwise(wanted, seen)):
        ours = [one for one in others if one.address in kept]
        now = f"the port that has the VFs is now {ours[0].text}" if ours else (
            f"with SR-IOV there are: {', '.join(one.text for one in others)}")
        return Stuck(f"no port is called {wanted.match.interface} ({wanted.what}); {now}",
                     "match by pciAddress or mac in the HardwareProfile: names of ports change with kernel and systemd updates")
    able = ", ".join(f"{d.text}, {d.total} VFs at most" for d in seen.devices if d.total)
    return Stuck(f"no PCI device matches {wanted.match.text or 'nothing at all'} ({wanted.what}); with SR-IOV there are: "
                 f"{able or 'none'}", "correct the match in the HardwareProfile; if the card is missing from the list, "
                 "SR-IOV or the slot is off in the BIOS")


def _called_otherwise(wanted: VfWant, seen: Pci) -> list[PciDevice]:
    """The ports that fit in all but their name."""
    match = replace(wanted.match, interface=None, link=None)
    return [one for one in seen.devices if one.total and one.nics and matches(match, one)]


def _full(address: str) -> str:
    return (address if address.count(":") == 2 else f"0000:{address}").lower()
