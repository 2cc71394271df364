"""Virtual media that is switched off as a whole, and how it is switched on."""

from __future__ import annotations

from bpa.adapters.errors import Busy, Unreachable, Unsupported
from bpa.adapters.redfish import tasks
from bpa.adapters.redfish.media.negotiation import send
from bpa.adapters.redfish.media.slots import Device, read_devices
from bpa.adapters.redfish.reading import Json, Reader, inner, text
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.waiting import Waiting
from bpa.core.request import Request

ENABLE = "#AMIVirtualMedia.EnableRMedia"


def find_switch(target: Target, reader: Reader) -> Request | None:
    """The request that switches virtual media on; None where it is on, or cannot be switched.

    AMI MegaRAC (Gigabyte, Lenovo SR635, ASRock Rack): off as shipped, and then there are no slots (Gigabyte's Redfish API
    spec 1.11; lenovo/python-redfish-lenovo mount_virtual_media). VirtualMediaConfig.ServiceEnabled: DSP2046
    ComputerSystem v1_13.
    """
    system = target.system(reader)
    if inner(system.body, "VirtualMediaConfig").get("ServiceEnabled") is False:
        return Request("PATCH", target.system_path(), {"VirtualMediaConfig": {"ServiceEnabled": True}})
    for body in (system.body, *(manager for _, manager in target.managers(reader, system.body))):
        to = text(inner(body, "Actions", "Oem", ENABLE), "target")
        if to and not _is_on(body):
            return Request("POST", to, {"RMediaState": "Enable"})
    return None


def switch_on(target: Target, request: Request, waiting: Waiting) -> tuple[Device, ...]:
    """Send it, and wait for the slots. Raises the adapter errors; Unsupported where there are none at the deadline."""
    etag = target.system().etag if request.method == "PATCH" else ""
    task = tasks.started(target, send(target.link, request, etag))
    if task is not None:
        tasks.follow(target, task, waiting).checked(target.origin)
    trouble: Unsupported | Busy | Unreachable | None = None
    for _ in waiting.looks():
        try:
            return read_devices(target, target.reader())
        except (Unsupported, Busy, Unreachable) as error:
            trouble = error
    raise trouble or Unsupported(f"{target.origin} shows no virtual media slots")


def _is_on(body: Json) -> bool:
    return text(inner(body, "Oem", "Ami", "VirtualMedia"), "RMediaStatus").lower() in ("enabled", "enable")
