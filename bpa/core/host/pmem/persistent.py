"""Persistent memory as a running host shows it: modules, regions, namespaces, what lies on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.sizes import exact


@dataclass(frozen=True, slots=True)
class Namespace:
    """Sizes in bytes: size = usable, raw = taken from the region. block = its device name (pmem0), "" = none.

    align, sector: as in NamespaceWant, 0 = not told.
    """

    dev: str
    mode: str
    size: int
    raw: int
    name: str = ""
    block: str = ""
    enabled: bool = True
    align: int = 0
    sector: int = 0


@dataclass(frozen=True, slots=True)
class Region:
    """Sizes in bytes. largest: the largest namespace that still fits. labelled: several namespaces can be kept.

    dimms: the modules that carry it, by their names (nmem0).
    """

    dev: str
    size: int
    available: int
    largest: int
    align: int
    labelled: bool
    dimms: tuple[str, ...]
    namespaces: tuple[Namespace, ...]
    enabled: bool = True

    @property
    def dimm(self) -> str:
        return self.dimms[0] if self.dimms else ""


@dataclass(frozen=True, slots=True)
class Dimm:
    """A module as ndctl-list(1) tells it. handle: the NFIT's; health, security in ndctl's words, "" = not told.

    flags: what the last shutdown or start went wrong with ("failed_save"); firmware: as ndctl writes it.
    """

    dev: str
    id: str = ""
    handle: int | None = None
    health: str = ""
    security: str = ""
    frozen: bool = False
    flags: tuple[str, ...] = ()
    firmware: str = ""
    enabled: bool = True

    @property
    def module(self) -> str:
        """The same module in ipmctl's words: its DimmID; "" = not known."""
        return "" if self.handle is None else f"0x{self.handle:04x}"


@dataclass(frozen=True, slots=True)
class Content:
    """What lies on a block device. signature: file system or partition table, "" = none; blank: its first MiB is zero."""

    signature: str = ""
    uuid: str = ""
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Nvdimm:
    """contents by block device (pmem0); mounts: mount point -> (device path, options); units: path -> text.

    volumes: block device -> the LVM volume group that it is in, "" = a physical volume in none; has_lvm: its tools are
    there; log: what the kernel said of namespaces that it does not take; erased: "MODULE ID" for each module that was
    erased for that id of the profile, erased_file: that list is on the host.
    """

    tool: bool = True
    regions: tuple[Region, ...] = ()
    contents: Mapping[str, Content] = field(default_factory=dict)
    mounts: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    enabled: frozenset[str] = frozenset()
    dimms: tuple[Dimm, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    has_lvm: bool = False
    log: tuple[str, ...] = ()
    erased: frozenset[str] = frozenset()
    erased_file: bool = False

    def region(self, dev: str) -> Region | None:
        return next((region for region in self.regions if region.dev == dev), None)

    def dimms_of(self, region: Region) -> tuple[Dimm, ...]:
        return tuple(one for one in self.dimms if one.dev in region.dimms)

    def content(self, namespace: Namespace) -> Content:
        """What lies on it; one without block device (devdax) counts as full, as nobody can tell."""
        return self.contents.get(namespace.block, Content())

    def mounted_at(self, namespace: Namespace) -> str:
        """Where it is mounted, "" = nowhere."""
        path = f"/dev/{namespace.block}"
        return next((point for point, (device, _) in self.mounts.items() if namespace.block and device == path), "")


def erases(namespace: Namespace, region: Region, seen: Nvdimm) -> str:
    """The data that is gone with a namespace, named; "" = it is known to be empty."""
    content = seen.content(namespace)
    if content.blank and not content.signature:
        return ""
    name = f" {namespace.name!r}" if namespace.name else ""
    group = seen.volumes.get(namespace.block, "") if namespace.block else ""
    holds = f", {content.signature}" if content.signature else ""
    holds += f" of volume group {group}" if group else ""
    return f"namespace{name} {namespace.dev} of {region.dev} ({namespace.mode}, {exact(namespace.raw)}{holds})"
