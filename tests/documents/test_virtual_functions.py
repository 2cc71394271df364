"""Sections `sriov` and `qat` as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpa.core.want import PfMatch, Profile, VfSettings, VfWant
from bpa.documents.gathering import Findings, gather
from bpa.documents.profiles import read_profile
from bpa.documents.schema import check_schema


def profile(tmp_path: Path, spec: str) -> Profile:
    (tmp_path / "p.yaml").write_text(
        f"apiVersion: bpa.akraino.org/v1alpha1\nkind: HardwareProfile\nmetadata: {{name: p}}\nspec: {spec}\n")
    (document,) = gather(tmp_path, Findings())
    checked = check_schema(document)
    assert not checked.errors
    read, problems = read_profile(checked.document)
    assert not problems, problems
    return read


def test_every_setting_is_read(tmp_path: Path) -> None:
    read = profile(tmp_path, """{sriov: [{match: {driver: i40e, numaNode: 1, link: up}, count: 2, vfs: max, driver: vfio-pci,
      mac: derived, vlan: 100, trust: true, spoofCheck: false, minRate: 10, maxRate: 1000, linkState: enable, mtu: 9000,
      resource: fast}]}""")
    assert read.vfs == (VfWant(
        PfMatch(driver="i40e", numa_node=1, link="up"), "max", count=2, driver="vfio-pci", resource="fast",
        settings=VfSettings(True, 100, True, False, 10, 1000, "enable", 9000)),)


@pytest.mark.parametrize(("said", "meant"), [
    ("cy", "sym;asym"), ("dc", "dc"), ('"sym;asym"', "sym;asym"), ("cy2_dc2", "sym;dc"), ('"dc;asym"', "asym;dc"),
])
def test_services_of_older_drivers_are_understood(tmp_path: Path, said: str, meant: str) -> None:
    read = profile(tmp_path, f'{{qat: {{match: {{device: "8086:4940"}}, vfs: all, services: {said}}}}}')
    assert read.vfs == (VfWant(PfMatch(device="8086:4940"), "all", "QAT", services=meant),)


def test_the_old_mix_is_what_a_c62x_does_anyway(tmp_path: Path) -> None:
    read = profile(tmp_path, '{qat: {match: {device: "8086:37c8"}, vfs: 16, driver: vfio-pci, services: cy2_dc2}}')
    assert read.vfs == (VfWant(PfMatch(device="8086:37c8"), 16, "QAT", driver="vfio-pci"),)
