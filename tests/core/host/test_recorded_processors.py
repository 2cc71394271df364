"""Processors of recorded machines: flags that the probes read, and what Kata would be told. Checked by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_hosts import LSCPU, RECORDED, RecordedHost, cpuinfo_of, recorded

from bpa.core.host import kata, virtualization
from bpa.core.host.hugepages import parse_hugepages
from bpa.core.host.kvm_probe import parse_kvm
from bpa.core.host.modules import parse_modules
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant, Profile

pytestmark = recorded
OHAI = RECORDED / "ohai-cpu"
HASWELL_GUEST = OHAI / "cpuinfo-x86-guest-kvm-nested-rhel9.output"
ANY = HostWant("node1", "https://192.0.2.1", "", None, Profile(nested="indifferent", kata=True))
NESTED = HostWant("node1", "https://192.0.2.1", "", None, Profile(nested="required", kata=True))
MODULES = ("kvm", "vhost", "vhost_net", "vhost_vsock")


def of(tmp_path: Path, processor: Path | str) -> RecordedHost:
    """A host with this /proc/cpuinfo, whose kernel has every module."""
    host = RecordedHost(tmp_path)
    host.put("/proc/cpuinfo", processor)
    host.put("/proc/cmdline", "BOOT_IMAGE=/vmlinuz ro quiet\n")
    host.tool("modprobe", "")
    return host


def with_kvm(host: RecordedHost, vendor: str, nested: str, **parameters: str) -> RecordedHost:
    """KVM loaded, and a virtual machine made, whose guest answers."""
    for module in (*MODULES, vendor):
        host.put(f"/sys/module/{module}/refcnt", "0\n")
    for name, value in (parameters | {"nested": nested}).items():
        host.put(f"/sys/module/{vendor}/parameters/{name}", value + "\n")
    host.put("/dev/kvm", "")
    host.tool("python3", "made 12\nanswered 42\n")
    return host


def judged(host: RecordedHost, want: HostWant = ANY) -> tuple[Verdict, Verdict]:
    have = host.look("modules", "kvm")
    return virtualization.check(want, have), kata.check(want, have)


def lscpu(name: str) -> str:
    place = OHAI if name.endswith(".output") else RECORDED / LSCPU
    return cpuinfo_of((place / name).read_text())


@pytest.mark.parametrize(("file", "vendor", "number", "flags", "without", "of_vmx"), [
    ("cpuinfo-x86-guest-kvm-nested-rhel9.output", "GenuineIntel", 78, {"vmx", "lm", "sse4_1", "ept", "ept_ad", "hypervisor"},
     {"svm", "npt", "unrestricted_guest"}, {"ept", "unrestricted_guest", "vapic", "pml"}),
    ("cpuinfo-x86-guest-kvm-nested.output", "GenuineIntel", 77, {"vmx", "lm", "sse4_1", "ept", "hypervisor"}, {"ept_ad"}, set()),
    ("cpuinfo-x86-guest-kvm.output", "GenuineIntel", 32, {"lm", "nx", "hypervisor"}, {"vmx", "sse4_1", "pdpe1gb"}, set()),
    ("cpuinfo-x86-guest-vtx.output", "GenuineIntel", 71, {"vmx", "ept", "vpid", "sse4_1"}, {"hypervisor", "pdpe1gb"}, set()),
    ("cpuinfo-x86-host-vuln.output", "GenuineIntel", 106, {"vmx", "ept", "ept_ad", "pdpe1gb"}, {"hypervisor", "smx"}, set()),
])
def test_flags_of_recorded_cpuinfo(tmp_path: Path, file: str, vendor: str, number: int, flags: set[str], without: set[str],
                                   of_vmx: set[str]) -> None:
    host = of(tmp_path, OHAI / file)
    seen, kvm = parse_modules(host.told("modules")), parse_kvm(host.told("kvm"))
    assert (seen.vendor, seen.kvm, len(seen.flags)) == (vendor, "kvm_intel", number)
    assert flags <= seen.flags and not without & seen.flags
    assert of_vmx <= kvm.vmx_flags and bool(kvm.vmx_flags) == bool(of_vmx)
    assert parse_hugepages(host.told("hugepages")).giant == ("pdpe1gb" in seen.flags)


@pytest.mark.parametrize(("file", "vendor", "flags", "module"), [
    ("lscpu", "AuthenticAMD", {"svm", "npt", "avic", "svm_lock"}, "kvm_amd"),
    ("lscpu-7302", "AuthenticAMD", {"svm", "npt", "sev"}, "kvm_amd"),
    ("lscpu-x86-host.output", "GenuineIntel", {"vmx", "ept", "smx"}, "kvm_intel"),
    ("lscpu-x86-host-rhel9.output", "GenuineIntel", {"vmx", "ept", "smx"}, "kvm_intel"),
    ("lscpu-vm", "GenuineIntel", {"hypervisor", "sse4_1"}, "kvm_intel"),
    ("lscpu_aarch64", "", set(), ""),
    ("lscpu_ppc64le", "", set(), ""),
])
def test_flags_of_processors_by_lscpu(tmp_path: Path, file: str, vendor: str, flags: set[str], module: str) -> None:
    seen = parse_modules(of(tmp_path, lscpu(file)).told("modules"))
    assert (seen.vendor, seen.kvm) == (vendor, module)
    assert flags <= seen.flags
    assert set(seen.modules) == {*MODULES, *([module] if module else [])}


@pytest.mark.parametrize(("file", "nested", "evidence"), [
    ("cpuinfo-x86-guest-kvm-nested-rhel9.output", "Y", "vmx, kvm_intel nested=1 ept=Y unrestricted_guest=Y, vhost_vsock"),
    ("cpuinfo-x86-guest-kvm-nested.output", "Y", "vmx, kvm_intel nested=1 ept=Y unrestricted_guest=Y, vhost_vsock"),
    ("cpuinfo-x86-guest-vtx.output", "1", "vmx, kvm_intel nested=1 ept=Y unrestricted_guest=Y, vhost_vsock"),
    ("cpuinfo-x86-host-vuln.output", "Y", "vmx, kvm_intel nested=1 ept=Y unrestricted_guest=Y, vhost_vsock"),
])
def test_intel_machines_that_run_guests(tmp_path: Path, file: str, nested: str, evidence: str) -> None:
    host = with_kvm(of(tmp_path, OHAI / file), "kvm_intel", nested, ept="Y", unrestricted_guest="Y")
    runs, for_kata = judged(host, NESTED)
    assert runs == Met(f"{evidence}, a virtual machine was made")
    assert for_kata == Met("GenuineIntel, vmx lm sse4_1, modules loaded")


@pytest.mark.parametrize("file", ["lscpu", "lscpu-7302"])
def test_epyc_runs_guests(tmp_path: Path, file: str) -> None:
    host = with_kvm(of(tmp_path, lscpu(file)), "kvm_amd", "1", npt="Y")
    runs, for_kata = judged(host, NESTED)
    assert runs == Met("svm, kvm_amd nested=1 npt=Y, vhost_vsock, a virtual machine was made")
    assert for_kata == Met("AuthenticAMD, svm lm sse4_1, modules loaded")


@pytest.mark.parametrize("file", ["lscpu", "lscpu-7302"])
def test_epyc_whose_nested_paging_was_switched_off(tmp_path: Path, file: str) -> None:
    host = with_kvm(of(tmp_path, lscpu(file)), "kvm_amd", "1", npt="N")
    host.put("/etc/modprobe.d/old.conf", "options kvm-amd npt=0\n")
    runs, _ = judged(host)
    assert isinstance(runs, Stuck) and "npt=N, though the processor has it: /etc/modprobe.d/old.conf says so" in runs.reason


@pytest.mark.parametrize(("parameter", "file", "stuck"), [
    ("ept", HASWELL_GUEST.name, True), ("unrestricted_guest", HASWELL_GUEST.name, True),
    # Before Linux 5.6 cpuinfo does not tell what VMX can: that is no reason to blame a parameter.
    ("unrestricted_guest", "cpuinfo-x86-guest-vtx.output", False),
])
def test_intel_whose_paging_was_switched_off(tmp_path: Path, parameter: str, file: str, stuck: bool) -> None:
    shown = {"ept": "Y", "unrestricted_guest": "Y"} | {parameter: "N"}
    runs, _ = judged(with_kvm(of(tmp_path, OHAI / file), "kvm_intel", "Y", **shown))
    assert isinstance(runs, Stuck) is stuck
    if isinstance(runs, Stuck):
        assert runs.reason == f"kvm_intel runs with {parameter}=N, though the processor has it"


@pytest.mark.parametrize("processor", ["cpuinfo-x86-guest-kvm.output", "lscpu-vm"])
def test_guests_of_a_hypervisor_without_nested(tmp_path: Path, processor: str) -> None:
    host = of(tmp_path, OHAI / processor if processor.startswith("cpuinfo") else lscpu(processor))
    runs, for_kata = judged(host)
    assert isinstance(runs, Stuck)
    assert runs.reason == ("this host is itself a virtual machine without nested virtualization: its processor shows no vmx "
                           "flag")
    lacks = "vmx, sse4_1" if processor.startswith("cpuinfo") else "vmx"
    assert isinstance(for_kata, Stuck) and for_kata.reason == f"Kata needs the processor flags {lacks}"


@pytest.mark.parametrize("file", ["lscpu_aarch64", "lscpu_ppc64le"])
def test_other_architectures(tmp_path: Path, file: str) -> None:
    runs, for_kata = judged(of(tmp_path, lscpu(file)))
    assert isinstance(runs, Stuck) and "knows no virtualization of processor vendor '(not told)'" in runs.reason
    assert isinstance(for_kata, Stuck) and "this is not told" in for_kata.reason


@pytest.mark.parametrize(("argument", "reason"), [
    ("module_blacklist=kvm_intel", "the kernel's command line forbids kvm_intel: module_blacklist=kvm_intel"),
    ("quiet", None)])
def test_a_machine_whose_module_is_not_loaded(tmp_path: Path, argument: str, reason: str | None) -> None:
    host = of(tmp_path, HASWELL_GUEST)
    (host.root / "proc/cmdline").write_text(f"BOOT_IMAGE=/vmlinuz {argument}\n")
    runs, _ = judged(host)
    assert isinstance(runs, Stuck if reason else Act) and (reason is None or runs.reason == reason)


def test_a_whole_kernel_log_without_trouble_accuses_nobody(tmp_path: Path) -> None:
    """1550 lines of a Supermicro server: DMAR, ixgbe and USB, nothing of KVM."""
    host = of(tmp_path, HASWELL_GUEST)
    host.script("dmesg", f'exec cat "{RECORDED / LSCPU / "dmesg"}"\n')
    assert parse_kvm(host.told("kvm")).log == ""
    assert host.told("pmem") == {} and host.told("pci") == {"devices": ""}
