"""GET: resources, the service's own documents, conditional requests, compression."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from bpa.lab.recorded import query
from bpa.lab.recorded.exchange import Doc, Reply, Request
from bpa.lab.recorded.patching import kind
from bpa.lab.recorded.tree import ROOT, Raw

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

COMPRESSED = 4096
"""Bytes from which an answer is worth compressing."""


def get(machine: Machine, request: Request) -> Reply:
    """The answer to GET and HEAD. Raises Refusal."""
    store = machine.store
    where = request.where.rstrip("/")
    if where == f"{ROOT}/$metadata":
        return Reply(200, _metadata(machine), {"Content-Type": "application/xml;charset=utf-8"})
    if where == "/redfish":
        return Reply(200, {"v1": f"{ROOT}/"})
    if "/actions/" in where.lower() and not store.has(where):
        return machine.say.error("OperationNotAllowed", Allow="POST")
    monitored = machine.tasks.monitor(where)
    if monitored:
        return monitored
    if machine.events.uri and store.key(where) == machine.events.uri:
        return Reply(200, None, {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}, stream=True)
    raw = store.raw(where)
    if raw is None and where == f"{ROOT}/odata":
        return Reply(200, _odata(machine))
    if raw is None:
        return _recorded_answer(machine, where)
    if not _accepted(request):
        return machine.say.error("NotAcceptable")
    packs = "gzip" in request.headers.get("Accept-Encoding", "")
    if machine.ways.registries_gzip_only and "AttributeRegistry" in raw.kind and not packs:
        return machine.say.error("NotAcceptable")
    headers = dict(raw.headers)
    headers.setdefault("Allow", machine.allow(where))
    etag = "" if machine.on("no-etags") else raw.etag
    if etag and not query.asked(request.query):
        headers["ETag"] = etag
        if matches(request.headers.get("If-None-Match", ""), etag):
            return Reply(304, None, headers)
    body, asis = _body(machine, where, raw, request)
    if packs and len(body) >= COMPRESSED:
        untouched = store.untouched(where) if asis else None
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        body = store.tree.gzipped(untouched, body) if untouched else gzip.compress(body, 1, mtime=0)
    if raw.kind:
        headers.setdefault("Link", f"<{ROOT}/JsonSchemas/{raw.kind.lstrip('#').split('.')[0]}>; rel=describedby")
    return Reply(200, body, headers)


def encoded(body: Any) -> bytes:
    """A body as it goes over the wire."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def matches(header: str, etag: str) -> bool:
    """Whether an If-Match or If-None-Match header names an ETag; weak and strong forms are the same."""
    named = [one.strip().removeprefix("W/") for one in header.split(",")]
    return "*" in named or (bool(etag) and etag.removeprefix("W/") in named)


def _accepted(request: Request) -> bool:
    """Whether the client takes JSON, or a stream."""
    told = request.headers.get("Accept", "")
    kinds = {one.split(";")[0].strip().lower() for one in told.split(",")} - {""}
    return not kinds or bool(kinds & {"*/*", "application/*", "application/json", "text/event-stream"})


def _recorded_answer(machine: Machine, where: str) -> Reply:
    """404, or what the recorder met at this announced URI."""
    status = machine.store.tree.answers.get(where, 404)
    if status == 0:
        return Reply(cut=-1)
    if status == 200:
        return Reply(200, b"<html><body>not JSON</body></html>", {"Content-Type": "text/html"})
    if status >= 500:
        return machine.say.error("InternalError", status=status)
    return machine.say.error("ResourceMissingAtURI", where, status=status)


def _body(machine: Machine, where: str, raw: Raw, request: Request) -> tuple[bytes, bool]:
    """The bytes, and whether they are the recorded ones."""
    if query.asked(request.query):
        return encoded(query.apply(machine, machine.store.get(where) or {}, request.query)), False
    if raw.kind.startswith("#Manager.") or where == ROOT:
        doc = machine.store.get(where) or {}
        if "DateTime" in doc:
            return encoded(doc | {"DateTime": machine.time.stamp()}), False
    return raw.data, True


def _odata(machine: Machine) -> Doc:
    """The OData service document (DSP0266, 8.4.2)."""
    root = machine.store.get(ROOT) or {}
    return {"@odata.context": f"{ROOT}/$metadata", "value": [
        {"name": name, "kind": "Singleton", "url": value["@odata.id"]}
        for name, value in root.items() if isinstance(value, dict) and isinstance(value.get("@odata.id"), str)
    ]}


def _metadata(machine: Machine) -> bytes:
    """A metadata document that names the schemas of what the root leads to (DSP0266, 8.4.1)."""
    root = machine.store.get(ROOT) or {}
    kinds = {"ServiceRoot"}
    for value in root.values():
        path = machine.store.link({"x": value}, "x")
        kinds.add(kind(machine.store.get(path) or {}) if path else "")
    lines = [f'  <edmx:Reference Uri="http://redfish.dmtf.org/schemas/v1/{name}_v1.xml">\n'
             f'    <edmx:Include Namespace="{name}"/>\n  </edmx:Reference>' for name in sorted(kinds - {""})]
    return ('<?xml version="1.0" encoding="UTF-8"?>\n'
            '<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0">\n' + "\n".join(lines) +
            '\n  <edmx:DataServices>\n    <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="Service">\n'
            '      <EntityContainer Name="Service" Extends="ServiceRoot.v1_0_0.ServiceContainer"/>\n'
            "    </Schema>\n  </edmx:DataServices>\n</edmx:Edmx>\n").encode()
