"""PCI functions with their VFs, as probe `pci` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OPERATOR = "/etc/sriov-operator/pci/"
"""Where the SR-IOV Network Operator of Kubernetes notes the PFs that it manages, a file each."""


@dataclass(frozen=True, slots=True)
class Nic:
    """A network interface: its own MAC (in a bond too), its state as in operstate, and all that lies above it."""

    name: str
    mac: str
    state: str = "unknown"
    uppers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vf:
    """A virtual function. nic "" = none in sight; elsewhere = it has one in another network namespace; up = IFF_UP.

    settings: what `ip -json link` says of it (mac, vlan, trust, spoofchk, link_state, min_tx, max_tx), {} = not told.
    """

    index: int
    address: str
    device: str
    driver: str
    group: str = ""
    nic: str = ""
    elsewhere: bool = False
    up: bool = False
    mtu: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PciDevice:
    """A PCI function that is not a VF. device "vendor:device" in hex; total and vfs None = it shows no SR-IOV.

    failed: what our script could not do, see causes.Failure; reached: how many VFs `max` came to, None = not tried.
    state, services: of a QAT device whose driver tells, "" = not told.
    """

    address: str
    device: str
    pci_class: str
    driver: str
    total: int | None
    vfs: int | None
    nics: tuple[Nic, ...] = ()
    numa: int | None = None
    grouped: bool = False
    functions: tuple[Vf, ...] = ()
    failed: str = ""
    reached: int | None = None
    state: str = ""
    services: str = ""

    @property
    def text(self) -> str:
        nics = "".join(f" {nic.name}" for nic in self.nics)
        return f"{self.address} ({self.device} {self.driver or 'no driver'}{nics})"


@dataclass(frozen=True, slots=True)
class Pci:
    """All PCI functions but VFs, and what else of the host bears on VFs.

    addresses: interface -> its IP addresses; users: IOMMU group -> process ("qemu-system-x86, pid 812"); pods: VF's
    address -> who has it; managers: (file, text) of others that make VFs; uptime in seconds; log: kernel messages;
    tables: ACPI tables of an IOMMU (DMAR, IVRS); unit and script: our files.
    """

    devices: tuple[PciDevice, ...] = ()
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    pods: Mapping[str, str] = field(default_factory=dict)
    managers: tuple[tuple[str, str], ...] = ()
    uptime: int = 0
    log: tuple[str, ...] = ()
    iommu: bool = False
    tables: tuple[str, ...] = ()
    script: bool = False
    script_there: bool = False
    unit: str = ""
    enabled: bool = False
