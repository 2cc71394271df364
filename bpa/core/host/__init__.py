"""The whole story of a host, in order, on one screen."""

from __future__ import annotations

from collections.abc import Mapping

from bpa.core.host import (
    access,
    bmc,
    containerd,
    cpus,
    enrolment,
    firmware,
    goal,
    hardware,
    hugepages,
    image,
    ipmctl,
    kata,
    kernel,
    module_files,
    module_state,
    modules,
    nvdimm,
    pmem,
    qat,
    security,
    software,
    sriov,
    sysctl,
    virtualization,
)
from bpa.core.host.hardening import ready as hardening
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
    software.READY,
    software.INSTALLED,
    kernel.STAGED,
    module_files.STAGED,
    security.FIT,
    goal.STAGED,
    kernel.APPLIED,
    goal.APPLIED,
    module_state.UP,
    cpus.ISOLATED,
    hugepages.RESERVED,
    sysctl.SYSCTLS,
    virtualization.READY,
    qat.READY,
    sriov.CREATED,
    pmem.READY,
    kata.CAPABLE,
    containerd.READY,
    hardening.APPLIED,
)

PROBES: Mapping[str, tuple[str, ...]] = {
    name: argv
    for module in (
        access, software, kernel, modules, cpus, hugepages, sysctl, hardening, virtualization,
        qat, sriov, nvdimm, ipmctl, kata, containerd,
    )
    for name, argv in module.PROBES.items()
}
"""What a look at the running host asks: probe name -> argv, run as root."""
