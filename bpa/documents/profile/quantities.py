"""Quantities in a document."""

from __future__ import annotations

from bpa.documents import errors, quantity
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError

LEAST = 2**20
"""No memory and no disk is smaller; a number below it lost its unit."""


def read_quantity(document: Document, path: errors.Path, problems: list[DocumentError], least: int = LEAST) -> int | None:
    """Bytes at `path`, None when absent or wrong (then `problems` grows). Wrong is also what lies between 0 and `least`."""
    value = document.get(*path)
    if value is None:
        return None
    try:
        found = quantity.parse_quantity(value)
        if 0 < found < least:
            meant = f"{value}Gi" if str(value).isdecimal() else ""
            problems.append(document.error(path, f"this is {found} bytes", quantity.EXPECTED, meant))
            return None
        return found
    except ValueError as error:
        shown = errors.shortened(str(value))
        problems.append(document.error(path, f'"{shown}" is no quantity', quantity.EXPECTED, str(error)))
        return None
