"""A recorded Xeon with QAT C62x and X722: what the probes read of it, and what each profile would be told. Checked by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_hosts import HUGEPAGES, PCI, RECORDED, RecordedHost, recorded

from bpa.core.host import hugepages, qat, sriov
from bpa.core.host.hugepages import parse_hugepages
from bpa.core.host.sriov.reading import parse_pci
from bpa.core.host.sriov.script import SCRIPT_PATH, SET_VFS
from bpa.core.host.sriov.unit import UNIT, render_unit
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant, HugepagesWant, KernelWant, PfMatch, Profile, VfWant

pytestmark = recorded
QAT, X722 = "0000:3b:00.0", "0000:3f:00.0"
FIRMWARE = "/lib/firmware/qat_c62x.bin", "/lib/firmware/qat_c62x_mmp.bin"


@pytest.fixture
def host(tmp_path: Path) -> RecordedHost:
    """The recording has no links, so that which driver a device has is added; it had C62x's, as its 16 VFs show."""
    made = RecordedHost(tmp_path)
    made.put("/sys/bus/pci/devices", RECORDED / PCI)
    made.put(f"/sys/bus/pci/drivers/c6xx/{QAT}/uevent", "")
    made.put(f"/sys/bus/pci/drivers/i40e/{X722}/uevent", "")
    made.put("/sys/kernel/iommu_groups/1/type", "identity\n")
    made.put("/sys/module/qat_c62x/refcnt", "0\n")
    made.put("/proc/uptime", "86400.11 80000.00\n")
    return made


def want(*vfs: VfWant, **kernel: object) -> HostWant:
    return HostWant("node1", "https://192.0.2.1", "", None, Profile(vfs=vfs, kernel=KernelWant(**kernel)))  # type: ignore[arg-type]


def vfs(host: RecordedHost, match: PfMatch, number: int | str, what: str = "SR-IOV", **more: object) -> Verdict:
    return sriov.CREATED.check(want(VfWant(match, number, what, **more)), host.look("pci"))  # type: ignore[arg-type]


def test_functions_with_sr_iov_are_two_of_ten(host: RecordedHost) -> None:
    seen = parse_pci(host.told("pci"))
    assert [one.address for one in seen.devices] == [
        "0000:00:04.0", "0000:00:11.1", "0000:00:11.5", "0000:00:14.2", "0000:00:16.0", "0000:00:1c.0", "0000:00:1f.5",
        "0000:02:00.0", QAT, X722]
    able = {one.address: one for one in seen.devices if one.total is not None}
    assert {address: (one.device, one.driver, one.total, one.vfs, one.numa, one.grouped) for address, one in able.items()} == {
        QAT: ("8086:37c8", "c6xx", 16, 16, 0, True), X722: ("8086:37d2", "i40e", 32, 0, 0, False)}
    assert seen.uptime == 86400 and seen.iommu and seen.log == ()


@pytest.mark.parametrize(("match", "number", "reason"), [
    (PfMatch(device="8086:37d2"), 33, f"{X722} (8086:37d2 i40e) can have 32 VFs at most, 33 are asked"),
    (PfMatch(driver="i40e"), 64, "can have 32 VFs at most, 64 are asked"),
    (PfMatch(device="8086:37c8"), 17, f"{QAT} (8086:37c8 c6xx) can have 16 VFs at most, 17 are asked"),
    (PfMatch(device="8086:37c8"), 8, "makes all 16 VFs or none, 8 are asked"),
    (PfMatch(device="8086:1583"), 8, f"no PCI device matches device 8086:1583 (SR-IOV); with SR-IOV there are: "
     f"{QAT} (8086:37c8 c6xx), 16 VFs at most, {X722} (8086:37d2 i40e), 32 VFs at most"),
    (PfMatch(numa_node=1), 8, "no PCI device matches NUMA node 1"),
    (PfMatch(pci_address="00:1f.5"), 1, "0000:00:1f.5 (8086:a1a4 no driver) shows no SR-IOV"),
    (PfMatch(pci_address="00:1f.2"), 1, "no PCI device matches PCI address 00:1f.2"),
])
def test_what_the_machine_cannot_do_is_told(host: RecordedHost, match: PfMatch, number: int, reason: str) -> None:
    verdict = vfs(host, match, number)
    assert isinstance(verdict, Stuck) and reason in verdict.reason


def test_the_ports_that_a_host_lives_on_are_left_out_by_what_lies_above_them(host: RecordedHost, tmp_path: Path) -> None:
    """The recording shows no interfaces: with the X722 port's own laid over it."""
    host.put("/sys/class/net/bond0/lower_eno1/address", "")
    device = tmp_path / "x722"
    device.mkdir()
    for file in (RECORDED / PCI / X722).iterdir():
        if file.is_file():
            (device / file.name).symlink_to(file)
    (device / "net/eno1").mkdir(parents=True)
    (device / "net/eno1/address").write_text("3c:ec:ef:00:00:01\n")
    (host.root / "sys/bus/pci/devices").unlink()
    (host.root / "sys/bus/pci/devices").mkdir()
    host.put(f"/sys/bus/pci/devices/{X722}", device)
    verdict = vfs(host, PfMatch(device="8086:37d2"), 4)
    assert isinstance(verdict, Stuck) and "eno1 is part of bond0" in verdict.reason
    assert isinstance(vfs(host, PfMatch(mac="3C:EC:EF:00:00:01"), 4), Act)


