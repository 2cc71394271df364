"""Sections `sriov` and `qat`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bpa.core.want import PfMatch, VfWant
from bpa.documents.document import Document


def read_virtual_functions(document: Document) -> Iterator[VfWant]:
    """What the two sections ask of physical functions."""
    for entry in document.get("spec", "sriov") or ():
        if entry:
            yield VfWant(_match(entry.get("match") or {}), entry.get("vfs") or 0)
    qat = document.get("spec", "qat")
    if qat:
        yield VfWant(_match(qat.get("match") or {}), qat.get("vfs") or 0, "QAT")


def _match(match: Mapping[str, Any]) -> PfMatch:
    address = match.get("pciAddress")
    if address is not None:
        address = address.lower() if address.count(":") == 2 else f"0000:{address.lower()}"
    device, mac = match.get("device"), match.get("mac")
    return PfMatch(address, device and device.lower(), match.get("driver"), mac and mac.lower(), match.get("interface"))
