"""PmemReady: the asked namespaces on the asked regions, with a file system mounted by UUID where one is asked.

ndctl-create-namespace(1), ndctl-init-labels(1); Documentation/filesystems/dax.rst (block size = page size, -o dax).
"""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.mounting import check_filesystem, our_unit
from bpa.core.host.nvdimm import PROBES as PROBES
from bpa.core.host.nvdimm import Namespace, Nvdimm, Region, human, look_nvdimm
from bpa.core.host.probe import shell
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RunOnHost
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant, NamespaceWant

# What lay in this part of the region before must not look like the new namespace's content.
CREATE = """out=$(ndctl create-namespace "$@") || exit
block=$(printf '%s' "$out" | sed -n 's/.*"blockdev":"\\([^"]*\\)".*/\\1/p')
[ -z "$block" ] || wipefs -q -a "/dev/$block"
"""
# One step, so that nothing is unmounted before losing what is on it has been agreed to.
UNMOUNT_AND_DESTROY = 'systemctl stop "$1" && ndctl destroy-namespace --force "$2"'
LABEL = """ndctl disable-region "$1" && ndctl init-labels -f "$2"; code=$?
ndctl enable-region "$1" && exit $code
"""


def check(want: HostWant, have: Facts) -> Verdict:
    if not want.profile.pmem:
        return Met("not asked")
    seen = look_nvdimm(have)
    if not isinstance(seen, Nvdimm):
        return seen
    if not seen.tool:
        return Stuck("the host has no ndctl", "put the package ndctl into the image")
    done: list[Namespace] = []
    for wanted in want.profile.pmem:
        region = seen.region(wanted.region)
        if region is None:
            there = ", ".join(f"{one.dev} ({human(one.size)})" for one in seen.regions)
            return Stuck(f"there is no {wanted.region}; the host has {there or 'no persistent-memory region at all'}",
                         "correct the region in the HardwareProfile; on Optane memory an App Direct goal makes regions")
        namespace = find(wanted, region, done)
        if namespace is None or not fits(wanted, namespace, region):
            return _make(wanted, region, namespace, seen)
        if not namespace.enabled:
            return Act(RunOnHost(("ndctl", "enable-namespace", namespace.dev), f"enable {namespace.dev}"),
                       f"{namespace.dev} is disabled")
        if wanted.filesystem and (verdict := check_filesystem(wanted, namespace, seen)):
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
    """Whether mode and size are as asked. All a region has = nothing usable is left beside it."""
    size_fits = namespace.raw == wanted.size if wanted.size is not None else region.largest < region.align
    return namespace.mode == wanted.mode and size_fits


def erases(namespace: Namespace, region: Region, seen: Nvdimm) -> str:
    """The data that is gone with a namespace, named; "" = it is known to be empty."""
    content = seen.content(namespace)
    if content.blank and not content.signature:
        return ""
    name = f" {namespace.name!r}" if namespace.name else ""
    holds = f", {content.signature}" if content.signature else ""
    return f"namespace{name} {namespace.dev} of {region.dev} ({namespace.mode}, {human(namespace.raw)}{holds})"


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    seen = look_nvdimm(have)
    found: list[Change] = []
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
                found.append(Change(what, f"{namespace.mode} {human(namespace.raw)}", _as_asked(wanted),
                                    destroys=erases(namespace, region, seen)))
            elif wanted.filesystem and check_filesystem(wanted, namespace, seen):
                found.append(Change(what, "no file system mounted as asked", _as_asked(wanted)))
            if namespace:
                done.append(namespace)
    return tuple(found)


def _make(wanted: NamespaceWant, region: Region, old: Namespace | None, seen: Nvdimm) -> Verdict:
    if wanted.size is not None and wanted.size % region.align:
        below = wanted.size // region.align * region.align
        return Stuck(f"{human(wanted.size)} is no multiple of {human(region.align)}, in which {region.dev} is divided",
                     f"ask for {human(below) + ' or ' if below else ''}{human(below + region.align)}")
    if old is None and not region.labelled:
        old = next(iter(region.namespaces), None)
        return _label(region, old, seen)
    if old is not None:
        return _remove(wanted, region, old, seen)
    size = wanted.size if wanted.size is not None else region.largest // region.align * region.align
    if not size or size > region.largest:
        there = ", ".join(f"{one.dev} {one.name or '(no name)'} {one.mode} {human(one.raw)}"
                          for one in region.namespaces)
        return Stuck(f"{region.dev} has {human(region.largest)} free in one piece, "
                     f"{human(wanted.size or region.align)} are asked; it holds {there or 'nothing'}",
                     "ask for less, or remove by hand what is not needed: `ndctl destroy-namespace`")
    arguments = ("--region", region.dev, "--mode", wanted.mode, "--size", str(size))
    name = ("--name", wanted.name) if wanted.name else ()
    return Act(RunOnHost((*shell(CREATE), *arguments, *name),
                         f"create {wanted.mode} namespace of {human(size)} on {region.dev}"),
               f"{region.dev} has no such namespace")


def _label(region: Region, whole: Namespace | None, seen: Nvdimm) -> Verdict:
    if whole and (point := seen.mounted_at(whole)):
        return Stuck(f"{region.dev} has no labels yet and is in use as a whole: /dev/{whole.block} is at {point}",
                     "unmount it first")
    lost = erases(whole, region, seen) if whole else ""
    return Act(RunOnHost((*shell(LABEL), region.dev, region.dimm),
                         f"write empty labels to {region.dimm} of {region.dev}", erases=lost),
               f"{region.dev} has no labels, without which it holds one unnamed namespace only")


def _remove(wanted: NamespaceWant, region: Region, old: Namespace, seen: Nvdimm) -> Verdict:
    found = f"{old.dev} {old.name!r} is {old.mode} {human(old.raw)}, asked is {_as_asked(wanted)}"
    lost, why = erases(old, region, seen), f"destroy {old.dev} of another mode or size"
    if not (point := seen.mounted_at(old)):
        return Act(RunOnHost(("ndctl", "destroy-namespace", "--force", old.dev), why, erases=lost), found)
    if not (unit := our_unit(point, seen)):
        return Stuck(f"{found}; it is mounted at {point}", "unmount it, then apply again")
    return Act(RunOnHost((*shell(UNMOUNT_AND_DESTROY), unit, old.dev), f"unmount {point} and {why}", erases=lost), found)


def _as_asked(wanted: NamespaceWant) -> str:
    size = human(wanted.size) if wanted.size is not None else "all that is free"
    filesystem = f", {wanted.filesystem}" if wanted.filesystem else ""
    return f"{wanted.mode} {size}{filesystem}{' at ' + wanted.mount_point if wanted.mount_point else ''}"


def _evidence(namespace: Namespace, seen: Nvdimm) -> str:
    point = seen.mounted_at(namespace)
    options = seen.mounts[point][1] if point else ()
    dax = " with dax" if any(option.partition("=")[0] == "dax" for option in options) else ""
    return f"{namespace.dev} {namespace.mode} {human(namespace.raw)}" + (f" at {point}{dax}" if point else "")


READY = HostRequirement("PmemReady", "os", check, "persistent memory is divided and mounted as asked", changes,
                        seconds=8.0)
