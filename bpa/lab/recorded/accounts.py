"""Accounts: made by POST or, where they are slots, by PATCH of an empty one (DSP0268: ManagerAccount)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpa.lab.recorded.exchange import Doc, Reply
from bpa.lab.recorded.tree import ROOT

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

WRITABLE = frozenset({"UserName", "Password", "RoleId", "Enabled", "Locked", "AccountTypes", "PasswordChangeRequired",
                      "PasswordExpiration", "Oem", "Name", "Description", "OldPassword"})
LENGTHS = (8, 40)


def are_slots(machine: Machine) -> bool:
    """Whether accounts are a fixed number of slots, some of them empty."""
    store = machine.store
    return any((store.get(p) or {}).get("UserName") == "" for p in store.members(machine.gate.accounts))


def create(machine: Machine, body: Doc) -> Reply:
    """POST to the collection of accounts."""
    say, store = machine.say, machine.store
    if are_slots(machine):
        return say.error("OperationNotAllowed", Allow="GET, HEAD")
    for name in ("UserName", "Password", "RoleId"):
        if not isinstance(body.get(name), str) or not body[name]:
            return say.error("PropertyMissing", name, related=(name,))
    fault = _fault(machine, body, "")
    if fault:
        return fault
    path = f"{machine.gate.accounts}/{body['UserName']}"
    doc: Doc = {
        "@odata.id": path, "@odata.type": "#ManagerAccount.v1_8_0.ManagerAccount", "Id": body["UserName"],
        "Name": "User Account", "Description": "User Account", "UserName": body["UserName"], "Password": None,
        "RoleId": body["RoleId"], "Enabled": body.get("Enabled", True), "Locked": False,
        "AccountTypes": body.get("AccountTypes", ["Redfish"]),
        "PasswordChangeRequired": body.get("PasswordChangeRequired", False),
        "Links": {"Role": {"@odata.id": f"{ROOT}/AccountService/Roles/{body['RoleId']}"}},
    }
    if machine.ways.etags != "none":
        doc["@odata.etag"] = ""
    store.put(path, doc)
    store.join(machine.gate.accounts, path)
    machine.gate.passwords[body["UserName"]] = body["Password"]
    return Reply(201, doc, {"Location": machine.location(path)})


def patch(machine: Machine, path: str, body: Doc) -> Reply:
    """PATCH of an account: name, password, role, enabled."""
    say, store, gate = machine.say, machine.store, machine.gate
    doc = store.get(path) or {}
    old = str(doc.get("UserName") or "")
    for name in body:
        if "@" in name:
            continue
        if name not in doc and name not in ("Password", "UserName"):
            return say.error("PropertyUnknown", name, related=(name,))
        if name not in WRITABLE:
            return say.error("PropertyNotWritable", name, related=(name,))
    fault = _fault(machine, body, old)
    if fault:
        return fault
    if machine.on("password-not-kept") and "Password" in body:
        return say.done(doc)
    edited = store.edit(path)
    edited.update({k: v for k, v in body.items() if k not in ("Password", "OldPassword") and "@" not in k})
    if "RoleId" in body and isinstance(edited.get("Links"), dict):
        edited["Links"]["Role"] = {"@odata.id": f"{ROOT}/AccountService/Roles/{body['RoleId']}"}
    new = str(edited.get("UserName") or "")
    if new != old:
        gate.rename(old, new)
        if not new:
            gate.passwords.pop(old, None)
    if "Password" in body:
        gate.passwords[new] = body["Password"]
        if edited.get("PasswordChangeRequired"):
            edited["PasswordChangeRequired"] = body.get("PasswordChangeRequired", False)
            # The one PATCH whose answer tells that the account is free now (DSP0266, 13.2.6).
            return say.done(edited, style="resource")
    return say.done(edited)


def remove(machine: Machine, path: str) -> Reply:
    """DELETE of an account; its sessions end."""
    doc = machine.store.get(path) or {}
    user = str(doc.get("UserName") or "")
    if are_slots(machine):
        return machine.say.error("OperationNotAllowed", Allow="GET, HEAD, PATCH")
    machine.store.remove(path)
    machine.store.leave(machine.gate.accounts, path)
    machine.gate.passwords.pop(user, None)
    for session in [s for s in machine.gate.open.values() if s.user == user]:
        machine.gate.log_out(session.path)
    return machine.gone()


def _fault(machine: Machine, body: Doc, old: str) -> Reply | None:
    """What is wrong with the values, or None."""
    say, store = machine.say, machine.store
    service = store.linked(store.get(ROOT), "AccountService") or {}
    told = (service.get("MinPasswordLength"), service.get("MaxPasswordLength"))
    shortest, longest = (n if isinstance(n, int) else known for n, known in zip(told, LENGTHS, strict=True))
    password = body.get("Password")
    if "Password" in body:
        if not isinstance(password, str):
            return say.error("PropertyValueTypeError", "******", "Password", related=("Password",))
        if not shortest <= len(password) <= longest:
            return say.error("PropertyValueFormatError", "******", "Password", related=("Password",))
    roles = {str(p).rstrip("/").rsplit("/", 1)[-1] for p in store.members(f"{ROOT}/AccountService/Roles")}
    role = body.get("RoleId")
    if role is not None and roles and role not in roles and role != "None":
        return say.error("PropertyValueNotInList", role, "RoleId", related=("RoleId",))
    for name in ("Enabled", "Locked"):
        if name in body and not isinstance(body[name], bool):
            return say.error("PropertyValueTypeError", body[name], name, related=(name,))
    user = body.get("UserName")
    if user and user != old and machine.gate.account_of(str(user)):
        return say.error("ResourceAlreadyExists", "ManagerAccount", "UserName", user, related=("UserName",))
    return None
