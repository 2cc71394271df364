"""The lab's two networks as libvirt XML (https://libvirt.org/formatnetwork.html): provisioning, and bare data."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from bpa.lab.hosts import LabHost
from bpa.lab.layout import ADDRESS, NETMASK

PROVISIONING = "bpa-provisioning"
DATA = "bpa-data"


def render_provisioning(hosts: Iterable[LabHost]) -> str:
    """Bridge br-prov with the lab's address; DHCP gives each host's boot NIC its own address and knows nobody else.

    No <forward>: libvirt hands out no default route, so nothing leaves the lab.
    """
    network = ET.Element("network")
    ET.SubElement(network, "name").text = PROVISIONING
    ET.SubElement(network, "bridge", name="br-prov", stp="off", delay="0")
    ip = ET.SubElement(network, "ip", address=ADDRESS, netmask=NETMASK)
    dhcp = ET.SubElement(ip, "dhcp")
    ET.SubElement(dhcp, "range", start="172.22.0.100", end="172.22.0.200")
    for host in hosts:
        ET.SubElement(dhcp, "host", mac=host.boot_mac, name=host.name, ip=host.address)
    return ET.tostring(network, encoding="unicode")


def render_data() -> str:
    """Bridge br-data for the SR-IOV NICs: a cable between the hosts, no addresses, no DHCP."""
    network = ET.Element("network")
    ET.SubElement(network, "name").text = DATA
    ET.SubElement(network, "bridge", name="br-data", stp="off", delay="0")
    return ET.tostring(network, encoding="unicode")
