"""The lab's virtual hosts as values: its number decides all about a host, so that every `up` makes the same lab."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

_FAMILY = uuid.UUID("9a3f6ab0-6e0d-4f55-9d5c-3f1d8f0d0001")
MAX_HOSTS = 40


@dataclass(frozen=True, slots=True)
class LabHost:
    """One virtual host, counted from 0. Sizes in MiB; memory is DRAM, pmem each of the two NVDIMMs including its 2 MiB label."""

    number: int
    memory: int = 3584
    cpus: int = 2
    disk: int = 8192
    pmem: int = 1026
    nvme: int = 256

    @property
    def name(self) -> str:
        return f"lab-{self.number}"

    @property
    def uuid(self) -> str:
        return str(uuid.uuid5(_FAMILY, self.name))

    @property
    def chassis(self) -> str:
        return str(uuid.uuid5(_FAMILY, f"{self.name} chassis"))

    @property
    def serial(self) -> str:
        return f"BPALAB{self.number:04d}"

    @property
    def disk_serial(self) -> str:
        return f"LABDISK{self.number}"

    @property
    def nvme_serial(self) -> str:
        return f"LABNVME{self.number}"

    @property
    def boot_mac(self) -> str:
        return f"52:54:00:b0:a0:{self.number:02x}"

    @property
    def data_mac(self) -> str:
        return f"52:54:00:b0:a1:{self.number:02x}"

    @property
    def address(self) -> str:
        return f"172.22.0.{10 + self.number}"
