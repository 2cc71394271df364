"""Versions of firmware, which no two makers write alike: is what is there at least what is asked?

As told by BIOSes of known machines: "U30 v2.36 (07/16/2020)" (HPE), "2.12.2" (Dell), "3.4" and "3.8a" (Supermicro),
"-[IVE142E-2.30]-" (Lenovo), "SE5C620.86B.02.01.0012.070720200218" (Intel), "F12" (Gigabyte), and of network adapters by
`ethtool -i`: "6.80 0x80003d05 1.2007.0".
"""

from __future__ import annotations

import re
from itertools import zip_longest

_FORMS = (
    r"\.86[A-Z]\.(\d[\d.]*)",
    r"(?:^|[\s\[])[vV](\d[\d.]*)",
    r"-(\d+(?:\.\d+)+)",
    r"^(\d+(?:\.\d+)*(?![\w.]*-)[a-z]?)",
    r"(?:^|\s)(\d+(?:\.\d+)+)",
)
"""Where the number of a version stands, the maker with the most around it first."""


def reaches(found: str, least: str) -> bool | None:
    """Whether version `found` is at least `least`; None = they cannot be compared.

    Numbers alone ("2.36") are compared with the number in what was found. With letters before them ("U30 v2.36",
    "SE5C620.86B.02.01.0012") the letters must be the same: another board's firmware is numbered in its own way.
    """
    if re.match(r"[vV]?\d", least.strip()):
        number = number_in(found)
        asked = number_in(least)
        return _compare(_tokens(number), _tokens(asked)) if number and asked else None
    if _board(found) != _board(least):
        return None
    one, other = _tokens(found), _tokens(least)
    letters = [(a, b) for a, b in zip(one, other, strict=False) if isinstance(a, str) or isinstance(b, str)]
    if len(one) < len(other) or any(a != b for a, b in letters):
        return None
    return _compare(one, other)


def number_in(version: str) -> str:
    """The number of a version without what stands around it, "" = none is seen."""
    plain = re.sub(r"\(.*?\)", "", version).strip()
    for form in _FORMS:
        found = re.search(form, plain)
        if found:
            return found[1].strip(".")
    return ""


def same(one: str, other: str) -> bool:
    """Whether two writings of a version may mean the same one: what one of them does not tell is no difference."""
    first, second = number_in(one), number_in(other)
    if not first or not second:
        return True
    return all(a == b for a, b in zip(_tokens(first), _tokens(second), strict=False))


def _board(version: str) -> str:
    """The line of boards that an HPE BIOS (the word before " v") or an Intel one is for; "" = not of these forms."""
    found = re.match(r"(\w+)(?: v\d|\.86[A-Z]\.)", version.strip(), re.IGNORECASE)
    return found[1].lower() if found else ""


def _tokens(version: str) -> list[int | str]:
    plain = re.sub(r"\(.*?\)", "", version).lower()
    words = re.findall(r"\d+|[a-z]+", plain)
    # The v of "v2.36" says nothing.
    return [int(word) if word.isdigit() else word for word in words if word != "v"]


def _compare(found: list[int | str], least: list[int | str]) -> bool:
    for one, other in zip_longest(found, least, fillvalue=0):
        if one == other:
            continue
        if isinstance(one, int) and isinstance(other, int):
            return one > other
        # "3.8a" comes after "3.8", and letters in their order: 0 stands for what is not there.
        return str(one) > str(other) if isinstance(one, str) and isinstance(other, str) else isinstance(one, str)
    return True
