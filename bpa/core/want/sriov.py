"""Sections `sriov` and `qat` of a HardwareProfile: virtual functions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PfMatch:
    """Which physical functions: every given field must agree. device is "vendor:device" in hex, interface a glob."""

    pci_address: str | None = None
    device: str | None = None
    driver: str | None = None
    mac: str | None = None
    interface: str | None = None

    @property
    def text(self) -> str:
        given = (("PCI address", self.pci_address), ("device", self.device), ("driver", self.driver),
                 ("MAC", self.mac), ("interface", self.interface))
        return ", ".join(f"{name} {value}" for name, value in given if value is not None)


@dataclass(frozen=True, slots=True)
class VfWant:
    """`vfs` virtual functions on every PF that matches; at least one PF must. `what` names the profile section."""

    match: PfMatch
    vfs: int
    what: str = "SR-IOV"
