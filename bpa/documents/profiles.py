"""HardwareProfile documents to profiles, and the ones that come with BPA."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from bpa.core.want import Profile
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError
from bpa.documents.profile.bios import read_bios
from bpa.documents.profile.hardening import read_hardening
from bpa.documents.profile.kernel import kernel_problems, read_kernel
from bpa.documents.profile.minimum import minimum_problems, read_minimum
from bpa.documents.profile.pmem import pmem_problems, read_namespaces
from bpa.documents.profile.pmem_goal import read_goals, read_modules
from bpa.documents.profile.qat import read_qat
from bpa.documents.profile.software import read_needs
from bpa.documents.profile.sriov import read_virtual_functions
from bpa.documents.profile.virtualization import read_kata, read_virtualization, virtualization_problems, with_node


def builtin_directory() -> Path:
    """Where the profiles of BPA are: beside the package in a checkout, below share/ when it is installed."""
    checkout = Path(__file__).resolve().parents[2] / "profiles"
    return checkout if checkout.is_dir() else Path(sysconfig.get_path("data")) / "share" / "bpa" / "profiles"


def read_profile(document: Document) -> tuple[Profile, tuple[DocumentError, ...]]:
    """A HardwareProfile as check_schema leaves it, and what is wrong with it beyond the schema."""
    problems: list[DocumentError] = []
    kata = read_kata(document)
    profile = Profile(
        name=document.name,
        bios=read_bios(document, problems),
        nested=document.get("spec", "virtualization", "nested"),
        kernel_arguments=tuple(argument or "" for argument in document.get("spec", "kernel", "arguments") or ()),
        vfs=(*read_virtual_functions(document, problems), *read_qat(document, problems)),
        pmem=tuple(read_namespaces(document, problems)),
        pmem_goals=tuple(read_goals(document, problems)),
        pmem_modules=read_modules(document),
        kata=bool(document.get("spec", "kata", "required")),
        kata_want=kata,
        virtualization=read_virtualization(document),
        kernel=with_node(read_kernel(document, problems), kata),
        hardening=read_hardening(document, problems),
        software=read_needs(document, problems),
        minimum=read_minimum(document, problems),
    )
    problems.extend(minimum_problems(document, profile))
    problems.extend(kernel_problems(document, profile))
    problems.extend(virtualization_problems(document, profile))
    problems.extend(pmem_problems(document, profile))
    return profile, tuple(problems)
