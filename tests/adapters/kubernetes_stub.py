"""A small Kubernetes API over TLS with what the adapter asks, for faults that a real one does not show when asked.

Shapes by hand after the API reference (core/v1 Node, Pod; policy/v1 Eviction, PodDisruptionBudget; meta/v1 Status).
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from bpa.lab import tls

TOKEN = "s3cr3t-token"


@dataclass
class Stub:
    """answers: (method, path) -> (status, body) instead of the usual one; a body of bytes is sent as it is.

    asked: method, path with query, and JSON body of each request.
    """

    address: str
    ca: Path
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    pods: list[dict[str, Any]] = field(default_factory=list)
    budgets: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    page: int = 500

    def kubeconfig(self, path: Path, **changes: Any) -> Path:
        """Write one that works; `changes` are of its cluster."""
        cluster = {"server": self.address, "certificate-authority": str(self.ca), **changes}
        path.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [{"name": "u", "user": {"token": TOKEN}}],
            "clusters": [{"name": "c", "cluster": {k: v for k, v in cluster.items() if v is not None}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))
        return path

    def evictions(self) -> list[str]:
        return [path.removesuffix("/eviction") for method, path, _ in self.asked if method == "POST"]


def status(code: int, message: str, *causes: str) -> tuple[int, dict[str, Any]]:
    """A Status object as the API server sends it."""
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code,
                  "details": {"causes": [{"reason": "DisruptionBudget", "message": one} for one in causes]}}


def node(name: str, ready: str = "True", **spec: Any) -> dict[str, Any]:
    return {"kind": "Node", "metadata": {"name": name, "resourceVersion": "7", "annotations": {}}, "spec": spec,
            "status": {"conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}],
                       "addresses": [{"type": "InternalIP", "address": f"192.0.2.{len(name)}"}],
                       "nodeInfo": {"bootID": f"boot-of-{name}", "systemUUID": f"UUID-OF-{name}"}}}


def pod(name: str, namespace: str = "shop", **parts: Any) -> dict[str, Any]:
    owner = parts.pop("owner", ("ReplicaSet", "web"))
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    return {"metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "ownerReferences": owners,
                         **parts.pop("metadata", {})},
            "spec": {"volumes": [], **parts.pop("spec", {})}, "status": {"phase": parts.pop("phase", "Running")}}


@contextmanager
def serving(directory: Path) -> Iterator[Stub]:
    certificates = tls.ensure(directory, "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    stub = Stub(f"https://127.0.0.1:{server.server_port}", certificates.ca)
    server.stub = stub  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        stub: Stub = self.server.stub  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        stub.asked.append((self.command, self.path, body))
        parts = urlsplit(self.path)
        code, said = stub.answers.get((self.command, parts.path)) or self._usual(stub, parts.path, parse_qs(parts.query), body)
        text = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = _answer

    def _usual(self, stub: Stub, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return status(401, "Unauthorized")
        lists = {"/api/v1/nodes": list(stub.nodes.values()), "/api/v1/pods": stub.pods,
                 "/apis/policy/v1/poddisruptionbudgets": stub.budgets}
        if path in lists:
            start = int(query.get("continue", ["0"])[0])
            more = {"continue": str(start + stub.page)} if len(lists[path]) > start + stub.page else {}
            return 200, {"metadata": more, "items": lists[path][start:start + stub.page]}
        if path.endswith("/eviction"):
            return 201, {"kind": "Status", "status": "Success"}
        name = path.rpartition("/")[2]
        if name not in stub.nodes:
            return status(404, f'nodes "{name}" not found')
        if self.command == "PATCH":
            if body["metadata"].get("resourceVersion") != stub.nodes[name]["metadata"]["resourceVersion"]:
                return status(409, "the object has been modified")
            stub.nodes[name] = _merged(stub.nodes[name], body)
        return 200, stub.nodes[name]

    def log_message(self, *_: Any) -> None:
        pass


def _merged(old: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict) or not isinstance(old, dict):
        return patch
    return {**{k: v for k, v in old.items() if k not in patch},
            **{k: _merged(old.get(k), v) for k, v in patch.items() if v is not None}}
