"""Kubernetes quantities of bytes ("512Mi") as integers."""

from __future__ import annotations

import re
from decimal import Decimal

_SUFFIXES = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "E": 10**18,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
    "Ei": 2**60,
}
_QUANTITY = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,9})?)(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?")
_NEARLY = re.compile(r"([0-9.]{1,20})\s*([kKmMgGtTpPeE])(i?)[bB]?")

EXPECTED = "a quantity of bytes such as 512Mi or 4Gi"


def parse_quantity(value: str | int) -> int:
    """Bytes; whole numbers are bytes already. ValueError, whose text is a suggestion or "", for what is no quantity.

    Source: Kubernetes resource.Quantity; the suffix m and exponents make no sense for bytes and are refused.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError("")
        return value
    text = str(value).strip()
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(_suggestion(text))
    number = Decimal(found.group(1)) * _SUFFIXES[found.group(2) or ""]
    if number != int(number) or number >= 2**63:
        raise ValueError("")
    return int(number)


def _suggestion(text: str) -> str:
    found = _NEARLY.fullmatch(text)
    if found is None:
        return ""
    number, letter, binary = found.groups()
    if binary or letter in "kK":
        return f"{number}{letter.upper()}i"
    return f"{number}{letter.upper()} or {number}{letter.upper()}i"
