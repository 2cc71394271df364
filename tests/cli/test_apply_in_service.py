"""What a person types and reads where a host is in service."""

from dataclasses import replace

import pytest

from bpa.cli.exits import Exit
from bpa.core.facts import Pod, ServiceFacts


@pytest.fixture
def serving(drawer, monkeypatch):
    """The drawer is a Node with one pod; what its cluster says can be changed."""
    said = {"service": ServiceFacts("drawer", ready=True, kubeconfig="admin.conf", pods=(Pod("shop", "debug"),))}
    monkeypatch.setattr(drawer, "in_service", lambda have, pods: said["service"], raising=False)
    return said


def test_it_is_not_disturbed_and_the_next_command_is_said(run, site, drawer, serving):
    ran = run("apply", site, "--yes")
    assert ran.code == Exit.NOT_MET and drawer.performed == []
    assert "the host is in service (Node drawer is Ready and schedulable)" in ran.err and "--disrupt HOST" in ran.err


def test_told_to_it_is_drained_but_pods_that_would_be_lost_are_named_first(run, site, drawer, serving):
    ran = run("apply", site, "--yes", "--disrupt", "drawer")
    assert ran.code == Exit.NOT_MET and drawer.performed == []
    assert "shop/debug has no controller" in ran.err and "--force" in ran.err
    ran = run("apply", site, "--yes", "--disrupt", "drawer", "--force")
    assert drawer.performed[0].startswith("cordon Node drawer to write debian.raw")


def test_without_a_drain_it_is_disturbed_at_once(run, site, drawer, serving):
    assert run("apply", site, "--yes", "--disrupt", "drawer", "--no-drain").code == Exit.MET
    assert [text.split()[0] for text in drawer.performed] == ["write"]


@pytest.mark.parametrize("option", ["--force", "--delete-emptydir-data", "--no-drain"])
def test_how_to_drain_is_no_leave_to_drain(run, site, drawer, option):
    ran = run("apply", site, "--yes", option)
    assert ran.code == Exit.USAGE and "--disrupt HOST" in ran.err and drawer.performed == []


def test_what_its_cluster_said_counts_when_it_does_not_answer_later(run, site, drawer, serving, monkeypatch):
    look = drawer.look
    monkeypatch.setattr(drawer, "look", lambda have, source: replace(look(have, source), service=serving["service"]))
    run("apply", site, "--yes")
    serving["service"] = ServiceFacts(kubeconfig="admin.conf", problem="the Kubernetes API does not answer", passing=True)
    ran = run("apply", site, "--yes")
    assert ran.code == Exit.NOT_MET and "its cluster could not be asked: the Kubernetes API does not answer" in ran.err
    assert drawer.performed == []


@pytest.mark.parametrize("service, line", [
    (ServiceFacts("drawer", ready=True), "! in service: Node drawer is Ready and schedulable: needs --disrupt drawer"),
    (ServiceFacts("drawer", True, True, "10:02"), "! in service: BPA cordoned Node drawer at 10:02: needs --disrupt drawer"),
    (ServiceFacts(problem="401"), "! perhaps in service: 401: needs --disrupt drawer"),
    (ServiceFacts("drawer", ready=True, unschedulable=True), ""), (ServiceFacts("drawer"), ""), (None, ""),
])
def test_a_plan_says_whether_it_needs_leave(run, site, drawer, monkeypatch, service, line):
    look = drawer.look
    monkeypatch.setattr(drawer, "look", lambda have, source: replace(look(have, source), service=service))
    said = run("plan", site).out
    assert line in said if line else "--disrupt" not in said
    drawer.deployed = True
    assert "--disrupt" not in run("plan", site).out
