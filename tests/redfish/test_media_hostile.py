"""Slots and memory domains in which anything may be missing or of any type: reasons, and nothing but the four errors."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from media_stub import IMAGE, Box, reach, with_media
from stub_bmc import ROOT, Reply, StubBmc, serve
from test_pmem import generic

from bpa.adapters.errors import AdapterError
from bpa.adapters.redfish.media.inserting import plan_eject, plan_insert, slots
from bpa.adapters.redfish.media.ways import Medium
from bpa.adapters.redfish.pmem import read_persistent
from bpa.core.pmem_goal import Goal, plan_goal, state_of

GONE = object()
ODD: list[Any] = [
    GONE, None, 0, -1, True, "", "x\x1b[2J", [], [None, 7], {}, {"@odata.id": "http://elsewhere/x"}, 1e308, "/" * 2000,
]


def mutations(body: Any, odd: list[Any]) -> Iterator[Any]:
    """The body with each node in turn gone or something else."""

    def paths(value: Any, here: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            yield (*here, key)
            yield from paths(inner, (*here, key))

    for path in list(paths(body, ())):
        for value in odd:
            mutated = copy.deepcopy(body)
            place = mutated
            for key in path[:-1]:
                place = place[key]
            if value is GONE:
                del place[path[-1]]
            else:
                place[path[-1]] = value
            yield mutated


@pytest.mark.parametrize("way", ["action", "oem", "hp", "patch"])
def test_a_slot_may_be_anything(way: str) -> None:
    box = Box("CD", way=way, image=IMAGE)
    stub = with_media(box, Box("USB", types=["USBStick"]))
    inner = stub.fault
    whole = box.body()
    with serve(stub), reach(stub) as target:
        for body in mutations(whole, ODD):
            def fault(bmc: StubBmc, request: Any, body: Any = body) -> Reply | None:
                return Reply(200, body) if request.key == box.path.lower() else inner(bmc, request)

            stub.fault = fault
            for ask in (slots, plan_eject, lambda t: plan_insert(t, Medium(IMAGE), force=True, anew=True)):
                try:
                    ask(target)
                except AdapterError as error:
                    assert str(error).isprintable()
            assert all(s.id.isprintable() and s.image.isprintable() for s in slots(target))


@pytest.mark.parametrize("key", ["systems/1/memorydomains/d1", "systems/1/memorydomains/d1/memorychunks/1", "systems/1/memory/a"])
def test_a_memory_domain_may_be_anything(key: str) -> None:
    chunks = f"{ROOT}/Systems/1/MemoryDomains/D1/MemoryChunks"
    stub = generic({"@odata.id": f"{chunks}/1"})
    assert isinstance(stub.resources, dict)
    stub.resources[f"{chunks}/1".lower()] = {
        "Id": "1", "AddressRangeType": "PMEM", "MemoryChunkSizeMiB": 1024, "Oem": {"Hpe": {"MemoryChunkSizePercentage": 50}},
        "InterleaveSets": [{"Memory": {"@odata.id": f"{ROOT}/Systems/1/Memory/A"}, "SizeMiB": 1024}],
    }
    whole = stub.resources[f"{ROOT}/{key}"]
    with serve(stub), reach(stub) as target:
        for body in mutations(whole, ODD):
            stub.resources[f"{ROOT}/{key}"] = body
            try:
                seen = read_persistent(target)
            except AdapterError:
                continue
            for goal in (Goal(), Goal(50, False), Goal(100)):
                state_of(goal, seen)
                plan_goal(goal, seen, ["D1"], discard_pending=True)
