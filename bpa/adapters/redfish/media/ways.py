"""The ways in which BMCs let an image be put into a slot of virtual media and taken out of it, as requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bpa.adapters.redfish.reading import Json, inner, text
from bpa.core.media import Way
from bpa.core.request import Request
from bpa.core.secret import Secret

MOUNT, UNMOUNT = "#IsoConfig.Mount", "#IsoConfig.UnMount"


@dataclass(frozen=True, slots=True)
class Medium:
    """The image and how the BMC is to fetch it; "" = not said, and then not sent unless the BMC asks for it."""

    image: str
    username: str = ""
    password: Secret | None = None
    transfer_protocol: str = ""
    transfer_method: str = ""
    write_protected: bool = True

    def parameters(self) -> dict[str, object]:
        """As parameters of InsertMedia: only what differs from the defaults, for every other one is refused somewhere.

        DSP2046 VirtualMedia: Inserted and WriteProtected are true where they are not given.
        """
        given: dict[str, object] = {"Image": self.image}
        if self.username:
            given["UserName"] = self.username
        if self.password is not None:
            given["Password"] = self.password
        if self.transfer_protocol:
            given["TransferProtocolType"] = self.transfer_protocol
        if self.transfer_method:
            given["TransferMethod"] = self.transfer_method
        if not self.write_protected:
            given["WriteProtected"] = False
        return given


@dataclass(frozen=True, slots=True)
class Standard:
    """VirtualMedia.InsertMedia and EjectMedia; eject "" = the action appears only while a medium is in (Supermicro)."""

    insert_to: str
    eject_to: str
    name: Way = "action"
    why: str = "VirtualMedia.InsertMedia"

    def insert(self, medium: Medium) -> tuple[Request, ...]:
        return (Request("POST", self.insert_to, medium.parameters()),) if self.insert_to else ()

    def eject(self) -> tuple[Request, ...]:
        return (Request("POST", self.eject_to, {}),) if self.eject_to else ()


@dataclass(frozen=True, slots=True)
class VmmControl:
    """One Oem action for both (Huawei iBMC and xFusion); answers with a task."""

    target: str
    name: Way = "oem"
    why: str = "Oem VirtualMedia.VmmControl"

    def insert(self, medium: Medium) -> tuple[Request, ...]:
        return (Request("POST", self.target, {"VmmControlType": "Connect", **medium.parameters()}),)

    def eject(self) -> tuple[Request, ...]:
        return (Request("POST", self.target, {"VmmControlType": "Disconnect"}),)


@dataclass(frozen=True, slots=True)
class Patch:
    """PATCH of the slot itself (Lenovo XCC): it wants Inserted and WriteProtected said (sushy virtual_media.py)."""

    path: str
    name: Way = "patch"
    why: str = "PATCH of the slot, which has no actions"

    def insert(self, medium: Medium) -> tuple[Request, ...]:
        body = {**medium.parameters(), "Inserted": True, "WriteProtected": medium.write_protected}
        return (Request("PATCH", self.path, body),)

    def eject(self) -> tuple[Request, ...]:
        return (Request("PATCH", self.path, {"Image": None, "Inserted": False}),)


@dataclass(frozen=True, slots=True)
class IsoConfig:
    """Supermicro X10 and X11: where the image lies is written first, then mounted (badfish, fakefish)."""

    path: str
    mount: str
    unmount: str
    name: Way = "oem"
    why: str = "Oem IsoConfig.Mount"

    def insert(self, medium: Medium) -> tuple[Request, ...]:
        parts = urlsplit(medium.image)
        credentials: dict[str, object] = {"Username": medium.username, "Password": medium.password or ""}
        where = {"Host": f"{parts.scheme}://{parts.netloc}", "Path": parts.path, **credentials}
        return Request("PATCH", self.path, where), Request("POST", self.mount, {})

    def eject(self) -> tuple[Request, ...]:
        return (Request("POST", self.unmount, {}),)


@dataclass(frozen=True, slots=True)
class NoWay:
    """It can be seen, not filled."""

    why: str
    name: Way = "none"

    def insert(self, medium: Medium) -> tuple[Request, ...]:
        return ()

    def eject(self) -> tuple[Request, ...]:
        return ()


AnyWay = Standard | VmmControl | Patch | IsoConfig | NoWay


@dataclass(frozen=True, slots=True)
class Found:
    """One slot as it was read."""

    path: str
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


def way_into(slot: Found, others_act: bool) -> AnyWay:
    """How this slot is filled, from what it shows, and from whether other slots of its collection have actions."""
    if way := _by_action(slot.body):
        return way
    allow = next((value for key, value in slot.headers.items() if key.lower() == "allow"), "").upper()
    if "PATCH" in allow:
        return Patch(slot.path)
    if allow:
        return NoWay("it has no InsertMedia action and does not allow PATCH: for the remote console only")
    if others_act:
        # Cisco C845A and OpenBMC: of several slots only some have the action; the others belong to the console.
        return NoWay("it has no InsertMedia action, other slots have: for the remote console only")
    return Patch(slot.path)


def shows_a_way(body: Json) -> bool:
    """This slot has an action of its own."""
    return _by_action(body) is not None


def iso_config(path: str, body: Json) -> IsoConfig | None:
    """The way into a slot of a Supermicro X10 or X11, from its configuration; None where that is something else."""
    actions = inner(body, "Actions")
    mount, unmount = text(inner(actions, MOUNT), "target"), text(inner(actions, UNMOUNT), "target")
    return IsoConfig(path, mount, unmount) if mount and unmount else None


def _by_action(body: Json) -> Standard | VmmControl | None:
    insert, eject = _target(body, "InsertMedia"), _target(body, "EjectMedia")
    if insert or eject:
        return Standard(insert, eject)
    oem = dict(_oem_actions(body))
    control = next((target for name, target in oem.items() if name.endswith(".VmmControl")), "")
    if control:
        return VmmControl(control)
    insert = next((target for name, target in oem.items() if name.endswith(".InsertVirtualMedia")), "")
    eject = next((target for name, target in oem.items() if name.endswith(".EjectVirtualMedia")), "")
    # iLO 4: it refuses Inserted and WriteProtected, which are not sent anyway.
    return Standard(insert, eject, "oem", "Oem InsertVirtualMedia") if insert or eject else None


def _target(body: Json, action: str) -> str:
    return text(inner(body, "Actions", f"#VirtualMedia.{action}"), "target")


def _oem_actions(body: Json) -> Iterator[tuple[str, str]]:
    """Name and target of every action that a vendor added, wherever vendors put them."""
    oem = inner(body, "Oem")
    places = [inner(body, "Actions", "Oem"), *(inner(oem, vendor, "Actions") for vendor in oem)]
    for place in places:
        for name, action in place.items():
            if isinstance(action, Mapping) and text(action, "target"):
                yield name, text(action, "target")
