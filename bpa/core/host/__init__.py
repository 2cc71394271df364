"""The whole story of a host, in order, on one screen."""

from __future__ import annotations

from collections.abc import Mapping

from bpa.core.host import (
    access,
    bmc,
    enrolment,
    firmware,
    hardware,
    image,
    kata,
    kernel,
    modules,
    nvdimm,
    pmem,
    vfs,
    virtualization,
)
from bpa.core.requirement import HostRequirement

HOST: tuple[HostRequirement, ...] = (
    bmc.REACHABLE,
    bmc.IDENTITY,
    firmware.STAGED,
    firmware.APPLIED,
    enrolment.ENROLLED,
    enrolment.INSPECTED,
    hardware.FITS,
    image.DEPLOYED,
    access.GRANTED,
    kernel.STAGED,
    modules.STAGED,
    kernel.APPLIED,
    virtualization.READY,
    vfs.CREATED,
    pmem.READY,
    kata.CAPABLE,
)

PROBES: Mapping[str, tuple[str, ...]] = {
    name: argv
    for module in (access, kernel, modules, virtualization, vfs, nvdimm, kata)
    for name, argv in module.PROBES.items()
}
"""What a look at the running host asks: probe name -> argv, run as root."""
