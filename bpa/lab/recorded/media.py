"""Virtual media: standard actions, PATCH-only slots, actions that come and go (DSP0268: VirtualMedia)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bpa.lab.recorded.exchange import Doc, Reply
from bpa.lab.recorded.tree import ROOT

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

PARAMETERS = ("Image", "Inserted", "WriteProtected", "TransferMethod", "TransferProtocolType", "UserName", "Password",
              "MediaType", "Oem")
WRITABLE = frozenset({"Image", "Inserted", "WriteProtected", "TransferMethod", "TransferProtocolType", "UserName",
                      "Password", "VerifyCertificate"})
IMAGE = re.compile(r"(https?|nfs|cifs|smb|s?ftp|tftp|scp)://[^\s/]+/\S+|[^\s/]+:/\S+|//[^\s/]+/\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Slot:
    """One VirtualMedia resource, as it is now."""

    machine: Machine
    path: str

    @property
    def doc(self) -> Doc:
        return self.machine.store.get(self.path) or {}

    @property
    def id(self) -> str:
        return str(self.doc.get("Id") or "")

    @property
    def image(self) -> str:
        """The image's URI, "" for none."""
        return str(self.doc.get("Image") or "")

    @property
    def inserted(self) -> bool:
        return self.doc.get("Inserted") is True


def slots(machine: Machine) -> dict[str, Slot]:
    """Path -> slot, of all Systems and Managers."""
    store, found = machine.store, {}
    root = store.get(ROOT)
    for name in ("Systems", "Managers"):
        for member in store.members(store.link(root, name)):
            for path in store.members(store.link(store.get(member), "VirtualMedia")):
                if store.has(path):
                    found[path.rstrip("/")] = Slot(machine, path.rstrip("/"))
    return found


def by_actions(doc: Doc) -> bool:
    """Whether media are inserted by an action (PATCH otherwise)."""
    actions = doc.get("Actions")
    return isinstance(actions, dict) and any(str(a).startswith("#VirtualMedia.") for a in actions)


def insert(machine: Machine, path: str, body: Doc) -> Reply:
    """VirtualMedia.InsertMedia."""
    say, doc, action = machine.say, machine.store.get(path) or {}, "InsertMedia"
    allowed, unwanted = _parameters(machine, doc), (machine.told("media-refuses") or "").split(",")
    if machine.told("media-405") in ("", doc.get("Id")):
        return say.error("OperationNotAllowed", Allow="GET, HEAD")
    for name in body:
        if name.startswith("@"):
            continue
        if name in machine.ways.media_refuses or name in unwanted:
            return say.error("ActionParameterNotSupported", name, action, related=(name,))
        if name not in allowed:
            return say.error("ActionParameterUnknown", action, name, related=(name,))
    demanded = machine.told("media-needs")
    for name in ("Image", *machine.ways.media_needs, *([demanded] if demanded else [])):
        if not body.get(name):
            return say.error("ActionParameterMissing", action, name, related=(name,))
    image = body["Image"]
    if not isinstance(image, str):
        return say.error("ActionParameterValueTypeError", image, "Image", action, related=("Image",))
    if not IMAGE.fullmatch(image):
        return say.error("ActionParameterValueFormatError", image, "Image", action, related=("Image",))
    for name in ("Inserted", "WriteProtected"):
        if name in body and not isinstance(body[name], bool):
            return say.error("ActionParameterValueTypeError", body[name], name, action, related=(name,))
    if doc.get("Inserted"):
        return say.error("MediaIn")
    put_in(machine, path, body)
    return machine.done()


def eject(machine: Machine, path: str) -> Reply:
    """VirtualMedia.EjectMedia."""
    if not (machine.store.get(path) or {}).get("Inserted"):
        return machine.say.error("MediaOut")
    if not machine.on("stale-media"):
        take_out(machine, path)
    return machine.done()


