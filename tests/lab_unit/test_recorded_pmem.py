"""Persistent memory of a recorded machine is configured by chunks, at the next restart."""

from __future__ import annotations

import json

from recorded_tree import RECORDED, ROOT, needs_trees, recorded, reset

HPE = "hpe-dl385g10plusv2-ilo5-2.72"
PMEM = RECORDED / "hpe-ilo5-optane-pmem-fixtures"


@needs_trees
def test_persistent_memory_is_configured_at_the_next_restart() -> None:
    client = recorded(HPE, pmem=PMEM)
    before = client.machine.chunks
    assert len(before) == 2
    bodies = json.loads((PMEM / "expected-post-bodies.json").read_bytes())
    chunks = f"{ROOT}/Systems/1/MemoryDomains/PROC2MemoryDomain/MemoryChunks"
    accepted = client.post(chunks, bodies["AppDirectInterleaved"][0])
    assert accepted.status == 202
    task = client.json(accepted.body["@odata.id"])
    assert task["TaskState"] == "New" and json.loads(task["Payload"]["JsonBody"]) == bodies["AppDirectInterleaved"][0]
    assert client.machine.chunks == before
    reset(client)
    [made] = [c for p, c in client.machine.chunks.items() if p not in before]
    assert made["MemoryChunkSizeMiB"] == 2 * 262144 and len(made["InterleaveSets"]) == 2
    assert client.json(accepted.body["@odata.id"])["TaskState"] == "Completed"
    assert client.post(chunks, bodies["AppDirectNotInterleaved"][0]).status == 409


@needs_trees
def test_a_chunk_is_removed_at_the_next_restart_unless_its_task_is_taken_back() -> None:
    client = recorded(HPE, pmem=PMEM)
    first, second = client.machine.chunks
    client.delete(first)
    taken_back = client.delete(second).body["@odata.id"]
    assert client.delete(taken_back).status == 200
    reset(client)
    assert list(client.machine.chunks) == [second]


@needs_trees
def test_a_goal_for_memory_is_forgotten() -> None:
    client = recorded(HPE, pmem=PMEM, on=("dropped-memory-goal",))
    first = next(iter(client.machine.chunks))
    client.delete(first)
    reset(client)
    assert first in client.machine.chunks
