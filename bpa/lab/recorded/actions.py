"""POST: what the recorded machine announces as actions, and the collections that take new members."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from bpa.lab.recorded import accounts, bios, events, media, memory
from bpa.lab.recorded.exchange import Doc, Reply, Request
from bpa.lab.recorded.host import Host
from bpa.lab.recorded.patching import kind

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

Act = Callable[["Machine", str, Doc], Reply]
RESET_TYPES = ("On", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart", "Nmi", "ForceOn",
               "PushPowerButton", "PowerCycle", "FullPowerCycle")


def post(machine: Machine, request: Request) -> Reply:
    """POST, once it is known who asks. Raises Refusal."""
    say, store = machine.say, machine.store
    # POST to a collection's Members is POST to the collection (DSP0266, 7.9).
    where = request.where.rstrip("/").removesuffix("/Members")
    body = request.body if isinstance(request.body, dict) else {}
    if "/Actions/" in where or "/actions/" in where:
        return _act(machine, where, body)
    if store.key(where) == store.key(machine.gate.collection):
        return machine.gate.log_in(request)
    doc = store.get(where)
    if doc is None:
        return say.error("ResourceMissingAtURI", where)
    what = kind(doc)
    if machine.gate.accounts and store.key(where) == store.key(machine.gate.accounts):
        return accounts.create(machine, body)
    if what == "EventDestinationCollection":
        return events.subscribe(machine, where, body)
    if what == "MemoryChunksCollection":
        return memory.create(machine, where, body)
    if where == machine.tasks.jobs:
        return _make_job(machine, body)
    if what == "VolumeCollection":
        return say.error("ActionNotActed", "making a volume")
    return say.error("OperationNotAllowed", Allow=machine.allow(where))


def delete(machine: Machine, where: str) -> Reply:
    """DELETE. Raises Refusal."""
    store = machine.store
    doc = store.get(where)
    if doc is None:
        return machine.say.error("ResourceMissingAtURI", where)
    if machine.gate.log_out(where):
        return machine.gone()
    parent = where.rsplit("/", 1)[0]
    what = kind(doc)
    if what == "ManagerAccount":
        return accounts.remove(machine, where)
    if what == "MemoryChunks":
        return memory.remove(machine, where)
    if what in ("Task", "DellJob", "Job"):
        ident = where.rsplit("/", 1)[-1]
        for host in machine.hosts:
            if host.job.rsplit("/", 1)[-1] == ident:
                host.job = ""
                bios.forget(host)
        machine.tasks.delete(ident)
        return machine.gone()
    if what == "EventDestination":
        store.remove(where)
        store.leave(parent, where)
        return machine.gone()
    return machine.say.error("OperationNotAllowed", Allow=machine.allow(where))


def targets(doc: Any) -> Iterator[tuple[str, Doc]]:
    """Name and object of every action that a resource announces, its vendor's too."""
    if isinstance(doc, dict):
        for name, value in doc.items():
            if isinstance(value, dict):
                if isinstance(value.get("target"), str) and name != "Links":
                    yield name.rsplit("#", 1)[-1], value
                elif name in ("Actions", "Oem") or not value.get("@odata.id"):
                    yield from targets(value)


def _act(machine: Machine, where: str, body: Doc) -> Reply:
    store, say = machine.store, machine.say
    resource = where[: where.lower().index("/actions/")]
    name, action = _announced(machine, resource, where)
    if action is None:
        if not store.has(resource):
            return say.error("ResourceMissingAtURI", where)
        return say.error("ActionNotSupported", where.rsplit("/", 1)[-1], status=404)
    act = ACTS.get(name) or ACTS.get(name.split(".")[-1])
    if act is None:
        return say.error("ActionNotActed", name)
    reset = body.get("ResetType")
    allowed = _values(machine, action, "ResetType")
    if reset is not None and reset not in (allowed or RESET_TYPES):
        return say.error("ActionParameterValueNotInList", reset, "ResetType", name, related=("ResetType",))
    return act(machine, resource, body)


def _announced(machine: Machine, resource: str, where: str) -> tuple[str, Doc | None]:
    """The action with this target; iLO announces those of its BIOS settings in the Bios above them."""
    store = machine.store
    for path in (resource, resource.rsplit("/", 1)[0]):
        for name, action in targets(store.get(path)):
            if store.key(action["target"]) == store.key(where):
                return name, action
    return "", None


def _values(machine: Machine, action: Doc, name: str) -> list[Any]:
    listed = action.get(f"{name}@Redfish.AllowableValues")
    if isinstance(listed, list):
        return listed
    info = action.get("@Redfish.ActionInfo")
    told = (machine.store.get(info) or {}).get("Parameters") if isinstance(info, str) else None
    for one in told if isinstance(told, list) else ():
        if isinstance(one, dict) and one.get("Name") == name and isinstance(one.get("AllowableValues"), list):
            return list(one["AllowableValues"])
    return []


def _host(machine: Machine, path: str) -> Host | None:
    return next((h for h in machine.hosts if machine.store.key(path).startswith(machine.store.key(h.path))), None)


