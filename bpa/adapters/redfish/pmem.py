"""Persistent memory by Redfish: what is there, and a planned goal staged for the next restart."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from bpa.adapters.errors import AdapterError, Busy, Unreachable, Unsupported
from bpa.adapters.redfish import tasks
from bpa.adapters.redfish.media.negotiation import send
from bpa.adapters.redfish.reading import Json, Reader, inner, number, objects, text
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Faulty, Missing
from bpa.adapters.redfish.transport.wire import Answer
from bpa.adapters.redfish.waiting import Waiting
from bpa.adapters.redfish.writing import AT_ONCE
from bpa.core.persistent_memory import Chunk, ChunkTask, Domain, Module, Persistent
from bpa.core.pmem_goal import Goal, GoalPlan, GoalState, state_of
from bpa.core.request import Method, Request

LOG = logging.getLogger(__name__)
PAYLOAD = 65536
"""Characters of a task's payload; a goal for a socket has a few hundred."""


@dataclass(frozen=True, slots=True)
class Performed:
    """tasks that the BMC started for the requests; () = it did them at once."""

    tasks: tuple[tasks.Task, ...] = ()


def read_persistent(target: Target, reader: Reader | None = None) -> Persistent:
    """Memory domains with persistent modules, their chunks and modules, and tasks that change chunks.

    Raises the adapter errors; Unsupported where the System shows no memory domains. The reader's problems tell what
    could not be read.
    """
    with target.link.look():
        return _read(target, reader or target.reader())


def _read(target: Target, reader: Reader) -> Persistent:
    system = target.system(reader).body
    if not inner(system, "MemoryDomains"):
        raise Unsupported(
            f"{target.origin} shows no memory domains: it cannot set persistent-memory goals by Redfish",
            "use ipmctl on the host, or the firmware's setup",
        )
    bodies = list(reader.collection(system, "MemoryDomains"))
    modules = dict(_modules(reader, [body for _, body in bodies]))
    spelled = {_key(path): path for path in modules}
    domains = tuple(_domain(reader, path, body, modules, spelled) for path, body in bodies)
    domains = tuple(d for d in domains if d.sets or d.chunks)
    named = {path for d in domains for path in d.modules}
    return Persistent(
        domains=domains,
        modules={path: m for path, m in modules.items() if path in named},
        tasks=tuple(_tasks(reader)) if domains else (),
        percentages=bool(inner(system, "Oem", "Hpe")) or any(c.percent is not None for d in domains for c in d.chunks),
        model=text(system, "Model"),
    )


def perform(target: Target, plan: GoalPlan, patience: Waiting = AT_ONCE) -> Performed:
    """Send a plan's requests in their order; "not now" (POST) is waited out for as long as patience lasts.

    Where one is refused, the tasks that were made for those before it are withdrawn: half a goal is none. Raises the
    adapter errors.
    """
    started: list[tasks.Task] = []
    done: list[Request] = []
    try:
        for request in plan.requests:
            answer = _send(target, request, patience)
            task = None if "/TaskService/" in request.path else tasks.started(target, answer)
            if task is not None:
                task.checked(target.origin)
                started.append(task)
            else:
                done.append(request)
    except BaseException:
        _withdraw(target, started)
        lasting = [f"{r.method} {r.path}" for r in done]
        if lasting:
            LOG.warning("%s: done before the failure, and not taken back: %s", target.origin, ", ".join(lasting))
        raise
    return Performed(tuple(started))


def wait_applied(target: Target, goal: Goal, waiting: Waiting) -> GoalState:
    """Where the goal stands once the firmware has dealt with it, or at the deadline. Raises the adapter errors.

    For after the restart. In POST, iLO shows neither domains nor chunks, or the old ones.
    """
    state = GoalState("unset", "not read yet")
    trouble: AdapterError | None = None
    for _ in waiting.looks():
        try:
            state, trouble = state_of(goal, read_persistent(target)), None
        except (Busy, Unreachable, Unsupported) as error:
            trouble = error
            continue
        if state.kind in ("met", "failed", "dropped"):
            return state
    if trouble is not None:
        raise trouble
    return state


def _send(target: Target, request: Request, patience: Waiting) -> Answer:
    trouble: Busy | None = None
    for _ in patience.looks():
        try:
            return send(target.link, request)
        except Faulty:
            raise  # a 500 may have done it: sent again, it could be done twice
        except Busy as error:
            trouble = error
    raise trouble or Busy(f"{target.origin} is busy")


def _withdraw(target: Target, started: list[tasks.Task]) -> None:
    for task in started:
        try:
            with suppress(Missing):
                target.link.delete(task.path)
        except AdapterError as error:
            LOG.warning("%s: task %s waits for the restart and could not be withdrawn: %s", target.origin, task.path, error)


