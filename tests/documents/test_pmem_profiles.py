"""Persistent memory in a HardwareProfile, as it is read, and as it reaches the clusters' wants."""

from __future__ import annotations

from pathlib import Path

import pytest
from whole_site import with_good

from bpa.core.want import EraseWant, GoalWant, ModulesWant, NamespaceWant
from bpa.documents.gathering import Findings, gather
from bpa.documents.profiles import read_profile

GIB = 2**30
HEAD = "apiVersion: bpa.akraino.org/v1alpha1\nkind: HardwareProfile\nmetadata: {name: p}\nspec:\n"


def profile(path: Path, text: str):
    path.write_text(HEAD + text)
    findings = Findings()
    (document,) = gather(path, findings)
    assert not findings.problems
    read, problems = read_profile(document)
    assert not problems
    return read


@pytest.mark.parametrize(("said", "goals"), [
    ("{}", ()),
    ("{memoryMode: 25}", (GoalWant(25),)),
    ("{interleaved: false}", (GoalWant(0, False),)),
    ("{memoryMode: 100, sockets: [{socket: 1, memoryMode: 0, interleaved: false}]}", (GoalWant(0, False, 1), GoalWant(100))),
    ("{interleaved: false, sockets: [{socket: 0, memoryMode: 50}]}", (GoalWant(50, False, 0), GoalWant(0, False))),
    ("{sockets: [{socket: 0}]}", (GoalWant(0, True, 0),)),
])
def test_goals(tmp_path: Path, said: str, goals: tuple[GoalWant, ...]) -> None:
    text = f"  pmemGoal: {said}\n" if said != "{}" else "  pmem: []\n"
    assert profile(tmp_path / "p.yaml", text).pmem_goals == goals


def test_modules(tmp_path: Path) -> None:
    text = '  pmemModules: {firmware: "01.02.00.5446", erase: {id: first, method: overwrite}}\n'
    assert profile(tmp_path / "p.yaml", text).pmem_modules == ModulesWant("01.02.00.5446", EraseWant("first", "overwrite"))
    assert profile(tmp_path / "p.yaml", "  pmemModules: {erase: {id: a}}\n").pmem_modules == ModulesWant("", EraseWant("a"))


def test_namespaces(tmp_path: Path) -> None:
    text = """  pmem:
    - {region: region0, size: 1Gi, name: data, count: 2, alignment: 1Gi}
    - {region: region0, size: 1Gi, mode: sector, sectorSize: 512, filesystem: xfs}
    - {region: region0, name: pmem-csi, volumeGroup: ndbus0region0fsdax}
    - {region: region1, name: pmem-csi, volumeGroup: ndbus0region1fsdax}
"""
    assert profile(tmp_path / "p.yaml", text).pmem == (
        NamespaceWant("region0", size=GIB, name="data0", align=GIB), NamespaceWant("region0", size=GIB, name="data1", align=GIB),
        NamespaceWant("region0", "sector", GIB, filesystem="xfs", sector=512),
        NamespaceWant("region0", name="pmem-csi", volume_group="ndbus0region0fsdax"),
        NamespaceWant("region1", name="pmem-csi", volume_group="ndbus0region1fsdax"))


def test_a_cluster_knows_the_profiles_of_its_members(tmp_path: Path) -> None:
    site = with_good(tmp_path, """apiVersion: bpa.akraino.org/v1alpha1
kind: Provisioning
metadata: {name: x, labels: {cluster: x}}
spec:
  masters: [good: {mac-address: "52:54:00:00:00:01"}]
""")
    (cluster,), (host,) = site.clusters, site.hosts
    assert cluster.profiles == {"good": host.want.profile}
