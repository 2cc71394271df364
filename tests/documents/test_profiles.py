"""The profiles of BPA, and what a HardwareProfile comes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpa.core.bios import MEANINGS
from bpa.core.want import Minimum, NamespaceWant, PfMatch, VfWant
from bpa.documents import builtin_directory
from bpa.documents.gathering import Findings, gather
from bpa.documents.profile.bios import intent_rules
from bpa.documents.profiles import read_profile
from bpa.documents.quantity import parse_quantity

MIB, GIB = 2**20, 2**30


def profile(source: Path):
    findings = Findings()
    (document,) = gather(source, findings)
    assert not findings.problems
    read, problems = read_profile(document)
    assert not problems
    return read


@pytest.mark.parametrize("name", ["lab", "minimal", "xeon-kata-edge"])
def test_a_profile_of_bpa_is_sound_named_like_its_file_and_says_what_it_is_for(name: str) -> None:
    path = builtin_directory() / f"{name}.yaml"

    assert profile(path).name == name
    assert path.read_text().startswith("# ")


def test_there_are_no_other_profiles() -> None:
    assert sorted(path.name for path in builtin_directory().iterdir()) == ["lab.yaml", "minimal.yaml", "xeon-kata-edge.yaml"]


def test_the_lab_profile_asks_for_everything_at_the_size_of_a_virtual_machine() -> None:
    lab = profile(builtin_directory() / "lab.yaml")

    assert lab.bios.intents == {"virtualization": True, "iommu": True, "sriov": True}
    assert lab.nested == "required"
    assert lab.kernel_arguments == ("intel_iommu=on", "iommu=pt")
    assert [(one.match.device, one.vfs, one.driver) for one in lab.vfs] == [
        ("8086:10c9", 4, "netdev"), ("1b36:0010", 2, "vfio-pci")]
    assert {one.mode for one in lab.pmem} == {"fsdax", "sector", "devdax"}
    assert {one.filesystem for one in lab.pmem} == {"", "ext4", "xfs"}
    assert {one.region: sum(other.size or 0 for other in lab.pmem if other.region == one.region) for one in lab.pmem} == {
        "region0": 640 * MIB, "region1": 768 * MIB}
    assert {one.node for one in lab.kernel.hugepages} == {0, 1}
    assert lab.virtualization.boot_guest and lab.hardening and lab.software.packages
    assert lab.kata
    assert lab.minimum == Minimum(1, 2 * GIB, 4 * GIB)


def test_the_xeon_profile_has_the_counts_of_icn() -> None:
    xeon = profile(builtin_directory() / "xeon-kata-edge.yaml")

    assert xeon.vfs == (VfWant(PfMatch(device="8086:1583"), 8), VfWant(PfMatch(device="8086:37c8"), 16, "QAT"))
    assert xeon.pmem == (NamespaceWant("region0", "fsdax", None, "pmem0", "ext4", "/mnt/pmem0"),)


def test_intents_come_with_the_rules_of_vendors() -> None:
    rules = {(rule.intent, rule.attribute, rule.vendors): rule.values for rule in intent_rules().rules}

    assert rules["virtualization", "ProcVirtualization", ("dell",)] == {"on": ("Enabled",), "off": ("Disabled",)}
    assert rules["nps", "NumaNodesPerSocket", ("dell",)] == {"1": ("1",), "2": ("2",), "4": ("4",)}
    assert {intent for intent, _, _ in rules} == set(MEANINGS)


@pytest.mark.parametrize(("written", "meant"), [
    ("{snc: off}", {"snc": False}), ("{snc: on}", {"snc": True}), ("{snc: 1}", {"snc": False}), ("{snc: 2}", {"snc": "2"}),
    ('{snc: "4"}', {"snc": "4"}), ('{snc: "off"}', {"snc": False}), ("{nps: 1}", {"nps": "1"}),
    ('{snc: 2, nps: "4"}', {"snc": "2", "nps": "4"}), ("{}", {}), ("{snc: null}", {}),
])  # fmt: skip
def test_numa_is_understood_as_words_and_as_numbers(written: str, meant: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"""
apiVersion: bpa.akraino.org/v1alpha1
kind: HardwareProfile
metadata: {{name: p}}
spec:
  bios: {{intents: {{tme: true, bootMode: uefi, numa: {written}}}, unchecked: [A]}}
