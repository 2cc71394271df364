"""A namespace as a physical volume of an LVM volume group, as pmem-csi in its LVM mode wants it.

pmem-csi (intel/pmem-csi, docs/design.md "LVM device mode"): fsdax namespaces named "pmem-csi", one volume group for each
region. pvcreate(8), vgcreate(8), vgextend(8).
"""

from __future__ import annotations

from bpa.core.host.pmem.persistent import Namespace, Nvdimm
from bpa.core.host.probe import shell
from bpa.core.steps import RunOnHost
from bpa.core.verdict import Act, Stuck, Verdict
from bpa.core.want import NamespaceWant

SIGNATURE = "LVM2_member"
# blkid: exit code 2 = nothing recognised. A physical volume without a group is what we leave when killed half-way.
ADD_TO_GROUP = """device=$1; group=$2
kind=$(blkid -p -s TYPE -o value "$device"); code=$?
[ $code -eq 2 ] || [ "$kind" = LVM2_member ] || { echo "$device is not empty: not taken" >&2; exit 1; }
if vgs "$group" >/dev/null 2>&1; then exec vgextend -y "$group" "$device"; fi
exec vgcreate -y "$group" "$device"
"""


def check_group(wanted: NamespaceWant, namespace: Namespace, seen: Nvdimm) -> Verdict | None:
    """What is still to do for the volume group; None = nothing."""
    device, group = f"/dev/{namespace.block}", wanted.volume_group
    if not namespace.block:
        return Stuck(f"a {namespace.mode} namespace can be no physical volume", "ask for mode fsdax")
    if not seen.has_lvm:
        return Stuck("the host has no LVM tools", "put the package lvm2 into the image")
    if seen.volumes.get(namespace.block) == group:
        return None
    if other := seen.volumes.get(namespace.block, ""):
        return Stuck(f"{device} ({namespace.dev}) is in volume group {other}, asked is {group}",
                     f"`vgreduce {other} {device}` or `vgrename {other} {group}`, then apply again")
    signature = seen.content(namespace).signature
    if signature and signature != SIGNATURE:
        return Stuck(f"{device} ({namespace.dev}) holds {signature}, asked is a physical volume of {group}; BPA does not "
                     "overwrite it", f"save what is on it, then `wipefs -a {device}`, then apply again")
    if point := seen.mounted_at(namespace):
        return Stuck(f"{device} ({namespace.dev}) is mounted at {point}", "unmount it, then apply again")
    return Act(RunOnHost((*shell(ADD_TO_GROUP), device, group), f"make {namespace.dev} a physical volume of {group}"),
               f"{device} is in no volume group")
