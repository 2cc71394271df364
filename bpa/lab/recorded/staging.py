"""Settings resources other than the BIOS': what is written there is taken over at the next restart (DSP0266, 6.10).

A settings resource is one that the resource above it names in @Redfish.Settings: Lenovo's Systems/1/Pending, HPE's
bios/oem/hpe/boot/settings, Dell's settings of NICs and boot sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bpa.lab.recorded.exchange import Doc, Reply

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine


def owner(machine: Machine, path: str) -> str:
    """The resource whose settings stand at a path, "" where they are nobody's."""
    store, above = machine.store, path.rstrip("/").rsplit("/", 1)[0]
    raw = store.raw(above)
    if raw is None or b"@Redfish.Settings" not in raw.data:
        return ""
    named = store.link(store.get(above), "@Redfish.Settings", "SettingsObject")
    return above if named and store.key(named) == store.key(path) else ""


def patch(machine: Machine, path: str, body: Doc) -> Reply:
    """PATCH of a settings resource: kept there, and taken over at the next restart."""
    say, store = machine.say, machine.store
    if machine.ways.post_lock and any(host.in_post for host in machine.hosts):
        return say.error("InPost")
    doc, above = store.get(path) or {}, store.get(owner(machine, path)) or {}
    change = {n: v for n, v in body.items() if "@" not in n}
    for name, value in change.items():
        now = above.get(name, doc.get(name))
        if name not in doc and name not in above:
            return say.error("PropertyUnknown", name, related=(name,))
        if now is not None and value is not None and not isinstance(value, type(now)):
            return say.error("PropertyValueTypeError", value, name, related=(name,))
        inner = set(value) - set(now) if isinstance(value, dict) and isinstance(now, dict) else set()
        if inner:
            return say.error("PropertyUnknown", min(inner), related=(f"{name}/{min(inner)}",))
    _merge(store.edit(path), change)
    machine.at_restart(lambda: _take_over(machine, path, change))
    return say.done(store.get(path), name="Staged")


def _take_over(machine: Machine, path: str, change: Doc) -> None:
    above = owner(machine, path)
    if not above:
        return
    doc = machine.store.edit(above)
    _merge(doc, change)
    order = change.get("PersistentBootConfigOrder")
    if isinstance(order, list):
        _order_boot(machine, above, doc, order)


def _order_boot(machine: Machine, path: str, doc: Doc, order: list[Any]) -> None:
    """iLO names boot sources by structure, and the System by number."""
    sources = doc.get("BootSources")
    numbers = {s.get("StructuredBootString"): f"Boot{s.get('BootOptionNumber')}"
               for s in (sources if isinstance(sources, list) else []) if isinstance(s, dict)}
    for host in machine.hosts:
        boot = host.doc.get("Boot")
        if path.lower().startswith(host.path.lower()) and isinstance(boot, dict) and isinstance(boot.get("BootOrder"), list):
            first = [numbers[name] for name in order if numbers.get(name) in boot["BootOrder"]]
            machine.store.edit(host.path)["Boot"]["BootOrder"] = first + [b for b in boot["BootOrder"] if b not in first]


def _merge(doc: Doc, change: Doc) -> None:
    for name, value in change.items():
        now = doc.get(name)
        doc[name] = now | value if isinstance(now, dict) and isinstance(value, dict) else value
