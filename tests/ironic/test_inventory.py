"""What the inspection ramdisk reports, as facts."""

from __future__ import annotations

import pytest

from bpa.adapters.ironic.node import parse_inventory
from bpa.core.facts import InspectedNic, Inventory

REPORTED = {"inventory": {
    "cpu": {"model_name": "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz", "count": 80, "socket_count": 2, "flags": ["vmx"]},
    "memory": {"total": 404620279808, "physical_mb": 393216},
    "interfaces": [
        {"name": "ens1f0", "mac_address": "3C:FD:FE:00:00:01", "ipv4_address": "192.0.2.7", "vendor": "0x8086",
         "product": "0x1583", "speed_mbps": 40000, "pci_address": "0000:18:00.0", "driver": "i40e"},
        {"name": "eth0", "mac_address": "52:54:00:00:00:01", "ipv4_address": None, "vendor": "0x1af4", "product": "0x0001",
         "speed_mbps": None},
        {"name": "ib0", "mac_address": None},
    ],
}}


def test_an_inventory_is_read() -> None:
    seen = parse_inventory(REPORTED)
    assert (seen.cpus, seen.sockets, seen.memory_mib, seen.cpu_model[:26]) == (80, 2, 393216, "Intel(R) Xeon(R) Gold 6230")
    assert seen.nics == (
        InspectedNic("ens1f0", "3c:fd:fe:00:00:01", "8086:1583", 40000, "i40e", "0000:18:00.0"),
        # The vendor and product of a virtio device are no PCI ids.
        InspectedNic("eth0", "52:54:00:00:00:01"))
    assert seen.addresses == {"3c:fd:fe:00:00:01": "192.0.2.7", "52:54:00:00:00:01": ""}


@pytest.mark.parametrize("answer", [
    {}, {"inventory": None}, {"inventory": {"cpu": None, "interfaces": None}}, {"inventory": {"cpu": {"socket_count": "2"}}},
])
def test_what_an_older_ramdisk_does_not_tell_is_not_told(answer: dict[str, object]) -> None:
    assert parse_inventory(answer) == Inventory()
