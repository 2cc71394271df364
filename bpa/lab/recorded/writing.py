"""PATCH, and what holds for every write: bodies, ETags, the methods that a resource takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpa.lab.recorded import accounts, bios, dell_attributes, media, patching, reading, staging
from bpa.lab.recorded.exchange import Reply, Request
from bpa.lab.recorded.patching import kind

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

REMOVABLE = frozenset({"Session", "Task", "MemoryChunks", "EventDestination", "DellJob", "Job"})


def patch(machine: Machine, request: Request) -> Reply:
    """PATCH. Raises Refusal."""
    say, store, where = machine.say, machine.store, request.where.rstrip("/")
    doc = store.get(where)
    if doc is None:
        return say.error("ResourceMissingAtURI", where)
    if "PATCH" not in machine.allow(where):
        return say.error("OperationNotAllowed", Allow=machine.allow(where))
    check_body(machine, request)
    check_etag(machine, request)
    body = request.body
    if not isinstance(body, dict):
        return say.error("UnrecognizedRequestBody")
    if not [n for n in body if "@odata" not in n]:
        return say.error("NoOperation")
    key = store.key(where)
    for host in machine.hosts:
        if host.bios_path and key in (store.key(host.bios_path), store.key(host.settings_path or host.bios_path)):
            return bios.patch(machine, host, where, body)
    if any(store.key(p) == key for p in machine.media):
        return media.patch(machine, where, body)
    if kind(doc) == "ManagerAccount":
        return accounts.patch(machine, where, body)
    if kind(doc) == "DellAttributes":
        return dell_attributes.patch(machine, where, body)
    if staging.owner(machine, where):
        return staging.patch(machine, where, body)
    return patching.patch(machine, where, body)


def check_body(machine: Machine, request: Request) -> None:
    """Raises Refusal where the body is not JSON."""
    told = request.headers.get("Content-Type", "application/json")
    if request.raw and "json" not in told.lower():
        raise machine.say.refuse("UnsupportedMediaType")
    if request.malformed:
        raise machine.say.refuse("MalformedJSON")


def check_etag(machine: Machine, request: Request) -> None:
    """Raises Refusal where If-Match is wrong, or lacking where this vendor wants it."""
    raw = machine.store.raw(request.where)
    etag = raw.etag if raw and not machine.on("no-etags") else ""
    told = request.headers.get("If-Match")
    if told is None:
        what = raw.kind.lstrip("#").split(".")[0] if raw else ""
        by_vendor = request.method == "PATCH" and not {"*", what}.isdisjoint(machine.ways.if_match)
        wanted = by_vendor or machine.on("if-match-required")
        if wanted and etag:
            raise machine.say.refuse("PreconditionRequired", status=machine.ways.if_match_status)
        return
    mismatch = machine.told("etag-mismatch")
    if mismatch == "" or (mismatch == "weak" and "W/" in told) or (etag and not reading.matches(told, etag)):
        raise machine.say.refuse("PreconditionFailed")


def allow(machine: Machine, path: str) -> str:
    """The Allow header of a resource."""
    store = machine.store
    if "/actions/" in path.lower() and not store.has(path):
        return "POST"
    key, methods = store.key(path), ["GET", "HEAD"]
    raw = store.raw(path)
    what = raw.kind.lstrip("#").split(".")[0] if raw else ""
    posts = {store.key(machine.gate.collection), machine.tasks.jobs}
    makes_accounts = bool(machine.gate.accounts) and key == store.key(machine.gate.accounts) and not accounts.are_slots(machine)
    if makes_accounts or key in posts or what in ("EventDestinationCollection", "MemoryChunksCollection", "VolumeCollection"):
        methods.append("POST")
    if _patched(machine, key, what):
        methods.append("PATCH")
    if what in REMOVABLE or (what == "ManagerAccount" and not accounts.are_slots(machine)):
        methods.append("DELETE")
    return ", ".join(methods)


def _patched(machine: Machine, key: str, what: str) -> bool:
    store = machine.store
    if what in patching.WRITABLE or what in ("ManagerAccount", "DellAttributes"):
        return True
    if what == "VirtualMedia":
        return not media.by_actions(store.get(key) or {})
    return any(h.bios_path and key == store.key(h.settings_path or h.bios_path) for h in machine.hosts) or bool(
        staging.owner(machine, key))
