"""What goes again when the profile asks for it no more: VFs that we made, then our unit and its script."""

from __future__ import annotations

from bpa.core.host.owned import Owned
from bpa.core.host.probe import shell
from bpa.core.host.sriov.causes import surplus
from bpa.core.host.sriov.functions import Pci, PciDevice
from bpa.core.host.sriov.match import carrying
from bpa.core.host.sriov.script import NOTES, SCRIPT_PATH, SET_VFS
from bpa.core.host.sriov.unit import UNIT
from bpa.core.host.sriov.usage import at_stake, shown, users_of
from bpa.core.requirement import Change
from bpa.core.steps import RunOnHost
from bpa.core.verdict import Act, Stuck, Verdict

OWNED = (
    Owned(SCRIPT_PATH, "makes and sets up VFs", "sriov, qat", "VfsCreated"),
    Owned(UNIT, "runs that at every start", "sriov, qat", "VfsCreated"),
    Owned("/etc/systemd/system/multi-user.target.wants/bpa-sriov.service", "enables that unit", "sriov, qat", "VfsCreated"),
    Owned(NOTES, "what could not be done with VFs since the start", "sriov, qat", "VfsCreated"),
)
REMOVE = ('systemctl disable "${1##*/}"; systemctl reset-failed "${1##*/}" 2>/dev/null; rm -f "$1" "$2" && rm -rf "$3" && '
          '{ rmdir "${2%/*}" 2>/dev/null; systemctl daemon-reload; }')


def take_away(chosen: frozenset[str], address: str, seen: Pci) -> Verdict | None:
    """The VFs of PFs that are ours by our unit and wanted no more go to 0; None = there are none."""
    for device in surplus(chosen, seen):
        if carrier := carrying(device, address, seen):
            return Stuck(f"{device.text} has {device.vfs} VFs of ours that nobody asks for; {carrier} carries the address "
                         f"{address} by which BPA reaches the host", "set them to 0 by hand on the console")
        used = users_of(device, seen)
        reason = f"{device.text} has {device.vfs} VFs that we made, and nothing in the profile asks for them"
        return Act(remove_vfs(device, seen), f"{reason}; in use: {shown(used)}" if used else reason)
    return None


def remove_vfs(device: PciDevice, seen: Pci) -> RunOnHost:
    """The step that takes away all VFs of a PF."""
    return RunOnHost((*shell(SET_VFS), f"{device.address}=0"), f"remove the VFs of {device.address}",
                     erases=at_stake(device, seen), disrupts=at_stake(device, seen))


def remove_unit(seen: Pci) -> Verdict | None:
    """Our unit and script go; None = they are gone."""
    if not (seen.unit or seen.enabled or seen.script_there):
        return None
    return Act(RunOnHost((*shell(REMOVE), UNIT, SCRIPT_PATH, NOTES), "remove the unit that makes VFs at every start"),
               f"{UNIT} is ours, and nothing in the profile asks for VFs")


def removals(chosen: frozenset[str], seen: Pci) -> tuple[Change, ...]:
    """Lines of the plan."""
    return tuple(Change(f"VFs on {device.address}", str(device.vfs), "0", destroys=at_stake(device, seen),
                        disrupts=at_stake(device, seen)) for device in surplus(chosen, seen))
