"""What sections `sriov` and `qat` have in common: `match` and `vfs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from bpa.core.want import PfMatch
from bpa.documents.document import Document, nearest
from bpa.documents.errors import DocumentError, Path

MOST_VFS = 1024
EXPECTED = f"a whole number from 0 to {MOST_VFS}, all or max"


def read_match(match: Mapping[str, Any]) -> PfMatch:
    """Written as the kernel writes it: lower case, PCI addresses with their domain."""
    address = match.get("pciAddress")
    if address is not None:
        address = address.lower() if address.count(":") == 2 else f"0000:{address.lower()}"
    device, mac = match.get("device"), match.get("mac")
    return PfMatch(
        address, device and device.lower(), match.get("driver"), mac and mac.lower(), match.get("interface"),
        match.get("numaNode"), match.get("link"),
    )  # fmt: skip


def read_vfs(document: Document, path: Path, problems: list[DocumentError]) -> int | Literal["all", "max"]:
    """The number of VFs at `path`; with an error it is 0."""
    said = document.get(*path)
    if said is None or (isinstance(said, int) and 0 <= said <= MOST_VFS):
        return said or 0
    if said == "all" or said == "max":
        return "all" if said == "all" else "max"
    text = str(said)
    meant = text if text.isascii() and text.isdigit() and int(text[:6]) <= MOST_VFS else nearest(text, ("all", "max"))
    problems.append(document.error(path, "this is no number of VFs", EXPECTED, meant))
    return 0
