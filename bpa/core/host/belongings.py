"""All that is BPA's on a host in one list: its files, and what it set up that is no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bpa.core.facts import Facts
from bpa.core.host.hugepages import parse_hugepages, pool_path
from bpa.core.host.kernel import parse_kernel
from bpa.core.host.owned import Owned, look_owned, owner_of
from bpa.core.host.pmem.nvdimm import look_nvdimm
from bpa.core.host.pmem.persistent import Namespace, Nvdimm
from bpa.core.host.pmem.ready import find
from bpa.core.host.probe import told
from bpa.core.host.software.reading import Packages, look_packages
from bpa.core.host.sriov.reading import parse_pci
from bpa.core.host.sriov.unit import arguments_in
from bpa.core.host.sysctl import parse_sysctls
from bpa.core.sizes import exact
from bpa.core.want import HostWant

State = Literal["as written", "changed", "not as asked", "absent"]


@dataclass(frozen=True, slots=True)
class Belonging:
    """A file (name is its path) or another thing of ours. section: of the HardwareProfile; found: what is seen of it, for
    people. size in bytes and changed in seconds since the epoch, by our clock, are a file's; None = it is none, or absent.
    """

    name: str
    about: str
    section: str
    state: State
    size: int | None = None
    changed: float | None = None
    found: str = ""


def belongings(
    want: HostWant, have: Facts, owned: tuple[Owned, ...], met: Mapping[str, bool], written: Mapping[str, str], at: float
) -> tuple[Belonging, ...]:
    """met: whether each condition holds in this look, made `at`; written: path -> SHA-256 as last seen in order.

    Whether a file is as we wrote it is told by its sum, where that is known, and else by the condition that reads it.
    Declared files that are not there come last.
    """
    look, files, there = look_owned(have), [], set()
    for path, file in look.files.items():
        one = owner_of(path, owned)
        if one is None:
            continue
        there.add(one.path)
        holds, same = met.get(one.condition, False), written.get(path) == file.sum
        state: State = "as written" if same or (holds and path not in written) or not file.sum else (
            "changed" if path in written else "not as asked")
        files.append(Belonging(path, one.about, one.section, state, file.size, look.dated(file, at)))
    gone = [Belonging(path, one.about, one.section, "absent", found="it was there when last seen in order")
            for path in written
            if path not in look.files and (one := owner_of(path, owned)) and not met.get(one.condition, False)]
    missing = {one.name for one in gone}
    absent = [Belonging(one.path, one.about, one.section, "absent") for one in owned if one.path not in there | missing]
    return (*files, *_objects(want, have, met), *gone, *absent)


def _objects(want: HostWant, have: Facts, met: Mapping[str, bool]) -> Iterator[Belonging]:
    def thing(name: str, about: str, section: str, condition: str, found: str) -> Belonging:
        return Belonging(name, about, section, "as written" if met.get(condition, False) else "not as asked", found=found)

    if isinstance(text := told(have, "kernel"), dict):
        kernel = parse_kernel(text)
        for argument in kernel.ours:
            yield thing(f"kernel argument {argument}", "on the command line", "kernel.arguments", "KernelApplied",
                        "running" if argument in kernel.running else "from the next start on")
        for entry in kernel.entries:
            if entry.ours:
                yield thing(entry.path, "our words in a boot loader entry", "kernel.arguments", "KernelStaged",
                            " ".join(entry.ours))
    if isinstance(text := told(have, "pci"), dict):
        seen = parse_pci(text)
        made = {one.address: one.vfs or 0 for one in seen.devices}
        for address in arguments_in(seen.unit):
            yield thing(f"VFs of {address}", "virtual functions", "sriov, qat", "VfsCreated", f"{made.get(address, 0)} VFs")
    if isinstance(text := told(have, "sysctl"), dict):
        sysctls = parse_sysctls(text)
        for key, before in sysctls.before.items():
            yield thing(f"sysctl {key}", "a kernel setting", "kernel.sysctls, hardening", "SysctlsSet",
                        f"{sysctls.values.get(key, 'not there')}, before {before}")
    if isinstance(text := told(have, "hugepages"), dict) and (pages := parse_hugepages(text)).file:
        for pool, (number, _) in pages.pools.items():
            if f"w {pool_path(pool)} " in pages.file:
                yield thing(pool_path(pool), "huge pages", "kernel.hugepages", "HugepagesReserved", f"{number} pages")
    packages = look_packages(have)
    for name in packages.record if isinstance(packages, Packages) else ():
        there = packages.of(name) if isinstance(packages, Packages) else None
        yield thing(f"package {name}", "was not there before", "software.packages", "PackagesInstalled",
                    there.version if there else "not installed")
    yield from _namespaces(want, have, met)


def _namespaces(want: HostWant, have: Facts, met: Mapping[str, bool]) -> Iterator[Belonging]:
    """Those of the profile: they hold data, and stay when the section goes."""
    seen, done = look_nvdimm(have), list[Namespace]()
    for wanted in want.profile.pmem if isinstance(seen, Nvdimm) else ():
        region = seen.region(wanted.region) if isinstance(seen, Nvdimm) else None
        namespace = find(wanted, region, done) if region else None
        if namespace:
            done.append(namespace)
            yield Belonging(f"namespace {namespace.dev}", "persistent memory; stays when the section goes", "pmem",
                            "as written" if met.get("PmemReady", False) else "not as asked",
                            found=f"{namespace.mode} {exact(namespace.raw)}")
