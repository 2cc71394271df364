"""Section `pmem`."""

from __future__ import annotations

from collections.abc import Iterator

from bpa.core.want import NamespaceWant
from bpa.documents import errors, quantity
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError
from bpa.documents.profile.quantities import read_quantity

_SYSTEM = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
)


def read_namespaces(document: Document, problems: list[DocumentError]) -> Iterator[NamespaceWant]:
    """The namespaces; what is wrong with them goes to `problems`."""
    seen: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(document.get("spec", "pmem") or ()):
        if not entry:
            continue
        path: errors.Path = ("spec", "pmem", number)
        mode, filesystem, mount = (
            entry.get("mode", "fsdax"),
            entry.get("filesystem", ""),
            entry.get("mountPoint", ""),
        )
        size = read_quantity(document, (*path, "size"), problems)
        if size == 0:
            problems.append(document.error((*path, "size"), "a namespace of nothing", quantity.EXPECTED))
        if filesystem and mode != "fsdax":
            problems.append(document.error((*path, "filesystem"), f"a {mode} namespace holds no filesystem", "mode: fsdax"))
        if mount and not filesystem:
            problems.append(document.error((*path, "mountPoint"), "there is no filesystem to mount", "filesystem: ext4"))
        if mount and any(mount == top or mount.startswith(f"{top}/") for top in _SYSTEM):
            problems.append(document.error((*path, "mountPoint"), f"{mount} belongs to the system", "a path such as /mnt/pmem0"))
        for what, value in (("name", entry.get("name", "")), ("mountPoint", mount)):
            if value and seen.setdefault((what, value), number) != number:
                problems.append(document.error((*path, what), f"{value} is taken by pmem[{seen[what, value]}]"))
        yield NamespaceWant(entry.get("region", ""), mode, size, entry.get("name", ""), filesystem, mount)
