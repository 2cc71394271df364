"""Dell's way to boot from virtual media: attributes of the iDRAC instead of the boot override."""

from __future__ import annotations

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish.reading import Json, Reader, inner
from bpa.adapters.redfish.writing import Writer

VIRTUAL_CD = "VCD-DVD"
DEVICE, ONCE = "ServerBoot.1.FirstBootDevice", "ServerBoot.1.BootOnce"


def choose_virtual_cd(writer: Writer, once: bool) -> bool:
    """Make the virtual CD the first boot device; False where it was so already. Raises the adapter errors.

    ServerBoot.1 stands in DellAttributes of the Manager, and on older firmware in its Attributes (recorded on R750).
    """
    target = writer.target
    reader = target.reader()
    change = {DEVICE: VIRTUAL_CD, ONCE: "Enabled" if once else "Disabled"}
    found = _server_boot(writer, reader)
    if found is None:
        raise Unsupported(f"{target.origin} shows no ServerBoot attributes", "choose the virtual CD in its boot menu by hand")
    place, now = found
    if all(now[name] == value for name, value in change.items()):
        return False
    writer.patch(place, {"Attributes": change}, reader.resource(place).etag)
    if not writer.dry_run:
        after = inner(reader.resource(place).body, "Attributes")
        if any(after.get(name) != value for name, value in change.items()):
            raise Refused(f"{target.origin} accepted the virtual CD as boot device and did not keep it",
                          "choose the virtual CD in its boot menu by hand, or update the iDRAC")
    return True


def _server_boot(writer: Writer, reader: Reader) -> tuple[str, Json] | None:
    target = writer.target
    for path, manager in target.managers(reader, target.system(reader).body):
        named = inner(manager, "Links", "Oem", "Dell").get("DellAttributes")
        links: list[object] = [*(named if isinstance(named, list) else ()), f"{path.rstrip('/')}/Attributes"]
        for place, body in reader.each(links):
            now = inner(body, "Attributes")
            if DEVICE in now and ONCE in now:
                return place, now
    return None
