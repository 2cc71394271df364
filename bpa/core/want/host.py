"""What the documents say of one host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.want.profile import Profile


@dataclass(frozen=True, slots=True)
class Image:
    """What goes to the disk. checksum is hex, or the URL of a checksum file; checksum_type md5|sha256|sha512."""

    url: str
    checksum: str
    checksum_type: str = "sha256"
    format: str = "raw"


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
    profile: Profile = field(default_factory=Profile)
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