def patch(machine: Machine, path: str, body: Doc) -> Reply:
    """PATCH: how slots without actions are used; others refuse it."""
    say, doc = machine.say, machine.store.get(path) or {}
    for name in body:
        if name.startswith("@"):
            continue
        if name not in doc:
            return say.error("PropertyUnknown", name, related=(name,))
        if name not in WRITABLE or by_actions(doc):
            return say.error("PropertyNotWritable", name, related=(name,))
    image = body.get("Image", doc.get("Image"))
    if isinstance(image, str) and image and not IMAGE.fullmatch(image):
        return say.error("PropertyValueFormatError", image, "Image", related=("Image",))
    if image is not None and not isinstance(image, str):
        return say.error("PropertyValueTypeError", image, "Image", related=("Image",))
    if not image or body.get("Inserted") is False:
        if not machine.on("stale-media"):
            take_out(machine, path)
    elif "Image" in body or body.get("Inserted"):
        if doc.get("Inserted") and doc.get("Image") != image:
            return say.error("MediaIn")
        put_in(machine, path, body | {"Image": image})
    else:
        machine.store.edit(path).update({k: v for k, v in body.items() if k != "Password"})
    return say.done(machine.store.get(path))


def put_in(machine: Machine, path: str, body: Doc) -> None:
    """The slot with media in it."""
    image = str(body["Image"])
    scheme = urlsplit(image).scheme.upper()
    if machine.ways.media_drops_port:
        image = re.sub(r"^(\w+://[^/:]+):\d+", r"\1", image)
    for one in _views(machine, path):
        doc = machine.store.edit(one)
        told: Doc = {
            "Image": image, "ImageName": image.rsplit("/", 1)[-1], "Inserted": True, "ConnectedVia": "URI",
            "WriteProtected": body.get("WriteProtected", True), "TransferMethod": body.get("TransferMethod", "Stream"),
            "TransferProtocolType": body.get("TransferProtocolType", scheme or None), "UserName": body.get("UserName"),
        }
        doc |= {k: v for k, v in told.items() if k in doc}
        if machine.ways.media_eject_when_in:
            doc.setdefault("Actions", {})["#VirtualMedia.EjectMedia"] = {
                "target": f"{one}/Actions/VirtualMedia.EjectMedia"}
    machine.tell("ResourceChanged", path)


def take_out(machine: Machine, path: str) -> None:
    """The slot as it was recorded: empty, in this vendor's way of saying so."""
    empty: dict[str, Any] = {"Image": None, "ImageName": None, "Inserted": False, "ConnectedVia": "NotConnected",
                             "TransferMethod": None, "TransferProtocolType": None, "UserName": None}
    for one in _views(machine, path):
        spelled = machine.store.tree.find(machine.store.key(one), machine.ways.any_case)
        recorded = machine.store.tree.doc(spelled) if spelled else None
        like = recorded if recorded and not recorded.get("Inserted") else {}
        doc = machine.store.edit(one)
        keeps = ("ImageName",) if machine.ways.media_keeps_name else ()
        doc |= {k: like.get(k, v) for k, v in empty.items() if k in doc and k not in keeps}
        if machine.ways.media_eject_when_in and isinstance(doc.get("Actions"), dict):
            doc["Actions"].pop("#VirtualMedia.EjectMedia", None)
    machine.tell("ResourceChanged", path)


def _views(machine: Machine, path: str) -> list[str]:
    """All URIs of the same slot: some vendors show it below the System and below the Manager."""
    if not machine.ways.media_mirrored:
        return [path]
    ident = path.rstrip("/").rsplit("/", 1)[-1]
    return [p for p in machine.media if p.rsplit("/", 1)[-1] == ident] or [path]


def _parameters(machine: Machine, doc: Doc) -> tuple[str, ...]:
    actions = doc.get("Actions")
    action = actions.get("#VirtualMedia.InsertMedia") if isinstance(actions, dict) else None
    info = action.get("@Redfish.ActionInfo") if isinstance(action, dict) else None
    listed = (machine.store.get(info) or {}).get("Parameters") if isinstance(info, str) else None
    names = tuple(str(p.get("Name")) for p in listed if isinstance(p, dict)) if isinstance(listed, list) else ()
    return names or PARAMETERS
