"""Ironic through openstacksdk: the one place where nodes are read, enrolled, inspected and deployed."""

from bpa.adapters.ironic.client import Ironic
from bpa.adapters.ironic.endpoint import IronicEndpoint
from bpa.adapters.ironic.node import FAKE_INTERFACES, REDFISH_INTERFACES, NodeSpec

__all__ = ["FAKE_INTERFACES", "REDFISH_INTERFACES", "Ironic", "IronicEndpoint", "NodeSpec"]