def _reset(machine: Machine, path: str, body: Doc) -> Reply:
    """ComputerSystem.Reset."""
    host, ways = _host(machine, path), machine.ways
    if host is None:
        return machine.say.error("ActionNotActed", "ComputerSystem.Reset")
    asked = body.get("ResetType") or "On"
    off = host.power == "Off"
    same = (asked == "On" and not off) or (off and asked in (
        "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart", "Nmi", "PowerCycle"))
    if same and ways.same_power:
        raise machine.say.vendor(ways.same_power, state=host.power.upper())
    if machine.on("power-stuck") or asked == "Nmi":
        return machine.done()
    if asked == "PushPowerButton":
        asked = "On" if off else "GracefulShutdown"
    if asked in ("ForceOff", "GracefulShutdown"):
        if not off:
            host.switch_off(machine.shutdown_seconds if asked == "GracefulShutdown" else 0)
    elif asked in ("On", "ForceOn"):
        if off:
            machine.restarting(host)
    else:
        machine.restarting(host)
    return machine.done()


def _reset_chassis(machine: Machine, path: str, body: Doc) -> Reply:
    """Chassis.Reset: of the first System in it."""
    return _reset(machine, machine.hosts[0].path, body) if machine.hosts else machine.done()


def _reset_manager(machine: Machine, path: str, body: Doc) -> Reply:
    """Manager.Reset: the BMC is gone for a while, its sessions for good."""
    machine.restart_bmc()
    return machine.done()


def _insert(machine: Machine, path: str, body: Doc) -> Reply:
    return media.insert(machine, path, body)


def _eject(machine: Machine, path: str, body: Doc) -> Reply:
    return media.eject(machine, path)


def _reset_bios(machine: Machine, path: str, body: Doc) -> Reply:
    host = _host(machine, path)
    return bios.reset_to_defaults(machine, host) if host else machine.done()


def _clear_pending(machine: Machine, path: str, body: Doc) -> Reply:
    host = _host(machine, path)
    if host and host.job:
        return machine.say.error("PendingConfig")
    if host:
        bios.forget(host)
    return machine.done()


def _clear_log(machine: Machine, path: str, body: Doc) -> Reply:
    store = machine.store
    entries = store.link(store.get(path), "Entries")
    if entries and store.get(entries) is not None:
        doc = store.edit(entries)
        doc["Members"], doc["Members@odata.count"] = [], 0
        doc.pop("Members@odata.nextLink", None)
    return machine.done()


def _reset_keys(machine: Machine, path: str, body: Doc) -> Reply:
    modes = {"DeleteAllKeys": "SetupMode", "DeletePK": "SetupMode", "ResetAllKeysToDefault": "UserMode"}
    doc = machine.store.edit(path)
    doc["SecureBootMode"] = modes.get(str(body.get("ResetKeysType")), doc.get("SecureBootMode"))
    return machine.done()


def _update(machine: Machine, path: str, body: Doc) -> Reply:
    if not body.get("ImageURI"):
        return machine.say.error("ActionParameterMissing", "SimpleUpdate", "ImageURI", related=("ImageURI",))
    task = machine.tasks.start("Firmware update", kind="FirmwareUpdate", state="Running")
    machine.time.after(machine.task_seconds, lambda: machine.tasks.finish(task))
    return machine.tasks.accepted(task)


def _nothing(machine: Machine, path: str, body: Doc) -> Reply:
    return machine.done()


def _delete_jobs(machine: Machine, path: str, body: Doc) -> Reply:
    """DellJobService.DeleteJobQueue."""
    store, ident = machine.store, str(body.get("JobID") or "")
    for one in store.members(machine.tasks.jobs):
        if ident.startswith("JID_CLEARALL") or one.endswith(f"/{ident}"):
            delete(machine, one)
    return machine.done()


def _make_job(machine: Machine, body: Doc) -> Reply:
    """POST to Dell's job queue: what is staged is committed."""
    host = _host(machine, str(body.get("TargetSettingsURI") or ""))
    if host is None or not host.pending:
        return machine.say.error("PropertyMissing" if host is None else "NoOperation", "TargetSettingsURI")
    if host.job:
        return machine.say.error("PendingConfig")
    reply = bios.schedule(machine, host)
    job = f"{machine.tasks.jobs}/{host.job.rsplit('/', 1)[-1]}"
    return Reply(200, machine.store.get(job), {"Location": job, **{k: v for k, v in reply.headers.items() if k != "Location"}})


ACTS: dict[str, Act] = {
    "ComputerSystem.Reset": _reset,
    "Chassis.Reset": _reset_chassis,
    "Manager.Reset": _reset_manager,
    "VirtualMedia.InsertMedia": _insert,
    "VirtualMedia.EjectMedia": _eject,
    "HpeiLOVirtualMedia.InsertVirtualMedia": _insert,
    "HpeiLOVirtualMedia.EjectVirtualMedia": _eject,
    "Bios.ResetBios": _reset_bios,
    "Bios.ChangePassword": _nothing,
    "DellManager.ClearPending": _clear_pending,
    "DellJobService.DeleteJobQueue": _delete_jobs,
    "LogService.ClearLog": _clear_log,
    "SecureBoot.ResetKeys": _reset_keys,
    "UpdateService.SimpleUpdate": _update,
    "EventService.SubmitTestEvent": events.submit_test,
}
