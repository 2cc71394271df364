"""KubernetesNodes: find a host's Node by the kubeconfigs there are, and cordon, empty and uncordon it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bpa.adapters.errors import AdapterError, Busy, Unreachable
from bpa.adapters.kubernetes.api import Api
from bpa.adapters.kubernetes.reading import ANNOTATION, Known, find_node, read_node, read_pods
from bpa.core.facts import ServiceFacts
from bpa.core.steps import Cordon, EvictPods, Uncordon

EVICTION_RETRY = 5.0
"""Seconds before a refused eviction is asked for again, as kubectl does."""


class KubernetesNodes:
    """The clusters that hosts of a site may be in. kubeconfigs: files in the order in which they are asked; they may not
    exist yet. keep: a directory of ours for what the client must have as files.

    Safe for many threads. A kubeconfig that was written anew (KuD's artifact after another run) is read anew.
    """

    def __init__(self, kubeconfigs: Sequence[Path], keep: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._kubeconfigs, self._keep, self._now = tuple(kubeconfigs), keep, now
        self._open: dict[Path, tuple[int, Api]] = {}
        self._lock = threading.Lock()

    def look(self, known: Known, pods: bool) -> ServiceFacts | None:
        """The host's Node in the first cluster that has it. None = there is no kubeconfig yet. Never raises.

        A cluster that cannot be asked is a problem unless another one has the Node: this host may be in it.
        """
        problem = nothing = None
        for kubeconfig in self._kubeconfigs:
            try:
                if not kubeconfig.exists():
                    continue
                found = self._find(kubeconfig, known, pods)
            except (AdapterError, OSError) as error:
                said = f"{error} ({error.advice})" if isinstance(error, AdapterError) and error.advice else str(error)
                problem = problem or ServiceFacts(kubeconfig=str(kubeconfig), problem=said,
                                                  passing=isinstance(error, (Unreachable, Busy)))
                continue
            if found.node:
                return found
            nothing = nothing or found
        return problem or nothing

    def perform(self, step: Cordon | EvictPods | Uncordon) -> None:
        """Take the step. Raises AdapterError; Busy where budgets do not let all pods go now."""
        api = self._api(Path(step.kubeconfig))
        match step:
            case Cordon(node):
                self._cordon(api, node)
            case EvictPods():
                _evict(api, step)
            case Uncordon(node):
                _uncordon(api, node)

    def close(self) -> None:
        """Let go of every connection."""
        with self._lock:
            for _, api in self._open.values():
                api.close()
            self._open.clear()

    def _find(self, kubeconfig: Path, known: Known, pods: bool) -> ServiceFacts:
        api = self._api(kubeconfig)
        node = api.node(known.name) or find_node(api.nodes(), known)
        if node is None:
            return ServiceFacts(kubeconfig=str(kubeconfig))
        facts = read_node(node, str(kubeconfig), None)
        if not pods:
            return facts
        return read_node(node, str(kubeconfig), read_pods(api.pods_on(facts.node), api.budgets()))

    def _api(self, kubeconfig: Path) -> Api:
        with self._lock:
            changed = kubeconfig.stat().st_mtime_ns if kubeconfig.exists() else 0
            kept = self._open.get(kubeconfig)
            if kept is not None and kept[0] == changed:
                return kept[1]
            api = Api(kubeconfig, self._keep)
            self._open[kubeconfig] = changed, api
            return api

    def _cordon(self, api: Api, name: str) -> None:
        node = _now(api, name)
        if (node.get("spec") or {}).get("unschedulable"):
            return  # by us a moment ago, or by somebody else meanwhile, whose cordon must not become ours
        when = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        api.patch_node(name, {"metadata": {**_unchanged(node), "annotations": {ANNOTATION: when}},
                              "spec": {"unschedulable": True}})


def _uncordon(api: Api, name: str) -> None:
    node = _now(api, name)
    if ANNOTATION in ((node.get("metadata") or {}).get("annotations") or {}):
        api.patch_node(name, {"metadata": {**_unchanged(node), "annotations": {ANNOTATION: None}},
                              "spec": {"unschedulable": None}})


def _now(api: Api, name: str) -> dict[str, Any]:
    node = api.node(name)
    if node is None:
        raise Busy(f"Node {name} has just gone from its cluster", retry_after=1.0)
    return node


def _unchanged(node: dict[str, Any]) -> dict[str, str]:
    """Makes a patch fail where somebody changed the Node after we looked."""
    return {"resourceVersion": str((node.get("metadata") or {}).get("resourceVersion", ""))}


def _evict(api: Api, step: EvictPods) -> None:
    """Ask for every pod before telling of the first that may not go: the others need not wait for it."""
    kept: list[str] = []
    for full_name, uid in sorted(step.pods.items()):
        namespace, name = full_name.split("/", 1)
        try:
            api.evict(namespace, name, uid)
        except Busy as error:
            if error.status == 409:
                continue  # another pod has the name now; the next look tells where it is
            kept.append(f"{full_name}: {error}")
        except AdapterError as error:
            if error.status == 403 and "being terminated" in str(error):
                kept.append(f"{full_name}: its namespace is being terminated")
            elif error.status != 404:
                raise
    if kept:
        raise Busy(f"{len(kept)} of {len(step.pods)} pods on Node {step.node} may not be evicted now: {'; '.join(kept[:4])}"
                   + (f"; and {len(kept) - 4} more" if len(kept) > 4 else ""), retry_after=EVICTION_RETRY)
