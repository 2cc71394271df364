"""Sections kernel and hardening of a HardwareProfile as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpa.core.host.cmdline import wanted_arguments
from bpa.core.host.hardening.rules import RULES, files_of, rules_of, sysctls_of
from bpa.core.want import HardeningWant, HugepagesWant, Profile
from bpa.core.want.ranges import numbers_in, written
from bpa.documents.gathering import Findings, gather
from bpa.documents.profiles import read_profile

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "hardening.md"


def profile(tmp_path: Path, spec: str) -> Profile:
    (tmp_path / "p.yaml").write_text(
        f"apiVersion: bpa.akraino.org/v1alpha1\nkind: HardwareProfile\nmetadata: {{name: p}}\nspec:\n{spec}")
    findings = Findings()
    (document,) = gather(tmp_path / "p.yaml", findings)
    read, problems = read_profile(document)
    assert not findings.problems and not problems
    return read


def test_everything_of_the_kernel_is_read(tmp_path: Path) -> None:
    read = profile(tmp_path, """
  kernel:
    arguments: [iommu=pt]
    modules:
      load: [vfio-pci, vfio_pci, "8021q"]
      forbid: [floppy]
      options: {vfio_iommu_type1: [allow_unsafe_interrupts=1], snd-x: []}
    sysctls: {vm.max_map_count: 262144, net.ipv4.tcp_rmem: "4096  131072 6291456"}
    hugepages: [{size: 2Mi, count: 512, node: 0}, {size: 2Mi, count: 256, node: 1}, {size: 1Gi, count: 4}]
    isolatedCpus: 2-4,5,8
  hardening: {profile: icn, except: [umask]}
""")
    kernel = read.kernel
    assert (kernel.load, kernel.forbid) == (("vfio_pci", "8021q"), ("floppy",))
    assert kernel.options == {"vfio_iommu_type1": ("allow_unsafe_interrupts=1",)}
    assert kernel.sysctls == {"vm.max_map_count": "262144", "net.ipv4.tcp_rmem": "4096 131072 6291456"}
    assert kernel.hugepages == (HugepagesWant(2 << 20, 512, 0), HugepagesWant(2 << 20, 256, 1), HugepagesWant(1 << 30, 4))
    assert kernel.isolated == "2-5,8" and kernel.isolated_cpus == {2, 3, 4, 5, 8}
    assert wanted_arguments(read) == ("iommu=pt", "isolcpus=2-5,8", "nohz_full=2-5,8", "rcu_nocbs=2-5,8", "hugepagesz=1G",
                                      "hugepages=4")
    assert read.hardening == HardeningWant("icn", ("umask",))


@pytest.mark.parametrize("spec", [
    "  kernel: {}\n", "  kernel: {modules: {load: null}, hugepages: null}\n", "  hardening: {profile: none}\n",
])  # fmt: skip
def test_what_is_not_said_is_not_asked(tmp_path: Path, spec: str) -> None:
    read = profile(tmp_path, spec)
    assert read.kernel == Profile().kernel and wanted_arguments(read) == ()
    assert rules_of(read.hardening) == () and not any(files_of(read.hardening).values())


@pytest.mark.parametrize(("text", "numbers", "shortest"), [
    ("", set(), ""), ("0", {0}, "0"), ("0-3,8", {0, 1, 2, 3, 8}, "0-3,8"), ("3,2,1", {1, 2, 3}, "1-3"),
    (" 1 , 3 ", {1, 3}, "1,3"),
])  # fmt: skip
def test_lists_of_processors_are_read_and_written_as_the_kernel_does(text: str, numbers: set[int], shortest: str) -> None:
    assert numbers_in(text) == numbers and written(frozenset(numbers)) == shortest


@pytest.mark.parametrize("text", ["a", "1-", "-1", "4-2", "1-99999", "(null)", "\u0661"])
def test_what_is_no_list_of_processors_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        numbers_in(text)


def test_every_rule_is_in_the_guide_with_its_id() -> None:
    text = GUIDE.read_text()
    assert [rule.id for rule in RULES if f"| `{rule.id}` |" not in text] == []


def test_rules_have_ids_of_their_own_reasons_and_something_to_set() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.reason and (rule.sysctls or rule.sshd or rule.files) for rule in RULES)


def test_what_the_profile_sets_itself_is_no_longer_a_rule_s() -> None:
    icn = HardeningWant("icn")
    assert "kernel.sysrq" in sysctls_of(icn, {})
    assert "kernel.sysrq" not in sysctls_of(icn, {"kernel.sysrq": "1"})
    assert "kernel.sysrq" not in sysctls_of(HardeningWant("icn", ("no-sysrq",)), {})


def test_no_rule_forbids_what_a_kubernetes_node_needs() -> None:
    keys = {key for rule in RULES for key in rule.sysctls}
    assert not {key for key in keys if "forward" in key or "userns" in key or "modules_disabled" in key}
