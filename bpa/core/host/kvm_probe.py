"""Probe `kvm`: a virtual machine is made and a tiny guest run in it; and what tells why that may fail.

ioctl numbers and struct kvm_run: include/uapi/linux/kvm.h (KVM_GET_API_VERSION must be 12, Documentation/virt/kvm/api.rst
4.1). MSRs: Intel SDM vol. 4 IA32_FEATURE_CONTROL 0x3A (bit 0 lock, bit 2 VMX), AMD APM vol. 2 15.30.1 VM_CR 0xC0010114
(bit 3 lock, bit 4 SVM disabled).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.host.probe import shell

KVM_API = 12
ANSWER = "42"

# A processor starts in real mode at 0xFFFFFFF0: the guest's one page of memory is there, so that no register need be set.
# It writes 0x42 to port 0xF1. A guest that never ends is ended by SIGALRM, and the shell tells of it.
PROBES = {"kvm": shell("""
PATH=$PATH:/usr/sbin:/sbin
said=$(if [ ! -e /dev/kvm ]; then echo absent
elif ! command -v python3 >/dev/null; then echo no python3
else python3 -I -S -c '
import errno, fcntl, os, signal, struct
at = "open"
try:
    kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    at = "KVM_GET_API_VERSION"
    version = fcntl.ioctl(kvm, 0xAE00, 0)
    at = "KVM_CREATE_VM"
    vm = fcntl.ioctl(kvm, 0xAE01, 0)
    print("made", version, flush=True)
    import ctypes, mmap
    signal.alarm(1)
    at = "KVM_SET_TSS_ADDR"
    fcntl.ioctl(vm, 0xAE47, 0x10000)
    at = "KVM_SET_USER_MEMORY_REGION"
    page = mmap.mmap(-1, 4096)
    page[0xFF0:0xFF5] = bytes((0xB0, 0x42, 0xE6, 0xF1, 0xF4))
    there = ctypes.addressof(ctypes.c_char.from_buffer(page))
    fcntl.ioctl(vm, 0x4020AE46, struct.pack("=IIQQQ", 0, 0, 0xFFFFF000, 4096, there))
    at = "KVM_CREATE_VCPU"
    cpu = fcntl.ioctl(vm, 0xAE41, 0)
    at = "KVM_GET_VCPU_MMAP_SIZE"
    run = mmap.mmap(cpu, fcntl.ioctl(kvm, 0xAE04, 0))
    at = "KVM_RUN"
    fcntl.ioctl(cpu, 0xAE80, 0)
    reason, port = struct.unpack_from("=I", run, 8)[0], struct.unpack_from("=H", run, 34)[0]
    if (reason, port) == (2, 0xF1):
        print("answered %x" % run[struct.unpack_from("=Q", run, 40)[0]])
    else:
        print("exit", reason)
except OSError as error:
    print("failed", at, errno.errorcode.get(error.errno, error.errno))
except ImportError as error:
    print("no", error.name)
' || echo hung; fi 2>/dev/null)
echo '@@ kvm'; echo "$said" | sed -n 1p
echo '@@ guest'; echo "$said" | sed -n 2p
echo '@@ msr'
[ ! -e /dev/cpu/0/msr ] || python3 -I -S -c '
import os
msr = os.open("/dev/cpu/0/msr", os.O_RDONLY)
for number in (0x3A, 0xC0010114):
    try: print("%x %x" % (number, int.from_bytes(os.pread(msr, 8, number), "little")))
    except OSError: pass
' 2>/dev/null
echo '@@ cpu'; sed -n 's/^vmx flags[[:space:]]*://p;/^$/q' /proc/cpuinfo
echo '@@ parameters'
for p in kvm_intel/parameters/ept kvm_intel/parameters/unrestricted_guest kvm_amd/parameters/npt; do
  [ ! -r /sys/module/$p ] || echo "$p $(cat /sys/module/$p)"
done
echo '@@ command line'; tr ' ' '\\n' </proc/cmdline | grep -E '^(module_blacklist|modprobe\\.blacklist|kvm[._-])'
echo '@@ lockdown'; sed -n 's/.*\\[\\([a-z]*\\)\\].*/\\1/p' /sys/kernel/security/lockdown 2>/dev/null
echo '@@ hypervisors'; grep -oE '^(vboxdrv|vmmon|xen_privcmd|acrn_hsm) ' /proc/modules 2>/dev/null
echo '@@ iommu'
set -- /sys/kernel/iommu_groups/*; [ ! -e "$1" ] || echo "groups $#"
for t in DMAR IVRS; do [ ! -e /sys/firmware/acpi/tables/$t ] || echo "table $t"; done
! grep -qE '[[:space:]](DMAR-)?IR-|IR-(IO-APIC|PCI-MSI)' /proc/interrupts 2>/dev/null || echo remapping
echo '@@ kernel log'
what='(kvm|vmx|svm).*(disabled.*bios|not supported)|lockdown: modprobe|kvm.*module verification'
dmesg 2>/dev/null | grep -iE "$what" | tail -n 4
exit 0
""")}


@dataclass(frozen=True, slots=True)
class Kvm:
    """What came of making a virtual machine: api (0 = not made), else where it failed and with which errno's name.

    at is "absent" where there is no /dev/kvm, "python3" where it could not be tried. log: what the kernel says of it.
    guest: "answered 42", "failed KVM_RUN EIO", "exit 17", "hung", "" = not tried. msr: register -> value.
    vmx_flags: "vmx flags" of /proc/cpuinfo (Linux 5.6 on). parameters: ept, unrestricted_guest, npt -> "Y" or "N".
    arguments: what the command line says of modules. hypervisors: modules of others. groups: number of IOMMU groups;
    tables: ACPI tables DMAR, IVRS.
    """

    api: int = 0
    at: str = ""
    errno: str = ""
    log: str = ""
    guest: str = ""
    msr: Mapping[int, int] = field(default_factory=dict)
    vmx_flags: frozenset[str] = frozenset()
    parameters: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    lockdown: str = ""
    hypervisors: tuple[str, ...] = ()
    groups: int = 0
    tables: tuple[str, ...] = ()
    remapping: bool = False

    @property
    def locked(self) -> str:
        """The register that locks virtualization off until the power goes, with its value; "" = none is known to."""
        intel, amd = self.msr.get(0x3A), self.msr.get(0xC0010114)
        if intel is not None and intel & 5 == 1:
            return f"IA32_FEATURE_CONTROL is {intel:#x}: locked, without VMX"
        if amd is not None and amd & 0x18 == 0x18:
            return f"VM_CR is {amd:#x}: locked, SVM disabled"
        return ""


def parse_kvm(text: dict[str, str]) -> Kvm:
    """The sections of probe `kvm`."""
    api, at, errno = 0, "", ""
    match text.get("kvm", "").split():
        case ["made", version] if version.isdigit():
            api = int(version)
        case ["failed", at, errno]:
            pass
        case ["no", "python3"]:
            at = "python3"
        case _:
            at = "absent"
    msr = (line.split() for line in text.get("msr", "").splitlines())
    shown = (line.split() for line in text.get("parameters", "").splitlines())
    iommu = [line.split() for line in text.get("iommu", "").splitlines()]
    return Kvm(
        api, at, errno, text.get("kernel log", "").strip(), text.get("guest", "").strip(),
        {int(one[0], 16): int(one[1], 16) for one in msr if len(one) == 2},
        frozenset(text.get("cpu", "").split()), {one[0].rpartition("/")[2]: one[1] for one in shown if len(one) == 2},
        tuple(text.get("command line", "").split()), text.get("lockdown", "").strip(),
        tuple(text.get("hypervisors", "").split()),
        next((int(one[1]) for one in iommu if one[0:1] == ["groups"] and len(one) == 2), 0),
        tuple(one[1] for one in iommu if one[0:1] == ["table"] and len(one) == 2), ["remapping"] in iommu)
