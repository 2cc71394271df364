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
    hardware,
    hugepages,
    image,
    kata,
    kernel,
    module_files,
    module_state,
    modules,
    owned,
    pmem,
    qat,
    service,
    software,
    sriov,
    sysctl,
    system,
    virtualization,
)
from bpa.core.host.hardening import ready as hardening
from bpa.core.host.owned import Owned
from bpa.core.host.understanding import understood
from bpa.core.requirement import HostRequirement

HOST: tuple[HostRequirement, ...] = tuple(understood(one) for one in (
    bmc.REACHABLE,
    bmc.IDENTITY,
    firmware.STAGED,
    firmware.APPLIED,
    enrolment.ENROLLED,
    enrolment.INSPECTED,
    hardware.FITS,
    image.DEPLOYED,
    access.GRANTED,
    hardware.SEEN,
    system.USABLE,
    software.READY,
    software.INSTALLED,
    software.IN_STEP,
    software.MIRRORED,
    kernel.STAGED,
    module_files.STAGED,
    pmem.FIT,
    pmem.GOAL_STAGED,
    kernel.APPLIED,
    pmem.GOAL_APPLIED,
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
    service.RETURNED,
))

OWNED: tuple[Owned, ...] = tuple(
    one
    for module in (
        kernel, module_files, hugepages, sysctl, hardening, sriov, qat, pmem, containerd, software,
    )
    for one in module.OWNED
)
"""Every file that BPA makes on a host."""

PROBES: Mapping[str, tuple[str, ...]] = {
    name: argv
    for module in (
        access, hardware, system, software, kernel, modules, cpus, hugepages, sysctl, hardening, virtualization,
        qat, sriov, pmem, containerd,
    )
    for name, argv in module.PROBES.items()
} | {"owned": owned.probe(OWNED)}
"""What a look at the running host asks: probe name -> argv, run as root."""
