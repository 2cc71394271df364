"""Nodes, pods and budgets from the API's JSON to facts. What is missing or odd reads as not there.

Sources: Kubernetes API reference, core/v1 Node and Pod, policy/v1 PodDisruptionBudget, meta/v1 LabelSelector.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bpa.core.facts import Pod, ServiceFacts

ANNOTATION = "bpa.akraino.org/cordoned"
"""On a Node that BPA cordoned: when, as RFC 3339."""
MIRROR = "kubernetes.io/config.mirror"


@dataclass(frozen=True, slots=True)
class Known:
    """How a host's Node can be told: the name of its operating system, and what the machine says of itself ("" = not told)."""

    name: str
    uuid: str = ""
    boot_id: str = ""
    addresses: tuple[str, ...] = ()


def find_node(nodes: Iterable[Mapping[str, Any]], known: Known) -> Mapping[str, Any] | None:
    """The Node that is this host although it has another name: same boot, same SMBIOS UUID, or same internal address."""
    listed = list(nodes)
    for same in (_same_boot, _same_machine, _same_address):
        found = next((node for node in listed if same(node, known)), None)
        if found is not None:
            return found
    return None


def read_node(node: Mapping[str, Any], kubeconfig: str, pods: tuple[Pod, ...] | None) -> ServiceFacts:
    """What a Node says; Ready is its condition of that name, anything but True is not Ready."""
    conditions = [one for one in _list(node, "status", "conditions") if one.get("type") == "Ready"]
    return ServiceFacts(
        node=_text(node, "metadata", "name"), ready=any(one.get("status") == "True" for one in conditions),
        unschedulable=_at(node, "spec", "unschedulable") is True,
        cordoned=_text(node, "metadata", "annotations", ANNOTATION),
        boot_id=_text(node, "status", "nodeInfo", "bootID"), kubeconfig=kubeconfig, pods=pods)


def read_pods(pods: Iterable[Mapping[str, Any]], budgets: Sequence[Mapping[str, Any]]) -> tuple[Pod, ...]:
    """The pods with the budgets that hold each, in the API's order."""
    return tuple(_read_pod(pod, budgets) for pod in pods)


def _read_pod(pod: Mapping[str, Any], budgets: Sequence[Mapping[str, Any]]) -> Pod:
    namespace, labels = _text(pod, "metadata", "namespace"), _at(pod, "metadata", "labels")
    owners = [one for one in _list(pod, "metadata", "ownerReferences") if one.get("controller") is True]
    annotations = _at(pod, "metadata", "annotations")
    return Pod(
        namespace, _text(pod, "metadata", "name"), _text(pod, "metadata", "uid"), _text(pod, "status", "phase"),
        f"{owners[0].get('kind', '')}/{owners[0].get('name', '')}" if owners else "",
        isinstance(annotations, Mapping) and MIRROR in annotations,
        tuple(str(one.get("name", "")) for one in _list(pod, "spec", "volumes") if "emptyDir" in one),
        bool(_at(pod, "metadata", "deletionTimestamp")),
        tuple(_told(one) for one in budgets if _text(one, "metadata", "namespace") == namespace
              and selects(_at(one, "spec", "selector"), labels if isinstance(labels, Mapping) else {})))


def selects(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector takes these labels: {} takes all, none at all takes nothing."""
    if not isinstance(selector, Mapping):
        return False
    exact = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in exact.items()) \
        and all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = str(expression.get("key")), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def _told(budget: Mapping[str, Any]) -> str:
    allowed = _at(budget, "status", "disruptionsAllowed")
    return f"{_text(budget, 'metadata', 'name')} allows {allowed if isinstance(allowed, int) else 'an unknown number'}"


def _same_boot(node: Mapping[str, Any], known: Known) -> bool:
    return bool(known.boot_id) and _text(node, "status", "nodeInfo", "bootID") == known.boot_id


def _same_machine(node: Mapping[str, Any], known: Known) -> bool:
    return bool(known.uuid) and _text(node, "status", "nodeInfo", "systemUUID").lower() in _both_orders(known.uuid)


def _both_orders(text: str) -> set[str]:
    """A BMC may tell the first three fields of the SMBIOS UUID in the other byte order than the kernel does."""
    try:
        told = uuid.UUID(text)
    except ValueError:
        return {text.lower()}
    return {str(told), str(uuid.UUID(bytes=told.bytes_le))}


def _same_address(node: Mapping[str, Any], known: Known) -> bool:
    addresses = [one.get("address") for one in _list(node, "status", "addresses") if one.get("type") == "InternalIP"]
    return any(address in addresses for address in known.addresses)


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any, *path: str) -> str:
    found = _at(value, *path)
    return found if isinstance(found, str) else ""


def _list(value: Any, *path: str) -> list[Mapping[str, Any]]:
    found = _at(value, *path)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
