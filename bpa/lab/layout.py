"""Where the lab lives: its state directory, its network namespace, its addresses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = "bpa-lab"
ADDRESS = "172.22.0.1"
NETWORK = "172.22.0.0/24"
NETMASK = "255.255.255.0"
BMC_PORT = 8000
IMAGE_PORT = 8089


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths under the lab's state directory (`$BPA_LAB_DIR`, root only)."""

    root: Path

    @classmethod
    def default(cls) -> Layout:
        """The layout that `$BPA_LAB_DIR` names, /var/lib/bpa/lab without it."""
        return cls(Path(os.environ.get("BPA_LAB_DIR", "/var/lib/bpa/lab")))

    @property
    def state(self) -> Path:
        return self.root / "lab.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def pids(self) -> Path:
        return self.root / "pids"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def disks(self) -> Path:
        return self.root / "disks"

    @property
    def libvirt(self) -> Path:
        return self.root / "libvirt"

    @property
    def bmc(self) -> Path:
        return self.root / "bmc"

    @property
    def tls(self) -> Path:
        return self.root / "tls"

    @property
    def ca(self) -> Path:
        return self.tls / "ca.pem"

    @property
    def faults(self) -> Path:
        return self.bmc / "faults.json"

    @property
    def served(self) -> Path:
        """What the image server of the site's Ironic gives out: the operating system and the package mirror."""
        return self.root / "served"

    @property
    def site(self) -> Path:
        return self.root / "site"

    @property
    def libvirt_uri(self) -> str:
        """libvirt URI of the lab's own libvirtd; its socket is a path, so it works from every network namespace."""
        return f"qemu:///system?socket={self.libvirt}/run/libvirt-sock"

    def pid(self, name: str) -> Path:
        return self.pids / f"{name}.pid"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"
