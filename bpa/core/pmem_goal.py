"""Goals for persistent memory by Redfish: what a goal would change, what that would erase, and whether it was applied.

HPE's ways are those of "HPE Persistent Memory Configuration" (HPEDevCom/redfishdocs, pmmConfig): sizes are percentages,
only persistent chunks are shown, what is in no chunk is volatile, all modules of a socket are configured at once, and
every DELETE precedes every POST.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bpa.core.persistent_memory import Chunk, ChunkTask, Domain, Persistent
from bpa.core.pmem_chunks import Goal, chunks_for, sets_for
from bpa.core.request import Request
from bpa.core.verdict import Stuck

__all__ = ["Goal", "GoalPlan", "GoalState", "NeedsConsent", "plan_goal", "state_of"]

TOLERANCE = 1.5
"""Percentage points. Sizes are rounded to the modules' alignment ("the size may change slightly", HPE)."""


@dataclass(frozen=True, slots=True)
class GoalPlan:
    """requests in the order in which they must be sent; () = met, or pending if `pending`. erases: chunks whose data is gone.

    restart: the goal takes effect at the next restart.
    """

    requests: tuple[Request, ...] = ()
    erases: tuple[str, ...] = ()
    pending: bool = False
    notes: tuple[str, ...] = ()

    @property
    def restart(self) -> bool:
        return bool(self.requests) or self.pending


def plan_goal(
    goal: Goal, seen: Persistent, erase: Iterable[str] = (), discard_pending: bool = False
) -> GoalPlan | Stuck:
    """What to send for this goal; Stuck, saying why, where it cannot or may not be.

    erase names the chunks (DOMAIN/CHUNK, or DOMAIN for all of it) whose data may be destroyed: Redfish does not tell
    whether there are namespaces on a persistent chunk, so each is taken to hold some. discard_pending: an earlier goal
    that waits for the restart may be withdrawn.
    """
    chosen = _chosen(goal, seen)
    if isinstance(chosen, Stuck):
        return chosen
    allowed = {name.strip().lower() for name in erase}
    unknown = _unknown(allowed, seen)
    if unknown:
        return unknown
    open_domains = [d for d in chosen if not _is_met(goal, d, seen)]
    waiting = [t for t in seen.pending if any(_concerns(t.request, d) for d in chosen)]
    deletes: list[Request] = []
    posts: list[Request] = []
    erases: list[str] = []
    notes: list[str] = []
    for domain in open_domains:
        if stuck := _obstacle(goal, domain, seen):
            return stuck
        bodies = chunks_for(goal, domain, seen)
        if isinstance(bodies, Stuck):
            return bodies
        deletes += [Request("DELETE", chunk.path) for chunk in domain.chunks]
        erases += [f"{domain.id}/{chunk.id}" for chunk in domain.chunks if chunk.kind == "PMEM"]
        posts += [Request("POST", domain.chunks_path, body) for body in bodies]
        notes += [f"{m.name}: {m.note}" for p in domain.modules if (m := seen.modules.get(p)) and m.note]
    requests = (*deletes, *posts)
    if waiting:
        if _same_requests([t.request for t in waiting], requests):
            return GoalPlan(pending=True, notes=tuple(notes))
        if not discard_pending:
            return Stuck(
                f"another goal waits for the restart ({len(waiting)} tasks: {_told(waiting)})",
                "restart the host so that it takes effect, or withdraw it (--discard-pending)",
            )
        requests = (*(Request("DELETE", t.path) for t in waiting), *requests)
    forbidden = [name for name in erases if not {name.lower(), name.split("/")[0].lower()} & allowed]
    if forbidden:
        return NeedsConsent(
            f"it would erase {', '.join(_shown(name, seen) for name in forbidden)}, and whatever namespaces are on it",
            "save the data, then name each: " + " ".join(f"--erase {name}" for name in forbidden),
        )
    return GoalPlan(requests, tuple(erases), False, tuple(notes))


@dataclass(frozen=True, slots=True)
class NeedsConsent(Stuck):
    """Stuck because data would be destroyed that nobody named."""


@dataclass(frozen=True, slots=True)
class GoalState:
    """met, pending (a restart applies it), failed (the firmware said why), dropped (it said nothing) or unset; and why."""

    kind: Literal["met", "pending", "failed", "dropped", "unset"]
    why: str = ""


