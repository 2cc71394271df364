"""What this machine remembers of BMCs, whichever site they belong to."""

from __future__ import annotations

from dataclasses import replace

from bpa import place
from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.bios.registry_files import RegistryFiles
from bpa.adapters.redfish.login.shelf import FileShelf
from bpa.adapters.redfish.trust import Pin, Pins
from bpa.core.secret import Secret


class BmcMemory:
    """Pinned certificates, sessions not closed yet, attribute registries, and credentials refused to this process."""

    def __init__(self) -> None:
        self.directory = place.bmc_directory()
        self.pins = Pins(self.directory / "certificates")
        self.shelf = FileShelf(self.directory / "sessions")
        self.registries = RegistryFiles(self.directory / "registries")

    def pin(self, address: str) -> Pin | None:
        """The pin of the BMC at a base URL. Raises Refused where it cannot be read."""
        return self.pins.find(BmcAccess(address, "", Secret("")).origin)

    def remembered(self, access: BmcAccess, *, insecure: bool = False) -> BmcAccess:
        """The same access with its pin, unless a person says that this time nothing is verified, and with the shelf."""
        pin = None if insecure or not access.origin.startswith("https:") else self.pins.find(access.origin)
        return replace(access, pin=pin.sha256 if pin else "", shelf=self.shelf)
