"""A machine with virtual media for tests: slots of one manager that fill and empty as vendors' do, and refuse as they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stub_bmc import ROOT, Reply, Request, StubBmc, error, serve, small_machine

from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.media.inserting import Insertion, eject, insert
from bpa.adapters.redfish.media.ways import Medium
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.waiting import Waiting
from bpa.core.secret import Secret

SLOTS = f"{ROOT}/Managers/1/VirtualMedia"
IMAGE = "http://192.0.2.1:8080/images/live.iso"
MEDIUM = Medium(IMAGE)
Refusal = Callable[[dict[str, Any]], Reply | None]


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def patience(seconds: float = 20.0) -> Waiting:
    clock = Clock()
    return Waiting(seconds, 2.0, clock, clock.sleep)


def refusal(status: int, message_id: str, said: str = "", *args: str, related: tuple[str, ...] = ()) -> Reply:
    info = {"MessageId": message_id, "Message": said, "MessageArgs": list(args), "RelatedProperties": list(related)}
    return Reply(status, {"error": {"code": "Base.1.8.GeneralError", "message": "x", "@Message.ExtendedInfo": [info]}})


@dataclass
class Box:
    """One slot. way: action, patch, oem (Huawei), hp (iLO 4) or none. refuses: body of an insertion -> refusal or None."""

    id: str
    types: list[str] | None = field(default_factory=lambda: ["CD", "DVD"])
    way: str = "action"
    name: str = "Virtual Media"
    image: str | None = None
    refuses: Refusal = lambda body: None
    refuses_eject: list[Reply] = field(default_factory=list)
    echo: Callable[[str], str] = lambda image: image
    eject_shown_empty: bool = True
    keeps_image: bool = False
    slow: int = 0  # looks until it is in
    deaf: bool = False  # accepts and does nothing
    via: str = ""
    stale: str | None = None
    allow: str = ""
    etag: str = ""
    sent: list[tuple[str, Any]] = field(default_factory=list)
    coming: tuple[int, str] | None = None

    @property
    def path(self) -> str:
        return f"{SLOTS}/{self.id}"

    def body(self) -> dict[str, Any]:
        if self.coming:
            looks, image = self.coming
            self.coming = (looks - 1, image) if looks else None
            self.image = None if looks else image
        shown: dict[str, Any] = {
            "Id": self.id, "Name": self.name, "MediaTypes": self.types, "Inserted": self.image is not None,
            "Image": self.image or self.stale, "ConnectedVia": self.via or ("URI" if self.image else "NotConnected"),
            "WriteProtected": True,
        }
        actions: dict[str, Any] = {}
        if self.way == "action":
            actions["#VirtualMedia.InsertMedia"] = {"target": f"{self.path}/Actions/VirtualMedia.InsertMedia"}
            if self.image is not None or self.eject_shown_empty:
                actions["#VirtualMedia.EjectMedia"] = {"target": f"{self.path}/Actions/VirtualMedia.EjectMedia"}
        if self.way == "oem":
            control = {"#VirtualMedia.VmmControl": {"target": f"{self.path}/Oem/xFusion/Actions/VirtualMedia.VmmControl"}}
            shown["Oem"] = {"xFusion": {"Actions": control}}
        if self.way == "hp":
            shown["Oem"] = {"Hp": {"Actions": {
                f"#HpiLOVirtualMedia.{a}VirtualMedia": {"target": f"{self.path}/Actions/Oem/Hp/{a}"} for a in ("Insert", "Eject")
            }}}
        return {**shown, "Actions": actions} if actions else shown

    def write(self, request: Request) -> Reply:
        self.sent.append((request.method, request.body))
        path, body = request.path.rsplit("/", 1)[-1], request.body or {}
        out = path in ("VirtualMedia.EjectMedia", "Eject") or body.get("VmmControlType") == "Disconnect"
        if out or (request.method == "PATCH" and not body.get("Image")):
            if self.refuses_eject:
                return self.refuses_eject.pop(0)
            if self.image is None:
                return error(400, "nothing is inserted")
            self.stale = self.image if self.keeps_image else None
            self.image = None
            return Reply(204)
        if said := self.refuses(body):
            return said
        if not self.deaf:
            image = self.echo(body["Image"])
            self.coming = (self.slow, image)
        return Reply(204)


class Media:
    """`boxes` on a stub BMC; give it as its `fault`."""

    def __init__(self, *boxes: Box) -> None:
        self.boxes = boxes

    def __call__(self, bmc: StubBmc, request: Request) -> Reply | None:
        if request.method == "PATCH" and request.key == f"{ROOT}/systems/1" and isinstance(bmc.resources, dict):
            bmc.resources[request.key]["Boot"].update(request.body["Boot"])
            return Reply(204)
        box = next((b for b in self.boxes if request.key == b.path.lower() or request.key.startswith(b.path.lower() + "/")), None)
        if box is None:
            return None
        if request.method == "GET":
            headers = {k: v for k, v in (("Allow", box.allow), ("ETag", box.etag)) if v}
            return Reply(200, box.body(), headers)
        if box.etag and request.headers.get("If-Match") != box.etag:
            box.sent.append((request.method, "no If-Match"))
            return error(412, "the resource has been modified")
        return box.write(request)


def with_media(*boxes: Box) -> StubBmc:
    resources = small_machine()
    resources[f"{ROOT}/systems/1"]["Links"] = {"ManagedBy": [{"@odata.id": f"{ROOT}/Managers/1"}]}
    resources[f"{ROOT}/managers/1"] = {"Id": "1", "VirtualMedia": {"@odata.id": SLOTS}}
    resources[SLOTS.lower()] = {"Members": [{"@odata.id": box.path} for box in boxes]}
    return StubBmc(resources, fault=Media(*boxes))


def reach(bmc: StubBmc) -> Target:
    return Target(BmcAccess(bmc.address, "admin", Secret("right")))


def put(stub: StubBmc, medium: Medium = MEDIUM, **how: Any) -> Insertion:
    with serve(stub), reach(stub) as target:
        return insert(target, medium, waiting=patience(), **how)


def take(stub: StubBmc, slot: str = "") -> list[str]:
    with serve(stub), reach(stub) as target:
        return [s.id for s in eject(target, slot, patience())]
