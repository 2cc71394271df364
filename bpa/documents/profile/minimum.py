"""Section `minimum`."""

from __future__ import annotations

from collections.abc import Iterator

from bpa.core.host.hardware.generations import EPYC, GENERATIONS
from bpa.core.host.hardware.versions import reaches
from bpa.core.want import DisksWant, Minimum, NicsWant, Profile
from bpa.documents import errors
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError, Path
from bpa.documents.profile.quantities import read_quantity

MOST_THREADS = 2
"""Threads that a core of an x86 server runs."""
WHERE: Path = ("spec", "minimum")


def read_minimum(document: Document, problems: list[DocumentError]) -> Minimum:
    """The section; what is wrong with it beyond the schema goes to `problems`."""
    return Minimum(
        cpus=document.get(*WHERE, "cpus") or 0,
        memory=read_quantity(document, (*WHERE, "memory"), problems) or 0,
        disk=read_quantity(document, (*WHERE, "disk"), problems) or 0,
        generation=document.get(*WHERE, "cpuGeneration") or "",
        sockets=document.get(*WHERE, "sockets") or 0,
        cores=document.get(*WHERE, "cores") or 0,
        persistent_memory=read_quantity(document, (*WHERE, "persistentMemory"), problems) or 0,
        disks=tuple(_disks(document, problems)),
        nics=tuple(_nics(document, problems)),
        bios=_version(document, (*WHERE, "bios"), problems),
        bmc=_version(document, (*WHERE, "bmc"), problems),
    )


def minimum_problems(document: Document, profile: Profile) -> Iterator[DocumentError]:
    """What no machine can be, and what contradicts another section."""
    least = profile.minimum
    if least.cpus and least.cores > least.cpus:
        yield document.error((*WHERE, "cores"), f"{least.cores} cores are at least {least.cores} CPUs, and cpus is {least.cpus}",
                             f"at most {least.cpus}, or cpus left out")
    if least.cores and least.sockets > least.cores:
        yield document.error((*WHERE, "sockets"), f"{least.sockets} CPUs have {least.sockets} cores at least, and cores is "
                             f"{least.cores}", f"at most {least.cores}, or cores left out")
    if profile.bios.intents.get("hyperthreading") is False and least.cores and least.cpus > least.cores:
        yield document.error((*WHERE, "cpus"), f"without hyperthreading {least.cores} cores are {least.cores} CPUs",
                             f"at most {least.cores}, or more cores")
    if least.cores and least.cpus > MOST_THREADS * least.cores:
        yield document.error((*WHERE, "cores"), f"{least.cores} cores run {MOST_THREADS * least.cores} CPUs at most, and cpus is "
                             f"{least.cpus}", f"at least {-(-least.cpus // MOST_THREADS)}")
    line = GENERATIONS[least.generation].line if least.generation else ""
    for number, argument in enumerate(profile.kernel_arguments):
        maker = {"intel_iommu": "Intel", "amd_iommu": "AMD"}.get(argument.partition("=")[0])
        if line and maker and (maker == "AMD") != (line == EPYC):
            yield document.error(("spec", "kernel", "arguments", number), f"{argument} is for processors of {maker}, and "
                                 f"minimum.cpuGeneration is {least.generation}", "an argument for that processor")


def _disks(document: Document, problems: list[DocumentError]) -> Iterator[DisksWant]:
    for number, entry in enumerate(document.get(*WHERE, "disks") or ()):
        if entry and entry.get("class") in ("nvme", "ssd", "hdd"):
            size = read_quantity(document, (*WHERE, "disks", number, "size"), problems) or 0
            yield DisksWant(entry["class"], size, entry.get("count") or 1)


def _nics(document: Document, problems: list[DocumentError]) -> Iterator[NicsWant]:
    for number, entry in enumerate(document.get(*WHERE, "nics") or ()):
        path: Path = (*WHERE, "nics", number)
        want = NicsWant((entry or {}).get("device", "").lower(), (entry or {}).get("speed") or 0, (entry or {}).get("count") or 1,
                        _version(document, (*path, "firmware"), problems))
        if want.firmware and not want.device:
            problems.append(document.error((*path, "firmware"), "firmware is numbered by each maker in its own way",
                                           "device beside it"))
        yield want


def _version(document: Document, path: Path, problems: list[DocumentError]) -> str:
    text = (document.text(*path) or "").strip()
    if text and (reaches(text, text) is None or not any(map(str.isdecimal, text))):
        problems.append(document.error(path, f'"{errors.shortened(text)}" is no version that can be compared',
                                       "a version with a number, such as 2.36"))
        return ""
    return text
