"""Virtual media slots, as bpa.adapters.redfish.media.slots sees them."""

from __future__ import annotations

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.media.slots import read_devices
from bpa.adapters.redfish.reading import Reader
from bpa.adapters.redfish.sections.ground import Ground
from bpa.core.media import Slot


def read_media(reader: Reader, ground: Ground) -> tuple[Slot, ...]:
    """Each slot once, with the way into it. That there is none is no problem, unless something could not be read."""
    try:
        return tuple(device.slot for device in read_devices(ground.target, reader))
    except Unsupported:
        return ()
