"""MembersReady and InstallerSucceeded: from what is seen to what is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bpa.core.cluster import CLUSTER
from bpa.core.cluster.installer import argv, changes, check, environment, fingerprint, telling_lines
from bpa.core.cluster.inventory import render_files
from bpa.core.cluster.members import check as members_ready
from bpa.core.facts import ClusterFacts, InstallerRun, MemberFacts
from bpa.core.steps import StartInstaller
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import ClusterWant, Member


def with_run(want: ClusterWant, have: ClusterFacts, **told: object) -> ClusterFacts:
    files = render_files(want, have)
    same = fingerprint(argv(want), environment(want), files, have.installer)
    run = InstallerRun(argv(want), same, alive=False, exit_code=0, log="/x/log/installer-0001.log")
    return replace(have, files=files, run=replace(run, **told))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "kind", "words"),
    [
        ({}, Stuck, "no host of this site that is online is behind master-1, worker-1"),
        ({"worker-1": MemberFacts(False, waiting_for="Inspected")}, Wait, "1 of 2 members ready; waiting for worker-1"),
        ({"worker-1": MemberFacts(True, "")}, Wait, "no address known yet for worker-1"),
        ({"worker-1": MemberFacts(True, "172.22.0.11")}, Stuck, "master-1 and worker-1 have the same address"),
        ({"worker-1": MemberFacts(True, "172.22.0.12")}, Met, "2 of 2"),
    ],
)
def test_members_are_ready_when_each_is_ready_and_has_its_own_address(
    want: ClusterWant, facts: dict[str, MemberFacts], kind: type[Verdict], words: str
) -> None:
    members = {"master-1": MemberFacts(True, "172.22.0.11"), **facts} if facts else {}
    verdict = members_ready(want, ClusterFacts(members))
    assert isinstance(verdict, kind)
    assert words in (verdict.evidence if isinstance(verdict, Met) else verdict.reason)  # type: ignore[union-attr]


def test_a_cluster_without_masters_is_refused() -> None:
    assert isinstance(members_ready(ClusterWant("c", (), (Member("w", "h", ""),)), ClusterFacts()), Stuck)


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        ({}, Met, "succeeded"),
        ({"alive": True, "exit_code": None, "last_lines": ("TASK [kvm] ****", "ok: [a]", "")}, Wait, "TASK [kvm]"),
        ({"alive": True, "exit_code": None}, Wait, "just started"),
        ({"exit_code": None}, Act, "left no exit code"),
        ({"fingerprint": "older"}, Act, "inputs have changed"),
        ({"fingerprint": "older", "exit_code": 2}, Act, "inputs have changed"),
        ({"exit_code": 2, "last_lines": ("fatal: [a]: no kvm", "x", "y")}, Stuck, "exit code 2: fatal: [a]: no kvm"),
        ({"exit_code": 137}, Stuck, "exit code 137: it wrote nothing"),
    ],
)
def test_a_run_is_judged_by_what_it_left(
    want: ClusterWant, have: ClusterFacts, told: dict[str, object], kind: type[Verdict], words: str
) -> None:
    verdict = check(want, with_run(want, have, **told))
    assert isinstance(verdict, kind)
    assert words in (verdict.evidence if isinstance(verdict, Met) else verdict.reason)  # type: ignore[union-attr]


def test_the_installer_is_started_when_it_has_never_run(want: ClusterWant, have: ClusterFacts) -> None:
    verdict = check(want, have)
    assert isinstance(verdict, Act)
    assert isinstance(verdict.step, StartInstaller)
    assert verdict.step.argv == ("./installer", "--cluster", "edge-1")


@pytest.mark.parametrize(
    "change",
    [{"plugins": ("nfd", "sriov")}, {"kata": False}, {"kata_webhook": True}, {"kata_runtime_class": "kata-clh"}],
)
def test_a_success_counts_only_for_the_inputs_it_had(
    want: ClusterWant, have: ClusterFacts, change: dict[str, object]
) -> None:
    done = with_run(want, have)
    other = replace(want, **change)  # type: ignore[arg-type]
    assert changes(want, done) == ()
    assert isinstance(check(other, done), Act)
    assert changes(other, done)


def test_a_new_host_key_means_a_new_run(want: ClusterWant, have: ClusterFacts) -> None:
    done = with_run(want, have)
    assert isinstance(check(want, replace(done, files={**done.files, "known_hosts": "another"})), Act)


def test_plugins_come_third_and_in_their_order(want: ClusterWant) -> None:
    got = argv(replace(want, plugins=("nfd", "sriov", "qat")))
    assert got == ("./installer", "--cluster", "edge-1", "--plugins", "nfd", "sriov", "qat")


def test_kata_means_containerd_and_no_kata_means_no_webhook(want: ClusterWant) -> None:
    assert environment(want)["CONTAINER_RUNTIME"] == "containerd"
    docker = environment(replace(want, kata=False, kata_webhook=True))
    assert (docker["CONTAINER_RUNTIME"], docker["ENABLE_KATA_WEBHOOK"]) == ("docker", "false")


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "addons", "-x", "a b", "x" * 64, ".hidden", "a\n"])
def test_a_cluster_name_that_is_no_directory_name_is_refused(
    want: ClusterWant, have: ClusterFacts, name: str
) -> None:
    assert isinstance(check(replace(want, name=name), have), Stuck)


@pytest.mark.parametrize("plugin", ["--network", "a b", "", "../x", "NFD"])
def test_a_plugin_name_cannot_become_another_argument(want: ClusterWant, have: ClusterFacts, plugin: str) -> None:
    assert isinstance(check(replace(want, plugins=(plugin,)), have), Stuck)


def test_a_site_without_an_installer_asks_for_the_files_alone(want: ClusterWant, have: ClusterFacts) -> None:
    verdict = check(want, replace(have, installer=""))
    assert isinstance(verdict, Met) and verdict.evidence.startswith("not asked") and "spec.kud.installer" in verdict.evidence
    assert changes(want, have) and changes(want, replace(have, installer="")) == ()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["[ERROR]: Task failed: Action failed: n1: kvm: none.", "Origin: x", "failed: [n1]"], ["n1: kvm: none."]),
        (
            ['fatal: [n1]: UNREACHABLE! => {"msg": "ssh: a@b: Permission denied (publickey)."}', "fatal: [n2]: x"],
            ["n1 cannot be reached by SSH: Permission denied"],
        ),
        (["fatal: [n1]: UNREACHABLE! => {}", "PLAY RECAP ****"], ["fatal: [n1]: UNREACHABLE! => {}"]),
        (["Error: Cluster name is null", "usage"], ["Error: Cluster name is null"]),
        (["a", "b", "", "c", "d"], ["b", "c", "d"]),
        (["x" * 400], ["x" * 297 + "..."]),
        ([], []),
    ],
)
def test_the_lines_that_matter_are_found(lines: list[str], told: list[str]) -> None:
    assert list(telling_lines(lines)) == told


def test_a_member_that_is_not_there_is_waited_for_before_anything_is_rendered() -> None:
    want = ClusterWant("edge", (Member("a", "a", ""),), (Member("b", "b", ""),))
    verdict = CLUSTER[1].check(want, ClusterFacts({"a": MemberFacts(True, "192.0.2.1")}))
    assert isinstance(verdict, Wait)
    assert CLUSTER[1].changes(want, ClusterFacts())
