"""From where it boots, what it could boot from, and in which order."""

from __future__ import annotations

from bpa.adapters.redfish.boot.options import reference_in
from bpa.adapters.redfish.reading import Json, Reader, inner, text, texts
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import flag, told
from bpa.adapters.redfish.sections.tree import last, members
from bpa.core.machine import Boot, BootOption

ALLOWED = "@Redfish.AllowableValues"


def read_boot(reader: Reader, ground: Ground) -> Boot:
    """Override and order; names of the order from BootOptions, where the BMC lists them."""
    boot = inner(ground.system, "Boot")
    options: dict[str, BootOption] = {}
    for path, body in members(reader, boot, "BootOptions"):
        option = _option(path, body)
        options[option.reference] = option
    # Intel's S2600 keeps the order, as names, beside Boot.
    order = texts(boot, "BootOrder") or texts(ground.system, "BootOrder")
    listed = [options.pop(reference_in(entry), BootOption(entry)) for entry in order]
    return Boot(
        target=text(boot, "BootSourceOverrideTarget"),
        enabled=text(boot, "BootSourceOverrideEnabled"),
        mode=text(boot, "BootSourceOverrideMode"),
        targets=texts(boot, f"BootSourceOverrideTarget{ALLOWED}"),
        enableds=texts(boot, f"BootSourceOverrideEnabled{ALLOWED}"),
        modes=texts(boot, f"BootSourceOverrideMode{ALLOWED}"),
        uefi_target=told(boot, "UefiTargetBootSourceOverride"),
        next=told(boot, "BootNext"),
        order=(*listed, *options.values()),
    )


def _option(path: str, body: Json) -> BootOption:
    return BootOption(
        reference=text(body, "BootOptionReference", "Id") or last(path),
        name=told(body, "DisplayName", "Name"),
        enabled=flag(body, "BootOptionEnabled"),
        device_path=text(body, "UefiDevicePath"),
    )
