"""Recording a BMC: its whole tree in the layout of DMTF's mockups, without what identifies or opens the machine."""

from bpa.adapters.redfish.recorder.frontier import EXTRAS, Extra, Limits
from bpa.adapters.redfish.recorder.journal import MANIFEST
from bpa.adapters.redfish.recorder.recorder import Recording, record

__all__ = ["EXTRAS", "MANIFEST", "Extra", "Limits", "Recording", "record"]