def state_of(goal: Goal, seen: Persistent) -> GoalState:
    """Where a goal stands, also after the restart that should have applied it."""
    chosen = _chosen(goal, seen)
    if isinstance(chosen, Stuck):
        return GoalState("unset", chosen.reason)
    open_domains = [d for d in chosen if not _is_met(goal, d, seen)]
    if not open_domains and not any(_concerns(t.request, d) for t in seen.pending for d in chosen):
        return GoalState("met", f"{goal.text} on {', '.join(d.id for d in chosen)}")
    concerned = [t for t in seen.tasks if any(_concerns(t.request, d) for d in open_domains or chosen)]
    waiting = [t for t in concerned if t.outcome in ("waiting", "working")]
    if waiting:
        return GoalState("pending", f"{len(waiting)} tasks wait for the restart: {_told(waiting)}")
    # A BMC keeps old tasks: only those that asked for this goal tell of it.
    asked = {_comparable(Request("POST", d.chunks_path, body)) for d in open_domains for body in _told_bodies(goal, d, seen)}
    concerned = [t for t in concerned if _comparable(t.request) in asked]
    failed = [t for t in concerned if t.outcome == "failed"]
    where = ", ".join(f"{d.id} has {_laid_out(d)}" for d in open_domains)
    if failed:
        said = "; ".join(dict.fromkeys(t.said for t in failed if t.said)) or "without a reason"
        return GoalState("failed", f"the firmware refused it: {said} ({where})")
    if any(t.outcome == "done" for t in concerned):
        return GoalState("dropped", f"the tasks are completed, and it is not so: {where}; see the firmware's event log")
    return GoalState("unset", where)


def _chosen(goal: Goal, seen: Persistent) -> tuple[Domain, ...] | Stuck:
    """The domains that the goal is about, of those that have persistent modules."""
    if not 0 <= goal.memory_percent <= 100:
        return Stuck(f"{goal.memory_percent}% is no share", "give 0 to 100")
    present = tuple(d for d in seen.domains if d.modules)
    if not present:
        return Stuck(
            "the BMC shows no memory domain with persistent memory",
            "see that modules are there and the host has been through POST; else use ipmctl on the host",
        )
    wanted = {name.lower() for name in goal.domains}
    chosen = tuple(d for d in present if not wanted or d.id.lower() in wanted)
    if len(chosen) < len(wanted):
        missing = wanted - {d.id.lower() for d in chosen}
        return Stuck(f"there is no memory domain {', '.join(sorted(missing))}; there are {', '.join(d.id for d in present)}")
    return chosen


def _obstacle(goal: Goal, domain: Domain, seen: Persistent) -> Stuck | None:
    modules = [seen.modules[path] for path in domain.modules if path in seen.modules]
    for module in modules:
        if module.security in ("Locked", "Passphraselimit"):
            return Stuck(f"{module.name} is locked ({module.security})", "unlock it with its passphrase, in the firmware's setup")
        if module.health == "Critical" or module.state in ("Disabled", "UnavailableOffline"):
            told = module.health if module.health == "Critical" else module.state
            return Stuck(f"{module.name} is not fit: {told}", "replace the module, or see the BMC's event log")
    if domain.creatable is False or not domain.chunks_path:
        return Stuck(f"{domain.id} does not allow chunks to be made", "use ipmctl on the host, or the firmware's setup")
    sizes = {m.mib for m in modules if m.mib}
    if goal.interleaved and goal.memory_percent < 100 and len(sizes) > 1:
        listed = ", ".join(f"{m.name} {m.mib} MiB" for m in modules)
        return Stuck(f"modules of different sizes cannot be interleaved: {listed}", "choose not interleaved, or equal modules")
    if goal.mode == "mixed" and "Gen10 Plus" in seen.model:
        # PMem 200 series; iLOrest's provisionpmm refuses anything but 0 and 100 there.
        return Stuck(f"{seen.model} takes only 0% or 100% Memory Mode, not {goal.memory_percent}%")
    return None


def _told_bodies(goal: Goal, domain: Domain, seen: Persistent) -> list[dict[str, object]]:
    bodies = chunks_for(goal, domain, seen)
    return [] if isinstance(bodies, Stuck) else bodies


