"""What vendors, models and firmware versions do differently: data with a source for each line."""

from bpa.adapters.redfish.quirks.identity import Identity, identify, with_manager
from bpa.adapters.redfish.quirks.rules import Applied, Quirks, firmware_decides, quirks_of

__all__ = ["Applied", "Identity", "Quirks", "firmware_decides", "identify", "quirks_of", "with_manager"]
