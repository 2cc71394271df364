"""PmemReady: the asked namespaces on the asked regions, with a file system mounted by UUID or a volume group on them.

ndctl-create-namespace(1), ndctl-init-labels(1); Documentation/filesystems/dax.rst (block size = page size, -o dax).
"""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.pmem.absence import no_region
from bpa.core.host.pmem.fit import unfit
from bpa.core.host.pmem.lvm import check_group
from bpa.core.host.pmem.mounting import check_filesystem
from bpa.core.host.pmem.nvdimm import look_nvdimm
from bpa.core.host.pmem.persistent import Namespace, Nvdimm, Region, erases
from bpa.core.host.pmem.removal import destroy, disrupted, leftovers, remove_unit
from bpa.core.host.probe import shell
from bpa.core.requirement import Change, HostRequirement
from bpa.core.sizes import exact
from bpa.core.steps import RunOnHost
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant, NamespaceWant

# What lay in this part of the region before must not look like the new namespace's content.
CREATE = """out=$(ndctl create-namespace "$@") || exit
block=$(printf '%s' "$out" | sed -n 's/.*"blockdev":"\\([^"]*\\)".*/\\1/p')
[ -z "$block" ] || wipefs -q -a "/dev/$block"
"""
# All modules of a region carry its labels.
LABEL = """region=$1; shift
ndctl disable-region "$region" && ndctl init-labels -f "$@"; code=$?
ndctl enable-region "$region" && exit $code
"""


def check(want: HostWant, have: Facts) -> Verdict:
    asked, seen = want.profile.pmem, look_nvdimm(have)
    if isinstance(seen, Nvdimm):
        for path in leftovers(asked, seen):
            return remove_unit(path, seen)
    if not asked:
        return Met("not asked")
    if not isinstance(seen, Nvdimm):
        return seen
    if not seen.tool:
        return Stuck("the host has no ndctl", "put the package ndctl into the image")
    done: list[Namespace] = []
    for wanted in asked:
        region = seen.region(wanted.region)
        if region is None:
            return no_region(wanted, seen, have)
        if stuck := unfit(seen.dimms_of(region)):
            return stuck
        if not region.enabled:
            return Act(RunOnHost(("ndctl", "enable-region", region.dev), f"enable {region.dev}"), f"{region.dev} is disabled")
        namespace = find(wanted, region, done)
        if namespace is None or not fits(wanted, namespace, region):
            return _make(wanted, region, namespace, seen)
        if not namespace.enabled:
            return _enable(namespace, region, seen)
        if wanted.filesystem and (verdict := check_filesystem(wanted, namespace, seen)):
            return verdict
        if wanted.volume_group and (verdict := check_group(wanted, namespace, seen)):
            return verdict
        done.append(namespace)
    return Met(", ".join(_evidence(namespace, seen) for namespace in done))


def find(wanted: NamespaceWant, region: Region, taken: list[Namespace]) -> Namespace | None:
    """The namespace that is meant: by name if the profile names it, else one of the same mode and size."""
    free = [one for one in region.namespaces if one not in taken]
    if wanted.name:
        return next((one for one in free if one.name == wanted.name), None)
    return next((one for one in free if not one.name and fits(wanted, one, region)), None)


def fits(wanted: NamespaceWant, namespace: Namespace, region: Region) -> bool:
    """Whether mode, size and alignment are as asked. All a region has = nothing usable is left beside it."""
    size_fits = namespace.raw == wanted.size if wanted.size is not None else region.largest < region.align
    # What an old ndctl does not tell, and a disabled namespace does not have, is no reason to destroy it.
    align_fits = not wanted.align or namespace.align in (0, wanted.align)
    sector_fits = not wanted.sector or namespace.sector in (0, wanted.sector)
    mode_fits = namespace.mode == wanted.mode or (not namespace.enabled and namespace.mode == "raw")
    return mode_fits and size_fits and align_fits and sector_fits


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    seen = look_nvdimm(have)
    found: list[Change] = []
    if isinstance(seen, Nvdimm):
        found += [Change(f"mount unit {path}", "ours", "removed; its file system stays", disrupts=disrupted(path, seen))
                  for path in leftovers(want.profile.pmem, seen)]
    done: list[Namespace] = []
    for wanted in want.profile.pmem:
        what = f"persistent memory {wanted.region}" + (f" {wanted.name!r}" if wanted.name else "")
        region = seen.region(wanted.region) if isinstance(seen, Nvdimm) else None
        if not isinstance(seen, Nvdimm):
            found.append(Change(what, None, _as_asked(wanted)))
        elif region is not None:
            namespace = find(wanted, region, done)
            if namespace is None:
                whole = None if region.labelled else next(iter(region.namespaces), None)
                found.append(Change(what, "(none)", _as_asked(wanted),
                                    destroys=erases(whole, region, seen) if whole else ""))
            elif not fits(wanted, namespace, region):
                found.append(Change(what, f"{namespace.mode} {exact(namespace.raw)}", _as_asked(wanted),
                                    destroys=erases(namespace, region, seen)))
            elif wanted.filesystem and check_filesystem(wanted, namespace, seen):
                found.append(Change(what, "no file system mounted as asked", _as_asked(wanted)))
            elif wanted.volume_group and check_group(wanted, namespace, seen):
                found.append(Change(what, "in no such volume group", _as_asked(wanted)))
            if namespace:
                done.append(namespace)
    return tuple(found)