def test_x722_gets_as_many_as_asked_in_three_steps(host: RecordedHost) -> None:
    match = PfMatch(device="8086:37d2", driver="i40e")
    first = vfs(host, match, 32)
    assert isinstance(first, Act) and isinstance(first.step, WriteFile) and first.step.path == SCRIPT_PATH
    host.put(SCRIPT_PATH, SET_VFS)
    second = vfs(host, match, 32)
    assert isinstance(second, Act) and isinstance(second.step, WriteFile)
    assert second.step.content == render_unit([f"{X722}=32"])
    host.put(UNIT, second.step.content)
    host.put("/etc/systemd/system/multi-user.target.wants/bpa-sriov.service", "")
    third = vfs(host, match, 32)
    assert isinstance(third, Act) and isinstance(third.step, RunOnHost)
    assert third.step.argv == ("sh", SCRIPT_PATH, f"{X722}=32") and not third.step.erases


def test_vfs_of_a_port_without_iommu_group_are_not_given_to_virtual_machines(host: RecordedHost) -> None:
    (host.root / "sys/kernel/iommu_groups/1/type").unlink()
    (host.root / "sys/kernel/iommu_groups/1").rmdir()
    off = vfs(host, PfMatch(driver="i40e"), 4, driver="vfio-pci")
    assert isinstance(off, Stuck) and "the IOMMU is off in the BIOS" in off.reason
    host.put("/sys/firmware/acpi/tables/DMAR", "")
    unused = vfs(host, PfMatch(driver="i40e"), 4, driver="vfio-pci")
    assert isinstance(unused, Stuck) and "ACPI table DMAR" in unused.reason and "intel_iommu=on" in unused.advice


def qat_verdict(host: RecordedHost, number: int = 16, services: str = "") -> Verdict:
    return qat.READY.check(want(VfWant(PfMatch(device="8086:37c8"), number, "QAT", services=services)), host.look("pci", "qat"))


def test_the_16_vfs_of_qat_are_there(host: RecordedHost) -> None:
    host.put(SCRIPT_PATH, SET_VFS)
    host.put(UNIT, render_unit([f"{QAT}=16"]))
    host.put("/etc/systemd/system/multi-user.target.wants/bpa-sriov.service", "")
    assert vfs(host, PfMatch(device="8086:37c8"), 16, "QAT") == Met(f"16 VFs on {QAT}")
    assert vfs(host, PfMatch(device="8086:37c8"), "all", "QAT") == Met(f"16 VFs on {QAT}")


def test_qat_with_its_driver_and_firmware_is_ready(host: RecordedHost) -> None:
    missing = qat_verdict(host)
    assert isinstance(missing, Stuck) and "no qat_c62x.bin and no qat_c62x_mmp.bin in /lib/firmware" in missing.reason
    host.put(f"{FIRMWARE[0]}.zst", "")
    host.put(FIRMWARE[1], "")
    staged = qat_verdict(host)
    assert isinstance(staged, Act) and isinstance(staged.step, WriteFile)
    host.put(staged.step.path, staged.step.content)
    assert qat_verdict(host) == Met(f"{QAT} c6xx")
    other = qat_verdict(host, services="dc")
    assert isinstance(other, Stuck) and "always serves crypto and compression" in other.reason


@pytest.mark.parametrize(("kernel", "reason"), [
    ("4.4.0-210-generic", "kernel 4.4.0-210-generic is too old for QAT C62x"),
    ("5.10.0-19-amd64", "module qat_c62x is missing: this kernel has none"),
])
def test_qat_without_its_driver(tmp_path: Path, kernel: str, reason: str) -> None:
    host = RecordedHost(tmp_path, kernel)
    host.put("/sys/bus/pci/devices", RECORDED / PCI)
    host.tool("modprobe", "", 1)
    verdict = qat_verdict(host)
    assert isinstance(verdict, Stuck) and reason in verdict.reason


def test_qat_where_modprobe_is_missing(tmp_path: Path) -> None:
    host = RecordedHost(tmp_path)
    host.put("/sys/bus/pci/devices", RECORDED / PCI)
    verdict = qat_verdict(host)
    assert isinstance(verdict, Stuck) and verdict.reason == "qat_c62x is not loaded, and the host has no modprobe to load it"


def test_two_pages_of_1_gib_were_reserved(host: RecordedHost) -> None:
    """nr_hugepages is recorded; a kernel shows free_hugepages and the flag of the processor beside it."""
    for size, free in (("1048576", "2"), ("2048", "0")):
        where = f"/sys/kernel/mm/hugepages/hugepages-{size}kB"
        host.put(f"{where}/nr_hugepages", RECORDED / HUGEPAGES / f"hugepages-{size}kB/nr_hugepages")
        host.put(f"{where}/free_hugepages", free + "\n")
    host.put("/proc/cpuinfo", "flags\t: fpu pdpe1gb lm\n\n")
    host.tool("systemd-tmpfiles", "")
    seen = parse_hugepages(host.told("hugepages"))
    assert seen.pools == {(None, 1048576): (2, 2), (None, 2048): (0, 0)} and seen.giant and seen.tmpfiles
    asked = want(hugepages=(HugepagesWant(1 << 30, 2),))
    first = hugepages.RESERVED.check(asked, host.look("hugepages"))
    assert isinstance(first, Act) and isinstance(first.step, WriteFile)
    host.put(first.step.path, first.step.content)
    assert hugepages.RESERVED.check(asked, host.look("hugepages")) == Met("2 × 1Gi on the machine")
