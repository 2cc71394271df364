"""Sections `sriov` and `qat` of a HardwareProfile: virtual functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

VfDriver = Literal["netdev", "vfio-pci"]


@dataclass(frozen=True, slots=True)
class PfMatch:
    """Which physical functions: every given field must agree. device is "vendor:device" in hex, interface a glob.

    link is judged when a port is first chosen: a port that already has VFs of ours keeps them when its cable is pulled.
    """

    pci_address: str | None = None
    device: str | None = None
    driver: str | None = None
    mac: str | None = None
    interface: str | None = None
    numa_node: int | None = None
    link: Literal["up", "down"] | None = None

    @property
    def text(self) -> str:
        given = (("PCI address", self.pci_address), ("device", self.device), ("driver", self.driver),
                 ("MAC", self.mac), ("interface", self.interface), ("NUMA node", self.numa_node), ("link", self.link))
        return ", ".join(f"{name} {value}" for name, value in given if value is not None)

    @property
    def names_one(self) -> bool:
        """Whether it names a port outright: only then may it be one that BPA would otherwise keep away from."""
        return self.pci_address is not None or self.mac is not None


@dataclass(frozen=True, slots=True)
class VfSettings:
    """What each VF of a port is set to; None = as the driver makes it. Rates in Mbit/s (0 = no limit), mtu in bytes.

    macs: derived from the port's own, see bpa.core.host.sriov.unit.mac_of.
    """

    macs: bool = False
    vlan: int | None = None
    trust: bool | None = None
    spoof_check: bool | None = None
    min_rate: int | None = None
    max_rate: int | None = None
    link_state: Literal["auto", "enable", "disable"] | None = None
    mtu: int | None = None


@dataclass(frozen=True, slots=True)
class VfWant:
    """`vfs` virtual functions on every PF that matches; at least one PF must. `what` names the profile section.

    vfs "all" = as many as the device says it can have (sriov_totalvfs), "max" = as many of these as can be made.
    count: of the ports that match, take this many, by PCI address; None = all of them.
    driver: what the VFs are bound to; None = whatever takes them. resource: the name in Kubernetes, "" = by family.
    services: of a QAT device, as the kernel writes them in cfg_services ("sym;asym"); "" = as they are.
    """

    match: PfMatch
    vfs: int | Literal["all", "max"]
    what: str = "SR-IOV"
    count: int | None = None
    driver: VfDriver | None = None
    settings: VfSettings = field(default_factory=VfSettings)
    resource: str = ""
    services: str = ""
