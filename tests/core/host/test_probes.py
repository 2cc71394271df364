"""The probes as POSIX sh runs them: here, and over recorded trees of sysfs and procfs."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from bpa.core.facts import Facts, OsFacts, Ran
from bpa.core.host import access, containerd, kata, kernel, module_files, modules, pmem, sriov, virtualization
from bpa.core.host.containerd import render
from bpa.core.host.containerd_look import Containerd
from bpa.core.host.pmem import nvdimm, ready
from bpa.core.host.probe import OS_WAIT, sections, told
from bpa.core.host.sriov.reading import parse_pci
from bpa.core.verdict import Act, Met, Stuck, Wait
from bpa.core.want import HostWant, NamespaceWant, PfMatch, Profile, VfWant

RECORDED = Path(__file__).parents[3] / ".recorded" / "hostfacts"
PCI = "nfd-rootfs-qat-c62x-x722/testdata/source/pci/rootfs-1"
ALL = {name: argv for module in (access, kernel, modules, virtualization, sriov, pmem, containerd)
       for name, argv in module.PROBES.items()}
WANT = HostWant("node1", "https://192.0.2.1", "", None, Profile(
    nested="required", kernel_arguments=("iommu=pt",), vfs=(VfWant(PfMatch(driver="i40e"), 1),),
    pmem=(NamespaceWant("region0", filesystem="ext4"),), kata=True))
recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded hosts are not unpacked: see .ci/run")


def run(argv: tuple[str, ...]) -> Ran:
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def over(probe: str, here: str, there: Path) -> dict[str, str]:
    """What the probe prints when it looks at `there` instead of `here`."""
    script = ALL[probe][2]
    assert here in script
    ran = run(("sh", "-c", script.replace(here, str(there))))
    assert ran.exit_code == 0, ran.stderr
    return sections(ran.stdout)


@pytest.mark.parametrize("probe", ALL)
def test_a_probe_ends_well_on_any_machine(probe: str) -> None:
    ran = run(ALL[probe])
    assert ran.exit_code == 0, ran.stderr


def test_the_machine_that_runs_the_tests_can_be_judged() -> None:
    have = Facts(os=OsFacts("192.0.2.10", answers={name: run(argv) for name, argv in ALL.items()}))
    for check in (access.check, kernel.check_staged, kernel.check_applied, module_files.check, virtualization.check,
                  sriov.CREATED.check, ready.check, kata.check, containerd.check):
        assert isinstance(check(WANT, have), Met | Act | Wait | Stuck)


@pytest.mark.parametrize("answer", [Ran(0), Ran(0, "\0\xff@@\n@@ \n"), Ran(1, "", "no"), Ran(None)])
def test_no_answer_however_odd_is_a_crash(answer: Ran) -> None:
    have = Facts(os=OsFacts("192.0.2.10", answers=dict.fromkeys(ALL, answer)))
    for check in (access.check, kernel.check_staged, kernel.check_applied, module_files.check, virtualization.check,
                  sriov.CREATED.check, ready.check, kata.check, containerd.check):
        assert isinstance(check(WANT, have), Act | Wait | Stuck)


def test_sections_are_cut_at_their_headings() -> None:
    assert sections("before\n@@ one\na\n\nb\n@@ two\n@@ one\nagain") == {"one": "a\n\nb\n", "two": ""}


def test_a_probe_that_was_not_asked_is_waited_for() -> None:
    assert isinstance(told(Facts(os=OsFacts("192.0.2.10")), "kernel"), Wait)
    assert told(Facts(os_problem="refused"), "kernel") == Wait("refused", OS_WAIT)


@recorded
def test_qat_and_x722_of_a_recorded_xeon_are_read() -> None:
    seen = parse_pci(over("pci", "/sys/bus/pci/devices", RECORDED / PCI / "sys/bus/pci/devices"))
    by_address = {device.address: device for device in seen.devices}
    qat, x722 = by_address["0000:3b:00.0"], by_address["0000:3f:00.0"]
    assert (qat.device, qat.pci_class, qat.total, qat.vfs) == ("8086:37c8", "0x0b4000", 16, 16)
    assert (x722.device, x722.pci_class, x722.total, x722.vfs) == ("8086:37d2", "0x020000", 32, 0)
    assert (qat.numa, x722.numa, qat.grouped, qat.functions) == (0, 0, True, ())
    assert "0000:00:1f.2" not in by_address, "a device without vendor is not taken for the one before it"
    assert sum(device.total is not None for device in seen.devices) == 2


@recorded
@pytest.mark.parametrize(("file", "vendor", "flags", "without"), [
    ("cpuinfo-x86-guest-kvm-nested.output", "GenuineIntel", {"vmx", "lm", "sse4_1", "hypervisor"}, {"svm"}),
    ("cpuinfo-x86-guest-kvm-nested-rhel9.output", "GenuineIntel", {"vmx", "sse4_1"}, {"unrestricted_guest"}),
    ("cpuinfo-x86-guest-kvm.output", "GenuineIntel", {"lm", "hypervisor"}, {"vmx", "sse4_1"}),
    ("cpuinfo-x86-guest-vtx.output", "GenuineIntel", {"vmx", "lm", "sse4_1"}, {"hypervisor"}),
])
def test_processors_of_recorded_machines_are_read(file: str, vendor: str, flags: set[str], without: set[str]) -> None:
    seen = modules.parse_modules(over("modules", "/proc/cpuinfo", RECORDED / "ohai-cpu" / file))
    assert seen.vendor == vendor
    assert flags <= seen.flags
    assert not without & seen.flags


@recorded
def test_an_optane_namespace_of_a_recorded_server_is_read() -> None:
    block = (RECORDED / "daos/ndctl_test.blocks.txt").read_text().split("=====")[0].replace("%d", "0")
    region = {"dev": "region0", "size": 3202079195136, "available_size": 0, "type": "pmem",
              "persistence_domain": "memory_controller", "namespaces": [json.loads(block)]}
    seen = nvdimm.parse_nvdimm({"ndctl": json.dumps({"regions": [region]}), "sizes": "namespace0.0 3202079195136\n"})
    (read,) = seen.regions
    (namespace,) = read.namespaces
    assert (namespace.mode, namespace.block, namespace.size, namespace.raw) == (
        "fsdax", "pmem0", 3183575302144, 3202079195136)
    assert ready.fits(NamespaceWant("region0"), namespace, read), "all that the region has"


@pytest.mark.parametrize("version", [2, 3])
def test_our_file_for_containerd_is_toml_of_the_version_that_its_main_file_has(version: int) -> None:
    read = tomllib.loads(render(Containerd(main=version, shim="/s", configuration="/c")))
    ((plugin, section),) = read["plugins"].items()
    assert (read["version"], plugin) == (version, {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}[version])
    assert section["containerd"]["runtimes"]["kata-qemu"]["options"] == {"ConfigPath": "/c"}
