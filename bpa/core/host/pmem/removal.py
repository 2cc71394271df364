"""What goes from persistent memory again: mount units of ours that nobody asks for, and namespaces that are in the way."""

from __future__ import annotations

from bpa.core.host.owned import HEADER
from bpa.core.host.pmem.mounting import UNITS, our_unit, unit_name
from bpa.core.host.pmem.persistent import Namespace, Nvdimm, Region, erases
from bpa.core.host.probe import shell
from bpa.core.steps import RunOnHost
from bpa.core.verdict import Act, Stuck, Verdict
from bpa.core.want import NamespaceWant

# One step, so that nothing is unmounted before losing what is on it has been agreed to.
UNMOUNT_AND_DESTROY = 'systemctl stop "$1" && ndctl destroy-namespace --force "$2"'
# Stopped first: while a mount is busy its unit stays, so that the next look finds it again.
REMOVE_UNIT = 'systemctl stop "$1" && systemctl disable "$1" && rm -f "$2" && systemctl daemon-reload'
DESCRIPTION = "Description=Persistent memory "


def leftovers(wanted: tuple[NamespaceWant, ...], seen: Nvdimm) -> tuple[str, ...]:
    """Paths of mount units that we wrote for persistent memory and that the profile asks for no more."""
    due = {f"{UNITS}/{unit_name(one.mount_point)}" for one in wanted if one.mount_point}
    return tuple(sorted(path for path, text in seen.units.items()
                        if text.startswith(HEADER) and f"\n{DESCRIPTION}" in text and path not in due))


def disrupted(path: str, seen: Nvdimm) -> str:
    """What a workload loses when a mount unit of ours goes, "" = nothing is mounted by it."""
    name = path.rpartition("/")[2]
    return next((f"what uses {point}" for point in seen.mounts if unit_name(point) == name), "")


def remove_unit(path: str, seen: Nvdimm) -> Act:
    """Unmount, and take our unit away. The file system and its namespace stay: they may hold data."""
    name = path.rpartition("/")[2]
    return Act(RunOnHost((*shell(REMOVE_UNIT), name, path), f"unmount and remove {name}, which the profile asks for no more",
                         disrupts=disrupted(path, seen)),
               f"{path} is ours, and nothing in the profile asks for it")


def destroy(region: Region, old: Namespace, seen: Nvdimm, found: str, why: str) -> Verdict:
    """The step that destroys a namespace, its data named; Stuck while somebody else uses it."""
    lost = erases(old, region, seen)
    if old.block and (group := seen.volumes.get(old.block, "")):
        return Stuck(f"{found}; it is a physical volume of volume group {group}",
                     f"save what is on {group}, then `vgremove {group}` and `pvremove /dev/{old.block}`, then apply again")
    if not (point := seen.mounted_at(old)):
        return Act(RunOnHost(("ndctl", "destroy-namespace", "--force", old.dev), why, erases=lost,
                             disrupts=f"what uses {old.dev}"), found)
    if not (unit := our_unit(point, seen)):
        return Stuck(f"{found}; it is mounted at {point}", "unmount it, then apply again")
    return Act(RunOnHost((*shell(UNMOUNT_AND_DESTROY), unit, old.dev), f"unmount {point} and {why}", erases=lost,
                         disrupts=f"what uses {old.dev} at {point}"), found)
