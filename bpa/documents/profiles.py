"""HardwareProfile documents to profiles, and the ones that come with BPA."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bpa.core.want import Minimum, NamespaceWant, PfMatch, Profile, VfWant
from bpa.documents import errors, quantity
from bpa.documents.bios import read_bios
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError

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


def builtin_directory() -> Path:
    """Where the profiles of BPA are: beside the package in a checkout, below share/ when it is installed."""
    checkout = Path(__file__).resolve().parents[2] / "profiles"
    return checkout if checkout.is_dir() else Path(sysconfig.get_path("data")) / "share" / "bpa" / "profiles"


def read_profile(document: Document) -> tuple[Profile, tuple[DocumentError, ...]]:
    """A HardwareProfile as check_schema leaves it, and what is wrong with it beyond the schema."""
    problems: list[DocumentError] = []
    profile = Profile(
        name=document.name,
        bios=read_bios(document, problems),
        nested=document.get("spec", "virtualization", "nested"),
        kernel_arguments=tuple(argument or "" for argument in document.get("spec", "kernel", "arguments") or ()),
        vfs=tuple(_virtual_functions(document)),
        pmem=tuple(_namespaces(document, problems)),
        kata=bool(document.get("spec", "kata", "required")),
        minimum=Minimum(
            document.get("spec", "minimum", "cpus") or 0,
            read_quantity(document, ("spec", "minimum", "memory"), problems) or 0,
            read_quantity(document, ("spec", "minimum", "disk"), problems) or 0,
        ),
    )
    problems.extend(_kernel_problems(document, profile))
    return profile, tuple(problems)


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


def _virtual_functions(document: Document) -> Iterator[VfWant]:
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


def _namespaces(document: Document, problems: list[DocumentError]) -> Iterator[NamespaceWant]:
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


def _kernel_problems(document: Document, profile: Profile) -> Iterator[DocumentError]:
    said: dict[str, str] = {}
    for number, argument in enumerate(profile.kernel_arguments):
        path: errors.Path = ("spec", "kernel", "arguments", number)
        if argument and argument in profile.kernel_arguments[:number]:
            yield document.error(path, f"{argument} is here twice", "each argument once")
        key = argument.split("=")[0]
        if key in ("intel_iommu", "amd_iommu", "iommu") and said.setdefault(key, argument) != argument:
            yield document.error(path, f"{argument} contradicts {said[key]}", "one of them")
