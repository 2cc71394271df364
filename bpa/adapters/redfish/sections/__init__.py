"""What a BMC tells of its machine, section by section: one file each, all of them through `full_facts`."""

from bpa.adapters.redfish.sections.whole import SECTIONS, Name, full_facts

__all__ = ["SECTIONS", "Name", "full_facts"]
