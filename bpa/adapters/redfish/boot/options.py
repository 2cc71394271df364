"""The entries of a System's boot order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bpa.adapters.errors import Refused
from bpa.adapters.redfish.reading import Json, Reader, text, texts
from bpa.adapters.redfish.target import Target


@dataclass(frozen=True, slots=True)
class BootOption:
    """One entry of the boot order: reference as in BootOrder, name for people, UEFI device path ("" = not told)."""

    reference: str
    name: str
    path: str = ""
    enabled: bool | None = None


def read_options(reader: Reader, boot: Json) -> tuple[BootOption, ...]:
    """Boot options in the order of Boot.BootOrder, those that are not in it last. boot: the System's Boot."""
    found = []
    for _, body in reader.collection(boot, "BootOptions"):
        reference = text(body, "BootOptionReference", "Id")
        enabled = body.get("BootOptionEnabled")
        if reference:
            found.append(BootOption(reference, text(body, "DisplayName", "Name"), text(body, "UefiDevicePath"),
                                    enabled if isinstance(enabled, bool) else None))
    order = {reference_in(entry): (place, entry) for place, entry in enumerate(texts(boot, "BootOrder"))}
    placed = [(order.get(o.reference, (len(order), o.reference)), o) for o in found]
    return tuple(replace(o, reference=entry) for (_, entry), o in sorted(placed, key=lambda p: p[0][0]))


def reference_in(entry: str) -> str:
    """The reference in an entry of BootOrder: "Boot0002" of "Boot0002: UEFI HTTPv4", too (NVIDIA Vera Rubin: nv-redfish
    bmc_quirks.rs)."""
    return entry.partition(":")[0] if entry.startswith("Boot") else entry


def find_option(target: Target, wanted: str, order: tuple[str, ...], options: tuple[BootOption, ...]) -> str:
    """The reference in BootOrder that a reference, a name or a part of one name means. Raises Refused, listing them."""
    exact = [r for r in order if wanted.lower() in (r.lower(), reference_in(r).lower())]
    if exact:
        return exact[0]
    named = [o for o in options if o.reference in order and wanted.lower() in o.name.lower()]
    same = [o for o in named if o.name.lower() == wanted.lower()] or named
    if len(same) == 1:
        return same[0].reference
    among = ", ".join(f"{o.reference} ({o.name})" for o in (same or options)) or ", ".join(order)
    raise Refused(f"{target.origin}: {wanted} is {'several boot options' if same else 'no boot option'}: {among}",
                  "give one of these references")
