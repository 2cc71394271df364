"""Ironic through openstacksdk: the one place where nodes are read, enrolled, inspected and deployed.

`bpa.adapters.ironic.client` is imported where an Ironic is first needed: openstacksdk alone takes a second to load.
"""

from bpa.adapters.ironic.endpoint import IronicEndpoint
from bpa.adapters.ironic.node import FAKE_INTERFACES, REDFISH_INTERFACES, NodeSpec

__all__ = ["FAKE_INTERFACES", "REDFISH_INTERFACES", "IronicEndpoint", "NodeSpec"]
