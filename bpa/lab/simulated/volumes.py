"""Mount units, volume groups and erasure of persistent memory, done to a simulated host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpa.core.facts import Ran
from bpa.core.host.pmem.lvm import SIGNATURE

if TYPE_CHECKING:
    from bpa.lab.simulated.linux import Running

DONE = Ran(0)


def remove_unit(os: Running, name: str, path: str) -> Ran:
    """bpa.core.host.removal.REMOVE_UNIT."""
    os.stop_mount(path)
    os.installed.enabled.discard(name)
    os.installed.files.pop(path, None)
    return DONE


def add_to_group(os: Running, device: str, group: str) -> Ran:
    """bpa.core.host.lvm.ADD_TO_GROUP."""
    block = device.removeprefix("/dev/")
    one = next((n for r in os.machine.hardware.regions for n in r.namespaces if n.block == block and n.enabled), None)
    if one is None or one.signature not in ("", SIGNATURE):
        return Ran(1, "", f"{device} is not empty: not taken")
    one.signature, one.group, one.blank = SIGNATURE, group, False
    return DONE


def erase(os: Running, listed: str, wanted: str, method: str, units: str, regions: str, *dimms: str) -> Ran:
    """bpa.core.host.erasure.ERASE; an overwrite takes no time here."""
    for name in units.split():
        os.stop_mount(f"/etc/systemd/system/{name}")
    for region in os.machine.hardware.regions:
        if region.dev not in regions.split():
            continue
        os.machine.destroyed += [f"{one.dev} of {region.dev}" for one in region.namespaces if one.signature or not one.blank]
        region.namespaces = []
    lines = os.installed.files.get(listed, "# Written by BPA from the HardwareProfile; changes made here are lost.\n")
    os.installed.write(listed, lines + "".join(f"{one.split('=')[1]} {wanted}\n" for one in dimms))
    return DONE
