"""Section `pmem`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bpa.core.want import NamespaceWant, Profile
from bpa.documents import errors, quantity
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError
from bpa.documents.profile.quantities import read_quantity

_SYSTEM = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr", "/var")
_ALIGNMENTS = (4 << 10, 2 << 20, 1 << 30)
_LEAST_XFS = 320 << 20
"""mkfs.xfs(8) makes none below 300 MiB since xfsprogs 5.19; fsdax keeps 1/64 and 2 MiB of a namespace for itself."""
_NAME_LENGTH = 63
"""Bytes of a namespace's name in its label (UEFI 2.7, 13.19.4: 64 with the terminating zero)."""
Problems = list[DocumentError]


def read_namespaces(document: Document, problems: Problems) -> Iterator[NamespaceWant]:
    """The namespaces; what is wrong with them goes to `problems`."""
    seen: dict[tuple[str, str, str], int] = {}
    for number, entry in enumerate(document.get("spec", "pmem") or ()):
        if not entry:
            continue
        path: errors.Path = ("spec", "pmem", number)
        mode, region = entry.get("mode", "fsdax"), entry.get("region", "")
        size = read_quantity(document, (*path, "size"), problems)
        if size == 0:
            problems.append(document.error((*path, "size"), "a namespace of nothing", quantity.EXPECTED))
        if size and size < _LEAST_XFS and entry.get("filesystem") == "xfs":
            problems.append(document.error((*path, "size"), "too small for xfs", "at least 320Mi, or filesystem: ext4"))
        _check_use(document, path, entry, mode, problems)
        if region and (other := seen.get(("all of", "", region))) is not None:
            problems.append(document.error((*path, "region"), f"pmem[{other}] takes all that {region} has",
                                           "a size for it, or this entry before it"))
        if region and size is None:
            seen.setdefault(("all of", "", region), number)
        count = entry.get("count")
        if count is not None and size is None and count > 1:
            problems.append(document.error((*path, "count"), f"{count} namespaces cannot each have all of {region}", "a size"))
        names = [entry.get("name", "")] if count is None else [
            f"{entry['name']}{one}" if entry.get("name") else "" for one in range(count)]
        if names and len(names[-1]) > _NAME_LENGTH:
            problems.append(document.error((*path, "name"), f"{names[-1]} is too long",
                                           f"at most {_NAME_LENGTH} characters in all"))
        # Names are looked for in their region: those of pmem-csi are the same in each.
        for what, where, value in (*(("name", region, name) for name in names), ("mountPoint", "", entry.get("mountPoint", ""))):
            if value and (other := seen.setdefault((what, where, value), number)) != number:
                problems.append(document.error((*path, what), f"{value} is taken by pmem[{other}]"))
        align, sector = _alignment(document, path, mode, problems), entry.get("sectorSize") or 0
        for name in names:
            yield NamespaceWant(region, mode, size, name, entry.get("filesystem", ""), entry.get("mountPoint", ""), align, sector,
                                entry.get("volumeGroup", ""))


def pmem_problems(document: Document, profile: Profile) -> Iterator[DocumentError]:
    """Namespaces that the rest of the profile leaves no room for."""
    goals = profile.pmem_goals
    if profile.pmem and any(goal.socket is None for goal in goals) and all(goal.memory_percent == 100 for goal in goals):
        yield document.error(("spec", "pmem"), "pmemGoal makes all persistent memory volatile (Memory Mode): no region is left",
                             "pmemGoal.memoryMode below 100, or no namespaces")
    if profile.pmem and profile.bios.intents.get("pmem") == "memoryMode" and not goals:
        yield document.error(("spec", "pmem"), "bios.intents.pmem is memoryMode: no region is left",
                             "appDirect, or no namespaces")


def _check_use(document: Document, path: errors.Path, entry: Mapping[str, Any], mode: str, problems: Problems) -> None:
    filesystem, mount, group = entry.get("filesystem", ""), entry.get("mountPoint", ""), entry.get("volumeGroup", "")
    if filesystem and mode == "devdax":
        problems.append(document.error((*path, "filesystem"), f"a {mode} namespace holds no filesystem", "mode: fsdax"))
    if mount and not filesystem:
        problems.append(document.error((*path, "mountPoint"), "there is no filesystem to mount", "filesystem: ext4"))
    if mount and any(mount == top or mount.startswith(f"{top}/") for top in _SYSTEM):
        problems.append(document.error((*path, "mountPoint"), f"{mount} belongs to the system", "a path such as /mnt/pmem0"))
    if mount and entry.get("count") is not None:
        problems.append(document.error((*path, "mountPoint"), "several namespaces cannot be mounted in one place",
                                       "an entry for each that is mounted"))
    if group and filesystem:
        problems.append(document.error((*path, "volumeGroup"), "a physical volume holds no filesystem of its own",
                                       "volumeGroup or filesystem"))
    if group and mode == "devdax":
        problems.append(document.error((*path, "volumeGroup"), f"a {mode} namespace can be no physical volume", "mode: fsdax"))
    if entry.get("sectorSize") and mode != "sector":
        problems.append(document.error((*path, "sectorSize"), f"a {mode} namespace has no sectors", "mode: sector"))


def _alignment(document: Document, path: errors.Path, mode: str, problems: Problems) -> int:
    align = read_quantity(document, (*path, "alignment"), problems, least=1)
    if align is None:
        return 0
    if mode == "sector":
        problems.append(document.error((*path, "alignment"), "a sector namespace has no pages to align", "mode: fsdax or devdax"))
    elif align not in _ALIGNMENTS:
        problems.append(document.error((*path, "alignment"), f"{align} is no size of pages", "4Ki, 2Mi or 1Gi"))
    return align
