"""What VFs are set to and bound to, against what the profile says."""

from __future__ import annotations

from collections.abc import Iterator

from bpa.core.host.sriov.functions import Pci, PciDevice, Vf
from bpa.core.host.sriov.unit import mac_of
from bpa.core.host.sriov.usage import user_of
from bpa.core.want import VfWant

NOT_NETDEV = ("", "vfio-pci", "uio_pci_generic", "igb_uio")


def differing(device: PciDevice, wanted: VfWant, seen: Pci) -> tuple[tuple[int, str], ...]:
    """(index, what differs) of each VF that is not as asked and that nobody uses.

    A VF in use is its user's: the SR-IOV CNI gives it the pod's MAC, VLAN and trust, and takes them back at the end.
    """
    found = []
    for vf in device.functions:
        slips = list(_slips(device, vf, wanted))
        if slips and not user_of(vf, seen):
            found.append((vf.index, ", ".join(slips)))
    return tuple(found)


def held(device: PciDevice, wanted: VfWant, seen: Pci) -> tuple[int, ...]:
    """The VFs that are bound otherwise than asked and in use: they are left so."""
    return tuple(vf.index for vf in device.functions if not _bound(vf, wanted) and user_of(vf, seen))


def _bound(vf: Vf, wanted: VfWant) -> bool:
    if wanted.driver is None:
        return True
    return vf.driver == "vfio-pci" if wanted.driver == "vfio-pci" else vf.driver not in NOT_NETDEV


def _slips(device: PciDevice, vf: Vf, wanted: VfWant) -> Iterator[str]:
    if not _bound(vf, wanted):
        yield f"bound to {vf.driver or 'no driver'}, not {wanted.driver}"
    asked, is_ = wanted.settings, vf.settings
    due: dict[str, object] = {
        "mac": mac_of(device.nics[0].mac, vf.index) if asked.macs and device.nics else None, "vlan": asked.vlan,
        "trust": asked.trust, "spoofchk": asked.spoof_check, "link_state": asked.link_state, "min_tx": asked.min_rate,
        "max_tx": asked.max_rate}
    # What the kernel or `ip` does not tell cannot be held against the VF.
    for name, value in due.items():
        if value is not None and name in is_ and is_[name] != value:
            yield f"{name} {_word(is_[name])}, not {_word(value)}"
    if asked.mtu is not None and vf.mtu is not None and vf.mtu != asked.mtu:
        yield f"mtu {vf.mtu}, not {asked.mtu}"


def _word(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
