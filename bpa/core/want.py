"""What a machine and a cluster must be, as the documents say. Frozen values without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bpa.core.bios import BiosWant

Nested = Literal["required", "forbidden", "indifferent"]


@dataclass(frozen=True, slots=True)
class Image:
    """What goes to the disk. checksum is hex, or the URL of a checksum file; checksum_type md5|sha256|sha512."""

    url: str
    checksum: str
    checksum_type: str = "sha256"
    format: str = "raw"


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


@dataclass(frozen=True, slots=True)
class NamespaceWant:
    """One persistent-memory namespace. size in bytes (None = all the region has); filesystem needs mode fsdax."""

    region: str
    mode: str = "fsdax"
    size: int | None = None
    name: str = ""
    filesystem: str = ""
    mount_point: str = ""


@dataclass(frozen=True, slots=True)
class Minimum:
    """The least the machine may have. memory and disk in bytes; 0 = anything."""

    cpus: int = 0
    memory: int = 0
    disk: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """A HardwareProfile document."""

    name: str = ""
    bios: BiosWant = field(default_factory=BiosWant)
    nested: Nested | None = None
    kernel_arguments: tuple[str, ...] = ()
    vfs: tuple[VfWant, ...] = ()
    pmem: tuple[NamespaceWant, ...] = ()
    kata: bool = False
    minimum: Minimum = Minimum()


@dataclass(frozen=True, slots=True)
class HostWant:
    """One BareMetalHost with its profile.

    serial and uuid are what the documents say about identity (None = not told); root_device are Ironic root
    device hints (`serial`, `size`, `name`, `wwn`, ...); bmc is the Redfish base URL, system its explicit System path.
    """

    name: str
    bmc: str
    boot_mac: str
    image: Image | None
    profile: Profile = Profile()
    system: str | None = None
    serial: str | None = None
    uuid: str | None = None
    root_device: Mapping[str, str | int | bool] = field(default_factory=dict)
    node_ip: str | None = None
    namespace: str = "default"
    hostname: str = ""

    @property
    def os_name(self) -> str:
        """The name that the operating system gets: the host's label in its cluster, else its own."""
        return self.hostname or self.name


@dataclass(frozen=True, slots=True)
class Member:
    """A host in a cluster: label is the inventory name (ICN's map key), host the BareMetalHost's name."""

    label: str
    host: str
    mac: str


@dataclass(frozen=True, slots=True)
class ClusterWant:
    """A Provisioning document: the `cluster` label, its members, and what KuD is to install."""

    name: str
    masters: tuple[Member, ...]
    workers: tuple[Member, ...]
    plugins: tuple[str, ...] = ()
    pod_subnet: str | None = None
    kata: bool = True
    kata_webhook: bool = False
    kata_runtime_class: str = "kata-qemu"
