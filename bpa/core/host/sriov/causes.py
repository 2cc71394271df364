"""Why VFs cannot be made or set up, told apart by what the kernel said and what the machine shows.

Kernel: drivers/pci/iov.c (sriov_enable, sriov_numvfs_store) for the messages; errno by strerror in the C locale.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bpa.core.host.iommu import unused
from bpa.core.host.modules import no_module
from bpa.core.host.sriov.functions import OPERATOR, Pci, PciDevice
from bpa.core.host.sriov.unit import argument, arguments_in, number_in, number_of
from bpa.core.verdict import Stuck
from bpa.core.want import VfWant

FRESH = 600
"""Seconds for which a failure that may pass by itself is held against the next try."""
QAT_DRIVERS = ("c6xx", "c3xxx", "d15xx", "dh895xcc", "4xxx", "420xx")


@dataclass(frozen=True, slots=True)
class Failure:
    """What our script noted when it failed: for which argument, with which driver, at which uptime (s), and why."""

    argument: str
    driver: str
    uptime: int
    said: str


def failure_of(device: PciDevice) -> Failure | None:
    """The last failure on a PF since the system started."""
    argument_, _, rest = device.failed.partition(" ")
    driver, _, rest = rest.partition(" ")
    uptime, _, said = rest.partition(" ")
    return Failure(argument_, driver.strip("-"), int(uptime), said) if uptime.isdigit() else None


def forbidding(device: PciDevice, wanted: VfWant, seen: Pci) -> Stuck | None:
    """What would make any try be in vain, or a fight with somebody else."""
    if device.vfs != number_of(device, wanted) and (manager := _manager(device, seen)):
        file, said = manager
        if file.startswith(OPERATOR):
            return Stuck(f"{device.text} belongs to the SR-IOV Network Operator of its Kubernetes cluster: {file} is there",
                         "let one own it: take the port out of section sriov of the HardwareProfile, or out of the operator's "
                         f"SriovNetworkNodePolicy and then remove {file}")
        return Stuck(f"{file} makes VFs on {device.text} too: {said.strip()[:120]!r}",
                     f"let one own it: take that out of {file}, or the port out of the HardwareProfile")
    if device.driver in QAT_DRIVERS and isinstance(wanted.vfs, int) and wanted.vfs not in (0, device.total):
        return Stuck(f"the driver {device.driver} of {device.text} makes all {device.total} VFs or none, {wanted.vfs} are asked",
                     f"ask for {device.total}, or all")
    if wanted.driver == "vfio-pci" and wanted.vfs != 0 and not (device.grouped or seen.iommu):
        return unused(seen.tables, f"VFs of {device.text} cannot be bound to vfio-pci")
    if wanted.settings.macs and not device.nics:
        return Stuck(f"{device.text} has no network interface, so there is no MAC to derive those of its VFs from",
                     "load the port's own driver, or leave out `mac`")
    return None


def failed(device: PciDevice, wanted: VfWant, seen: Pci) -> Stuck | None:
    """Why the last try failed, where the next one would too. None = there was none, or it may do better now."""
    last = failure_of(device)
    if last is None or last.argument != argument(device, wanted) or last.driver != device.driver:
        return None
    if last.said.startswith("VF "):
        return _not_set_up(device, last)
    log = [line for line in seen.log if device.address in line]
    known = _no_room(device, wanted, log, seen) or _no_support(device, last, log)
    if known:
        return known
    if seen.uptime - last.uptime > FRESH:
        return None
    if "No space left" in last.said:
        return Stuck(f"{device.text} has no room for {wanted.vfs} VFs: No space left on device (ENOSPC){_quoted(log)}",
                     "its queues or interrupts are taken by other functions: ask for fewer, or vfs: max; a try is made again "
                     f"after {FRESH // 60} min")
    return None


def _no_room(device: PciDevice, wanted: VfWant, log: list[str], seen: Pci) -> Stuck | None:
    buses = [line for line in log if "bus number out of range" in line or ("out of range of" in line and "bus" in line)]
    buses += [line for line in seen.log if "allocate bus" in line]
    if buses:
        return Stuck(f"there are not enough PCI bus numbers for {wanted.vfs} VFs of {device.text}: {buses[-1].strip()!r}",
                     "add the kernel argument pci=assign-busses to the HardwareProfile, then apply again; switching ARI on in "
                     "the BIOS helps too")
    memory = [line for line in log if "MMIO resources" in line or ("VF BAR" in line and "can't assign" in line)]
    if memory:
        return Stuck(f"there is not enough MMIO space for {wanted.vfs} VFs of {device.text}: {memory[-1].strip()!r}",
                     "switch `Above 4G Decoding` (MMIO above 4 GiB) on in the BIOS, or add the kernel argument pci=realloc to "
                     "the HardwareProfile, then apply again")
    return None


def _no_support(device: PciDevice, last: Failure, log: list[str]) -> Stuck | None:
    telling = [line for line in log if "does not support SR" in line]
    words = ("No such file", "not supported", "not implemented", "not permitted")
    if not telling and not any(word in last.said for word in words):
        return None
    if device.driver == "vfio-pci":
        return Stuck(f"{device.text} is bound to vfio-pci itself, which makes no VFs",
                     "bind the port to its own driver, then apply again")
    return Stuck(f"the driver {device.driver} of {device.text} makes no VFs in this kernel: {last.said}{_quoted(telling)}",
                 "use a kernel whose driver has SR-IOV (CONFIG_PCI_IOV), or another port")


def _not_set_up(device: PciDevice, last: Failure) -> Stuck | None:
    vf, _, rest = last.said.partition(": ")
    what, _, why = rest.rpartition(": ")
    if "not found" in last.said and "vfio-pci" in last.said:
        return no_module("vfio-pci")
    if "not supported" in why:
        return Stuck(f"the driver {device.driver} of {device.text} cannot set `{what}` for its VFs: {why}",
                     "leave that setting out of the HardwareProfile")
    if "Invalid argument" in why or "out of range" in why:
        return Stuck(f"the driver {device.driver} of {device.text} refuses `{what}` for {vf}: {why}",
                     "give another value in the HardwareProfile; rates are bounded by the link's speed")
    return None


def _manager(device: PciDevice, seen: Pci) -> tuple[str, str] | None:
    names = (device.address, *(nic.name for nic in device.nics))
    for file, said in seen.managers:
        if file.startswith(OPERATOR):
            if file.endswith(f"/{device.address}") and '"externallyManaged":true' not in said.replace(" ", "").replace("\t", ""):
                return file, said
        elif any(re.search(rf"(?<![\w.:-]){re.escape(name)}(?![\w-])", said) for name in names):
            return file, said
    return None


def _quoted(lines: list[str]) -> str:
    return f"; the kernel says {lines[-1].strip()!r}" if lines else ""


def surplus(chosen: frozenset[str], seen: Pci) -> tuple[PciDevice, ...]:
    """PFs that our unit gives VFs and the profile does not any more, where the VFs are still those that we made."""
    found = []
    for address, said in arguments_in(seen.unit).items():
        device = next((one for one in seen.devices if one.address == address), None)
        if device is None or address in chosen or not device.vfs:
            continue
        if number_in(said) in ("max", str(device.vfs)):
            found.append(device)
    return tuple(found)
