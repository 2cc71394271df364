"""Section `kernel`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bpa.core.host.modprobe import KATA_MODULES, KVM_OF, needs_kvm
from bpa.core.want import HugepagesWant, KernelWant, Profile
from bpa.core.want.ranges import numbers_in, written
from bpa.documents import errors, quantity
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError

_SYSCTL = re.compile(r"[a-z0-9_]{1,64}([./][A-Za-z0-9_./:@-]{1,64}){1,12}")
_MODULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
ISOLATION = ("isolcpus", "nohz_full", "rcu_nocbs")
HUGEPAGES = ("hugepages", "hugepagesz")
Problems = list[DocumentError]


def read_kernel(document: Document, problems: Problems) -> KernelWant:
    """All of the section but its arguments; what is wrong with it goes to `problems`."""
    modules = document.get("spec", "kernel", "modules") or {}
    load, forbid = (tuple(dict.fromkeys(_plain(name) for name in modules.get(what) or () if name))
                    for what in ("load", "forbid"))
    for number, name in enumerate(modules.get("forbid") or ()):
        if name and _plain(name) in load:
            problems.append(document.error(("spec", "kernel", "modules", "forbid", number),
                                           f"{name} is to be loaded and forbidden", "one of them"))
    return KernelWant(load, forbid, _options(document, problems), _sysctls(document, problems),
                      tuple(_hugepages(document, problems)), _isolated(document, problems))


def kernel_problems(document: Document, profile: Profile) -> Iterator[DocumentError]:
    """Arguments that are there twice, contradict each other, or say what another section says; modules forbidden and needed."""
    said: dict[str, str] = {}
    for number, argument in enumerate(profile.kernel_arguments):
        path: errors.Path = ("spec", "kernel", "arguments", number)
        if argument and argument in profile.kernel_arguments[:number]:
            yield document.error(path, f"{argument} is here twice", "each argument once")
        key = argument.split("=")[0]
        if key in ("intel_iommu", "amd_iommu", "iommu") and said.setdefault(key, argument) != argument:
            yield document.error(path, f"{argument} contradicts {said[key]}", "one of them")
        for keys, section, there in ((ISOLATION, "isolatedCpus", profile.kernel.isolated),
                                     (HUGEPAGES, "hugepages", profile.kernel.hugepages)):
            if key in keys and there:
                yield document.error(path, f"{argument} is what kernel.{section} is for", f"kernel.{section} alone")
    for key in document.get("spec", "kernel", "sysctls") or {}:
        if profile.kernel.hugepages and "nr_hugepages" in key:
            yield document.error(("spec", "kernel", "sysctls", key), f"{key} is what kernel.hugepages is for",
                                 "kernel.hugepages alone")
    yield from _forbidden(document, profile)


def _forbidden(document: Document, profile: Profile) -> Iterator[DocumentError]:
    needed = {"kvm", *KVM_OF.values()} if needs_kvm(profile) else set()
    needed |= set(KATA_MODULES) if profile.kata else set()
    for number, name in enumerate(document.get("spec", "kernel", "modules", "forbid") or ()):
        if name and _plain(name) in needed:
            yield document.error(("spec", "kernel", "modules", "forbid", number),
                                 f"{name} is what virtualization and Kata need", "no module of KVM")


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _options(document: Document, problems: Problems) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for module, options in (document.get("spec", "kernel", "modules", "options") or {}).items():
        path: errors.Path = ("spec", "kernel", "modules", "options", module)
        if not _MODULE.fullmatch(module):
            problems.append(document.error(path, f'"{errors.shortened(module)}" is no module', "the name of a kernel module"))
            continue
        said: dict[str, str] = {}
        for number, option in enumerate(options or ()):
            name = (option or "").partition("=")[0]
            if said.setdefault(name, option) != option:
                problems.append(document.error((*path, number), f"{option} contradicts {said[name]}", "one of them"))
        if _plain(module) in ("kvm_intel", "kvm_amd") and "nested" in said:
            problems.append(document.error(path, "nested is what virtualization.nested is for", "virtualization.nested alone"))
        if said:
            found[_plain(module)] = tuple(filter(None, said.values()))
    return found


def _sysctls(document: Document, problems: Problems) -> dict[str, str]:
    found: dict[str, str] = {}
    section: Mapping[str, Any] = document.get("spec", "kernel", "sysctls") or {}
    for key, value in section.items():
        if not _SYSCTL.fullmatch(key) or ".." in key:
            problems.append(document.error(("spec", "kernel", "sysctls", key), f'"{errors.shortened(key)}" is no sysctl',
                                           "a name such as vm.max_map_count"))
        elif (name := with_dots(key)) in found:
            problems.append(document.error(("spec", "kernel", "sysctls", key), f"{key} is {name}, which is here already",
                                           "each setting once"))
        elif value is not None:
            found[name] = " ".join(str(value).split())
    return found


def with_dots(key: str) -> str:
    """One name for a setting. sysctl.d(5): where a slash comes first, slashes separate, and dots belong to names; where a dot
    does, it is the other way round."""
    slash, dot = key.find("/"), key.find(".")
    return key if slash < 0 or 0 <= dot < slash else key.translate(str.maketrans("./", "/."))


def _hugepages(document: Document, problems: Problems) -> Iterator[HugepagesWant]:
    seen: dict[tuple[int, int | None], int] = {}
    for number, entry in enumerate(document.get("spec", "kernel", "hugepages") or ()):
        if not entry or not entry.get("size") or entry.get("count") is None:
            continue
        path: errors.Path = ("spec", "kernel", "hugepages", number)
        size, node = quantity.parse_quantity(entry["size"]), entry.get("node")
        other = seen.setdefault((size, node), number)
        mixed = next((n for (s, at), n in seen.items() if s == size and (at is None) != (node is None)), None)
        if other != number or mixed is not None:
            first = other if other != number else mixed
            problems.append(document.error(path, f"pages of {entry['size']} are asked in hugepages[{first}] too",
                                           "one number for the machine, or one for each node"))
            continue
        yield HugepagesWant(size, entry["count"], node)


def _isolated(document: Document, problems: Problems) -> str:
    text = document.get("spec", "kernel", "isolatedCpus") or ""
    path: errors.Path = ("spec", "kernel", "isolatedCpus")
    try:
        numbers = numbers_in(text)
    except ValueError as error:
        problems.append(document.error(path, str(error), "processors such as 2-5,8"))
        return ""
    if 0 in numbers:
        problems.append(document.error(path, "processor 0 cannot be isolated: it does the work of all others",
                                       "processors from 1 on, such as 2-5,8"))
        return ""
    return written(numbers)
