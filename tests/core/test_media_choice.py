"""Images compared as BMCs echo them, and slots chosen by what they tell of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from bpa.core.media import Slot, choose, same_image, without_credentials

IMAGE = "http://192.0.2.1:8080/images/live.iso"


@pytest.mark.parametrize(
    ("echo", "same"),
    [
        (IMAGE, True),
        ("http://192.0.2.1/images/live.iso", True),  # xFusion leaves the port out
        ("192.0.2.1:8080/images/live.iso", True),  # DMTF's mockup leaves the scheme out
        ("HTTP://192.0.2.1:8080/images/live.iso/", True),
        ("http://user:secret@192.0.2.1:8080/images/live.iso", True),
        ("http://192.0.2.1:8080/images%2Flive.iso", True),
        ("http://192.0.2.1:9090/images/live.iso", False),
        ("https://192.0.2.1:8080/images/live.iso", False),
        ("http://192.0.2.2:8080/images/live.iso", False),
        ("http://192.0.2.1:8080/images/Live.iso", False),
        ("live.iso", False),
        ("", False),
        ("   ", False),
        ("http://[192.0.2.1:8080/images/live.iso", False),
        ("http://192.0.2.1:99999999/images/live.iso", False),
    ],
)
def test_an_echo_means_the_same_image_or_not(echo: str, same: bool) -> None:
    assert same_image(IMAGE, echo) is same
    assert same_image(echo, IMAGE) is same


def test_a_share_is_the_same_however_it_is_written() -> None:
    assert same_image("nfs://192.0.2.1/export/a.iso", "192.0.2.1:/export/a.iso")
    assert same_image("//fs1/share/a.iso", r"\\FS1\share\a.iso".lower())
    assert same_image("cifs://fs1/share/a.iso", "//fs1/share/a.iso")
    assert not same_image("nfs://192.0.2.1/export/a.iso", "192.0.2.1:/export/b.iso")
    assert same_image("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]/a")


def test_credentials_are_no_part_of_an_image_that_is_shown() -> None:
    assert without_credentials("https://u:p@h/x@y") == "https://h/x@y"
    assert without_credentials("CIFS://u:p@h/x") == "CIFS://h/x"


def slot(name: str, *types: str, **more: Any) -> Slot:
    return Slot(f"/redfish/v1/Managers/1/VirtualMedia/{name}", name, types=types, way=more.pop("way", "action"), **more)


@pytest.mark.parametrize(
    ("kind", "chosen"),
    [("cd", ["CD", "1", "Optical"]), ("usb", ["RemovableDisk", "1", "USB1"]), ("floppy", ["Floppy1"])],
)
def test_types_decide_then_names(kind: Any, chosen: list[str]) -> None:
    slots = [
        slot("RemovableDisk", "USBStick"), slot("CD", "CD", "DVD"), slot("1", "DVD", "USBStick"), slot("Optical"),
        slot("USB1"), slot("Floppy1", "Floppy"), slot("X"),
    ]
    assert [s.id for s in choose(slots, kind).slots] == chosen


def test_why_the_others_were_passed_over_is_told() -> None:
    slots = [slot("A", "Floppy"), slot("B"), slot("C", "CD", way="none", why="for the remote console only")]
    assert choose(slots, "cd").slots == ()
    assert choose(slots, "cd").passed == (
        "A: it takes Floppy", "B: it does not say what it takes", "C: for the remote console only"
    )


def test_a_wanted_slot_is_taken_by_id_or_path_whatever_its_types_are() -> None:
    slots = [slot("A", "Floppy"), slot("B")]
    assert [s.id for s in choose(slots, "cd", "b").slots] == ["B"]
    assert [s.id for s in choose(slots, "cd", slots[0].path).slots] == ["A"]
    assert choose(slots, "cd", "C").slots == ()


def test_the_slots_of_the_system_come_first_and_those_of_the_console_last() -> None:
    slots = [slot("RDOC1", "CD", holder="System"), slot("1", "CD"), slot("2", "CD", holder="System")]
    assert [s.id for s in choose(slots, "cd").slots] == ["2", "1", "RDOC1"]
