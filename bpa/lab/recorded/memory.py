"""Persistent memory: MemoryDomains and MemoryChunks, as HPE's iLO 5 serves them (fixtures of ilorest, redfishdocs)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpa.lab.errors import LabError
from bpa.lab.recorded.exchange import Doc, Reply

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine


def overlay(machine: Machine, folder: Path) -> None:
    """Put the recorded fixtures of a machine with PMem over the first System. Raises LabError."""
    if not machine.hosts:
        raise LabError("a machine without a System has no persistent memory")
    store, system = machine.store, machine.hosts[0].path
    try:
        domains = json.loads((folder / "MemoryDomains.json").read_bytes())
        chunks = json.loads((folder / "MemoryChunks.PROC1.json").read_bytes())
    except (OSError, ValueError) as error:
        raise LabError(f"the PMem fixtures in {folder} cannot be read: {error}") from None
    moved = json.loads(json.dumps([domains, chunks]).replace("/redfish/v1/Systems/1/", f"{system}/"))
    domains, chunks = moved
    collection = str(domains["@odata.id"]).rstrip("/")
    for domain in domains["Members"]:
        path = str(domain["@odata.id"]).rstrip("/")
        store.put(path, domain)
        mine = [c for c in chunks if str(c["@odata.id"]).startswith(path)]
        for chunk in mine:
            store.put(chunk["@odata.id"], chunk)
        store.put(f"{path}/MemoryChunks", {
            "@odata.id": f"{path}/MemoryChunks", "@odata.type": "#MemoryChunksCollection.MemoryChunksCollection",
            "Name": "Memory Chunks Collection", "Members": [{"@odata.id": c["@odata.id"]} for c in mine],
            "Members@odata.count": len(mine),
        })
        for path in {m for s in domain["InterleavableMemorySets"] for m in map(store.link, s["MemorySet"])}:
            _add_dimm(machine, system, path)
    store.put(collection, domains | {"Members": [{"@odata.id": d["@odata.id"]} for d in domains["Members"]]})
    store.edit(system)["MemoryDomains"] = {"@odata.id": collection}


def chunks(machine: Machine) -> dict[str, Doc]:
    """Path -> MemoryChunks resource, of all domains."""
    store, found = machine.store, {}
    for host in machine.hosts:
        for domain in store.members(store.link(host.doc, "MemoryDomains")):
            for path in store.members(store.link(store.get(domain), "MemoryChunks")):
                found[path] = store.get(path) or {}
    return found


def create(machine: Machine, collection: str, body: Doc) -> Reply:
    """POST of a chunk: a task keeps it until the next restart."""
    say, store = machine.say, machine.store
    if not isinstance(body.get("InterleaveSets"), list) or not body["InterleaveSets"]:
        return say.error("PropertyMissing", "InterleaveSets", related=("InterleaveSets",))
    if body.get("AddressRangeType") not in ("PMEM", "Volatile", "Block"):
        return say.error("PropertyValueNotInList", body.get("AddressRangeType"), "AddressRangeType")
    dimms = [store.link(s, "Memory") for s in body["InterleaveSets"] if isinstance(s, dict)]
    wanted = {store.key(d) for d in dimms}
    domain = store.get(collection.rstrip("/").rsplit("/", 1)[0]) or {}
    offered = [{store.key(store.link(m)) for m in s.get("MemorySet", [])}
               for s in domain.get("InterleavableMemorySets", [])]
    if wanted not in offered:
        return say.error("PropertyValueNotInList", ", ".join(dimms), "InterleaveSets", related=("InterleaveSets",))
    going = {store.key(p["TargetUri"]) for p in _payloads(machine) if p["HttpOperation"] == "DELETE"}
    taken = {store.key(store.link(s, "Memory")) for c in store.members(collection) if store.key(c) not in going
             for s in (store.get(c) or {}).get("InterleaveSets", [])}
    if wanted & taken:
        return say.error("ResourceInUse")
    # As iLO keeps it, and ilorest reads it: a task whose payload is the request; deleting the task takes it back.
    task = machine.tasks.start("MemoryChunks Create", target=collection, body=body)
    machine.at_restart(lambda: _made(machine, collection, body, dimms, task))
    return machine.tasks.accepted(task)


def remove(machine: Machine, path: str) -> Reply:
    """DELETE of a chunk: done at the next restart."""
    task = machine.tasks.start("MemoryChunks Delete", target=path, operation="DELETE")
    machine.at_restart(lambda: _gone(machine, path, task))
    return machine.tasks.accepted(task)


def _made(machine: Machine, collection: str, body: Doc, dimms: list[str], task: str) -> None:
    store = machine.store
    if not store.has(task):
        return
    if machine.on("dropped-memory-goal"):
        machine.tasks.finish(task)
        return
    percent = _percent(body)
    sizes = [int((store.get(d) or {}).get("CapacityMiB") or 0) * percent // 100 for d in dimms]
    if percent:
        number = 1 + max((int(p.rstrip("/").rsplit("/", 1)[-1]) for p in store.members(collection)
                          if p.rstrip("/").rsplit("/", 1)[-1].isdecimal()), default=0)
        path = f"{collection.rstrip('/')}/{number}/"
        store.put(path, {
            "@odata.id": path, "@odata.type": "#MemoryChunks.v1_2_2.MemoryChunks", "@odata.etag": 'W/""',
            "Id": str(number), "Name": "MemoryChunk", "Description": "Memory Chunk",
            "AddressRangeType": body["AddressRangeType"], "IsMirrorEnabled": False, "IsSpare": False,
            "MemoryChunkSizeMiB": sum(sizes),
            "InterleaveSets": [{"Memory": {"@odata.id": d}, "RegionId": str(number), "SizeMiB": s}
                               for d, s in zip(dimms, sizes, strict=True)],
            "Oem": {"Hpe": {"@odata.type": "#HpeMemoryChunksExt.v2_1_0.HpeMemoryChunksExt",
                            "MemoryChunkSizePercentage": percent}},
        })
        store.join(collection, path)
    for dimm, size in zip(dimms, sizes, strict=True):
        if store.has(dimm):
            doc = store.edit(dimm)
            doc["PersistentRegionSizeLimitMiB" if "PersistentRegionSizeLimitMiB" in doc else "NonVolatileSizeMiB"] = size
    machine.tasks.finish(task)


def _gone(machine: Machine, path: str, task: str) -> None:
    if not machine.store.has(task):
        return
    if not machine.on("dropped-memory-goal") and machine.store.has(path):
        machine.store.remove(path)
        machine.store.leave(path.rstrip("/").rsplit("/", 1)[0], path)
    machine.tasks.finish(task)


def _payloads(machine: Machine) -> list[Doc]:
    """The requests that still wait for a restart."""
    docs = (machine.store.get(p) or {} for p in machine.tasks.paths)
    return [d["Payload"] for d in docs if d.get("TaskState") == "New" and isinstance(d.get("Payload"), dict)]


def _percent(body: Doc) -> int:
    told: Any = body.get("Oem")
    for name in ("Hpe", "MemoryChunkSizePercentage"):
        told = told.get(name) if isinstance(told, dict) else None
    return told if isinstance(told, int) else 100


def _add_dimm(machine: Machine, system: str, path: str) -> None:
    """A 256 GiB module of Intel Optane where the tree has none at that path."""
    store, ident = machine.store, path.rstrip("/").rsplit("/", 1)[-1]
    collection = store.link(store.get(system), "Memory") or f"{system}/Memory"
    listed = {store.key(p) for p in store.members(collection)}
    store.put(path, {
        "@odata.id": path, "@odata.type": "#Memory.v1_7_0.Memory", "Id": ident, "Name": ident,
        "DeviceLocator": ident.upper().replace("PROC", "PROC ").replace("DIMM", " DIMM "),
        "MemoryType": "IntelOptane", "MemoryDeviceType": "DDR4", "BaseModuleType": "PMM", "CapacityMiB": 262144,
        "OperatingMemoryModes": ["PMEM"], "Manufacturer": "Intel", "SecurityCapabilities": {},
        "Status": {"Health": "OK", "State": "Enabled"},
        "Oem": {"Hpe": {"@odata.type": "#HpeMemoryExt.v2_5_0.HpeMemoryExt", "DIMMStatus": "GoodInUse",
                        "ProductName": "Intel Optane Persistent Memory"}},
    })
    if store.has(collection) and store.key(path) not in listed:
        store.join(collection, path)
