"""What the host says of its persistent memory: regions, namespaces, what lies on them and where they are mounted.

JSON of ndctl-list(1); sizes that namespaces take from their region from sysfs (drivers/nvdimm/namespace_devs.c),
because the sizes in the JSON are what is left of them after a mode's own metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bpa.core.facts import Facts
from bpa.core.host.probe import shell, told
from bpa.core.verdict import Stuck, Wait

MIB = 1 << 20
ALIGN = 16 * MIB
"""Of a namespace's size where the region does not say (kernel: MEMREMAP_COMPAT_ALIGN_MAX)."""

PROBES = {"pmem": shell("""
PATH=$PATH:/usr/sbin:/sbin
cd /sys/bus/nd/devices 2>/dev/null || exit 0
set -- region*; [ -e "$1" ] || exit 0
echo '@@ ndctl'
if command -v ndctl >/dev/null; then ndctl list -R -N -i || exit; else echo missing; fi
echo '@@ regions'
for r; do read -r kind <"$r/nstype"; read -r map <"$r/mapping0"; echo "$r $kind ${map%%,*}"; done
echo '@@ sizes'
for n in namespace*; do [ -e "$n/size" ] && read -r size <"$n/size" && echo "$n $size"; done
echo '@@ contents'
for b in /dev/pmem*; do
  [ -b "$b" ] || continue
  printf '%s ' "${b#/dev/}"; cmp -s -n 1048576 "$b" /dev/zero && printf 'BLANK=1 '
  blkid -p -s TYPE -s UUID -s PTTYPE -o export "$b" 2>/dev/null | grep -v '^DEVNAME=' | tr '\\n' ' '; echo
done
echo '@@ mounts'; cut -d' ' -f1-4 /proc/self/mounts
echo '@@ enabled'; ls /etc/systemd/system/local-fs.target.wants 2>/dev/null
for u in /etc/systemd/system/*.mount; do [ -f "$u" ] && echo "@@ unit $u" && cat "$u"; done
exit 0
""")}


@dataclass(frozen=True, slots=True)
class Namespace:
    """Sizes in bytes: size = usable, raw = taken from the region. block = its device name (pmem0), "" = none."""

    dev: str
    mode: str
    size: int
    raw: int
    name: str = ""
    block: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Region:
    """Sizes in bytes. largest: the largest namespace that still fits. labelled: several namespaces can be kept."""

    dev: str
    size: int
    available: int
    largest: int
    align: int
    labelled: bool
    dimm: str
    namespaces: tuple[Namespace, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What lies on a block device. signature: file system or partition table, "" = none; blank: its first MiB is zero."""

    signature: str = ""
    uuid: str = ""
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Nvdimm:
    """contents by block device (pmem0); mounts: mount point -> (device path, options); units: path -> text."""

    tool: bool = True
    regions: tuple[Region, ...] = ()
    contents: Mapping[str, Content] = field(default_factory=dict)
    mounts: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    enabled: frozenset[str] = frozenset()

    def region(self, dev: str) -> Region | None:
        return next((region for region in self.regions if region.dev == dev), None)

    def content(self, namespace: Namespace) -> Content:
        """What lies on it; one without block device (devdax) counts as full, as nobody can tell."""
        return self.contents.get(namespace.block, Content())

    def mounted_at(self, namespace: Namespace) -> str:
        """Where it is mounted, "" = nowhere."""
        path = f"/dev/{namespace.block}"
        return next((point for point, (device, _) in self.mounts.items() if namespace.block and device == path), "")


def look_nvdimm(have: Facts) -> Nvdimm | Wait | Stuck:
    """The answer of probe `pmem`, read; or why it cannot be."""
    text = told(have, "pmem")
    if not isinstance(text, dict):
        return text
    try:
        return parse_nvdimm(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Stuck(f"the answer of `ndctl list` is not understood: {type(error).__name__} {error}",
                     "send it to us: `bpa facts` has it")


def parse_nvdimm(text: dict[str, str]) -> Nvdimm:
    """The sections of probe `pmem`. Raises ValueError or KeyError where ndctl's JSON is none."""
    said = text.get("ndctl", "").strip()
    kinds = {words[0]: words[1:] for words in map(str.split, text.get("regions", "").splitlines())}
    raw = {name: int(size) for name, size in map(str.split, text.get("sizes", "").splitlines())}
    mounts = {}
    for line in text.get("mounts", "").splitlines():
        device, point, _, options = line.split(" ")
        mounts[_unescaped(point)] = (device, tuple(options.split(",")))
    return Nvdimm(
        said != "missing",
        () if said in ("", "missing") else tuple(_region(one, kinds, raw) for one in _regions(json.loads(said))),
        dict(_content(line) for line in text.get("contents", "").splitlines() if line.strip()), mounts,
        {name.removeprefix("unit "): content for name, content in text.items() if name.startswith("unit ")},
        frozenset(text.get("enabled", "").split()))


def human(size: int) -> str:
    """Bytes as people say them, exactly."""
    for unit, name in ((1 << 30, "GiB"), (MIB, "MiB"), (1 << 10, "KiB")):
        if size and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} bytes"


def _regions(said: Any) -> list[Any]:
    # One kind of thing asked: a bare list; several: an object. A single region may also come without its list.
    if isinstance(said, dict):
        said = said.get("regions", [said] if "dev" in said else [])
    return [one for one in said if str(one["dev"]).startswith("region")]


def _region(said: Any, kinds: Mapping[str, list[str]], raw: Mapping[str, int]) -> Region:
    available = int(said.get("available_size", 0))
    kind, dimm = kinds.get(said["dev"], ["5", ""])[:2]
    return Region(
        said["dev"], int(said["size"]), available, int(said.get("max_available_extent", available)),
        int(said.get("align", ALIGN)), kind != "4", dimm,
        tuple(Namespace(
            one["dev"], one.get("mode", "raw"), int(one.get("size", 0)), raw.get(one["dev"], int(one.get("size", 0))),
            one.get("name", ""), one.get("blockdev", ""), one.get("state") != "disabled",
        ) for one in said.get("namespaces", []) if raw.get(one["dev"], int(one.get("size", 0)))))


def _content(line: str) -> tuple[str, Content]:
    device, *pairs = line.split()
    found = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return device, Content(found.get("TYPE") or found.get("PTTYPE", ""), found.get("UUID", ""), "BLANK" in found)


def _unescaped(point: str) -> str:
    return point.encode().decode("unicode_escape") if "\\" in point else point
