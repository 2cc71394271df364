"""Goals for persistent memory: the requests of HPE's own tests, nothing erased without consent, and what became of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bpa.core.persistent_memory import Chunk, ChunkTask, Domain, Module, Persistent
from bpa.core.pmem_goal import Goal, GoalPlan, plan_goal, state_of
from bpa.core.request import Request
from bpa.core.verdict import Stuck

SYSTEM = "/redfish/v1/Systems/1"
GIB = 1024


def module(socket: int, slot: int) -> str:
    return f"{SYSTEM}/Memory/proc{socket}dimm{slot}/"


def domain(socket: int, *chunks: Chunk, **more: Any) -> Domain:
    a, b = module(socket, 6), module(socket, 7)
    path = f"{SYSTEM}/MemoryDomains/PROC{socket}MemoryDomain/"
    return Domain(path, f"PROC{socket}MemoryDomain", f"{path}MemoryChunks/", ((a, b), (a,), (b,)), chunks, **more)


def chunk(socket: int, name: str, *slots: int, percent: int | None = 100, kind: str = "PMEM", mib: int = 0) -> Chunk:
    path = f"{SYSTEM}/MemoryDomains/PROC{socket}MemoryDomain/MemoryChunks/{name}/"
    mib = mib or (percent or 0) * 256 * GIB // 100 * len(slots)
    return Chunk(path, name, kind, mib, tuple(module(socket, s) for s in slots), percent)


def machine(*domains: Domain, **more: Any) -> Persistent:
    modules = {m: Module(m, m.rsplit("/", 2)[1], 256 * GIB, "OK", "Enabled") for d in domains for m in d.modules}
    return Persistent(domains, modules, **{"percentages": True, "model": "ProLiant DL380 Gen10", **more})


def plan(goal: Goal, seen: Persistent, *erase: str, **more: Any) -> GoalPlan:
    made = plan_goal(goal, seen, erase, **more)
    assert isinstance(made, GoalPlan), made
    return made


def stuck(goal: Goal, seen: Persistent, *erase: str, **more: Any) -> str:
    made = plan_goal(goal, seen, erase, **more)
    assert isinstance(made, Stuck), made
    return f"{made.reason} | {made.advice}"


def hpe(percent: int, *modules: str) -> dict[str, Any]:
    return {"AddressRangeType": "PMEM", "Oem": {"Hpe": {"MemoryChunkSizePercentage": percent}},
            "InterleaveSets": [{"Memory": {"@odata.id": m}} for m in modules]}


@pytest.mark.parametrize(
    ("goal", "bodies"),
    [
        (Goal(0, True), [hpe(100, module(2, 6), module(2, 7))]),
        (Goal(0, False), [hpe(100, module(2, 6)), hpe(100, module(2, 7))]),
        (Goal(100), [hpe(0, module(2, 6), module(2, 7))]),
        (Goal(50, True), [hpe(50, module(2, 6), module(2, 7))]),
        (Goal(25, False), [hpe(75, module(2, 6)), hpe(75, module(2, 7))]),
    ],
    ids=["App Direct interleaved", "App Direct not interleaved", "Memory Mode", "half", "a quarter, not interleaved"],
)
def test_the_bodies_for_hpe_are_those_of_its_own_tool(goal: Goal, bodies: list[dict[str, Any]]) -> None:
    assert [r.body for r in plan(goal, machine(domain(2))).requests] == bodies


def test_all_sockets_are_set_unless_some_are_named() -> None:
    seen = machine(domain(1), domain(2))
    assert [r.path for r in plan(Goal(), seen).requests] == [d.chunks_path for d in seen.domains]
    assert [r.path for r in plan(Goal(domains=("proc2memorydomain",)), seen).requests] == [seen.domains[1].chunks_path]
    assert "no memory domain proc3; there are PROC1MemoryDomain, PROC2MemoryDomain" in stuck(Goal(domains=("PROC3",)), seen)


def test_nothing_is_erased_that_was_not_named() -> None:
    seen = machine(domain(1, chunk(1, "1", 6), chunk(1, "2", 7)))
    assert "it would erase PROC1MemoryDomain/1 (262144 MiB on proc1dimm6), PROC1MemoryDomain/2" in stuck(Goal(), seen)
    assert "--erase PROC1MemoryDomain/2" in stuck(Goal(), seen, "PROC1MemoryDomain/1")
    made = plan(Goal(), seen, "PROC1MemoryDomain/1", "proc1memorydomain/2")
    assert made.erases == ("PROC1MemoryDomain/1", "PROC1MemoryDomain/2")
    assert [r.method for r in made.requests] == ["DELETE", "DELETE", "POST"]
    assert plan(Goal(), seen, "PROC1MemoryDomain") == made
    assert "nothing to erase is named all" in stuck(Goal(), seen, "all")


def test_every_delete_precedes_every_post() -> None:
    seen = machine(domain(1, chunk(1, "1", 6, 7, percent=50)), domain(2, chunk(2, "1", 6, 7, percent=50)))
    made = plan(Goal(0, False), seen, *(d.id for d in seen.domains))
    assert [r.method for r in made.requests] == ["DELETE", "DELETE", "POST", "POST", "POST", "POST"]


@pytest.mark.parametrize(
    ("goal", "chunks", "met"),
    [
        (Goal(0, True), [chunk(1, "1", 6, 7)], True),
        (Goal(0, True), [chunk(1, "1", 7, 6, percent=99)], True),
        (Goal(0, True), [chunk(1, "1", 6, 7, percent=50)], False),
        (Goal(0, True), [chunk(1, "1", 6), chunk(1, "2", 7)], False),
        (Goal(0, False), [chunk(1, "1", 6), chunk(1, "2", 7)], True),
        (Goal(0, False), [chunk(1, "1", 6)], False),
        (Goal(50, False), [chunk(1, "1", 6, percent=50), chunk(1, "2", 7, percent=50)], True),
        (Goal(0, True), [chunk(1, "1", 6, 7, percent=None, mib=512 * GIB)], True),
        (Goal(0, True), [chunk(1, "1", 6, 7, percent=None, mib=256 * GIB)], False),
        (Goal(0, True), [], False),
        (Goal(100), [], False),
    ],
)
def test_what_is_so_already_needs_nothing(goal: Goal, chunks: list[Chunk], met: bool) -> None:
    seen = machine(domain(1, *chunks))
    assert (plan(goal, seen, "PROC1MemoryDomain").requests == ()) is met
    assert (state_of(goal, seen).kind == "met") is met


@pytest.mark.parametrize(("persistent", "volatile", "met"), [(0, 262144, True), (131072, 131072, False), (0, 0, False)])
def test_memory_mode_is_told_by_the_modules(persistent: int, volatile: int, met: bool) -> None:
    seen = machine(domain(1))
    told = {p: replace(m, persistent_mib=persistent, volatile_mib=volatile) for p, m in seen.modules.items()}
    assert (state_of(Goal(100), replace(seen, modules=told)).kind == "met") is met


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"security": "Locked"}, "proc1dimm6 is locked"),
        ({"health": "Critical"}, "proc1dimm6 is not fit: Critical"),
        ({"state": "Disabled"}, "proc1dimm6 is not fit: Disabled"),
        ({"mib": 128 * GIB}, "modules of different sizes cannot be interleaved: proc1dimm6 131072 MiB, proc1dimm7 262144 MiB"),
    ],
)
def test_a_module_that_is_not_fit_stops_the_plan(change: dict[str, Any], said: str) -> None:
    seen = machine(domain(1))
    modules = dict(seen.modules) | {module(1, 6): replace(seen.modules[module(1, 6)], **change)}
    assert said in stuck(Goal(), replace(seen, modules=modules))


def test_what_a_domain_does_not_offer_is_told() -> None:
    assert "does not allow chunks" in stuck(Goal(), machine(domain(1, creatable=False)))
    assert "shows no memory domain with persistent memory" in stuck(Goal(), Persistent())
    whole = domain(1)
    assert "does not offer each of its modules alone" in stuck(Goal(0, False), machine(replace(whole, sets=whole.sets[:2])))
    assert "cannot interleave all of its 2 modules, 1 at most" in stuck(Goal(), machine(replace(whole, sets=whole.sets[1:])))
    assert "takes only 0% or 100%" in stuck(Goal(50), machine(whole, model="ProLiant DL360 Gen10 Plus"))
    assert "101% is no share" in stuck(Goal(101), machine(whole))


def test_other_vendors_get_sizes_in_mib_and_volatile_chunks() -> None:
    seen = machine(domain(1, increment_mib=GIB, min_mib=GIB), percentages=False)
    (one,) = plan(Goal(), seen).requests
    assert one.body == {"AddressRangeType": "PMEM", "MemoryChunkSizeMiB": 512 * GIB, "InterleaveSets": [
        {"Memory": {"@odata.id": module(1, 6)}}, {"Memory": {"@odata.id": module(1, 7)}}]}
    half = [(r.body["AddressRangeType"], r.body["MemoryChunkSizeMiB"]) for r in plan(Goal(33, False), seen).requests if r.body]
    assert half == [("PMEM", 171 * GIB), ("Volatile", 85 * GIB)] * 2
    (memory,) = plan(Goal(100), seen).requests
    assert memory.body is not None
    assert memory.body["AddressRangeType"] == "Volatile"
    small = machine(domain(1, min_mib=600 * GIB), percentages=False)
    assert "less than PROC1MemoryDomain can make" in stuck(Goal(), small)
    unsized = replace(seen, modules={p: replace(m, mib=0) for p, m in seen.modules.items()})
    assert "does not tell the size" in stuck(Goal(), unsized)


def task(request: Request, outcome: str = "waiting", said: str = "", number: int = 7) -> ChunkTask:
    return ChunkTask(f"/redfish/v1/TaskService/Tasks/{number}/", request, outcome, said)


def test_a_goal_that_waits_for_the_restart_is_not_sent_again() -> None:
    seen = machine(domain(1, chunk(1, "1", 6)))
    made = plan(Goal(), seen, "PROC1MemoryDomain")
    # iLO keeps the request as it was sent, with the query of the collection.
    kept = [replace(r, path=r.path.rstrip("/") + "?$expand=.") for r in made.requests]
    waiting = replace(seen, tasks=tuple(task(r, number=n) for n, r in enumerate(kept)))
    assert plan(Goal(), waiting) == GoalPlan(pending=True)
    assert plan(Goal(), waiting).restart
    assert state_of(Goal(), waiting).kind == "pending"


def test_another_goal_that_waits_is_withdrawn_only_when_told() -> None:
    seen = machine(domain(1))
    other = plan(Goal(100), seen).requests
    waiting = replace(seen, tasks=tuple(task(r) for r in other))
    assert "another goal waits for the restart (1 tasks: POST MemoryChunks)" in stuck(Goal(), waiting)
    made = plan(Goal(), waiting, discard_pending=True)
    assert [(r.method, r.path) for r in made.requests] == [
        ("DELETE", "/redfish/v1/TaskService/Tasks/7/"), ("POST", seen.domains[0].chunks_path)]


def test_after_the_restart_it_is_told_what_became_of_the_goal() -> None:
    seen = machine(domain(1))
    (request,) = plan(Goal(), seen).requests

    def after(outcome: str, said: str = "", *chunks: Chunk) -> Any:
        return state_of(Goal(), replace(machine(domain(1, *chunks)), tasks=(task(request, outcome, said),)))

    assert after("done", "", chunk(1, "1", 6, 7)).kind == "met"
    assert after("failed", "population rules are violated").why.startswith(
        "the firmware refused it: population rules are violated (PROC1MemoryDomain has no chunks)")
    dropped = after("done", "", chunk(1, "1", 6, percent=50))
    assert (dropped.kind, dropped.why[:39]) == ("dropped", "the tasks are completed, and it is not ")
    assert state_of(Goal(), seen).kind == "unset"


def test_memory_mode_on_modules_that_tell_nothing_is_believed_to_the_task() -> None:
    seen = machine(domain(1))
    (request,) = plan(Goal(100), seen).requests
    assert state_of(Goal(100), replace(seen, tasks=(task(request, "done"),))).kind == "met"
    (request,) = plan(Goal(), seen).requests
    assert state_of(Goal(100), replace(seen, tasks=(task(request, "done"),))).kind == "unset"
