"""What the adapter makes of a cluster's answers, and of none: over real TLS, against a stub that misbehaves when told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kubernetes_stub import TOKEN, Stub, node, pod, serving, status

from bpa.adapters.errors import Busy, Refused, Unreachable
from bpa.adapters.kubernetes import ANNOTATION, Known, KubernetesNodes
from bpa.adapters.kubernetes.reading import read_node, read_pods, selects
from bpa.core.facts import Pod, ServiceFacts
from bpa.core.steps import Cordon, EvictPods, Uncordon

NODE1 = Known("node1")
EVICT = "/api/v1/namespaces/shop/pods/{}/eviction"


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    with serving(tmp_path / "tls") as made:
        made.nodes["node1"] = node("node1")
        yield made


@pytest.fixture
def kubeconfig(stub: Stub, tmp_path: Path) -> Path:
    return stub.kubeconfig(tmp_path / "admin.conf")


@pytest.fixture
def nodes(kubeconfig: Path, tmp_path: Path) -> Iterator[KubernetesNodes]:
    made = KubernetesNodes([tmp_path / "none.conf", kubeconfig], tmp_path / "keep",
                           lambda: datetime(2026, 11, 23, 10, 2, tzinfo=UTC))
    yield made
    made.close()


def test_a_node_that_serves(nodes: KubernetesNodes, stub: Stub, kubeconfig: Path) -> None:
    found = nodes.look(NODE1, pods=False)
    assert found == ServiceFacts("node1", True, False, "", "boot-of-node1", str(kubeconfig))
    assert [path for _, path, _ in stub.asked] == ["/api/v1/nodes/node1"]  # one request


def test_there_is_no_cluster_yet(tmp_path: Path) -> None:
    assert KubernetesNodes([tmp_path / "none.conf"], tmp_path / "keep").look(NODE1, False) is None
    assert KubernetesNodes([], tmp_path / "keep").look(NODE1, False) is None


@pytest.mark.parametrize("known", [
    Known("other", boot_id="boot-of-node1"), Known("other", addresses=("", "192.0.2.5")),
    Known("other", uuid="4C4C4544-0042-3510-8052-B4C04F4B4D32"), Known("other", uuid="44454c4c-4200-1035-8052-b4c04f4b4d32"),
], ids=["boot id", "address", "UUID", "UUID in the other byte order"])
def test_a_node_of_another_name_is_found_by_its_machine(nodes: KubernetesNodes, stub: Stub, known: Known) -> None:
    stub.nodes = {"stranger": node("stranger"), "node1": node("node1")}
    stub.nodes["node1"]["status"]["nodeInfo"]["systemUUID"] = "4c4c4544-0042-3510-8052-b4c04f4b4d32"
    found = nodes.look(known, False)
    assert found is not None and found.node == "node1"


def test_a_cluster_without_this_host(nodes: KubernetesNodes, stub: Stub, kubeconfig: Path) -> None:
    stub.nodes = {"stranger": node("stranger")}
    assert nodes.look(NODE1, False) == ServiceFacts(kubeconfig=str(kubeconfig))


def test_of_two_clusters_the_one_that_has_the_host_tells(stub: Stub, kubeconfig: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "tls2") as other:
        first = other.kubeconfig(tmp_path / "site.conf")
        nodes = KubernetesNodes([first, kubeconfig], tmp_path / "keep")
        found = nodes.look(NODE1, False)
        assert found is not None and found.kubeconfig == str(kubeconfig)
        stub.nodes.clear()
        other.answers["GET", "/api/v1/nodes/node1"] = status(503, "starting")
        found = nodes.look(NODE1, False)
        assert found is not None and "starting" in found.problem, "this host may be in the one that did not answer"
        nodes.close()


def test_a_kubeconfig_that_is_written_anew_is_read_anew(nodes: KubernetesNodes, stub: Stub, kubeconfig: Path) -> None:
    kubeconfig.write_text("nonsense: [")
    assert "cannot be read" in (nodes.look(NODE1, False) or ServiceFacts()).problem
    stub.kubeconfig(kubeconfig)
    assert (nodes.look(NODE1, False) or ServiceFacts()).node == "node1"


@pytest.mark.parametrize("method, code, message, passing", [
    ("GET", 401, "Unauthorized", False), ("GET", 403, 'nodes "node1" is forbidden', False),
    ("GET", 429, "too many requests", True), ("GET", 500, "etcdserver: request timed out", True), ("GET", 503, "starting", True),
])
def test_a_refusal_is_a_problem_in_its_own_words(
    nodes: KubernetesNodes, stub: Stub, method: str, code: int, message: str, passing: bool,
) -> None:
    stub.answers[method, "/api/v1/nodes/node1"] = status(code, message)
    found = nodes.look(NODE1, False)
    assert found is not None and message in found.problem and found.passing is passing and not found.serving
    assert stub.address in found.problem and TOKEN not in found.problem


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[1, 2]", b"", b"[" * 100_000], ids=["html", "list", "empty", "deep"])
def test_an_answer_that_is_none(nodes: KubernetesNodes, stub: Stub, body: bytes) -> None:
    stub.answers["GET", "/api/v1/nodes/node1"] = 200, body
    assert "not JSON" in (nodes.look(NODE1, False) or ServiceFacts()).problem


def test_nothing_answers(tmp_path: Path, stub: Stub) -> None:
    path = stub.kubeconfig(tmp_path / "gone.conf", server="https://127.0.0.1:1")
    found = KubernetesNodes([path], tmp_path / "keep").look(NODE1, False)
    assert found is not None and found.passing and "does not answer" in found.problem


@pytest.mark.parametrize("changes, said", [
    ({"certificate-authority": None}, "is not trusted"),
    ({"certificate-authority": None, "insecure-skip-tls-verify": True}, "insecure-skip-tls-verify"),
    ({"certificate-authority": "/nowhere/ca.pem"}, "no usable kubeconfig"),
    ({"server": "http://127.0.0.1:8080"}, "not https"),
    ({"tls-server-name": "kubernetes.example"}, "is not trusted"),
], ids=["another CA", "not verified", "no CA file", "no TLS", "another name"])
def test_who_answers_is_verified(tmp_path: Path, stub: Stub, changes: dict[str, object], said: str) -> None:
    path = stub.kubeconfig(tmp_path / "odd.conf", **changes)
    found = KubernetesNodes([path], tmp_path / "keep").look(NODE1, False)
    assert found is not None and said in found.problem and not found.passing
    assert stub.asked == [], "no token goes to somebody who is not verified"


@pytest.mark.parametrize("text", ["", "nonsense: [", "[]", "clusters: 5", "apiVersion: v1\nkind: Config\n", "\xff"])
def test_what_is_no_kubeconfig_is_a_problem_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.conf"
    path.write_bytes(text.encode("latin-1"))
    found = KubernetesNodes([path], tmp_path / "keep").look(NODE1, False)
    assert found is not None and str(path) in found.problem and not found.passing


def test_pods_are_told_with_the_budgets_that_hold_them(nodes: KubernetesNodes, stub: Stub) -> None:
    stub.page = 2
    stub.pods = [
        pod("web-1", metadata={"labels": {"app": "web"}}), pod("db-0", owner=("StatefulSet", "db"), phase="Pending"),
        pod("agent", "kube-system", owner=("DaemonSet", "agent")),
        pod("etcd-node1", "kube-system", owner=("Node", "node1"), metadata={"annotations": {"kubernetes.io/config.mirror": "x"}}),
        pod("debug", owner=None, spec={"volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "c", "configMap": {"name": "c"}}]}),
        pod("gone", metadata={"deletionTimestamp": "2026-11-23T10:00:00Z"}),
    ]
    stub.budgets = [
        {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"selector": {"matchLabels": {"app": "web"}}},
         "status": {"disruptionsAllowed": 0}},
        {"metadata": {"name": "web", "namespace": "elsewhere"}, "spec": {"selector": {}}, "status": {"disruptionsAllowed": 0}},
    ]
    found = nodes.look(NODE1, pods=True)
    assert found is not None and found.pods == (
        Pod("shop", "web-1", "uid-web-1", controller="ReplicaSet/web", budgets=("web allows 0",)),
        Pod("shop", "db-0", "uid-db-0", phase="Pending", controller="StatefulSet/db"),
        Pod("kube-system", "agent", "uid-agent", controller="DaemonSet/agent"),
        Pod("kube-system", "etcd-node1", "uid-etcd-node1", controller="Node/node1", mirror=True),
        Pod("shop", "debug", "uid-debug", empty_dirs=("tmp",)),
        Pod("shop", "gone", "uid-gone", controller="ReplicaSet/web", ending=True),
    )
    asked = [path for _, path, _ in stub.asked if path.startswith("/api/v1/pods")]
    assert len(asked) == 3 and all("fieldSelector=spec.nodeName%3Dnode1" in path for path in asked)


@pytest.mark.parametrize("selector, taken", [
    (None, False), ({}, True), ({"matchLabels": {"app": "web"}}, True), ({"matchLabels": {"app": "web", "tier": "x"}}, False),
    ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}, True),
    ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
    ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["x"]}]}, True),
    ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
    ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]}, False),
    ({"matchExpressions": [{"key": "app", "operator": "Gt", "values": ["1"]}]}, False),
])
def test_a_label_selector(selector: object, taken: bool) -> None:
    assert selects(selector, {"app": "web"}) is taken


@pytest.mark.parametrize("odd", [
    {}, {"metadata": None, "spec": [], "status": {"conditions": "x"}}, {"status": {"conditions": [5]}},
])
def test_an_odd_node_is_not_in_service_and_an_odd_pod_has_no_owner(odd: dict[str, object]) -> None:
    assert not read_node(odd, "k", None).serving
    assert [one.controller for one in read_pods([odd], [odd])] == [""]


# -- acts

def test_a_cordon_leaves_a_mark_and_only_our_mark_is_uncordoned(nodes: KubernetesNodes, stub: Stub, kubeconfig: Path) -> None:
    nodes.perform(Cordon("node1", str(kubeconfig), "restart the host"))
    found = nodes.look(NODE1, False)
    assert found is not None and found.ours and found.cordoned == "2026-11-23T10:02:00Z"
    nodes.perform(Uncordon("node1", str(kubeconfig)))
    assert stub.nodes["node1"] == node("node1")
    stub.nodes["node1"] = node("node1", unschedulable=True)
    nodes.perform(Uncordon("node1", str(kubeconfig)))
    assert stub.nodes["node1"] == node("node1", unschedulable=True), "somebody else's cordon"


def test_a_node_that_is_cordoned_already_does_not_become_ours(nodes: KubernetesNodes, stub: Stub, kubeconfig: Path) -> None:
    stub.nodes["node1"] = node("node1", unschedulable=True)
    nodes.perform(Cordon("node1", str(kubeconfig), "restart the host"))
    assert ANNOTATION not in stub.nodes["node1"]["metadata"]["annotations"]


def test_a_node_that_changed_since_the_look_is_looked_at_again(nodes: KubernetesNodes, stub: Stub, kubeconfig: Path) -> None:
    stub.answers["PATCH", "/api/v1/nodes/node1"] = status(409, "the object has been modified")
    with pytest.raises(Busy, match="has been modified"):
        nodes.perform(Cordon("node1", str(kubeconfig), "restart the host"))
    stub.nodes.clear()
    with pytest.raises(Busy, match="gone"):
        nodes.perform(Uncordon("node1", str(kubeconfig)))


def evict(nodes: KubernetesNodes, kubeconfig: Path, *names: str) -> None:
    nodes.perform(EvictPods("node1", str(kubeconfig), {f"shop/{name}": f"uid-{name}" for name in names}))


def test_pods_are_evicted_by_the_eviction_api_and_by_uid(nodes: KubernetesNodes, stub: Stub, kubeconfig: Path) -> None:
    evict(nodes, kubeconfig, "web-1", "web-2")
    assert [body for method, _, body in stub.asked if method == "POST"] == [
        {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "shop"},
         "deleteOptions": {"preconditions": {"uid": f"uid-{name}"}}} for name in ("web-1", "web-2")]


def test_a_budget_that_says_no_is_named_and_the_other_pods_go(nodes: KubernetesNodes, stub: Stub, kubeconfig: Path) -> None:
    stub.answers["POST", EVICT.format("web-1")] = status(
        429, "Cannot evict pod as it would violate the pod's disruption budget.",
        "The disruption budget web needs 2 healthy pods and has 2 currently")
    with pytest.raises(Busy, match=r"1 of 2 pods .*shop/web-1: .*disruption budget web needs 2 healthy pods") as raised:
        evict(nodes, kubeconfig, "web-1", "web-2")
    assert raised.value.retry_after == 5.0 and len(stub.evictions()) == 2


@pytest.mark.parametrize("answer", [status(404, "not found"), status(409, "the UID in the precondition does not match")])
def test_a_pod_that_has_gone_by_itself_is_evicted(
    nodes: KubernetesNodes, stub: Stub, kubeconfig: Path, answer: tuple[int, object],
) -> None:
    stub.answers["POST", EVICT.format("web-1")] = answer
    evict(nodes, kubeconfig, "web-1")


@pytest.mark.parametrize("answer, error, said", [
    (status(500, "This pod has more than one PodDisruptionBudget"), Busy, "more than one PodDisruptionBudget"),
    (status(403, "unable to create new content in namespace shop because it is being terminated"), Busy, "being terminated"),
    (status(403, "pods/eviction is forbidden"), Refused, "evict pods"),
    (status(400, "bad"), Refused, "bad"),
])
def test_other_refusals_of_an_eviction(
    nodes: KubernetesNodes, stub: Stub, kubeconfig: Path, answer: tuple[int, object], error: type[Exception], said: str,
) -> None:
    stub.answers["POST", EVICT.format("web-1")] = answer
    with pytest.raises(error) as raised:
        evict(nodes, kubeconfig, "web-1")
    assert said in str(raised.value) + getattr(raised.value, "advice", "")


def test_a_cluster_that_goes_away_in_between(nodes: KubernetesNodes, tmp_path: Path, stub: Stub) -> None:
    path = stub.kubeconfig(tmp_path / "gone.conf", server="https://127.0.0.1:1")
    with pytest.raises(Unreachable):
        nodes.perform(Cordon("node1", str(path), "restart the host"))


def test_keys_that_the_client_must_have_as_files_stay_in_our_directory(tmp_path: Path, stub: Stub) -> None:
    import base64
    path = stub.kubeconfig(tmp_path / "inline.conf", **{
        "certificate-authority": None, "certificate-authority-data": base64.b64encode(stub.ca.read_bytes()).decode()})
    nodes = KubernetesNodes([path], tmp_path / "keep")
    assert (nodes.look(NODE1, False) or ServiceFacts()).node == "node1"
    assert (tmp_path / "keep").stat().st_mode & 0o077 == 0
