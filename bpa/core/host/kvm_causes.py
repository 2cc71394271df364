"""Why no virtual machine can be made, in the order in which causes lie on top of each other.

First the processor, then the module, its parameters, the device, the guest. Each function: None = not the cause.
"""

from __future__ import annotations

from bpa.core.host.iommu import unused
from bpa.core.host.kvm_probe import ANSWER, KVM_API, Kvm
from bpa.core.host.modprobe import FLAG_OF
from bpa.core.host.modules import Modules, forbidden, no_module
from bpa.core.host.probe import shell
from bpa.core.steps import RestartHost, RunOnHost
from bpa.core.verdict import Act, Stuck, Verdict

IN_BIOS = "switch it on by the BIOS intent `virtualization` of the HardwareProfile, then apply again"
STARTING = "virtual machines, Kata pods among them, that start while KVM is reloaded"
POWER = "the lock goes only by switching the power off and on"
MAKERS = {"vboxdrv": "VirtualBox", "vmmon": "VMware", "xen_privcmd": "Xen", "acrn_hsm": "ACRN"}


def processor(seen: Modules, kvm: Kvm, in_bios: bool) -> Verdict | None:
    """in_bios: the profile asks the BIOS for it, which was seen to be so before this."""
    flag = FLAG_OF.get(seen.vendor)
    if flag is None:
        return Stuck(f"BPA knows no virtualization of processor vendor {seen.vendor or '(not told)'!r}",
                     "use an Intel or AMD machine")
    said = [line.strip() for line in kvm.log.splitlines() if "lockdown" not in line.lower()]
    if flag not in seen.flags and "hypervisor" in seen.flags:
        return Stuck(f"this host is itself a virtual machine without nested virtualization: its processor shows no {flag} flag",
                     "its hypervisor must offer nested virtualization (kvm_intel or kvm_amd nested=1, cpu host-passthrough); "
                     "if it is a simulated machine, " + IN_BIOS)
    if kvm.locked and not seen.up(seen.kvm):
        return Stuck(f"virtualization is locked off: {kvm.locked}", f"the BIOS intent is on already: {POWER}" if in_bios
                     else f"{IN_BIOS}; if it is on already, {POWER}")
    if flag not in seen.flags:
        because = f"; the kernel says {said[-1]!r}" if said else ""
        return Stuck(f"virtualization is off in the BIOS: the processor shows no {flag} flag{because}",
                     f"the BIOS intent is on already: {POWER}" if in_bios else IN_BIOS)
    if said and "disabled" in said[-1].lower() and "bios" in said[-1].lower() and not seen.up(seen.kvm):
        return Stuck(f"virtualization is locked off by the BIOS: the kernel says {said[-1]!r}",
                     f"{IN_BIOS}; if it is on already, {POWER}")
    return None


def module(seen: Modules, kvm: Kvm) -> Verdict | None:
    if seen.up(seen.kvm):
        return None
    for name in ("kvm", seen.kvm):
        if path := seen.forbidden_by(name):
            return forbidden(path, name)
        if argument := _on_command_line(name, kvm):
            return Stuck(f"the kernel's command line forbids {name}: {argument}",
                         f"take {argument} off it (the host's own GRUB configuration), then restart")
        for path, directive, blacklisted, _ in seen.directives:
            if directive == "blacklist" and blacklisted == name:
                return Stuck(f"{path} blacklists {name}, so it is not loaded at a start",
                             f"take the `blacklist {name}` line out of {path}")
    if seen.state(seen.kvm) == "missing":
        return no_module(seen.kvm)
    refused = [line.strip() for line in kvm.log.splitlines() if "lockdown" in line.lower() or "verification" in line.lower()]
    if refused and kvm.lockdown in ("integrity", "confidentiality"):
        return Stuck(f"the kernel is locked down ({kvm.lockdown}) and refuses {seen.kvm}: {refused[-1]!r}",
                     "use the distribution's own signed modules, or switch Secure Boot off")
    return Act(RunOnHost(("modprobe", seen.kvm), f"load {seen.kvm}"), f"{seen.kvm} is not loaded")


