"""A drain through the engine against a real API server: cordon, evict, budgets, restart, uncordon."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from control_plane import ControlPlane
from simulated_kubelet import Cluster

from bpa.adapters.errors import Busy, Refused
from bpa.adapters.kubernetes import ANNOTATION, Known, KubernetesNodes
from bpa.adapters.kubernetes import api as api_module
from bpa.core.facts import Facts, OsFacts
from bpa.core.guards import Memory, Permissions
from bpa.core.host.service import RETURNED
from bpa.core.in_service import DRAIN_SECONDS, Drain
from bpa.core.requirement import HostRequirement
from bpa.core.steps import Cordon, EvictPods, RestartHost, Uncordon
from bpa.core.verdict import Act, Met, Stuck, Wait
from bpa.core.walk import LooksAtAll
from bpa.engine import Outcome, Subject, tick

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "in-service.md"
TOLD_TO = Permissions(disrupt=True)


def _kernel(want: Any, have: Facts) -> Met | Act:
    assert have.os is not None
    return Met("as staged") if have.os.boot_id != "boot-1" else Act(RestartHost("arguments are staged", have.os.boot_id), "old")


STORY = (HostRequirement("KernelApplied", "os", _kernel, "restarted"), RETURNED)


@dataclass
class Host(LooksAtAll):
    """A host that needs one restart; its Node is in the real cluster, its kubelet is played between the ticks."""

    cluster: Cluster
    nodes: KubernetesNodes
    address: str = "192.0.2.77"
    steps: list[str] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    now: float = 1000.0

    def nothing_seen(self) -> Facts:
        return Facts()

    def identity(self, have: Facts) -> str:
        return ""

    def in_service(self, have: Facts, pods: bool) -> Any:
        return self.nodes.look(Known("another-name", uuid=f"uuid-{self.cluster.name}"), pods)

    def look(self, have: Facts, source: str) -> Facts:
        if source == "service":
            return replace(have, service=self.in_service(have, False))
        return replace(have, os=OsFacts(self.address, f"boot-{self.cluster.boot}"))

    def perform(self, step: Any) -> None:
        self.steps.append(type(step).__name__)
        if isinstance(step, RestartHost):
            running = [n for n, pod in self.cluster.pods().items() if pod["metadata"]["labels"]["app"] == "web"]
            assert running == [], "restarted under running pods"
            self.cluster.boot += 1
        else:
            self.nodes.perform(step)

    def acknowledge(self) -> None:
        pass

    def close(self) -> None:
        self.nodes.close()

    def tick(self, permissions: Permissions) -> Outcome:
        def remember(memory: Memory) -> None:
            self.memory = memory

        outcome = tick(Subject("host", None, STORY, self), self.memory, permissions, lambda: self.now, remember)
        self.now += outcome.again_in or 0.0
        return outcome

    def drive(self, permissions: Permissions = TOLD_TO, *, kubelet: bool = True, most: int = 400) -> Outcome:
        """Tick until it is done or stuck; between ticks pods end and the kubelet reports."""
        for _ in range(most):
            outcome = self.tick(permissions)
            if outcome.again_in is None:
                return outcome
            if kubelet:
                self.cluster.end_pods()
                self.cluster.report()
        raise AssertionError(outcome.last)


@pytest.fixture
def host(cluster: Cluster, admin: Path, tmp_path: Path) -> Host:
    return Host(cluster, KubernetesNodes([admin], tmp_path / "keep"))


def test_a_host_in_service_is_drained_restarted_and_given_back(host: Host, cluster: Cluster) -> None:
    for name in ("web-1", "web-2"):
        cluster.pod(name)
    cluster.pod("done", "", phase="Succeeded", empty_dir=True)
    cluster.pod("agent", "DaemonSet", app="agent")
    cluster.pod("static", "Node", mirror=True, app="static")
    outcome = host.drive(Permissions())
    assert isinstance(outcome.last.verdict, Stuck)
    assert f"Node {cluster.name} is Ready and schedulable" in outcome.last.verdict.reason
    assert host.steps == [] and "unschedulable" not in cluster.node()["spec"]
    host.memory = host.memory.retried()
    assert host.drive().done
    assert host.steps == ["Cordon", "EvictPods", "RestartHost", "Uncordon"]
    assert set(cluster.pods()) == {"agent", "static"}
    node = cluster.node()
    assert "unschedulable" not in node["spec"] and ANNOTATION not in node["metadata"].get("annotations", {})


def test_while_it_is_drained_the_node_says_since_when(host: Host, cluster: Cluster) -> None:
    cluster.pod("web-1")
    host.tick(TOLD_TO)
    node = cluster.node()
    assert node["spec"]["unschedulable"] is True and node["metadata"]["annotations"][ANNOTATION].endswith("Z")
    host.tick(TOLD_TO)
    assert "deletionTimestamp" in cluster.pods()["web-1"]["metadata"]
    outcome = host.tick(TOLD_TO)
    assert isinstance(outcome.last.verdict, Wait) and f"{cluster.name}/web-1" in outcome.last.verdict.reason
    assert host.steps == ["Cordon", "EvictPods"]


def test_a_budget_holds_a_pod_until_it_gives_way(host: Host, cluster: Cluster) -> None:
    cluster.pod("web-1")
    cluster.pod("db-0", "StatefulSet", app="db")
    cluster.budget("keep-web", 0)
    host.tick(TOLD_TO)
    outcome = host.tick(TOLD_TO)
    assert isinstance(outcome.last.verdict, Wait) and outcome.again_in == 5.0
    for said in ("1 of 2 pods", f"{cluster.name}/web-1", "disruption budget", "keep-web"):
        assert said in outcome.last.verdict.reason
    assert cluster.end_pods() == ["db-0"], "the others need not wait"
    cluster.allow("keep-web", 1)
    assert host.drive().done and cluster.pods() == {}


def test_a_budget_that_never_gives_way_is_named_in_the_end(host: Host, cluster: Cluster) -> None:
    cluster.pod("web-1")
    cluster.budget("keep-web", 0)
    outcome = host.drive()
    assert isinstance(outcome.last.verdict, Stuck)
    assert f"{cluster.name}/web-1 (budget keep-web allows 0)" in outcome.last.verdict.reason
    assert host.now - 1000.0 > DRAIN_SECONDS and "RestartHost" not in host.steps and set(cluster.pods()) == {"web-1"}


def test_pods_that_would_be_lost_are_refused_before_the_cordon(host: Host, cluster: Cluster) -> None:
    cluster.pod("alone", "", empty_dir=True)
    outcome = host.drive()
    assert isinstance(outcome.last.verdict, Stuck) and f"{cluster.name}/alone" in outcome.last.verdict.reason
    assert "--force --delete-emptydir-data" in outcome.last.verdict.advice and host.steps == []
    host.memory = host.memory.retried()
    assert host.drive(Permissions(disrupt=True, drain=Drain(True, True))).done and cluster.pods() == {}


def test_an_admins_cordon_is_left_as_it_is(host: Host, cluster: Cluster) -> None:
    cluster.ask("PATCH", f"/api/v1/nodes/{cluster.name}", {"spec": {"unschedulable": True}})
    assert host.drive(Permissions()).done
    assert host.steps == ["RestartHost"] and cluster.node()["spec"]["unschedulable"] is True


def test_a_node_that_is_not_ready_is_given_back_only_when_it_is(host: Host, cluster: Cluster) -> None:
    host.tick(TOLD_TO)
    assert host.tick(TOLD_TO).step is not None and host.steps == ["Cordon", "RestartHost"]
    outcome = host.tick(TOLD_TO)
    assert isinstance(outcome.last.verdict, Wait) and "has not reported since the restart" in outcome.last.verdict.reason
    cluster.report(ready=False)
    outcome = host.tick(TOLD_TO)
    assert isinstance(outcome.last.verdict, Wait) and "is not Ready yet" in outcome.last.verdict.reason
    cluster.report()
    assert host.drive(kubelet=False).done and "unschedulable" not in cluster.node()["spec"]


def test_a_patch_on_a_node_that_changed_is_a_conflict(cluster: Cluster, admin: Path, tmp_path: Path) -> None:
    api = api_module.Api(admin, tmp_path / "keep")
    old = (api.node(cluster.name) or {})["metadata"]["resourceVersion"]
    cluster.ask("PATCH", f"/api/v1/nodes/{cluster.name}", {"metadata": {"labels": {"somebody": "else"}}})
    with pytest.raises(Busy) as raised:
        api.patch_node(cluster.name, {"metadata": {"resourceVersion": old}, "spec": {"unschedulable": True}})
    assert raised.value.status == 409
    api.close()


def test_a_pod_of_the_same_name_that_came_later_is_not_evicted(host: Host, cluster: Cluster, admin: Path) -> None:
    cluster.pod("db-0", "StatefulSet")
    host.nodes.perform(EvictPods(cluster.name, str(admin), {f"{cluster.name}/db-0": "00000000-0000-0000-0000-000000000000"}))
    assert "deletionTimestamp" not in cluster.pods()["db-0"]["metadata"]
    host.nodes.perform(EvictPods(cluster.name, str(admin), {f"{cluster.name}/never-was": "u"}))


def test_lists_are_read_to_their_end(host: Host, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "PAGE", 2)
    for number in range(5):
        cluster.pod(f"web-{number}")
    found = host.in_service(Facts(), True)
    assert sorted(pod.name for pod in found.pods) == [f"web-{number}" for number in range(5)]


# -- the rights that the guide names are enough, and all of them are needed

def grant(cluster: Cluster, user: str, rules: list[dict[str, Any]]) -> None:
    name = f"{user}-{cluster.name}"
    cluster.ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", {"metadata": {"name": name}, "rules": rules})
    cluster.ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        "metadata": {"name": name}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}]})


def rules_of_the_guide() -> list[dict[str, Any]]:
    text = GUIDE.read_text().split("```yaml\n")
    role = next(found for block in text[1:] if (found := yaml.safe_load(block.split("```")[0]))["kind"] == "ClusterRole")
    return list(role["rules"])


def test_the_rights_that_the_guide_names_are_enough(host: Host, cluster: Cluster, plane: ControlPlane, tmp_path: Path) -> None:
    user = f"bpa-{cluster.name}"
    grant(cluster, user, rules_of_the_guide())
    cluster.pod("web-1")
    cluster.budget("keep-web", 1)
    host.nodes = KubernetesNodes([plane.kubeconfig(user)], tmp_path / "keep")
    assert host.drive().done and host.steps == ["Cordon", "EvictPods", "RestartHost", "Uncordon"]


@pytest.mark.parametrize("left_out", range(len(rules_of_the_guide())) if GUIDE.exists() else ())
def test_without_one_of_them_it_is_said_what_is_missing(
    cluster: Cluster, plane: ControlPlane, tmp_path: Path, left_out: int,
) -> None:
    rules, user = rules_of_the_guide(), f"less-{cluster.name}"
    without = rules.pop(left_out)
    grant(cluster, user, rules)
    cluster.pod("web-1")
    path = plane.kubeconfig(user)
    nodes = KubernetesNodes([path], tmp_path / "keep")
    said = (nodes.look(Known(cluster.name), True) or 0).problem  # type: ignore[union-attr]
    for step in (Cordon(cluster.name, str(path), "x"), Uncordon(cluster.name, str(path)),
                 EvictPods(cluster.name, str(path), {f"{cluster.name}/web-1": cluster.pods()["web-1"]["metadata"]["uid"]})):
        try:
            nodes.perform(step)
        except Refused as error:
            said = said or f"{error} ({error.advice})"
    assert "is forbidden" in said and without["resources"][0].split("/")[0] in said and "give a kubeconfig that may" in said
