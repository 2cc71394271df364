"""HPE's way to change the boot order: a BIOS resource of its own, effective with the next restart."""

from __future__ import annotations

from collections.abc import Sequence

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish.reading import Json, Reader, inner, objects, text, texts
from bpa.adapters.redfish.writing import Writer

ORDER = "PersistentBootConfigOrder"


def stage_order(writer: Writer, reader: Reader, system: Json, references: Sequence[str]) -> bool:
    """Stage the order of these BootOptionReferences ("Boot002C"); False where the machine has no way to do that.

    Bios.Oem.Hpe.Links.Boot, its settings object (recorded on DL385 Gen10 Plus v2; example 7 of HPE's
    python-ilorest-library). Sources that have no boot option keep their order, behind the others. Raises the adapter
    errors: Refused where the BMC accepts the order and does not keep it.
    """
    link = inner(reader.optional(system, "Bios"), "Oem", "Hpe", "Links", "Boot")
    announced = inner(reader.resource(link).body, "@Redfish.Settings", "SettingsObject") if link else {}
    if not announced:
        return False
    path = reader.link.path_of(announced)
    settings = reader.resource(path)
    now = texts(settings.body, ORDER)
    names = {text(s, "BootOptionNumber").upper(): text(s, "StructuredBootString") for s in objects(settings.body, "BootSources")}
    wanted = [names[number] for r in references if (number := r.upper().removeprefix("BOOT")) in names]
    if not now or not wanted:
        return False
    order = [*dict.fromkeys(w for w in wanted if w in now), *(n for n in now if n not in wanted)]
    if order == list(now):
        return True
    try:
        writer.patch(path, {ORDER: order}, settings.etag)
    except Unsupported:
        return False
    if not writer.dry_run and list(texts(reader.resource(path).body, ORDER)) != order:
        raise Refused(f"{writer.target.origin} accepted the boot order and did not keep it",
                      "choose it in the firmware's setup")
    return True
