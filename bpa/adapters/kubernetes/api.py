"""One Kubernetes API, as a kubeconfig names it: certificates verified, every request bounded, plain JSON both ways.

The package `kubernetes` takes most of a second to import and is imported only when there is a kubeconfig to read.
Source: kubernetes.config.kube_config, kubernetes.client.CoreV1Api and PolicyV1Api of kubernetes-client/python.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

CONNECT_SECONDS = 3.05
READ_SECONDS = 15.0
PAGE = 500
"""Objects per answer of a list, as kubectl asks."""


class Api:
    """Asks and tells one API server. `keep` is a directory where the client may put keys that are inline in the kubeconfig.

    Every method raises Unreachable, Busy (429, 5xx, a conflict) or Refused, whose `status` is that of HTTP.
    """

    def __init__(self, kubeconfig: Path, keep: Path) -> None:
        self._name = str(kubeconfig)
        self._client = _client(kubeconfig, keep)

    def node(self, name: str) -> dict[str, Any] | None:
        """A Node as JSON; None = there is none of this name."""
        try:
            return self._ask("GET", f"/api/v1/nodes/{name}")
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def nodes(self) -> list[dict[str, Any]]:
        return self._list("/api/v1/nodes")

    def pods_on(self, node: str) -> list[dict[str, Any]]:
        """The pods of all namespaces that are bound to a Node."""
        return self._list("/api/v1/pods", {"fieldSelector": f"spec.nodeName={node}"})

    def budgets(self) -> list[dict[str, Any]]:
        """The PodDisruptionBudgets of all namespaces."""
        return self._list("/apis/policy/v1/poddisruptionbudgets")

    def patch_node(self, name: str, patch: Mapping[str, Any]) -> None:
        """A merge patch (RFC 7386); with metadata.resourceVersion in it a Node that changed meanwhile is a conflict: Busy."""
        self._ask("PATCH", f"/api/v1/nodes/{name}", body=patch, content_type="application/merge-patch+json")

    def evict(self, namespace: str, name: str, uid: str) -> None:
        """Ask for the end of the pod with this uid. 429 (Busy) = a PodDisruptionBudget does not allow it now."""
        self._ask("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", body={
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": uid}} if uid else {}})

    def close(self) -> None:
        self._client.rest_client.close()

    def _list(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        following = {**(query or {}), "limit": str(PAGE)}
        while True:
            page = self._ask("GET", path, following)
            items = page.get("items")
            found.extend(item for item in items or () if isinstance(item, dict))
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return found
            following["continue"] = str(token)

    def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        try:
            request = self._client.param_serialize(
                method=method, resource_path=path, query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", "Content-Type": content_type}, body=body,
                auth_settings=["BearerToken"])
            answer = self._client.call_api(*request, _request_timeout=(CONNECT_SECONDS, READ_SECONDS))
            text = bytes(answer.read() or b"")
        except ApiException as error:  # only where TLS failed: the client raises of a status later than we read it
            raise Refused(f"{self._where} is not trusted: {_short(str(error.reason or error))}",
                          f"see certificate-authority in {self._name}") from None
        except (HTTPError, OSError) as error:
            raise Unreachable(f"{self._where} does not answer: {_short(str(error))}") from None
        status = int(answer.status)
        said = _json(text)
        if status < 300:
            if said is None:
                raise Refused(f"{self._where} answers {method} {path} with something that is not JSON",
                              f"see that server in {self._name} is a Kubernetes API")
            return said
        raise _as_error(status, _message(said, text), f"{self._where}, {method} {path}", self._name,
                        answer.headers.get("Retry-After"))

    @property
    def _where(self) -> str:
        return f"the Kubernetes API {self._client.configuration.host}"


def _client(kubeconfig: Path, keep: Path) -> ApiClient:
    """Raises Refused where the file is no kubeconfig, or one that does not verify whom it talks to."""
    try:
        told = yaml.safe_load(kubeconfig.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{kubeconfig} cannot be read: {_short(str(error))}", "give a kubeconfig") from None
    if not isinstance(told, dict):
        raise Refused(f"{kubeconfig} is no kubeconfig", "give a kubeconfig")
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader

    configuration = Configuration()
    try:
        keep.mkdir(parents=True, exist_ok=True, mode=0o700)
        KubeConfigLoader(told, config_base_path=str(kubeconfig.parent.absolute()), temp_file_path=str(keep)) \
            .load_and_set(configuration)
    except (ConfigException, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"{kubeconfig} is no usable kubeconfig: {_short(str(error))}", "try kubectl --kubeconfig with it") from None
    if not configuration.verify_ssl:
        raise Refused(f"{kubeconfig} says insecure-skip-tls-verify: who answers could be anybody, and is not asked",
                      "give the cluster's CA in certificate-authority")
    if not str(configuration.host).startswith("https://"):
        raise Refused(f"{kubeconfig} names {configuration.host}, which is not https", "give the API's https address")
    configuration.retries = False  # a look again is the engine's; and nothing is ever sent twice behind its back
    return ApiClient(configuration)


def _json(text: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _message(status: Mapping[str, Any] | None, text: bytes) -> str:
    """What a Status object says, with its causes: for an eviction they name the budget."""
    if status is None:
        return _short(text.decode(errors="replace"))
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    told = [str(status.get("message") or status.get("reason") or "no reason"),
            *(str(cause.get("message")) for cause in causes or () if isinstance(cause, dict) and cause.get("message"))]
    return _short(" ".join(dict.fromkeys(told)))


def _as_error(status: int, message: str, where: str, kubeconfig: str, retry_after: str | None) -> AdapterError:
    error: AdapterError
    if status in (409, 429) or status >= 500:
        wait = float(retry_after) if retry_after and retry_after.isdigit() else 5.0
        error = Busy(f"{where}: {message} ({status})", retry_after=min(wait, 30.0))
    elif status in (401, 403):
        error = Refused(f"{where}: {message} ({status})",
                        f"give a kubeconfig that may get and patch nodes, list pods and budgets and evict pods: {kubeconfig}")
    else:
        error = Refused(f"{where}: {message} ({status})")
    error.status = status
    return error


def _short(text: str) -> str:
    return " ".join(text.split())[:300]
