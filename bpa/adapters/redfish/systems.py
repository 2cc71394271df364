"""The right System among those a BMC shows: never the first by habit."""

from __future__ import annotations

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.answers import Missing
from bpa.adapters.redfish.inventory import read_macs
from bpa.adapters.redfish.reading import Json, Reader, text


def find_system(reader: Reader, access: BmcAccess) -> str:
    """Path of the System: explicit, or by UUID, serial or boot MAC, or the only one. Raises Refused, naming all."""
    root = reader.link.root()
    if access.system:
        path = reader.link.path_of(access.system)
        try:
            reader.resource(path)
        except Missing:
            listed = [reader.link.path_of(link) for link in reader.links(root, "Systems")]
            raise Refused(
                f"{access.origin} has no System {path}; it has {', '.join(listed) or 'none'}",
                "correct the path in the BMC address",
            ) from None
        return path
    links = reader.links(root, "Systems")
    if not links:
        why = f" ({reader.problem})" if reader.problems else ""
        raise Unsupported(f"{access.origin} shows no System{why}", "it may manage a chassis: use the host's own BMC")
    if len(links) == 1:
        return reader.link.path_of(links[0])
    systems = dict(reader.each(links))
    for wanted, key in ((access.uuid, "UUID"), (access.serial, "SerialNumber")):
        same = [p for p, body in systems.items() if wanted and text(body, key).lower() == wanted.strip().lower()]
        if len(same) == 1:
            return same[0]
    if access.mac:
        same = [p for p, body in systems.items() if access.mac.lower() in read_macs(reader, body)]
        if len(same) == 1:
            return same[0]
    raise Refused(
        f"{access.origin} shows {len(systems)} Systems and the documents fit not exactly one: "
        + "; ".join(_described(path, body) for path, body in systems.items()),
        "give the System's path in the BMC address, or serial or UUID of the host",
    )


def _described(path: str, body: Json) -> str:
    told = (("serial", text(body, "SerialNumber")), ("UUID", text(body, "UUID")), ("", text(body, "Model")))
    return f"{path} ({', '.join(f'{what} {value}'.strip() for what, value in told if value) or 'no identity'})"
