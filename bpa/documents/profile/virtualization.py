"""Sections `virtualization` (beyond nested) and `kata`: what they ask, and what the rest of the profile says against it.

Preparing a node for containers is modules and sysctls (kubernetes.io, Container Runtimes), so it joins the kernel's section:
planned, made, checked and taken back there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bpa.core.bios import Intent
from bpa.core.host.modprobe import KATA_MODULES, KVM_OF, needs_kvm
from bpa.core.want import KataWant, KernelWant, Profile, VirtualizationWant
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError
from bpa.documents.profile.kernel import with_dots

NODE_MODULES = ("overlay", "br_netfilter")
NODE_SYSCTLS = {"net.bridge.bridge-nf-call-iptables": "1", "net.bridge.bridge-nf-call-ip6tables": "1",
                "net.ipv4.ip_forward": "1"}
BLACKLISTS = ("module_blacklist", "modprobe.blacklist")


def read_virtualization(document: Document) -> VirtualizationWant:
    said = {name: bool(document.get("spec", "virtualization", name)) for name in ("bootGuest", "iommu", "interruptRemapping")}
    return VirtualizationWant(said["bootGuest"], said["iommu"], said["interruptRemapping"])


def read_kata(document: Document) -> KataWant:
    return KataWant(bool(document.get("spec", "kata", "prepareNode")),
                    document.get("spec", "kata", "containerd") == "configured")


def with_node(kernel: KernelWant, kata: KataWant) -> KernelWant:
    """The kernel's section with what a Kubernetes node needs, where the profile asks for that."""
    if not kata.prepare_node:
        return kernel
    return replace(kernel, load=tuple(dict.fromkeys((*kernel.load, *NODE_MODULES))), sysctls={**kernel.sysctls, **NODE_SYSCTLS})


def virtualization_problems(document: Document, profile: Profile) -> Iterator[DocumentError]:
    """What the profile itself forbids of what these sections need."""
    yield from _off_in_bios(document, profile)
    kata, needed = profile.kata_want, {"kvm", *KVM_OF.values()} if needs_kvm(profile) else set()
    needed |= set(KATA_MODULES) if profile.kata else set()
    if kata.prepare_node:
        needed |= set(NODE_MODULES)
        for number, name in enumerate(document.get("spec", "kernel", "modules", "forbid") or ()):
            if name and name.replace("-", "_") in NODE_MODULES:
                yield document.error(("spec", "kernel", "modules", "forbid", number), f"{name} is what kata.prepareNode loads",
                                     "no module that containers need")
        for key, value in (document.get("spec", "kernel", "sysctls") or {}).items():
            due = NODE_SYSCTLS.get(with_dots(key))
            if due and value is not None and str(value).strip() != due:
                yield document.error(("spec", "kernel", "sysctls", key),
                                     f"{key} is {value}, and kata.prepareNode sets it to {due}", f"{due}, or no kata.prepareNode")
    iommu = next((field for field, there in (("iommu", profile.virtualization.iommu),
                                             ("interruptRemapping", profile.virtualization.interrupt_remapping)) if there), "")
    for number, argument in enumerate(profile.kernel_arguments):
        key, _, value = argument.partition("=")
        if iommu and key in ("intel_iommu", "amd_iommu", "iommu") and value == "off":
            yield document.error(("spec", "kernel", "arguments", number),
                                 f"{argument} switches off what virtualization.{iommu} asks", "one of them")
        named = sorted(needed & set(value.replace("-", "_").split(","))) if key in BLACKLISTS else []
        if named:
            yield document.error(("spec", "kernel", "arguments", number),
                                 f"{argument} forbids {named[0]}, which this profile needs", "a list without it")
    for name, asked in (("prepareNode", kata.prepare_node), ("containerd", kata.configure)):
        if asked and not profile.kata:
            yield document.error(("spec", "kata", name), f"{name} is asked, and Kata is not required", "kata.required: true")


def _off_in_bios(document: Document, profile: Profile) -> Iterator[DocumentError]:
    """What the firmware would be told to switch off although another section needs it."""
    guests = "kata.required" if profile.kata else "virtualization.bootGuest" if profile.virtualization.boot_guest else \
        "virtualization.nested" if profile.nested == "required" else ""
    made = [one for one in profile.vfs if one.vfs]
    functions = ("sriov" if document.get("spec", "sriov") else "qat") if made else ""
    detached = any(one.driver == "vfio-pci" for one in made)
    groups = "virtualization.iommu" if profile.virtualization.iommu else "virtualization.interruptRemapping" \
        if profile.virtualization.interrupt_remapping else "driver: vfio-pci" if detached else ""
    needs: tuple[tuple[Intent, str], ...] = (("virtualization", guests), ("sriov", functions), ("iommu", groups))
    for intent, needed_by in needs:
        if needed_by and profile.bios.intents.get(intent) is False:
            yield document.error(("spec", "bios", "intents", intent), f"this is off, and {needed_by} of this profile needs it",
                                 f"true, or no {needed_by}")