def _make(wanted: NamespaceWant, region: Region, old: Namespace | None, seen: Nvdimm) -> Verdict:
    if wanted.size is not None and wanted.size % region.align:
        below = wanted.size // region.align * region.align
        return Stuck(f"{exact(wanted.size)} is no multiple of {exact(region.align)}, in which {region.dev} is divided",
                     f"ask for {exact(below) + ' or ' if below else ''}{exact(below + region.align)}")
    if old is None and not region.labelled:
        old = next(iter(region.namespaces), None)
        return _label(region, old, seen)
    if old is not None:
        found = f"{old.dev} {old.name!r} is {old.mode} {exact(old.raw)}{_aligned(wanted, old)}, asked is {_as_asked(wanted)}"
        return destroy(region, old, seen, found, f"destroy {old.dev} of another mode or size")
    size = wanted.size if wanted.size is not None else region.largest // region.align * region.align
    if not size or size > region.largest:
        there = ", ".join(f"{one.dev} {one.name or '(no name)'} {one.mode} {exact(one.raw)}"
                          for one in region.namespaces)
        return Stuck(f"{region.dev} has {exact(region.largest)} free in one piece, "
                     f"{exact(wanted.size or region.align)} are asked; it holds {there or 'nothing'}",
                     "ask for less, or remove by hand what is not needed: `ndctl destroy-namespace`")
    arguments = ("--region", region.dev, "--mode", wanted.mode, "--size", str(size))
    more = (("--name", wanted.name), ("--align", wanted.align), ("--sector-size", wanted.sector))
    options = tuple(str(word) for option, value in more if value for word in (option, value))
    return Act(RunOnHost((*shell(CREATE), *arguments, *options),
                         f"create {wanted.mode} namespace of {exact(size)} on {region.dev}"),
               f"{region.dev} has no such namespace")


def _label(region: Region, whole: Namespace | None, seen: Nvdimm) -> Verdict:
    if whole and (point := seen.mounted_at(whole)):
        return Stuck(f"{region.dev} has no labels yet and is in use as a whole: /dev/{whole.block} is at {point}",
                     "unmount it first")
    lost = erases(whole, region, seen) if whole else ""
    return Act(RunOnHost((*shell(LABEL), region.dev, *region.dimms),
                         f"write empty labels to {', '.join(region.dimms)} of {region.dev}", erases=lost),
               f"{region.dev} has no labels, without which it holds one unnamed namespace only")


def _enable(namespace: Namespace, region: Region, seen: Nvdimm) -> Verdict:
    told = [line for line in seen.log if namespace.dev.removeprefix("namespace") in line]
    misaligned = next((line for line in told if "misaligned" in line), "")
    if misaligned or namespace.raw % region.align:
        said = f" (the kernel: {misaligned.strip()})" if misaligned else ""
        return Stuck(f"{namespace.dev} is disabled: its {exact(namespace.raw)} are not aligned to {exact(region.align)} as this "
                     f"kernel needs{said}",
                     "save what is on it with the kernel that made it, then "
                     f"`ndctl destroy-namespace --force {namespace.dev}` and apply again")
    return Act(RunOnHost(("ndctl", "enable-namespace", namespace.dev), f"enable {namespace.dev}"),
               f"{namespace.dev} is disabled" + (f" (the kernel: {told[-1].strip()})" if told else ""))


def _aligned(wanted: NamespaceWant, old: Namespace) -> str:
    parts = [f"aligned to {exact(old.align)}"] if wanted.align and old.align not in (0, wanted.align) else []
    parts += [f"sectors of {old.sector}"] if wanted.sector and old.sector not in (0, wanted.sector) else []
    return f" ({', '.join(parts)})" if parts else ""


def _as_asked(wanted: NamespaceWant) -> str:
    size = exact(wanted.size) if wanted.size is not None else "all that is free"
    filesystem = f", {wanted.filesystem}" if wanted.filesystem else ""
    align = f", aligned to {exact(wanted.align)}" if wanted.align else ""
    align += f", sectors of {wanted.sector}" if wanted.sector else ""
    group = f", in volume group {wanted.volume_group}" if wanted.volume_group else ""
    return f"{wanted.mode} {size}{align}{filesystem}{group}{' at ' + wanted.mount_point if wanted.mount_point else ''}"


def _evidence(namespace: Namespace, seen: Nvdimm) -> str:
    point = seen.mounted_at(namespace)
    options = seen.mounts[point][1] if point else ()
    dax = " with dax" if any(option.partition("=")[0] == "dax" for option in options) else ""
    group = seen.volumes.get(namespace.block, "") if namespace.block else ""
    return f"{namespace.dev} {namespace.mode} {exact(namespace.raw)}" + (f" at {point}{dax}" if point else "") \
        + (f" in {group}" if group else "")


READY = HostRequirement("PmemReady", "os", check, "persistent memory is divided and mounted as asked", changes,
                        seconds=8.0)
