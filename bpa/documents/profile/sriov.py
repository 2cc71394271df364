"""Section `sriov`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from bpa.core.want import PfMatch, VfSettings, VfWant
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError, Path
from bpa.documents.profile.matches import read_match, read_vfs

# How many VFs the drivers of a kind make on one port, one fewer than their data sheets have, since the port keeps a pool of its
# own: igb (igb_main.c, igb_probe_vfs) and ixgbe (ixgbe_sriov.h, IXGBE_MAX_VFS_DRV_LIMIT).
MOST = {"8086:10c9": ("82576", 7), "8086:1521": ("I350", 7), "8086:10fb": ("82599", 63)}


def read_virtual_functions(document: Document, problems: list[DocumentError]) -> Iterator[VfWant]:
    """The wants of the section; what contradicts itself or each other goes to `problems`."""
    seen: dict[PfMatch, tuple[int, VfWant]] = {}
    wider: list[tuple[int, VfWant]] = []
    for number, entry in enumerate(document.get("spec", "sriov") or ()):
        if not entry:
            continue
        path: Path = ("spec", "sriov", number)
        want = VfWant(read_match(entry.get("match") or {}), read_vfs(document, (*path, "vfs"), problems),
                      count=entry.get("count"), driver=entry.get("driver"), settings=_settings(entry),
                      resource=entry.get("resource", ""))
        problems.extend(_contradictions(document, path, want))
        key = PfMatch(pci_address=want.match.pci_address, mac=None if want.match.pci_address else want.match.mac)
        key = key if want.match.names_one else want.match
        first = seen.setdefault(key, (number, want))
        if first[0] != number and replace(first[1], match=want.match) != want:
            problems.append(document.error((*path, "match"), f"sriov[{first[0]}] matches the same and asks for something else",
                                           "each port once"))
        else:
            problems.extend(_overlaps(document, path, want, wider))
        wider.append((number, want))
        yield want


def _overlaps(document: Document, path: Path, want: VfWant, others: list[tuple[int, VfWant]]) -> Iterator[DocumentError]:
    """With those before it of which one matches every port of the other: whatever the machine, some port has two masters."""
    for number, other in others:
        if want.match == other.match or want.count is not None or other.count is not None:
            continue
        mine, its = _given(want.match), _given(other.match)
        if mine.items() >= its.items() or its.items() >= mine.items():
            narrow, wide = ("this", f"sriov[{number}]") if len(mine) > len(its) else (f"sriov[{number}]", "this")
            yield document.error((*path, "match"), f"every port of {narrow} is also one of {wide}",
                                 "each port in one entry: add to the wider match what tells its ports apart")


def _given(match: PfMatch) -> dict[str, Any]:
    return {one.name: value for one in fields(match) if (value := getattr(match, one.name)) is not None}


def _settings(entry: Mapping[str, Any]) -> VfSettings:
    return VfSettings(entry.get("mac") == "derived", entry.get("vlan"), entry.get("trust"), entry.get("spoofCheck"),
                      entry.get("minRate"), entry.get("maxRate"), entry.get("linkState"), entry.get("mtu"))


def _contradictions(document: Document, path: Path, want: VfWant) -> Iterator[DocumentError]:
    set_to = want.settings
    if set_to.min_rate and set_to.max_rate and set_to.min_rate > set_to.max_rate:
        yield document.error((*path, "minRate"), f"minRate {set_to.min_rate} is above maxRate {set_to.max_rate}",
                             f"at most {set_to.max_rate}")
    if document.get(*path, "vfs") == 0 and (set_to != VfSettings() or want.driver):
        yield document.error((*path, "vfs"), "there is no VF to set up", "at least 1, all or max")
    if want.count is not None and want.match.names_one and want.count > 1:
        yield document.error((*path, "count"), "pciAddress and mac name one port", "1, or no count")
    name, most = MOST.get(want.match.device or "", ("", 0))
    if most and isinstance(want.vfs, int) and want.vfs > most:
        yield document.error((*path, "vfs"), f"a port of an {name} has {most} VFs at most", f"at most {most}, all or max")
