"""Who uses VFs now: they must not be pulled away without consent, and are not for us to set up."""

from __future__ import annotations

from bpa.core.host.sriov.functions import Pci, PciDevice, Vf

MOST = 4
"""VFs that are named one by one."""


def user_of(vf: Vf, seen: Pci) -> str:
    """Who uses a VF, "" = nobody: a process that has opened its IOMMU group, a pod, an address, a bond, or its being up."""
    if vf.driver == "vfio-pci" and vf.group in seen.users:
        return seen.users[vf.group]
    if pod := seen.pods.get(vf.address):
        return pod
    if vf.elsewhere:
        return "another network namespace"
    if not vf.nic:
        return ""
    own = [one for one in seen.addresses.get(vf.nic, ()) if not one.startswith("fe80:")]
    if own:
        return f"{vf.nic} with address {own[0]}"
    return f"{vf.nic}, which is up" if vf.up else ""


def users_of(device: PciDevice, seen: Pci) -> tuple[tuple[Vf, str], ...]:
    """The VFs of a PF that are in use, with who uses them."""
    found = ((vf, user_of(vf, seen)) for vf in device.functions)
    return tuple((vf, who) for vf, who in found if who)


def shown(used: tuple[tuple[Vf, str], ...]) -> str:
    """For people: "VF 0 by qemu, pid 812; VF 3 by ens1f0v3 with address 10.0.0.1"."""
    text = "; ".join(f"VF {vf.index} by {who}" for vf, who in used[:MOST])
    return f"{text}; and {len(used) - MOST} more" if len(used) > MOST else text


def at_stake(device: PciDevice, seen: Pci) -> str:
    """What taking the PF's VFs away would end, as consent names it: the same at plan and apply. "" = nothing.

    No data goes: a step says it of what it disrupts too (bpa.core.steps).
    """
    return f"the use of VFs of {device.address} by who has them now" if users_of(device, seen) else ""
