"""The right System among those a BMC shows: never the first by habit."""

from __future__ import annotations

from collections.abc import Mapping

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.interfaces import read_macs
from bpa.adapters.redfish.reading import Json, Reader, inner, text
from bpa.adapters.redfish.transport.answers import Missing

SYSTEMS = "/redfish/v1/Systems"


def find_system(reader: Reader, access: BmcAccess) -> str:
    """Path of the System: explicit, or by UUID, serial (or SKU) and boot MAC, or the only one.

    Raises Refused where several fit, or none of several, naming all. That a GPU baseboard (NVIDIA HGX) has no BIOS is
    told then, but decides nothing: which System is meant must not depend on what a BMC happens to list today.
    """
    root = reader.link.root()
    if access.system:
        return _explicit(reader, root, access.system, access.origin)
    links = reader.links(root, "Systems")
    if "Systems" not in root:
        # AMI's service root stays without links until its BMC is up; the path is fixed (DSP0266, 7.2).
        links = reader.links({"Systems": {"@odata.id": SYSTEMS}}, "Systems")
    if not links:
        why = f" ({reader.problem})" if reader.problems else ""
        raise Unsupported(f"{access.origin} shows no System{why}", "it may manage a chassis: use the host's own BMC")
    if len(links) == 1:
        return reader.link.path_of(links[0])
    systems = {path: body for path, body in reader.each(links) if _is_system(body)}
    if len(systems) == 1 and not reader.problems:
        return next(iter(systems))
    left = _narrowed(reader, systems, access)
    if len(left) == 1 and (len(left) < len(systems) or not reader.problems):
        return next(iter(left))
    raise _ambiguous(reader, systems, access)


def _explicit(reader: Reader, root: Json, told: str, origin: str) -> str:
    path = reader.link.path_of(told)
    try:
        reader.resource(path)
    except Missing:
        listed = [reader.link.path_of(link) for link in reader.links(root, "Systems")]
        raise Refused(
            f"{origin} has no System {path}; it has {', '.join(listed) or 'none'}",
            "correct the path in the BMC address",
        ) from None
    return path


def _narrowed(reader: Reader, systems: Mapping[str, Json], access: BmcAccess) -> Mapping[str, Json]:
    """Those that fit what is known of the host; each thing that fits some rules out the others."""
    left = systems
    for wanted, keys in ((access.uuid, ("UUID",)), (access.serial, ("SerialNumber", "SKU"))):
        if wanted:
            plain = wanted.strip().lower()
            left = {p: b for p, b in left.items() if plain in {text(b, key).lower() for key in keys}} or left
    if access.mac and len(left) > 1:
        left = {p: b for p, b in left.items() if access.mac.lower() in read_macs(reader, b)} or left
    return left


def _ambiguous(reader: Reader, systems: Mapping[str, Json], access: BmcAccess) -> Refused:
    unread = f"; not all can be read: {reader.problem}" if reader.problems else ""
    hosts = [path for path, body in systems.items() if _boots(body)]
    likely = f" (probably {hosts[0]}, the only one with a BIOS)" if len(hosts) == 1 and len(systems) > 1 else ""
    return Refused(
        f"{access.origin} shows {len(systems)} Systems and what is known of the host fits not exactly one: "
        + "; ".join(_described(path, body) for path, body in systems.items()) + unread,
        f"give the System's path in the BMC address{likely}, or serial or UUID of the host",
    )


def _is_system(body: Json) -> bool:
    """A DGX H100 lists a log service among its Systems, too (NVIDIA/nv-redfish bmc_quirks.rs)."""
    said = text(body, "@odata.type")
    return not said or "ComputerSystem" in said


def _boots(system: Json) -> bool:
    return bool(inner(system, "Bios")) or bool(text(inner(system, "Boot"), "BootSourceOverrideTarget"))


def _described(path: str, body: Json) -> str:
    told = (("serial", text(body, "SerialNumber")), ("UUID", text(body, "UUID")), ("", text(body, "Model")))
    return f"{path} ({', '.join(f'{what} {value}'.strip() for what, value in told if value) or 'no identity'})"
