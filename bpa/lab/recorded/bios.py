"""BIOS settings: staged, checked by the tree's own registry, applied at the end of the next POST."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bpa.lab.recorded.exchange import Doc, Refusal, Reply
from bpa.lab.recorded.host import Host
from bpa.lab.recorded.registry import locked, rules

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

APPLY = "@Redfish.SettingsApplyTime"


def patch(machine: Machine, host: Host, path: str, body: Doc) -> Reply:
    """PATCH on the settings, or on the Bios itself where this machine has no settings."""
    say = machine.say
    if machine.store.key(path) == machine.store.key(host.bios_path) and host.settings_path:
        return say.error("PropertyNotWritable", "Attributes", related=("Attributes",))
    if host.in_post and (machine.ways.post_lock or machine.on("post-lock")):
        return say.error("InPost")
    unknown = [n for n in body if n not in ("Attributes", APPLY) and not n.startswith("@odata.")]
    if unknown:
        return say.error("PropertyUnknown", unknown[0], related=(unknown[0],))
    wanted = body.get("Attributes")
    if not isinstance(wanted, dict):
        return say.error("PropertyMissing" if wanted is None else "PropertyValueTypeError", "Attributes", "Attributes",
                         related=("Attributes",))
    when = _apply_time(machine, host, body)
    if machine.ways.bios_jobs and host.job:
        return say.error("PendingConfig")
    _check(machine, host, wanted)
    stage(machine, host, wanted)
    if when == "Immediate":
        apply(host)
    if machine.ways.bios_jobs:
        if not when:
            host.committed = False
            return say.done()
        return schedule(machine, host)
    return say.done(machine.store.get(path), name="Staged")


def stage(machine: Machine, host: Host, wanted: Doc) -> None:
    """Keep attributes for the next restart."""
    known, now = rules(machine.store.tree), host.bios
    kept = {n: known[n].stored(v, now.get(n)) if n in known else v for n, v in wanted.items()}
    lost = machine.told("unstaged-bios-setting")
    if lost is not None:
        kept = {n: v for n, v in kept.items() if lost and n != lost}
    host.pending |= kept
    if host.settings_path and kept:
        doc = machine.store.edit(host.settings_path)
        shown = doc.get("Attributes")
        doc["Attributes"] = (shown if isinstance(shown, dict) else {}) | kept


def schedule(machine: Machine, host: Host) -> Reply:
    """The vendor's job that applies what is staged; 202 with the task's Location."""
    host.committed = True
    host.job = machine.tasks.start("Configure: BIOS.Setup.1-1", kind="BIOSConfiguration", state="Starting")
    return machine.tasks.accepted(host.job)


def apply(host: Host) -> None:
    """Pending becomes now, as the BIOS does in POST."""
    machine = host.machine
    if not host.pending or not host.committed or not host.bios_path:
        return
    failing = bool(host.job) and machine.tasks.fails()
    dropped = machine.told("dropped-bios-setting")
    doc = machine.store.edit(host.bios_path)
    if not failing:
        doc["Attributes"] = host.bios | {
            n: v for n, v in host.pending.items() if dropped is None or (dropped and n != dropped)
        }
    told = doc.get("@Redfish.Settings")
    if isinstance(told, dict):
        told["Time"] = machine.time.stamp()
        told["Messages"] = [machine.say.info("Success")]
    forget(host)
    if host.job:
        job, host.job = host.job, ""
        machine.tasks.finish(job)


def forget(host: Host) -> None:
    """Nothing is pending any more."""
    store, settings = host.machine.store, host.settings_path
    if settings:
        doc = store.edit(settings)
        kept, now = doc.get("Attributes"), host.bios
        # Some vendors show in the settings all attributes, others only what is pending.
        if isinstance(kept, dict):
            shows_all = len(set(kept) - set(host.pending)) > len(now) // 2
            doc["Attributes"] = {n: now.get(n, v) for n, v in kept.items()} if shows_all else {
                n: v for n, v in kept.items() if n not in host.pending}
    host.pending.clear()
    host.committed = True


def reset_to_defaults(machine: Machine, host: Host) -> Reply:
    """Bios.ResetBios: the registry's defaults are staged."""
    now, known = host.bios, rules(machine.store.tree)
    stage(machine, host, {n: r.default for n, r in known.items()
                          if n in now and not r.read_only and r.default is not None})
    return machine.say.done()


def _apply_time(machine: Machine, host: Host, body: Doc) -> str:
    """The ApplyTime asked for, "" for none. Raises Refusal where the machine does not list it."""
    asked = body.get(APPLY)
    if asked is None:
        return ""
    told = (machine.store.get(host.bios_path) or {}).get("@Redfish.Settings")
    listed = told.get("SupportedApplyTimes") if isinstance(told, dict) else None
    when = asked.get("ApplyTime") if isinstance(asked, dict) else None
    if not isinstance(listed, list):
        raise machine.say.refuse("PropertyUnknown", APPLY, related=(APPLY,))
    if when not in listed:
        raise machine.say.refuse("PropertyValueNotInList", when, "ApplyTime", related=(f"{APPLY}/ApplyTime",))
    return str(when)


def _check(machine: Machine, host: Host, wanted: Doc) -> None:
    """Raises Refusal that names each attribute that will not do; then none of them is staged."""
    tree, now, infos = machine.store.tree, host.bios, []
    known, then = rules(tree), {**host.bios, **host.pending}
    for name, value in wanted.items():
        # From the first to the last: what an attribute needs may stand before it in the same request.
        shut = name in known and name in now and locked(tree, host.bios_path, name, then)
        fault = "PropertyNotWritable" if shut else _fault(known, now, name, value)
        then[name] = value
        if fault:
            args = (name,) if fault in ("PropertyUnknown", "PropertyNotWritable") else (value, name)
            infos.append(machine.say.info(fault, *args, related=(f"Attributes/{name}",)))
    if infos:
        raise Refusal(Reply(400, machine.say.body(*infos)))


def _fault(known: dict[str, Any], now: dict[str, Any], name: str, value: object) -> str | None:
    if name not in now:
        return "PropertyUnknown"
    if name in known:
        fault: str | None = replace(known[name], read_only=False).fault(value)
        return fault
    like = now[name]
    return None if like is None or type(like) is type(value) else "PropertyValueTypeError"
