"""A vendor's ways: chosen by what a tree says, and able to be put on any tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recorded_tree import CD, RESET, SYSTEM, Client, resources, write_tree

from bpa.lab.recorded import Machine
from bpa.lab.recorded.personalities import ALL, chosen, named
from bpa.lab.recorded.tree import open_tree

IMAGE = "http://images.example:8080/rescue.iso"


@pytest.mark.parametrize(("told", "vendor"), [
    ({"Vendor": "Dell"}, "dell"), ({"Vendor": "HPE"}, "hpe"), ({"Oem": {"Supermicro": {}}}, "supermicro"),
    ({"Manufacturer": "Intel Corporation"}, "intel"), ({"Manufacturer": "xFusion"}, "xfusion"), ({"Vendor": "AMI"}, "ami"),
    ({"Manufacturer": "Cisco Systems Inc"}, "cisco"), ({"Manufacturer": "Nobody"}, "dmtf"), ({"Oem": None}, "dmtf"),
    (None, "dmtf"),
])
def test_a_vendor_is_chosen_by_name(told: Any, vendor: str) -> None:
    assert chosen(told).name == vendor


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_personality_can_be_put_on_any_tree(tmp_path: Path, name: str) -> None:
    client = Client(Machine(open_tree(write_tree(tmp_path)), "admin", "right", personality=named(name), frozen=True))
    assert client.patch(SYSTEM, {"AssetTag": "x"}, If_Match="*").status in (200, 204)
    assert client.post(RESET, {"ResetType": "ForceRestart"}).status in (200, 204)
    told = {"Image": IMAGE, "TransferProtocolType": "HTTP", "UserName": "a", "Password": "b"}
    assert client.post(f"{CD}/Actions/VirtualMedia.InsertMedia", told).status in (200, 204)
    shown = "http://images.example/rescue.iso" if name == "xfusion" else IMAGE
    assert client.machine.slot("CD").image == shown


def test_xfusion_says_412_where_others_say_428(tmp_path: Path) -> None:
    tree = open_tree(write_tree(tmp_path, resources()))
    for name, status in (("xfusion", 412), ("ami", 428), ("dmtf", 200)):
        client = Client(Machine(tree, "admin", "right", personality=named(name)))
        assert client.patch(SYSTEM, {"AssetTag": "x"}).status == status
