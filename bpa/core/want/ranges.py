"""Lists of processors and nodes as the kernel writes them (Documentation/admin-guide/kernel-parameters, "cpu lists")."""

from __future__ import annotations

import re

MOST = 8192
"""The largest number of processors that an x86 kernel can be built for (CONFIG_NR_CPUS)."""
_PART = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)


def numbers_in(text: str) -> frozenset[int]:
    """The numbers in "0-3,8"; blanks around parts are allowed. ValueError says which part is none."""
    found: set[int] = set()
    for part in filter(None, (one.strip() for one in text.split(","))):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no number and no range")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(f"{part!r} ends before it begins")
        if last >= MOST:
            raise ValueError(f"{part!r} is no range below {MOST}")
        found.update(range(first, last + 1))
    return frozenset(found)


def written(numbers: frozenset[int]) -> str:
    """The shortest list: {2, 3, 4, 8} -> "2-4,8"."""
    parts: list[str] = []
    first = last = -2
    for number in (*sorted(numbers), MOST + 1):
        if number != last + 1:
            if first >= 0:
                parts.append(str(first) if first == last else f"{first}-{last}")
            first = number
        last = number
    return ",".join(parts)
