"""HardwareFits: the machine is large enough, is the one that is meant, and has the disk that the documents name.

Judged before anything is written, by Ironic's inspection and, before that, by what the BMC tells.
"""

from __future__ import annotations

from bpa.core.facts import Drive, Facts, Inventory
from bpa.core.host.hardware.comparison import differences
from bpa.core.host.hardware.lack import Lack
from bpa.core.host.hardware.least import lacks
from bpa.core.host.hardware.seen import outer_sights
from bpa.core.requirement import HostRequirement
from bpa.core.root_device import candidates, describe, describe_hints, match
from bpa.core.sizes import GIB
from bpa.core.verdict import Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant

PLACEHOLDERS = (
    "", "0", "none", "unknown", "not specified", "default string", "system serial number", "to be filled by o.e.m.",
)
"""What SMBIOS holds where a maker left the serial number out."""


def check(want: HostWant, have: Facts) -> Verdict:
    """All that does not fit is told at once; what nobody tells yet is judged once the system runs (HardwareSeen)."""
    seen = have.node.inventory if have.node else None
    size, apart = _size(want, have), _apart(want, have)
    problems = [*(one.text for one in size), *_disk(want, have, seen), *(_identity(want, have, seen) if seen else ())]
    if problems:
        advice = next((one.advice for one in size if one.advice and len(problems) == 1), "")
        return Stuck("; ".join((*problems, *apart)),
                     f"{advice or 'correct the documents, or use another machine'}; nothing was written to it")
    in_use = have.node is not None and have.node.provision_state == "active"
    if seen is None and not in_use:
        return Wait("the hardware has not been inspected yet", 2.0)
    drive = match(want.root_device, seen.drives) if seen else None
    return Met(", but ".join(filter(None, (describe(drive) if drive else "", *apart))))


def _size(want: HostWant, have: Facts) -> list[Lack]:
    """The inspection counts more than the BMC, and what neither tells not at all."""
    return [one for one in lacks(want.profile.minimum, tuple(reversed(outer_sights(have)))) if one.known]


def _apart(want: HostWant, have: Facts) -> list[str]:
    """Where the BMC and the inspection disagree."""
    outside = outer_sights(have)
    return [one.text for one in differences(want.name, *outside) if not one.agreed] if len(outside) == 2 else []


def _disk(want: HostWant, have: Facts, seen: Inventory | None) -> list[str]:
    drives = seen.drives if seen else have.bmc.drives if have.bmc else ()
    if not drives or want.image is None:
        return []
    known = ", ".join(f"{drive.name} {describe(drive)}" for drive in drives)
    drive = match(want.root_device, drives)
    if drive is None:
        if not want.root_device:
            return [f"has no disk of at least 4 GiB; it has {known}"] if seen else []
        left = candidates(want.root_device, drives)
        if seen or (not left and _cannot_be(want, have, drives)):
            what = "several disks that may be meant by" if left else "no disk that fits"
            return [f"has {what} {describe_hints(want.root_device)}; it has {known}"]
        return []
    least = want.profile.minimum.disk
    if least and 0 < drive.size < least:
        return [f"{describe(drive)} is too small, it must have {least / GIB:.1f} GiB"]
    told = match(want.root_device, have.bmc.drives) if have.bmc else None
    if seen and told and told.serial and drive.serial and told.serial != drive.serial:
        return [f"the BMC names {describe(told)} where the ramdisk would write to {describe(drive)}"]
    return []


def _cannot_be(want: HostWant, have: Facts, drives: tuple[Drive, ...]) -> bool:
    """Whether what the BMC tells already rules the disk out. A RAID volume has a serial number that no drive has, but
    is never larger than all drives together; and a BMC that could not read some drives proves nothing."""
    if have.bmc is None or "drives" in have.bmc.unread:
        return False
    hint = str(want.root_device.get("size", "")).removeprefix(">=").strip()
    return hint.isdigit() and 0 < sum(drive.size for drive in drives) < int(hint) * GIB


def _identity(want: HostWant, have: Facts, seen: Inventory) -> list[str]:
    problems = []
    told = seen.serial.strip().lower()
    if want.serial and told not in PLACEHOLDERS and told != want.serial.strip().lower():
        problems.append(f"is another machine: its serial number is {seen.serial}, not {want.serial}")
    if seen.addresses and want.boot_mac.lower() not in seen.addresses:
        cards = ", ".join(sorted(seen.addresses))
        problems.append(f"has no network card with the boot MAC {want.boot_mac}, only {cards}")
    return problems


def known_drives(have: Facts) -> tuple[Drive, ...]:
    """The drives as the ramdisk saw them, or else as the BMC tells."""
    seen = have.node.inventory if have.node else None
    return seen.drives if seen and seen.drives else have.bmc.drives if have.bmc else ()


FITS = HostRequirement("HardwareFits", "node", check, "the machine is the one that is meant and is large enough")
