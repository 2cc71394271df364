"""Root device hints: translated from Metal3, and judged as Ironic judges them."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ironic.common.utils import find_devices_by_hints

from bpa.core.facts import Drive
from bpa.core.root_device import describe, from_metal3, match, pinned
from bpa.core.sizes import GIB

SDA = Drive("/dev/sda", "SERIAL-A", 480 * GIB, "INTEL SSDSC2KB48", "0x5000c500", False, "ATA", "0:0:0:0",
            "/dev/disk/by-path/pci-0000:00:1f.2-ata-1", "0x5000c500ext", "0xext")
SDB = Drive("/dev/sdb", "SERIAL-B", 4000 * GIB, "ST4000NM", "0x5000c501", True, "SEAGATE", "0:0:1:0")
NVME = Drive("/dev/nvme0n1", "SERIAL-C", 960 * GIB, "INTEL SSDPE2KX", "eui.01", False, "", "")
PMEM = Drive("/dev/pmem0", "", 8 * GIB)
ALL = (SDA, SDB, NVME)

TRANSLATIONS = [
    ({"deviceName": "/dev/sda"}, {"name": "s== /dev/sda"}),
    ({"deviceName": "/dev/disk/by-path/pci-1"}, {"by_path": "s== /dev/disk/by-path/pci-1"}),
    ({"hctl": "0:0:1:0"}, {"hctl": "s== 0:0:1:0"}),
    ({"model": "INTEL", "vendor": "ATA"}, {"model": "<in> INTEL", "vendor": "<in> ATA"}),
    ({"serialNumber": "SERIAL-A"}, {"serial": "s== SERIAL-A"}),
    ({"minSizeGigabytes": 500}, {"size": ">= 500"}),
    ({"minSizeGigabytes": 0}, {}),
    ({"wwn": "0x1", "wwnWithExtension": "0x12", "wwnVendorExtension": "0x2"},
     {"wwn": "s== 0x1", "wwn_with_extension": "s== 0x12", "wwn_vendor_extension": "s== 0x2"}),
    ({"rotational": False}, {"rotational": False}),
    ({"serialNumber": None}, {}), ({}, {}),
]


@pytest.mark.parametrize(("metal3", "ironic"), TRANSLATIONS)
def test_metal3_hints_become_ironics(metal3: dict[str, object], ironic: dict[str, object]) -> None:
    assert from_metal3(metal3) == ironic


@pytest.mark.parametrize(("metal3", "word"), [
    ({"serial": "A"}, "serialNumber"), ({"minSizeGigabytes": "500"}, "minSizeGigabytes"),
    ({"minSizeGigabytes": True}, "minSizeGigabytes"), ({"rotational": "no"}, "rotational"), ({"wwn": 5}, "wwn"),
])
def test_a_wrong_hint_is_named(metal3: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        from_metal3(metal3)


MATCHES = [
    ({"serialNumber": "SERIAL-B"}, ALL, SDB), ({"serialNumber": "serial-b"}, ALL, SDB),
    ({"serialNumber": "SERIAL"}, ALL, None), ({"model": "INTEL"}, ALL, SDA), ({"model": "SSDPE"}, ALL, NVME),
    ({"minSizeGigabytes": 900}, ALL, SDB), ({"minSizeGigabytes": 900, "rotational": False}, ALL, NVME),
    ({"minSizeGigabytes": 5000}, ALL, None), ({"rotational": True}, ALL, SDB),
    ({"deviceName": "/dev/nvme0n1"}, ALL, NVME), ({"hctl": "0:0:0:0"}, ALL, SDA),
    ({}, ALL, SDA), ({}, (PMEM, *ALL), SDA), ({}, (PMEM,), None), ({}, (), None),
]


@pytest.mark.parametrize(("hints", "drives", "drive"), MATCHES)
def test_which_drive_is_picked(hints: dict[str, object], drives: tuple[Drive, ...], drive: Drive | None) -> None:
    assert match(from_metal3(hints), drives) == drive


def test_what_a_bmc_does_not_tell_rules_nothing_out_but_decides_nothing() -> None:
    one, two = Drive("Disk 0", "A", 480 * GIB), Drive("Disk 1", "B", 480 * GIB)
    hints = from_metal3({"deviceName": "/dev/sda"})
    assert match(hints, (one,)) == one
    assert match(hints, (one, two)) is None


def test_a_pinned_drive_is_named_so_that_no_other_fits() -> None:
    assert pinned({"size": ">= 4"}, SDB) == {"serial": "s== SERIAL-B"}
    assert pinned({"size": ">= 4"}, Drive("/dev/sdc", wwn="0x1")) == {"wwn": "s== 0x1"}
    assert pinned({"size": ">= 4"}, Drive("/dev/sdc")) == {"name": "s== /dev/sdc"}
    assert pinned({"size": ">= 4"}, None) == {"size": ">= 4"}


def test_a_drive_in_words_is_the_same_whoever_looked() -> None:
    assert describe(SDA) == describe(Drive("Disk 0", "SERIAL-A", 480 * GIB)) == "disk SERIAL-A (480.0 GiB)"


words = st.sampled_from(["INTEL", "intel ssd", "ATA", "S1", "s2", "0x5", "/dev/sda", "/dev/sdb", "a b"])
drives = st.builds(Drive, name=st.sampled_from(["/dev/sda", "/dev/sdb"]), serial=words, size=st.integers(1, 20).map(
    lambda n: n * GIB), model=words, wwn=words, rotational=st.booleans(), vendor=words, hctl=words, by_path=words,
    wwn_with_extension=words, wwn_vendor_extension=words)
hints = st.fixed_dictionaries({}, optional={
    "deviceName": words, "hctl": words, "model": words, "vendor": words, "serialNumber": words, "wwn": words,
    "minSizeGigabytes": st.integers(1, 20), "rotational": st.booleans(), "wwnWithExtension": words})


@given(hints, st.lists(drives, min_size=1, max_size=4))
def test_we_pick_the_drive_that_ironic_picks(asked: dict[str, object], found: list[Drive]) -> None:
    translated = from_metal3(asked)
    if not translated:
        return
    ironics = next(iter(find_devices_by_hints([asdict(d) for d in found], translated)), None)
    ours = match(translated, tuple(found))
    assert (asdict(ours) if ours else None) == ironics
