"""VfsCreated: the asked number of virtual functions on each matching PF, as asked, again after every restart.

A number can be changed to another only through 0 (Documentation/ABI/testing/sysfs-bus-pci, sriov_numvfs).
"""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.probe import told
from bpa.core.host.sriov.causes import failed, forbidding
from bpa.core.host.sriov.functions import Pci, PciDevice
from bpa.core.host.sriov.match import Chosen, carrying, choose
from bpa.core.host.sriov.reading import parse_pci
from bpa.core.host.sriov.removal import removals, remove_unit, take_away
from bpa.core.host.sriov.script import SCRIPT_PATH, SET_VFS
from bpa.core.host.sriov.settings import differing, held
from bpa.core.host.sriov.unit import UNIT, argument, arguments_in, render_unit
from bpa.core.host.sriov.usage import at_stake, shown, users_of
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant, VfWant

TIMEOUT = 300.0


def check(want: HostWant, have: Facts) -> Verdict:
    text = told(have, "pci")
    if not isinstance(text, dict):
        return text if want.profile.vfs else Met("not asked")
    seen = parse_pci(text)
    assert have.os is not None
    address = have.os.address
    if not want.profile.vfs:
        return take_away(frozenset(), address, seen) or remove_unit(seen) or Met("not asked")
    chosen = choose(want.profile.vfs, seen, address, arguments_in(seen.unit))
    if isinstance(chosen, Stuck):
        return chosen
    for device, wanted in chosen:
        if stop := forbidding(device, wanted, seen) or failed(device, wanted, seen):
            return stop
    return (take_away(frozenset(device.address for device, _ in chosen), address, seen) or _staged(chosen, seen)
            or _made(chosen, address, seen) or _set_up(chosen, seen) or Met(_evidence(chosen, seen)))


def _staged(chosen: Chosen, seen: Pci) -> Verdict | None:
    if not seen.script:
        return Act(WriteFile(SCRIPT_PATH, SET_VFS, "stage the script that makes VFs"),
                   f"{SCRIPT_PATH} is not {'of this BPA' if seen.script_there else 'there yet'}")
    unit = render_unit(argument(device, wanted) for device, wanted in chosen)
    if seen.unit != unit or not seen.enabled:
        # `enable` makes systemd read its units anew; a daemon-reload before it would only do so twice.
        return Act(WriteFile(UNIT, unit, "stage the VFs that every start creates",
                             then=(("systemctl", "enable", "bpa-sriov.service"),)),
                   f"{UNIT} is not as the profile asks")
    return None


def _serves(device: PciDevice, wanted: VfWant) -> bool:
    """Whether the QAT services are those that are asked; the kernel may name them in another order."""
    asked = set(wanted.services.split(";"))
    return not wanted.services or not device.services or asked == set(device.services.split(";"))


def _enough(device: PciDevice, wanted: VfWant) -> bool:
    """Whether the PF has as many VFs as asked, and its QAT services are those that they were to be made with."""
    if not _serves(device, wanted):
        return False
    if wanted.vfs == "max":
        return bool(device.vfs) and device.vfs in (device.total, device.reached)
    return device.vfs == (device.total if wanted.vfs == "all" else wanted.vfs)


def _made(chosen: Chosen, address: str, seen: Pci) -> Verdict | None:
    for device, wanted in chosen:
        if _enough(device, wanted):
            continue
        if not device.driver:
            return Stuck(f"no driver is bound to {device.text}", "load the PF's driver: only it can make VFs")
        lacking = f"{device.text} has {device.vfs} VFs, {wanted.vfs} are asked ({wanted.what})"
        if not _serves(device, wanted):
            lacking = f"{device.text} serves {device.services}, {wanted.services} is asked ({wanted.what})"
        if device.vfs and (nic := carrying(device, address, seen)):
            return Stuck(f"{device.text} has {device.vfs} VFs, {wanted.vfs} are asked; that goes through 0, and {nic} "
                         f"carries the address {address} by which BPA reaches the host",
                         "change it by hand on the console, or reach the host by another port")
        used = users_of(device, seen)
        return Act(RunOnHost(("sh", SCRIPT_PATH, argument(device, wanted)), f"create {wanted.vfs} VFs on {device.address}",
                             TIMEOUT, at_stake(device, seen), at_stake(device, seen)),
                   f"{lacking}; that goes through 0, in use: {shown(used)}" if used else lacking)
    return None


def _set_up(chosen: Chosen, seen: Pci) -> Verdict | None:
    for device, wanted in chosen:
        if slips := differing(device, wanted, seen):
            only = "+".join(str(index) for index, _ in slips)
            return Act(RunOnHost(("sh", SCRIPT_PATH, f"{argument(device, wanted)},only={only}"),
                                 f"set up VFs {only.replace('+', ', ')} of {device.address}", TIMEOUT),
                       "; ".join(f"VF {index} of {device.address}: {what}" for index, what in slips[:4]))
    return None


def _evidence(chosen: Chosen, seen: Pci) -> str:
    parts = []
    for device, wanted in chosen:
        bound = f" bound to {wanted.driver}" if wanted.driver else ""
        kept = held(device, wanted, seen)
        left = f" (VF {', '.join(map(str, kept))} in use and left as it is)" if kept else ""
        parts.append(f"{device.vfs} VFs on {device.address}{bound}{left}")
    return ", ".join(parts)


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    text = told(have, "pci")
    if not isinstance(text, dict):
        return tuple(Change(f"{one.what} VFs on {one.match.text or 'every PF'}", None, str(one.vfs))
                     for one in want.profile.vfs)
    seen = parse_pci(text)
    chosen = choose(want.profile.vfs, seen, have.os.address if have.os else "", arguments_in(seen.unit))
    if isinstance(chosen, Stuck):
        return ()
    lines = list(removals(frozenset(device.address for device, _ in chosen), seen))
    for device, wanted in chosen:
        if not _enough(device, wanted):
            lines.append(Change(f"{wanted.what} VFs on {device.address}", str(device.vfs), str(wanted.vfs),
                                destroys=at_stake(device, seen), disrupts=at_stake(device, seen)))
        elif slips := differing(device, wanted, seen):
            lines.append(Change(f"VF settings on {device.address}", f"VF {slips[0][0]}: {slips[0][1]}",
                                f"as asked, on {len(slips)} VFs"))
    return tuple(lines)


CREATED = HostRequirement("VfsCreated", "os", check, "each matching PF has the asked number of VFs", changes,
                          seconds=5.0)
