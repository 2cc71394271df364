"""Quantities in a document."""

from __future__ import annotations

from bpa.documents import errors, quantity
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError


def read_quantity(document: Document, path: errors.Path, problems: list[DocumentError]) -> int | None:
    """Bytes at `path`, None when absent or wrong (then `problems` grows)."""
    value = document.get(*path)
    if value is None:
        return None
    try:
        return quantity.parse_quantity(value)
    except ValueError as error:
        shown = errors.shortened(str(value))
        problems.append(document.error(path, f'"{shown}" is no quantity', quantity.EXPECTED, str(error)))
        return None
