"""`bpa bmc`: one BMC by hand, without a site: read it, doctor it, record it, and the everyday verbs."""

from bpa.cli.bmc.group import bmc

__all__ = ["bmc"]
