"""UEFI HTTP boot from a URL: by the boot override, or by the BIOS attribute that holds it."""

from __future__ import annotations

from collections.abc import Mapping

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.bios.attributes import read_bios
from bpa.adapters.redfish.bios.settings import Staged, stage_bios
from bpa.adapters.redfish.boot.override import HTTP_URI, Boot, Enabled, send_boot_override
from bpa.adapters.redfish.reading import inner
from bpa.adapters.redfish.writing import Writer
from bpa.core.steps import BiosValue

URL_ATTRIBUTES: tuple[tuple[str, Mapping[str, BiosValue]], ...] = (
    ("UrlBootFile", {}),
    ("HttpDev1Uri", {"HttpDev1EnDis": "Enabled"}),
)
"""BIOS attributes that hold the URL of UEFI HTTP boot, and what has to stand beside them.

HPE (recorded on DL385 Gen10 Plus v2; libredfish pull 76) and Dell (recorded on R750).
"""


def boot_from_url(writer: Writer, url: str, enabled: Enabled = "Once") -> tuple[Boot, Staged | None]:
    """Boot next from a URL by UEFI HTTP: by HttpBootUri where the BMC has it, else by the BIOS attribute for it.

    The second is what was staged for that: it takes effect with the next restart. Raises the adapter errors.
    """
    target = writer.target
    reader = target.reader()
    system = target.system(reader).body
    if HTTP_URI in inner(system, "Boot"):
        return send_boot_override(writer, "UefiHttp", enabled, http_uri=url), None
    bios = read_bios(reader, system, None)
    for name, beside in URL_ATTRIBUTES:
        if name not in bios.now:
            continue
        wanted = {n: v for n, v in {name: url, **beside}.items() if bios.pending.get(n, bios.now.get(n)) != v}
        staged = stage_bios(writer, bios.paths, wanted).checked(target.origin) if wanted else None
        return send_boot_override(writer, "UefiHttp", enabled), staged
    raise Unsupported(f"{target.origin} takes no URL to boot from: neither {HTTP_URI} nor a BIOS attribute for it",
                      "give the URL by DHCP (option 67), and boot from UefiHttp")
