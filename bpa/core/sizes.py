"""Sizes in bytes, as people say them."""

from __future__ import annotations

MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40


def exact(size: int) -> str:
    """Without losing a byte, for what is compared byte by byte: "768 GiB", "1537 MiB", "4097 bytes"."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (1 << 10, "KiB")):
        if size and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} bytes"


def rounded(size: int) -> str:
    """To a tenth, for what makers and kernels count differently: "768 GiB", "62.7 GiB", "1.8 TiB"; "" for 0."""
    if not size:
        return ""
    unit, name = (TIB, "TiB") if size >= TIB else (GIB, "GiB") if size >= GIB else (MIB, "MiB")
    return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
