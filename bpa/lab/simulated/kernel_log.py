"""The kernel log of a simulated host, cut as each probe cuts it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bpa.lab.simulated.linux import Running

CUTS = {
    "pci": r"MMIO resources|VF BAR|out of range|allocate bus|SR-?IOV|VFs|[Qq][Aa][Tt]|vfio",
    "kvm": r"(?i)(kvm|vmx|svm).*(disabled.*bios|not supported)|lockdown: modprobe|kvm.*module verification",
    "pmem": r"(namespace|region|nmem|pfn|btt|dax)[0-9.]+:? .*(misaligned|unable to map|invalid|failed|lock)",
    "system": r"[Rr]emounting filesystem read-only|(EXT4-fs|XFS|BTRFS).*error|I/O error, dev",
}
"""Probe -> what its grep keeps of dmesg."""


def section(os: Running, probe: str, name: str = "log") -> str:
    """The section of a probe that shows the kernel log."""
    kept = [line for line in os.log if re.search(CUTS[probe], line)]
    return f"@@ {name}\n" + "".join(f"{line}\n" for line in kept)
