"""Virtual media of one machine: which slots there are, an image into one of them, and out again, whatever the vendor."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from bpa.adapters.errors import AdapterError, Refused, Unsupported
from bpa.adapters.redfish.media.filling import empty, fill
from bpa.adapters.redfish.media.service import find_switch, switch_on
from bpa.adapters.redfish.media.slots import Device, read_device, read_devices
from bpa.adapters.redfish.media.ways import Medium
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Denied
from bpa.adapters.redfish.waiting import Waiting
from bpa.core.media import Choice, Kind, Slot, choose
from bpa.core.request import Request

LOG = logging.getLogger(__name__)
INSERTING, EJECTING = Waiting(120.0), Waiting(60.0)
_IMAGE_AT_FAULT = re.compile(
    r"RAC0904|ResourceAtUri\w+|CouldNotEstablishConnection|(not|un)\W?(accessible|reachable)|unable to (access|connect)",
    re.IGNORECASE,
)

_ADVICE = (
    # iDRAC's EEMI registry, recorded on R750: "Virtual Media is detached or Virtual Media devices are already in use."
    (re.compile(r"VRM0021"), "set the iDRAC attribute VirtualMedia.1.Attached to AutoAttach, and close remote consoles"),
    (re.compile(r"licen[cs]e", re.IGNORECASE), "install a BMC licence that includes virtual media"),
    (_IMAGE_AT_FAULT, "see that the BMC itself can fetch the image: its network, DNS, the port, the server's certificate"),
)


@dataclass(frozen=True, slots=True)
class Insertion:
    """The slot that holds the image. changed False: it was there before. notes: what had to be done differently."""

    slot: Slot
    changed: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What inserting would send; no requests = the image is in `slot` already."""

    slot: Slot
    requests: tuple[Request, ...]


def slots(target: Target) -> tuple[Slot, ...]:
    """Every slot, and how it is filled. Raises the adapter errors; Unsupported where there is none."""
    with target.link.look():
        return tuple(device.slot for device in read_devices(target, target.reader()))


def plan_insert(
    target: Target, medium: Medium, *, kind: Kind = "cd", slot: str = "", force: bool = False, anew: bool = False
) -> Plan:
    """What insert() would send first, to the slot it would take first. Raises as insert() does."""
    check_image(medium.image)
    devices = read_devices(target, target.reader())
    held, candidates = _candidates(target, devices, medium.image, kind, slot, force, anew)
    if held is not None:
        return Plan(held.slot, ())
    first = candidates[0]
    before = first.way.eject() if first.slot.inserted else ()
    return Plan(first.slot, (*before, *first.way.insert(medium)))


def insert(
    target: Target,
    medium: Medium,
    *,
    kind: Kind = "cd",
    slot: str = "",
    force: bool = False,
    anew: bool = False,
    enable: bool = False,
    waiting: Waiting = INSERTING,
) -> Insertion:
    """The image into the named slot, or into the first one for that kind of medium that takes it; read back.

    Nothing is sent where it is in already, unless `anew`. A slot with another image is emptied first only if `force`.
    Virtual media that is switched off as a whole is switched on only if `enable`. An insertion that fails half-way is
    ejected. Raises the adapter errors; Refused with what each slot said.
    """
    check_image(medium.image)
    devices = _enabled(target, enable, waiting)
    held, candidates = _candidates(target, devices, medium.image, kind, slot, force, anew)
    if held is not None:
        return Insertion(held.slot, changed=False)
    failures: list[str] = []
    advice = ""
    for device in candidates:
        try:
            now, notes = fill(target, device, medium, waiting)
            return Insertion(now, changed=True, notes=notes)
        except (Denied, Unsupported) as error:
            # Some slots belong to the remote console and say so only when asked (Cisco UCS, Lenovo RDOC): the next.
            error.advice = advice = error.advice or _advice(error) or advice
            if _image_is_at_fault(error):
                raise
            failures.append(f"{device.slot.id}: {error}")
    told = dict.fromkeys((failures[0], failures[-1]))
    raise Refused(f"no slot of {target.origin} took the image: {'; '.join(told)}",
                  advice or "see that the BMC can fetch the image")


def plan_eject(target: Target, slot: str = "") -> tuple[Request, ...]:
    """What eject() would send. Raises as eject() does."""
    return tuple(request for d in _named(target, slot) if d.slot.occupied for request in d.way.eject())


def eject(target: Target, slot: str = "", waiting: Waiting = EJECTING) -> tuple[Slot, ...]:
    """Empty the slot of that Id, or every slot ("" = all); the slots that were emptied, as they were.

    Raises the adapter errors: Refused where there is no such slot, or it still holds the medium at the deadline.
    """
    emptied: list[Slot] = []
    for device in _named(target, slot):
        now = read_device(target, device) if emptied else device  # two views of one device empty together (iDRAC 6)
        if now.slot.occupied:
            empty(target, now, waiting)
            emptied.append(now.slot)
    return tuple(emptied)


