"""Section `virtualization` of a HardwareProfile beyond `nested`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VirtualizationWant:
    """boot_guest: a tiny guest must really run. iommu: devices have IOMMU groups. interrupt_remapping: the IOMMU translates
    interrupts too, without which VFIO hands out a device only by allow_unsafe_interrupts.
    """

    boot_guest: bool = False
    iommu: bool = False
    interrupt_remapping: bool = False
