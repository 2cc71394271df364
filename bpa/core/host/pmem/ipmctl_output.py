"""ipmctl's forms of output: XML (-o nvmxml), tables, and lists of attributes (-a); each with whatever a newer one adds."""

from __future__ import annotations

import re
from collections.abc import Iterator

_UNITS = {"B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
          "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"([0-9]+(?:[.,][0-9]+)?)\s*([KMGT]?i?B)?", re.IGNORECASE)
_LEAF = re.compile(r"<(\w+)>([^<]*)</\1>")


def records(text: str, kind: str) -> Iterator[dict[str, str]]:
    """Attributes in lower case -> values, of each thing in one of ipmctl's three forms."""
    if "<" in text:
        for inside in re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL):
            yield {name.lower(): value.strip() for name, value in _LEAF.findall(inside)}
    elif "|" not in text:
        for block in re.split(r"^\s*---", text, flags=re.MULTILINE)[1:]:
            pairs = (line.strip().strip("-").partition("=") for line in block.splitlines() if "=" in line)
            yield {name.strip().lower(): value.strip() for name, _, value in pairs}
    else:
        rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if "|" in line]
        for row in rows[1:]:
            yield {name.lower(): value for name, value in zip(rows[0], row, strict=False)}


def size_of(text: str) -> int:
    """"502.599 GiB" or "539661172736 B" in bytes; 0 where it is no size."""
    found = _SIZE.match(text.strip())
    return int(float(found[1].replace(",", ".")) * _UNITS[(found[2] or "B").upper()]) if found else 0