@contextmanager
def inserted(
    target: Target, medium: Medium, *, kind: Kind = "cd", slot: str = "", force: bool = False, waiting: Waiting = INSERTING
) -> Iterator[Slot]:
    """The image is in while the block runs, and out after it, also after a failure, and if it was in before."""
    done = insert(target, medium, kind=kind, slot=slot, force=force, waiting=waiting)
    try:
        yield done.slot
    except BaseException:
        try:
            eject(target, done.slot.path)
        except AdapterError as error:
            LOG.warning("%s: slot %s may still hold the image: %s", target.origin, done.slot.id, error)
        raise
    eject(target, done.slot.path)


def check_image(image: str) -> None:
    """Raises Refused where that is no URL that a BMC could fetch."""
    try:
        parts = urlsplit(image)
    except ValueError:
        parts = urlsplit("")
    share = re.fullmatch(r"[^/\s]+:/(?!/)\S+|//[^/\s]+/\S+", image)
    if not image.isprintable() or " " in image or not (share or (parts.scheme and parts.hostname)):
        raise Refused("the image is no URL", "write it as http(s)://HOST/PATH, nfs://HOST/PATH or as your BMC wants it")
    if parts.username is not None or parts.password is not None:
        raise Refused("the image URL carries credentials", "give them apart, so that they are not shown anywhere")


def _named(target: Target, slot: str) -> list[Device]:
    devices = {d.slot.path: d for d in read_devices(target, target.reader())}
    seen = tuple(d.slot for d in devices.values())
    found = choose(seen, "cd", slot).slots if slot else seen
    if not found:
        raise _no_such(target, slot, seen)
    return [devices[s.path] for s in found]


def _enabled(target: Target, enable: bool, waiting: Waiting) -> tuple[Device, ...]:
    """The slots, once virtual media is on."""
    reader = target.reader()
    with target.link.look():
        try:
            devices = read_devices(target, reader)
        except Unsupported as error:
            devices, missing = (), error
        request = find_switch(target, reader)
    if request is None:
        if not devices:
            raise missing
        return devices
    if not enable:
        raise Refused(f"{target.origin}: virtual media is switched off ({request.method} {request.path} switches it on)",
                      "if it may be on, say so (--enable)")
    return switch_on(target, request, waiting)


def _candidates(
    target: Target, devices: tuple[Device, ...], image: str, kind: Kind, wanted: str, force: bool, anew: bool
) -> tuple[Device | None, list[Device]]:
    """The slot that holds the image already, if that is enough; else the slots to try."""
    by_path = {d.slot.path: d for d in devices}
    choice = choose((d.slot for d in devices), kind, wanted)
    if not choice.slots:
        seen = tuple(d.slot for d in devices)
        raise _no_such(target, wanted, seen) if wanted else _none_suits(target, kind, choice)
    suiting = [by_path[s.path] for s in choice.slots]
    held = [d for d in suiting if d.slot.holds(image)]
    if held and not anew:
        return held[0], []
    free = [d for d in suiting if not d.slot.occupied]
    others = [d for d in suiting if d.slot.occupied and d not in held]
    candidates = [*held, *free, *(others if force else ())]
    if not candidates:
        full = "; ".join(f"{d.slot.id} holds {d.slot.image or 'a medium of ' + d.slot.connected_via}" for d in others)
        raise Refused(f"no slot of {target.origin} is free: {full}", "eject it, or say that it may be replaced (--replace)")
    return None, candidates


def _advice(error: AdapterError) -> str:
    messages = error.messages if isinstance(error, Denied) else ()
    said = " ".join(f"{m.id} {m.said}" for m in messages)
    return next((advice for pattern, advice in _ADVICE if pattern.search(said)), "")


def _image_is_at_fault(error: AdapterError) -> bool:
    messages = error.messages if isinstance(error, Denied) else ()
    return any(_IMAGE_AT_FAULT.search(f"{m.id} {m.said}") or "Image" in m.args for m in messages)


def _no_such(target: Target, wanted: str, seen: tuple[Slot, ...]) -> Refused:
    return Refused(f"{target.origin} has no slot {wanted}; it has {', '.join(s.id for s in seen)}")


def _none_suits(target: Target, kind: Kind, choice: Choice) -> Unsupported:
    sticks = kind == "cd" and any("USBStick" in passed for passed in choice.passed)
    return Unsupported(
        f"{target.origin} has no slot for {kind}: {'; '.join(choice.passed)}",
        "an ISO that boots from a stick, too, can be put in as one (--kind usb)" if sticks
        else "name the slot, if you know better (--slot)",
    )
