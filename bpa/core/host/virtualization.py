"""VirtualizationReady: a virtual machine can be made, and its guests may or may not make some too, as asked.

The causes are told apart in the order in which they lie on top of each other: processor, module, parameter, device.
ioctl numbers: include/uapi/linux/kvm.h (KVM_GET_API_VERSION must be 12, Documentation/virt/kvm/api.rst 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from bpa.core.facts import Facts
from bpa.core.host.modules import FLAG_OF, Modules, needs_kvm, nested_value, parse_modules
from bpa.core.host.probe import shell, told
from bpa.core.requirement import HostRequirement
from bpa.core.steps import RestartHost, RunOnHost
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant

KVM_API = 12

PROBES = {"kvm": shell("""
echo '@@ kvm'
if [ ! -e /dev/kvm ]; then echo absent
elif ! command -v python3 >/dev/null; then echo no python3
else python3 -I -S -c '
import errno, fcntl, os
at = "open"
try:
    kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    at = "KVM_GET_API_VERSION"
    version = fcntl.ioctl(kvm, 0xAE00, 0)
    at = "KVM_CREATE_VM"
    os.close(fcntl.ioctl(kvm, 0xAE01, 0))
    print("made", version)
except OSError as error:
    print("failed", at, errno.errorcode.get(error.errno, error.errno))
'; fi
if [ ! -e /dev/kvm ]; then
  echo '@@ kernel log'; dmesg 2>/dev/null | grep -iE '(kvm|vmx|svm).*disabled.*bios' | tail -n 2
fi
exit 0
""")}

IN_BIOS = "switch it on by the BIOS intent `virtualization` of the HardwareProfile, then apply again"


@dataclass(frozen=True, slots=True)
class Kvm:
    """What came of making a virtual machine: api (0 = not made), else where it failed and with which errno's name.

    at is "absent" where there is no /dev/kvm, "python3" where it could not be tried. log: "disabled by BIOS" lines.
    """

    api: int = 0
    at: str = ""
    errno: str = ""
    log: str = ""


def parse_kvm(text: dict[str, str]) -> Kvm:
    """The sections of probe `kvm`."""
    log = text.get("kernel log", "").strip()
    match text.get("kvm", "").split():
        case ["made", version]:
            return Kvm(int(version), log=log)
        case ["failed", at, errno]:
            return Kvm(at=at, errno=errno, log=log)
        case ["no", "python3"]:
            return Kvm(at="python3", log=log)
        case _:
            return Kvm(at="absent", log=log)


def check(want: HostWant, have: Facts) -> Verdict:
    if not needs_kvm(want.profile):
        return Met("not asked")
    of_modules, of_kvm = told(have, "modules"), told(have, "kvm")
    if not isinstance(of_modules, dict):
        return of_modules
    if not isinstance(of_kvm, dict):
        return of_kvm
    seen, kvm = parse_modules(of_modules), parse_kvm(of_kvm)
    return (_processor(seen, kvm) or _module(seen) or _parameter(seen, nested_value(want.profile)) or _device(seen, kvm)
            or Met(f"{FLAG_OF[seen.vendor]}, {seen.kvm}{_shown(seen)}, a virtual machine was made"))


def _processor(seen: Modules, kvm: Kvm) -> Verdict | None:
    flag = FLAG_OF.get(seen.vendor)
    if flag is None:
        return Stuck(f"BPA knows no virtualization of processor vendor {seen.vendor or '(not told)'!r}",
                     "use an Intel or AMD machine")
    if flag not in seen.flags:
        inside = "hypervisor" in seen.flags
        return Stuck(f"virtualization is off in the BIOS: the processor shows no {flag} flag",
                     IN_BIOS + ("; as this host is itself a virtual machine, its hypervisor must offer nested "
                                "virtualization" if inside else ""))
    if kvm.log and not seen.up(seen.kvm):
        return Stuck(f"virtualization is locked off by the BIOS: the kernel says {kvm.log.splitlines()[-1].strip()!r}",
                     IN_BIOS + "; if it is on already, the lock goes only by switching the power off and on")
    return None


def _module(seen: Modules) -> Verdict | None:
    if seen.up(seen.kvm):
        return None
    if path := seen.forbidden_by(seen.kvm):
        return Stuck(f"{path} forbids {seen.kvm}", f"take the `install {seen.kvm}` line out of {path}")
    if seen.state(seen.kvm) == "missing":
        return Stuck(f"module {seen.kvm} is missing: this kernel has none",
                     "use an image with a full kernel (Debian linux-image-amd64, Ubuntu linux-modules-extra)")
    return Act(RunOnHost(("modprobe", seen.kvm), f"load {seen.kvm}"), f"{seen.kvm} is not loaded")


def _parameter(seen: Modules, value: str) -> Verdict | None:
    if not value or seen.nested == (value == "1"):
        return None
    module = seen.modules[seen.kvm]
    if seen.nested is None:
        return Stuck(f"{seen.kvm} shows no parameter nested", "this kernel is too old or too new for BPA")
    reason = f"{seen.kvm} runs with nested={int(seen.nested)}, the profile wants {value}"
    if module.state == "builtin":
        return Stuck(f"{reason}, and it is built into the kernel",
                     f"give the kernel argument {seen.kvm}.nested={value} in the profile")
    if module.users:
        return Act(RestartHost(f"{seen.kvm} is in use and takes nested={value} only at the next start"), reason)
    return Act(RunOnHost(shell(f"modprobe -r {seen.kvm} && modprobe {seen.kvm}"),
                         f"reload {seen.kvm} with nested={value}"), reason)


def _device(seen: Modules, kvm: Kvm) -> Verdict | None:
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
        return Stuck("/dev/kvm is busy: another hypervisor (VirtualBox, VMware) has the processor's virtualization",
                     "stop it and unload its modules")
    if kvm.errno in ("EACCES", "EPERM"):
        return Stuck("no permission for /dev/kvm, not even for root",
                     "a security module or a container around this system denies it: look at `dmesg` and `aa-status`")
    return Stuck(f"a virtual machine could not be made: {kvm.at} failed with {kvm.errno}", "`dmesg | tail` on the host")


def _shown(seen: Modules) -> str:
    return "" if seen.nested is None else f" nested={int(seen.nested)}"


READY = HostRequirement("VirtualizationReady", "os", check, "a virtual machine can be made on the host", seconds=2.0)
