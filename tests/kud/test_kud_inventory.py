"""What KuD is handed, and when."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpa.adapters.kud import Kud
from bpa.core.cluster import CLUSTER
from bpa.core.cluster.installer import argv, environment
from bpa.core.cluster.inventory import changes as inventory_changes
from bpa.core.cluster.inventory import check, render_files, render_group_vars, render_hosts_ini
from bpa.core.facts import ClusterFacts, InstallerRun, MemberFacts
from bpa.core.steps import RenderInventory, StartInstaller
from bpa.core.verdict import Act, Met, Stuck, Wait
from bpa.core.want import ClusterWant, Member

EXPECTED = """\
[all]
master-1  ansible_ssh_host=172.22.0.11 ansible_ssh_port=22
worker-1  ansible_ssh_host=172.22.0.12 ansible_ssh_port=22

[kube-master]
master-1

[kube-node]
worker-1

[etcd]
master-1

[ovn-central]
master-1

[ovn-controller]
worker-1

[virtlet]
worker-1

[k8s-cluster:children]
kube-node
kube-master
"""


def test_hosts_ini_is_what_icn_wrote(want: ClusterWant, have: ClusterFacts) -> None:
    assert render_hosts_ini(want, have) == EXPECTED


def test_without_workers_the_masters_run_pods(want: ClusterWant, have: ClusterFacts) -> None:
    text = render_hosts_ini(replace(want, workers=()), have)
    assert "[kube-node]\nmaster-1\n" in text
    assert "worker-1" not in text


def test_a_master_that_is_also_a_worker_is_listed_once_in_all(want: ClusterWant, have: ClusterFacts) -> None:
    text = render_hosts_ini(replace(want, workers=(*want.masters, *want.workers)), have)
    assert text.count("master-1  ansible_ssh_host") == 1
    assert "[kube-node]\nmaster-1\nworker-1\n" in text


@given(numbers=st.lists(st.integers(1, 300), unique=True, min_size=1, max_size=40))
def test_no_member_is_lost_because_its_label_is_part_of_another(numbers: list[int]) -> None:
    workers = tuple(Member(f"worker-{n}", f"host-{n}", "") for n in numbers)
    members = {f"worker-{n}": MemberFacts(True, f"10.0.{n // 250}.{n % 250}") for n in numbers}
    text = render_hosts_ini(ClusterWant("c", workers[:1], workers), ClusterFacts(members))
    nodes = text.split("[kube-node]\n")[1].split("\n\n")[0].splitlines()
    assert nodes == [each.label for each in workers]
    assert len(text.split("\n\n")[0].splitlines()) == len(workers) + 1


def test_pod_subnet_becomes_a_group_variable_and_never_an_argument(want: ClusterWant) -> None:
    want = replace(want, pod_subnet="172.21.64.0/18")
    assert 'kube_pods_subnet: "172.21.64.0/18"' in render_group_vars(want)
    assert "--network" not in argv(want)
    assert "172.21.64.0/18" not in " ".join([*argv(want), *environment(want).values()])


@pytest.mark.parametrize(
    ("subnet", "reason"),
    [
        ("172.21.64.0", None),
        ("172.21.64.1/18", "not a network"),
        ("pods", "not a network"),
        ("10.244.32.0/20", "overlaps the service addresses"),
        ("172.22.0.0/16", "contains 172.22.0.11"),
        ("172.21.64.0/18", None),
        ("fd85:ee78:d8a6:8607::1:0000/112", None),
    ],
)
def test_a_pod_subnet_that_cannot_work_is_told_before_anything_is_written(
    want: ClusterWant, have: ClusterFacts, subnet: str, reason: str | None
) -> None:
    verdict = check(replace(want, pod_subnet=subnet), have)
    if reason is None:
        assert isinstance(verdict, Act)
    else:
        assert isinstance(verdict, Stuck)
        assert reason in verdict.reason


@pytest.mark.parametrize("label", ["node 1", "a\n[all]", "web[1:9]", "", "-x", "n;reboot"])
def test_a_label_that_would_break_the_inventory_is_refused(want: ClusterWant, have: ClusterFacts, label: str) -> None:
    masters = (Member(label, "host-a", ""),)
    facts = replace(have, members={**have.members, label: have.members["master-1"]})
    assert isinstance(check(replace(want, masters=masters), facts), Stuck)


def test_files_are_written_once_and_again_only_when_they_differ(want: ClusterWant, have: ClusterFacts) -> None:
    first = check(want, have)
    assert isinstance(first, Act)
    assert isinstance(first.step, RenderInventory)
    assert sorted(first.step.files) == ["group_vars/k8s-cluster.yml", "hosts.ini", "known_hosts"]
    written = replace(have, files=first.step.files)
    assert isinstance(check(want, written), Met)
    assert inventory_changes(want, written) == ()
    again = check(replace(want, pod_subnet="172.21.64.0/18"), written)
    assert isinstance(again, Act)
    assert again.reason == "group_vars/k8s-cluster.yml differs"


def test_files_are_not_rewritten_under_a_running_installer(want: ClusterWant, have: ClusterFacts) -> None:
    running = InstallerRun(("./installer",), "0", alive=True, exit_code=None)
    assert isinstance(check(want, replace(have, run=running)), Wait)


def test_files_that_a_user_adds_are_left_alone(want: ClusterWant, have: ClusterFacts) -> None:
    files = {**render_files(want, have), "group_vars/all.yml": "kube_log_level: 5\n"}
    assert isinstance(check(want, replace(have, files=files)), Met)


def test_a_plan_shows_the_hand_off_before_any_host_is_up(want: ClusterWant) -> None:
    want = replace(want, pod_subnet="172.21.64.0/18")
    lines = [change for each in CLUSTER for change in each.changes(want, ClusterFacts(installer="x"))]
    assert [(line.what, line.old, line.new) for line in lines] == [
        ("hosts.ini", "absent", "master-1, worker-1"),
        ("kube_pods_subnet", "KuD's default", "172.21.64.0/18"),
        ("KuD installer", "not run", "./installer --cluster edge-1 (containerd)"),
    ]


def test_ansible_reads_our_pod_subnet_through_the_copy_that_kud_makes(
    want: ClusterWant, have: ClusterFacts, directory: Path, tmp_path: Path, end_of: Callable[[Kud], InstallerRun]
) -> None:
    """KuD's tree with KuD's own copying; the real ansible-inventory says what a playbook would see."""
    want = replace(want, pod_subnet="172.21.64.0/18", plugins=("nfd",))
    kud = tmp_path / "kud" / "hosting_providers" / "containerized"
    playbooks = tmp_path / "kud" / "deployment_infra" / "playbooks"
    playbooks.mkdir(parents=True)
    (playbooks / "configure-nfd.yml").touch()
    (kud / "inventory" / "group_vars").mkdir(parents=True)
    shipped = "kube_pods_subnet: 10.244.64.0/18\nkube_network_plugin: flannel\n"
    (kud / "inventory" / "group_vars" / "k8s-cluster.yml").write_text(shipped)
    installer = kud / "installer.sh"
    installer.write_text(
        '#!/bin/sh -e\nmkdir -p "inventory/$2"\ncp "$KUD_MULTI_CLUSTER/$2/hosts.ini" "inventory/$2/"\n'
        'cp -rf inventory/group_vars "inventory/$2/"\n'
    )
    installer.chmod(0o755)
    adapter = Kud(kud, directory)
    adapter.write(want.name, render_files(want, have))
    adapter.start(StartInstaller(want.name, argv(want), environment(want)))
    assert end_of(adapter).exit_code == 0
    tool = shutil.which("ansible-inventory", path=str(Path(sys.executable).parent))
    assert tool
    inventory = kud / "inventory" / want.name / "hosts.ini"
    for host in ("master-1", "worker-1"):
        told = subprocess.run([tool, "-i", str(inventory), "--host", host], capture_output=True, text=True, check=True)
        seen = json.loads(told.stdout)
        assert (seen["kube_pods_subnet"], seen["kube_network_plugin"]) == ("172.21.64.0/18", "flannel")
        assert seen["ansible_ssh_host"] == have.members[host].address
    assert (kud / "inventory" / "group_vars" / "k8s-cluster.yml").read_text() == shipped
