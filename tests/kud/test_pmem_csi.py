"""What is handed over for pmem-csi."""

from __future__ import annotations

import ast
import dataclasses

import pytest
import yaml

from bpa.core.cluster.inventory import HOSTS_INI, check, render_files
from bpa.core.cluster.pmem_csi import PMEM_CSI
from bpa.core.facts import ClusterFacts, MemberFacts
from bpa.core.verdict import Act, Met
from bpa.core.want import ClusterWant, GoalWant, Member, NamespaceWant, Profile

MASTER, WORKER = Member("master-1", "node1", "52:54:00:00:00:01"), Member("worker-1", "node2", "52:54:00:00:00:02")
HAVE = ClusterFacts({"master-1": MemberFacts(True, "192.0.2.1"), "worker-1": MemberFacts(True, "192.0.2.2")})
GROUPED = Profile(pmem=(NamespaceWant("region0", name="pmem-csi", volume_group="ndbus0region0fsdax"),))


def cluster(profile: Profile, **more: object) -> ClusterWant:
    profiles = {"master-1": Profile(), "worker-1": profile}
    return dataclasses.replace(ClusterWant("c", (MASTER,), (WORKER,), profiles=profiles), **more)


def documents(want: ClusterWant) -> list[dict]:
    return list(yaml.safe_load_all(render_files(want, HAVE)[PMEM_CSI]))


def test_a_node_with_volume_groups_gets_the_label_and_lvm_mode():
    want = cluster(GROUPED)
    lines = {line.split()[0]: line for line in render_files(want, HAVE)[HOSTS_INI].splitlines() if "ansible_ssh_host" in line}
    labels = lines["worker-1"].split("node_labels=")[1].strip('"')
    assert ast.literal_eval(labels) == {"storage": "pmem"} and "node_labels" not in lines["master-1"]
    deployment, *classes = documents(want)
    assert deployment["spec"] == {"deviceMode": "lvm", "nodeSelector": {"storage": "pmem"}}
    assert [one["metadata"]["name"] for one in classes] == ["pmem-csi-sc-ext4", "pmem-csi-sc-xfs", "pmem-csi-sc-ext4-kata"]
    assert {one["provisioner"] for one in classes} == {deployment["metadata"]["name"]}
    assert classes[-1]["parameters"]["kataContainers"] == "true"


@pytest.mark.parametrize(("profile", "plugins", "mode"), [
    (Profile(pmem_goals=(GoalWant(0),)), (), "direct"),
    (Profile(pmem_goals=(GoalWant(0),)), ("optane",), "lvm"),
])
def test_regions_with_nothing_on_them_are_for_pmem_csi_to_divide(profile, plugins, mode):
    assert documents(cluster(profile, plugins=plugins))[0]["spec"]["deviceMode"] == mode


@pytest.mark.parametrize("profile", [
    Profile(), Profile(pmem_goals=(GoalWant(100),)),
    Profile(pmem=(NamespaceWant("region0", filesystem="ext4", mount_point="/mnt/pmem0"),)),
])
def test_memory_that_is_not_for_pmem_csi_gets_nothing(profile):
    files = render_files(cluster(profile), HAVE)
    assert PMEM_CSI not in files and "node_labels" not in files[HOSTS_INI]


def test_without_kata_there_is_no_class_for_it():
    assert len(documents(cluster(GROUPED, kata=False))) == 3


def test_a_file_that_is_wanted_no_more_is_made_empty_once():
    before = dataclasses.replace(HAVE, files=render_files(cluster(GROUPED), HAVE))
    verdict = check(cluster(Profile()), before)
    assert isinstance(verdict, Act)
    assert list(yaml.safe_load_all(verdict.step.files[PMEM_CSI])) in ([], [None])
    assert isinstance(check(cluster(Profile()), dataclasses.replace(HAVE, files=verdict.step.files)), Met)
