"""PCI ids as four hex digits, from BMCs that write them in hex, in decimal, or without saying which."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from bpa.adapters.redfish.reading import Json

Base = Literal[10, 16]
VENDORS = frozenset({
    "8086", "1022", "1002", "10de", "15b3", "14e4", "1077", "10df", "1000", "1028", "103c", "1590", "9005", "144d",
    "1e0f", "1c5c", "1344", "1b4b", "1a03", "102b", "10ee", "19e5", "1924", "177d", "1d0f", "1af4", "15d9", "17aa",
    "1014", "1425", "1137", "126f", "1179", "1c58", "1cc1", "1d94", "1d17", "11f8", "10b5", "104c", "12d8", "1912",
    "1bcf", "1d49", "1dee",
})
"""Vendors whose cards sit in servers: they settle which base ids are in that could be of either (pci.ids)."""
QAT = frozenset({
    "0435", "0443", "37c8", "37c9", "19e2", "19e3", "18a0", "18a1", "18ee", "18ef", "6f54", "6f55", "4940", "4941",
    "4942", "4943", "4944", "4945", "4946", "4947", "4948", "4949",
})
"""Device ids of Intel QuickAssist, physical and virtual functions: Linux drivers/crypto/intel/qat (DH895xCC, C3xxx,
C62x, 4xxx, 401xx, 402xx, 420xx, 6xxx) and DPDK drivers/common/qat/qat_device.c (C4xxx 18a1, 200xx 18ef, D15xx 6f55)."""
IDS = ("VendorId", "DeviceId", "SubsystemVendorId", "SubsystemId")


def base_of(functions: Iterable[Json]) -> Base | None:
    """In which base this BMC writes ids without 0x; None = cannot be told. iLO 5 writes decimal, Redfish wants 0x…"""
    bare, vendors = set(), set()
    for function in functions:
        for key in IDS:
            value = function.get(key)
            if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{1,5}", value, re.IGNORECASE):
                bare.add(value.lower())
                if key == "VendorId":
                    vendors.add(value.lower())
    if any(re.search(r"[a-f]", value) for value in bare):
        return 16
    if any(len(value) > 4 for value in bare):
        return 10
    as_hex = sum(value.zfill(4) in VENDORS for value in vendors)
    as_decimal = sum(f"{int(value):04x}" in VENDORS for value in vendors)
    return None if as_hex == as_decimal else 16 if as_hex > as_decimal else 10


def pci_id(value: object, base: Base | None) -> str:
    """Four lower-case hex digits; "" where it is no id, or its base is not known."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:04x}" if 0 < value < 0xFFFF else ""
    if not isinstance(value, str):
        return ""
    plain = value.strip().lower()
    if re.fullmatch(r"0x[0-9a-f]{1,4}", plain):
        number = int(plain, 16)
    elif base is not None and re.fullmatch(r"[0-9a-f]{1,5}" if base == 16 else r"[0-9]{1,5}", plain):
        number = int(plain, base)
    else:
        return ""
    return f"{number:04x}" if 0 < number < 0xFFFF else ""


def is_qat(vendor: str, device: str, *names: str) -> bool:
    """By id where there is one, else by its product name; never by what it might be."""
    if vendor and device:
        return vendor == "8086" and device in QAT
    return any(re.search(r"quick ?assist", name, re.IGNORECASE) for name in names)
