"""A Node, its pods, and what a kubelet and the disruption controller would do, through the real API."""

from __future__ import annotations

from typing import Any

import requests
from control_plane import ControlPlane

UNTOLD = ("architecture", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion", "kubeletVersion", "machineID",
          "operatingSystem", "osImage")
"""What the API wants of nodeInfo and these tests do not."""


class Cluster:
    """One Node and one namespace, both called `name`. boot counts the Node's restarts."""

    def __init__(self, plane: ControlPlane, name: str) -> None:
        self.name, self.url, self.boot = name, plane.url, 1
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(plane.authority.directory / "ca.crt")
        self._session.cert = tuple(str(plane.authority.directory / f"admin.{end}") for end in ("crt", "key"))
        self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        self.ask("POST", "/api/v1/nodes", {"metadata": {"name": name}})
        self.report()

    def ask(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> dict[str, Any]:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self._session.request(method, self.url + path, json=body, headers={"Content-Type": kind}, timeout=30)
        assert answer.ok if status is None else answer.status_code == status, answer.text
        return dict(answer.json())

    # -- the kubelet

    def report(self, ready: bool = True) -> None:
        """The kubelet's status of the Node."""
        self.ask("PATCH", f"/api/v1/nodes/{self.name}/status", {"status": {
            "conditions": [{"type": "Ready", "status": str(ready), "reason": "Test", "message": ""}],
            "addresses": [{"type": "InternalIP", "address": "192.0.2.77"}],
            "nodeInfo": {**dict.fromkeys(UNTOLD, ""), "bootID": f"boot-{self.boot}", "systemUUID": f"UUID-{self.name}"}}})

    def end_pods(self) -> list[str]:
        """Take away the pods that were told to end, as a kubelet does when their containers have ended."""
        ending = [name for name, pod in self.pods().items() if "deletionTimestamp" in pod["metadata"]]
        for name in ending:
            self.ask("DELETE", f"{self._pods}/{name}", {"gracePeriodSeconds": 0})
        return ending

    # -- what a user makes

    def node(self) -> dict[str, Any]:
        return self.ask("GET", f"/api/v1/nodes/{self.name}")

    def pods(self) -> dict[str, dict[str, Any]]:
        return {pod["metadata"]["name"]: pod for pod in self.ask("GET", self._pods)["items"]}

    def pod(self, name: str, owner: str = "ReplicaSet", *, phase: str = "Running", empty_dir: bool = False, mirror: bool = False,
            app: str = "web") -> None:
        """A pod on the Node, in this phase and, when it runs, ready."""
        owners = [{"apiVersion": "apps/v1", "kind": owner, "name": "x", "uid": "u", "controller": True}] if owner else []
        self.ask("POST", self._pods, {
            "metadata": {"name": name, "labels": {"app": app}, "ownerReferences": owners,
                         "annotations": {"kubernetes.io/config.mirror": "x"} if mirror else {}},
            "spec": {"nodeName": self.name, "containers": [{"name": "c", "image": "none.invalid/none"}],
                     "volumes": [{"name": "scratch", "emptyDir": {}}] if empty_dir else []}})
        ready = [{"type": "Ready", "status": "True"}] if phase == "Running" else []
        self.ask("PATCH", f"{self._pods}/{name}/status", {"status": {"phase": phase, "conditions": ready}})

    def budget(self, name: str, allowed: int, app: str = "web") -> None:
        """A PodDisruptionBudget with the status that its controller would give it."""
        made = self.ask("POST", self._budgets, {
            "metadata": {"name": name}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": app}}}})
        self.allow(name, allowed, made["metadata"]["generation"])

    def allow(self, name: str, allowed: int, generation: int = 1) -> None:
        self.ask("PATCH", f"{self._budgets}/{name}/status", {"status": {
            "observedGeneration": generation, "disruptionsAllowed": allowed, "currentHealthy": 1 + allowed,
            "desiredHealthy": 1, "expectedPods": 1 + allowed, "disruptedPods": {}}})

    def remove(self) -> None:
        """The namespace stays Terminating, for nobody ends it here; nothing of it is used again."""
        for name in self.pods():
            self._session.delete(f"{self.url}{self._pods}/{name}", json={"gracePeriodSeconds": 0}, timeout=30)
        self.ask("DELETE", f"/api/v1/nodes/{self.name}")
        self._session.close()

    @property
    def _pods(self) -> str:
        return f"/api/v1/namespaces/{self.name}/pods"

    @property
    def _budgets(self) -> str:
        return f"/apis/policy/v1/namespaces/{self.name}/poddisruptionbudgets"
