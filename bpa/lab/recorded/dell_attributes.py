"""Attributes of an iDRAC: written at once, and one pair of them is Dell's own boot override (ServerBoot)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpa.lab.recorded.exchange import Doc, Reply

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

DEVICE, ONCE = "ServerBoot.1.FirstBootDevice", "ServerBoot.1.BootOnce"


def patch(machine: Machine, path: str, body: Doc) -> Reply:
    """PATCH of DellAttributes."""
    say, store = machine.say, machine.store
    doc = store.get(path) or {}
    now, wanted = doc.get("Attributes"), body.get("Attributes")
    if not isinstance(wanted, dict) or not isinstance(now, dict):
        return say.error("PropertyMissing", "Attributes", related=("Attributes",))
    for name, value in wanted.items():
        if name not in now:
            return say.error("PropertyUnknown", name, related=(f"Attributes/{name}",))
        if now[name] is not None and not isinstance(value, type(now[name])):
            return say.error("PropertyValueTypeError", value, name, related=(f"Attributes/{name}",))
    for view in _views(machine, path):
        store.edit(view)["Attributes"] |= wanted
    return say.done()


def boots_from(machine: Machine) -> str:
    """The first boot device that these attributes name ("" = the usual order); used up where it was for once."""
    for manager in machine.store.members(machine.store.link(machine.store.get("/redfish/v1"), "Managers")):
        path = f"{manager.rstrip('/')}/Attributes"
        now = (machine.store.get(path) or {}).get("Attributes")
        if not isinstance(now, dict) or now.get(DEVICE) in (None, "Normal"):
            continue
        device = str(now[DEVICE])
        if now.get(ONCE) == "Enabled":
            for view in _views(machine, path):
                machine.store.edit(view)["Attributes"][DEVICE] = "Normal"
        return device
    return ""


def _views(machine: Machine, path: str) -> list[str]:
    """One resource has two URIs: the Manager's Attributes, and the one that it names itself by."""
    store = machine.store
    own = (store.get(path) or {}).get("@odata.id")
    found = {store.key(path): path}
    for manager in store.members(store.link(store.get("/redfish/v1"), "Managers")):
        other = f"{manager.rstrip('/')}/Attributes"
        doc = store.get(other)
        if doc is not None and isinstance(own, str) and doc.get("@odata.id") == own:
            found[store.key(other)] = other
            if store.get(own) is not None:
                found[store.key(own)] = own
    return list(found.values())