def nested(seen: Modules, value: str) -> Verdict | None:
    if not value or seen.nested == (value == "1"):
        return None
    there = seen.modules[seen.kvm]
    if seen.nested is None:
        return Stuck(f"{seen.kvm} shows no parameter nested", "this kernel is too old or too new for BPA")
    reason = f"{seen.kvm} runs with nested={int(seen.nested)}, the profile wants {value}"
    if there.state == "builtin":
        return Stuck(f"{reason}, and it is built into the kernel",
                     f"give the kernel argument {seen.kvm}.nested={value} in the profile")
    if there.users:
        return Act(RestartHost(f"{seen.kvm} is in use and takes nested={value} only at the next start"), reason)
    return Act(RunOnHost(shell(f"modprobe -r {seen.kvm} && modprobe {seen.kvm}"),
                         f"reload {seen.kvm} with nested={value}", disrupts=STARTING), reason)


def paging(seen: Modules, kvm: Kvm) -> Stuck | None:
    """Two-level paging is switched off although the processor has it. One that has none is told of in evidence only."""
    has = kvm.vmx_flags if seen.vendor == "GenuineIntel" else seen.flags
    for name in ("ept", "unrestricted_guest") if seen.vendor == "GenuineIntel" else ("npt",):
        if kvm.parameters.get(name, "Y") in ("N", "0") and name in has:
            where = next((path for path, directive, module, rest in seen.directives if directive == "options"
                          and module == seen.kvm and name in rest), "")
            where = where or next((one for one in kvm.arguments if name in one), "")
            return Stuck(f"{seen.kvm} runs with {name}=N, though the processor has it" + (f": {where} says so" if where else ""),
                         f"take `{name}` out of {where or 'modprobe.d and the kernel arguments'}, then restart the host")
    return None


def device(seen: Modules, kvm: Kvm) -> Stuck | None:
    if kvm.api == KVM_API:
        return None
    if kvm.api:
        return Stuck(f"/dev/kvm speaks API version {kvm.api}, not {KVM_API}", "use a kernel from after 2007")
    if kvm.at == "python3":
        return Stuck("/dev/kvm could not be tried: the host has no python3",
                     "use an image with python3; KuD needs it too")
    if kvm.at == "absent" or kvm.errno in ("ENOENT", "ENODEV", "ENXIO"):
        return Stuck(f"{seen.kvm} is loaded, but there is no /dev/kvm",
                     kvm.log or f"`dmesg | grep kvm` on the host says why; then reload {seen.kvm}")
    if kvm.errno == "EBUSY":
        who = ", ".join(f"{MAKERS[name]} ({name})" for name in kvm.hypervisors if name in MAKERS)
        return Stuck(f"/dev/kvm is busy: another hypervisor, {who or 'VirtualBox or VMware'}, has the processor's virtualization",
                     f"stop it and unload its modules{': ' + ' '.join(kvm.hypervisors) if who else ''}")
    if kvm.errno in ("EACCES", "EPERM"):
        return Stuck("no permission for /dev/kvm, not even for root",
                     "a security module or a container around this system denies it: look at `dmesg` and `aa-status`")
    return Stuck(f"a virtual machine could not be made: {kvm.at} failed with {kvm.errno}", "`dmesg | tail` on the host")


def guest(kvm: Kvm) -> Stuck | None:
    """The tiny guest did not answer, though a virtual machine was made."""
    if kvm.guest == f"answered {ANSWER}":
        return None
    if kvm.guest.startswith("no "):
        return Stuck(f"a guest could not be tried: the host's python3 has no module {kvm.guest.removeprefix('no ')}",
                     "install the whole python3 (Debian and Ubuntu package python3), or leave out virtualization.bootGuest")
    said = {"": "it was not tried", "hung": "it did not end within a second"}.get(kvm.guest, kvm.guest)
    return Stuck(f"a virtual machine was made, but a tiny guest does not run in it: {said}",
                 "where the host is itself a virtual machine, its hypervisor's nested virtualization is at fault; else see "
                 "`dmesg | tail` on the host")


def iommu(kvm: Kvm, groups: bool, remapping: bool) -> Stuck | None:
    """groups, remapping: what is asked."""
    if (groups or remapping) and not kvm.groups:
        return unused(kvm.tables)
    if remapping and not kvm.remapping:
        return Stuck(f"interrupts are not remapped: {kvm.groups} IOMMU groups, and no interrupt of /proc/interrupts is IR-",
                     "switch x2APIC and interrupt remapping on in the BIOS, and take intremap=off and nointremap off the "
                     "kernel's command line")
    return None


def _on_command_line(name: str, kvm: Kvm) -> str:
    for argument in kvm.arguments:
        key, _, value = argument.partition("=")
        if key in ("module_blacklist", "modprobe.blacklist") and name in value.replace("-", "_").split(","):
            return argument
    return ""