def _is_met(goal: Goal, domain: Domain, seen: Persistent) -> bool:
    persistent = [c for c in domain.chunks if c.kind == "PMEM" and (c.percent != 0 if c.percent is not None else c.mib > 0)]
    if goal.memory_percent == 100:
        # Volatile chunks need not be shown; without any, only the modules tell whether they are set up at all.
        return not persistent and _is_volatile(domain, seen)
    sets = sets_for(goal, domain)
    if isinstance(sets, Stuck) or {frozenset(c.modules) for c in persistent} != {frozenset(s) for s in sets}:
        return False
    return len(persistent) == len(sets) and all(_share(c, seen, 100 - goal.memory_percent) for c in persistent)


def _is_volatile(domain: Domain, seen: Persistent) -> bool:
    modules = [seen.modules[path] for path in domain.modules if path in seen.modules]
    if any(m.persistent_mib or m.volatile_mib == 0 for m in modules):
        return False
    if modules and all(m.volatile_mib for m in modules):
        return True
    if any(c.kind == "Volatile" for c in domain.chunks):
        return True
    # The modules tell nothing: then what was last done to them does.
    done = [t for t in seen.tasks if t.outcome == "done" and t.request.method == "POST" and _concerns(t.request, domain)]
    return bool(done) and _percent(done[-1].request) == 0


def _percent(request: Request) -> object:
    value: object = request.body or {}
    for key in ("Oem", "Hpe", "MemoryChunkSizePercentage"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _share(chunk: Chunk, seen: Persistent, percent: int) -> bool:
    """The chunk takes that share of its modules, as near as it can be told."""
    if chunk.percent is not None:
        return abs(chunk.percent - percent) <= TOLERANCE
    whole = sum(seen.modules[path].mib for path in chunk.modules if path in seen.modules)
    return bool(whole) and abs(100 * chunk.mib / whole - percent) <= TOLERANCE


def _concerns(request: Request, domain: Domain) -> bool:
    return bool(domain.chunks_path) and _key(request.path).startswith(_key(domain.chunks_path))


def _same_requests(one: Iterable[Request], other: Iterable[Request]) -> bool:
    return sorted(map(_comparable, one)) == sorted(map(_comparable, other))


def _comparable(request: Request) -> str:
    body = request.body or {}
    sets = body.get("InterleaveSets")
    modules = sorted(_key(_memory(s)) for s in sets if isinstance(s, Mapping)) if isinstance(sets, list | tuple) else []
    size = body.get("MemoryChunkSizeMiB"), body.get("Oem")
    return f"{request.method} {_key(request.path)} {body.get('AddressRangeType')} {size} {modules}"


def _memory(one: Mapping[str, object]) -> str:
    memory = one.get("Memory")
    return str(memory.get("@odata.id", "")) if isinstance(memory, Mapping) else ""


def _key(path: str) -> str:
    """A path to compare: iLO writes it with and without a slash, and with the query of the request."""
    return path.split("?")[0].rstrip("/").lower()


def _unknown(allowed: set[str], seen: Persistent) -> Stuck | None:
    known = {d.id.lower() for d in seen.domains} | {f"{d.id}/{c.id}".lower() for d in seen.domains for c in d.chunks}
    if wrong := sorted(allowed - known):
        listed = ", ".join(f"{d.id}/{c.id}" for d in seen.domains for c in d.chunks) or "no chunks"
        return Stuck(f"nothing to erase is named {', '.join(wrong)}; there are {listed}", "correct the name: nothing was done")
    return None


def _shown(name: str, seen: Persistent) -> str:
    chunk = next(c for d in seen.domains for c in d.chunks if f"{d.id}/{c.id}" == name)
    return f"{name} ({chunk.mib} MiB on {', '.join(_module_name(p, seen) for p in chunk.modules)})"


def _module_name(path: str, seen: Persistent) -> str:
    module = seen.modules.get(path)
    return module.name if module else path.rstrip("/").rsplit("/", 1)[-1]


def _laid_out(domain: Domain) -> str:
    if not domain.chunks:
        return "no chunks"
    return ", ".join(f"{c.kind} {c.mib} MiB on {len(c.modules)} modules" for c in domain.chunks)


def _told(tasks: Iterable[ChunkTask]) -> str:
    return ", ".join(f"{t.request.method} {t.request.path.rstrip('/').rsplit('/', 1)[-1]}" for t in tasks)
