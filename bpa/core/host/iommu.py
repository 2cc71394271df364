"""Why devices have no IOMMU group: the IOMMU is off in the BIOS, or the kernel was not told to use it.

Where the BIOS has it on it hands over an ACPI table: DMAR of Intel, IVRS of AMD (drivers/iommu/intel/dmar.c, amd/init.c).
"""

from __future__ import annotations

from bpa.core.verdict import Stuck


def unused(tables: tuple[str, ...], hinders: str = "") -> Stuck:
    """The IOMMU has made no groups. tables: the ACPI tables of one that are there; hinders: what cannot be done for it."""
    so = f"{hinders}: " if hinders else ""
    if not tables:
        return Stuck(f"{so}the IOMMU is off in the BIOS (no ACPI table DMAR or IVRS)",
                     "switch it on (VT-d, AMD-Vi) by the BIOS intent `iommu` of the HardwareProfile, then apply again")
    asked = "intel_iommu=on" if "DMAR" in tables else "amd_iommu=on"
    return Stuck(f"{so}the kernel does not use the IOMMU, though the BIOS has it on (ACPI table {tables[0]}, no groups)",
                 f"add the kernel argument {asked} to the HardwareProfile, then apply again")
