"""VirtualizationReady: a virtual machine can be made, and its guests may or may not make some too, as asked.

The causes are told apart in bpa.core.host.kvm_causes, from one look by bpa.core.host.kvm_probe.
"""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host import kvm_causes
from bpa.core.host.kvm_probe import PROBES, Kvm, parse_kvm
from bpa.core.host.modprobe import FLAG_OF, needs_kvm, nested_value
from bpa.core.host.modules import Modules, parse_modules
from bpa.core.host.probe import told
from bpa.core.requirement import HostRequirement
from bpa.core.verdict import Met, Verdict
from bpa.core.want import HostWant

__all__ = ["PROBES", "READY", "check"]


def check(want: HostWant, have: Facts) -> Verdict:
    profile, asked = want.profile, want.profile.virtualization
    of_iommu = asked.iommu or asked.interrupt_remapping
    if not needs_kvm(profile) and not of_iommu:
        return Met("not asked")
    of_modules, of_kvm = told(have, "modules"), told(have, "kvm")
    if not isinstance(of_modules, dict):
        return of_modules
    if not isinstance(of_kvm, dict):
        return of_kvm
    seen, kvm = parse_modules(of_modules), parse_kvm(of_kvm)
    refused = kvm_causes.iommu(kvm, asked.iommu, asked.interrupt_remapping)
    if refused or not needs_kvm(profile):
        return refused or Met(_of_iommu(kvm))
    return (kvm_causes.processor(seen, kvm, profile.bios.intents.get("virtualization") is True)
            or kvm_causes.module(seen, kvm) or kvm_causes.nested(seen, nested_value(profile))
            or kvm_causes.paging(seen, kvm) or kvm_causes.device(seen, kvm)
            or (kvm_causes.guest(kvm) if asked.boot_guest else None)
            or Met(_evidence(seen, kvm, asked.boot_guest) + (f", {_of_iommu(kvm)}" if of_iommu else "")))


def _evidence(seen: Modules, kvm: Kvm, booted: bool) -> str:
    nested = "" if seen.nested is None else f" nested={int(seen.nested)}"
    shown = "".join(f" {name}={value}" for name, value in sorted(kvm.parameters.items()))
    vsock = ", vhost_vsock" if seen.up("vhost_vsock") else ""
    did = "a guest ran in a virtual machine" if booted else "a virtual machine was made"
    return f"{FLAG_OF[seen.vendor]}, {seen.kvm}{nested}{shown}{vsock}, {did}"


def _of_iommu(kvm: Kvm) -> str:
    return f"{kvm.groups} IOMMU groups{', interrupts remapped' if kvm.remapping else ''}"


READY = HostRequirement("VirtualizationReady", "os", check, "a virtual machine can be made on the host", seconds=2.0)