def _modules(reader: Reader, domains: list[Json]) -> Iterator[tuple[str, Module]]:
    """Every module that a domain names, by its path as the domain spells it; DRAM is none."""
    paths: dict[str, str] = {}
    for body in domains:
        for one in objects(body, "InterleavableMemorySets"):
            for link in objects(one, "MemorySet"):
                with suppress(Unsupported):
                    path = reader.link.path_of(link)
                    paths.setdefault(_key(path), path)
    read = {_key(path): body for path, body in reader.each(list(paths.values()))}
    for key, path in paths.items():
        body = read.get(key, {})
        if text(body, "MemoryType") != "DRAM":
            yield path, _module(path, body)


def _module(path: str, body: Json) -> Module:
    status = text(inner(body, "Oem", "Hpe"), "DIMMStatus")
    return Module(
        path=path,
        name=text(body, "DeviceLocator", "Name", "Id") or path.rstrip("/").rsplit("/", 1)[-1],
        mib=number(body, "CapacityMiB"),
        health=text(inner(body, "Status"), "Health"),
        state=text(inner(body, "Status"), "State"),
        security=text(body, "SecurityState"),
        persistent_mib=_told(body, "NonVolatileSizeMiB"),
        volatile_mib=_told(body, "VolatileSizeMiB"),
        note="" if status in ("", "GoodInUse", "PresentSpare", "Unknown") else f"DIMMStatus is {status}",
    )


def _told(body: Json, key: str) -> int | None:
    return number(body, key) if isinstance(body.get(key), int | float) else None


def _domain(reader: Reader, path: str, body: Json, modules: Mapping[str, Module], spelled: Mapping[str, str]) -> Domain:
    sets: dict[tuple[str, ...], None] = {}
    for one in objects(body, "InterleavableMemorySets"):
        members = [spelled.get(_key(text(link, "@odata.id")), "") for link in objects(one, "MemorySet")]
        # A set with a module that is DRAM, or that cannot be named, is no set of persistent memory.
        if members and all(m in modules for m in members):
            sets[tuple(dict.fromkeys(members))] = None
    creatable = body.get("AllowsMemoryChunkCreation")
    return Domain(
        path=path,
        id=text(body, "Id") or path.rstrip("/").rsplit("/", 1)[-1],
        chunks_path=_path(reader, body.get("MemoryChunks")),
        sets=tuple(sets),
        chunks=tuple(_chunk(where, chunk, spelled) for where, chunk in reader.collection(body, "MemoryChunks")),
        creatable=creatable if isinstance(creatable, bool) else None,
        min_mib=number(body, "MinMemoryChunkSizeMiB"),
        increment_mib=number(body, "MemoryChunkIncrementMiB"),
    )


def _chunk(path: str, body: Json, spelled: Mapping[str, str]) -> Chunk:
    named = [text(inner(one, "Memory"), "@odata.id") for one in objects(body, "InterleaveSets")]
    hpe = inner(body, "Oem", "Hpe")
    size = number(body, "MemoryChunkSizeMiB") or sum(number(one, "SizeMiB") for one in objects(body, "InterleaveSets"))
    return Chunk(
        path=path,
        id=text(body, "Id") or path.rstrip("/").rsplit("/", 1)[-1],
        kind=text(body, "AddressRangeType") or "PMEM",
        mib=size,
        modules=tuple(dict.fromkeys(spelled.get(_key(name), name) for name in named if name)),
        percent=_told(hpe, "MemoryChunkSizePercentage"),
    )


def _tasks(reader: Reader) -> Iterator[ChunkTask]:
    """Tasks made from a POST to, or a DELETE of, memory chunks, in the order of the collection."""
    service = reader.optional(reader.link.root(), "Tasks")
    for path, body in reader.collection(service, "Tasks"):
        request = _payload(inner(body, "Payload"))
        task = tasks.task_of(path, body)
        if request is not None and task is not None:
            yield ChunkTask(path, request, task.outcome, "; ".join(task.messages) or task.note)


def _payload(payload: Json) -> Request | None:
    where = text(payload, "TargetUri")
    if "/memorychunks" not in where.lower():
        return None
    method: Method = "DELETE" if text(payload, "HttpOperation").upper() == "DELETE" else "POST"
    given = payload.get("JsonBody")
    body: object = {}
    if isinstance(given, str) and len(given) < PAYLOAD:
        with suppress(ValueError, RecursionError):
            body = json.loads(given)
    return Request(method, where, body if isinstance(body, dict) and body else None)


def _path(reader: Reader, link: object) -> str:
    try:
        return reader.link.path_of(link) if link else ""
    except Unsupported:
        return ""


def _key(path: str) -> str:
    return path.rstrip("/").lower()
