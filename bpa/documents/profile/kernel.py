"""Section `kernel`."""

from __future__ import annotations

from collections.abc import Iterator

from bpa.core.want import Profile
from bpa.documents import errors
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError


def kernel_problems(document: Document, profile: Profile) -> Iterator[DocumentError]:
    """Arguments that are there twice, or contradict each other."""
    said: dict[str, str] = {}
    for number, argument in enumerate(profile.kernel_arguments):
        path: errors.Path = ("spec", "kernel", "arguments", number)
        if argument and argument in profile.kernel_arguments[:number]:
            yield document.error(path, f"{argument} is here twice", "each argument once")
        key = argument.split("=")[0]
        if key in ("intel_iommu", "amd_iommu", "iommu") and said.setdefault(key, argument) != argument:
            yield document.error(path, f"{argument} contradicts {said[key]}", "one of them")
