"""One slot of virtual media filled and emptied: asked in the way it has, followed, and read back."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable, Unsupported
from bpa.adapters.redfish import tasks
from bpa.adapters.redfish.media.negotiation import Negotiation
from bpa.adapters.redfish.media.slots import Device, read_device
from bpa.adapters.redfish.media.ways import Medium
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Broken, Denied
from bpa.adapters.redfish.transport.wire import READ_SECONDS
from bpa.adapters.redfish.waiting import Waiting
from bpa.core.media import Slot
from bpa.core.request import Request
from bpa.core.secret import Secret

LOG = logging.getLogger(__name__)
FETCHING = 120.0
"""Seconds. Some BMCs answer an insertion only when they have fetched the image, or its beginning."""
BREAK = 15.0
"""Seconds after a broken connection in which an insertion shows, if it was heard."""
ATTEMPTS = 3
"""A BMC at work on the last eject answers 500 or 503 to the next insert (iDRAC, storyboard 2008504)."""


def fill(target: Target, device: Device, medium: Medium, waiting: Waiting) -> tuple[Slot, tuple[str, ...]]:
    """The medium into this slot; the slot as it is then, and what had to be done differently.

    What fails half-way is ejected. Raises the adapter errors: Denied or Unsupported where the slot will not have it,
    Refused where it was accepted and not done.
    """
    if device.slot.inserted:
        empty(target, device, waiting)
        device = read_device(target, device)
    requests = device.way.insert(medium)
    if not requests:
        raise Unsupported(f"{target.origin}{device.slot.path} offers no InsertMedia: {device.way.why}")
    negotiation = _negotiation(medium)
    try:
        sent = _ask(target, device, requests, negotiation, waiting)
        now = _until_in(target, device, waiting, sent)
    except BaseException:
        _take_out(target, device, medium.image)
        raise
    notes = list(negotiation.notes)
    if now.image and not now.holds(medium.image):
        notes.append(f"the BMC calls the image {now.image}")
    return now, tuple(notes)


@dataclass(frozen=True, slots=True)
class _Sent:
    """task: what the BMC started for it. trouble: what leaves open whether it was done."""

    task: tasks.Task | None = None
    trouble: AdapterError | None = None


def _ask(
    target: Target, device: Device, requests: tuple[Request, ...], negotiation: Negotiation, waiting: Waiting
) -> _Sent:
    broken: Broken | None = None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            patience = max(READ_SECONDS, min(waiting.seconds, FETCHING))
            answers = [negotiation.send(target.link, request, device.etag, patience) for request in requests]
            return _Sent(tasks.started(target, answers[-1]))
        except Broken as error:
            # Heard or not: an empty slot after a while says that it was not.
            broken = error
            if _fills(target, device, replace(waiting, seconds=min(waiting.seconds, BREAK))):
                break
        except Unreachable as error:
            return _Sent(trouble=error)  # a BMC that fetches the image before it answers is silent for long
        except Busy as error:
            if attempt == ATTEMPTS:
                raise
            LOG.info("%s: asked again: %s", target.origin, error)
            waiting.sleep(min(error.retry_after or waiting.every, waiting.seconds))
            if _fills(target, device, replace(waiting, seconds=0.0)):
                break
        except Denied:
            if broken is None:
                raise
            break  # it had heard the first time, and is at work on it
        device = read_device(target, device)
    return _Sent(trouble=broken)


def _fills(target: Target, device: Device, waiting: Waiting) -> bool:
    for _ in waiting.looks():
        with suppress(Busy, Unreachable):
            if read_device(target, device).slot.inserted:
                return True
    return False


def _until_in(target: Target, device: Device, waiting: Waiting, sent: _Sent) -> Slot:
    seen, trouble = device.slot, sent.trouble
    for _ in waiting.looks():
        try:
            if sent.task is not None:
                tasks.look(target, sent.task.path).checked(target.origin)
            seen = read_device(target, device).slot
        except (Busy, Unreachable) as error:
            trouble = error
            continue
        if seen.inserted:
            return seen
    if trouble is not None:
        raise trouble
    raise Refused(
        f"{target.origin} accepted the image and did not insert it within {waiting.seconds:.0f} s "
        f"(slot {seen.id}: not inserted, ConnectedVia {seen.connected_via or 'not told'})",
        "see that the BMC can fetch the image (address, port, certificate), and its event log",
    )


def empty(target: Target, device: Device, waiting: Waiting) -> None:
    """Eject, and wait until it is out. A medium that is gone by itself is no failure. Raises the adapter errors."""
    # Read anew: EjectMedia may be shown only while a medium is in.
    device = read_device(target, device)
    requests = device.way.eject()
    if not requests:
        if not device.slot.occupied:
            return
        raise Unsupported(f"{target.origin}{device.slot.path} offers no EjectMedia", "eject it in the remote console")
    negotiation = Negotiation({}, frozenset({"Inserted"}))
    trouble: AdapterError | None = None
    try:
        for request in requests:
            negotiation.send(target.link, request, device.etag)
    except (Denied, Busy, Unreachable) as error:
        trouble = error
    for waited in waiting.looks():
        try:
            if not read_device(target, device).slot.occupied:
                return
        except (Busy, Unreachable) as error:
            trouble = error
            continue
        if isinstance(trouble, Denied):
            raise trouble
        if trouble is not None and waited > 0:
            trouble = _again(target, requests, negotiation)
    raise trouble or Refused(
        f"{target.origin} accepted the eject, and slot {device.slot.id} still holds the medium after {waiting.seconds:.0f} s",
        "eject it in the remote console, or reset the BMC",
    )


def _again(target: Target, requests: tuple[Request, ...], negotiation: Negotiation) -> AdapterError | None:
    try:
        for request in requests:
            negotiation.send(target.link, request)
    except (Busy, Unreachable) as error:
        return error
    return None


def _take_out(target: Target, device: Device, image: str) -> None:
    """After a failure: our image shall not stay in, and the failure is what is told. Another's medium is left alone."""
    try:
        now = read_device(target, device)
        if now.slot.inserted and (not now.slot.image or now.slot.holds(image) or not now.slot.occupied):
            for request in now.way.eject():
                Negotiation({}, frozenset({"Inserted"})).send(target.link, request, now.etag)
    except AdapterError as error:
        LOG.warning("%s: slot %s may still hold the image: %s", target.origin, device.slot.id, error)


def _negotiation(medium: Medium) -> Negotiation:
    scheme = urlsplit(medium.image).scheme.upper()
    offers: dict[str, object] = {
        "TransferProtocolType": {"": "NFS", "SMB": "CIFS"}.get(scheme, scheme),
        "TransferMethod": "Stream",
        "UserName": "none",  # what sushy sends to a DGX that demands credentials for an image that needs none
        "Password": Secret("none"),
        "Inserted": True,
        "WriteProtected": medium.write_protected,
    }
    return Negotiation(offers, frozenset({"TransferProtocolType", "TransferMethod", "Inserted", "WriteProtected"}))