""")
    read = profile(tmp_path / "p.yaml")

    assert read.bios.intents == {"tme": True, "bootMode": "uefi", **meant}
    assert read.bios.unchecked == ("A",)


def test_matches_are_written_as_the_kernel_writes_them(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("""
apiVersion: bpa.akraino.org/v1alpha1
kind: HardwareProfile
metadata: {name: p}
spec:
  sriov:
    - {match: {pciAddress: "3B:00.0", mac: "AA:BB:CC:00:11:22"}, vfs: 3}
    - {match: {pciAddress: "0001:3b:00.1", interface: "ens*", driver: i40e, device: "8086:10FB"}, vfs: 0}
  bios: {attributes: {A: Enabled, B: 3, C: true}}
  minimum: {memory: 1073741824}
""")
    read = profile(tmp_path / "p.yaml")

    assert read.vfs == (
        VfWant(PfMatch(pci_address="0000:3b:00.0", mac="aa:bb:cc:00:11:22"), 3),
        VfWant(PfMatch("0001:3b:00.1", "8086:10fb", "i40e", None, "ens*"), 0),
    )
    assert read.bios.attributes == {"A": "Enabled", "B": 3, "C": True}
    assert read.minimum.memory == GIB
    assert read.nested is None
    assert not read.kata


@pytest.mark.parametrize(
    ("text", "size"),
    [("512Mi", 512 * MIB), ("1Gi", GIB), ("1.5Gi", 3 * GIB // 2), ("2G", 2 * 10**9), ("4096", 4096), (4096, 4096), ("1Ei", 2**60),
     ("1k", 1000), ("0", 0)],
)  # fmt: skip
def test_a_quantity_is_bytes(text: str | int, size: int) -> None:
    assert parse_quantity(text) == size


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("512MB", "512M or 512Mi"), ("512MiB", "512Mi"), ("4 GB", "4G or 4Gi"), ("4gi", "4Gi"), ("64K", "64Ki"), ("much", ""),
     ("", ""), ("-1", ""), (-1, ""), ("1e9", ""), ("0.3", ""), ("9999999Ei", ""), ("100m", "100M or 100Mi"), ("\u0664Gi", "")],
)  # fmt: skip
def test_what_is_no_quantity_is_refused_with_what_was_meant(text: str | int, suggestion: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_quantity(text)

    assert str(refusal.value) == suggestion


def test_a_node_prepared_for_kata_has_its_modules_and_sysctls_beside_the_profiles_own(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "apiVersion: bpa.akraino.org/v1alpha1\nkind: HardwareProfile\nmetadata: {name: p}\nspec:\n"
        "  virtualization: {bootGuest: true, interruptRemapping: true}\n"
        "  kata: {required: true, prepareNode: true, containerd: configured}\n"
        "  kernel: {modules: {load: [overlay, sctp]}, sysctls: {vm.swappiness: 10, net.ipv4.ip_forward: 1}}\n")

    read = profile(tmp_path / "p.yaml")

    assert read.kernel.load == ("overlay", "sctp", "br_netfilter")
    assert read.kernel.sysctls == {
        "vm.swappiness": "10", "net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1",
        "net.bridge.bridge-nf-call-ip6tables": "1"}
    assert (read.virtualization.boot_guest, read.virtualization.iommu, read.virtualization.interrupt_remapping) == (
        True, False, True)
    assert (read.kata_want.prepare_node, read.kata_want.configure) == (True, True)
