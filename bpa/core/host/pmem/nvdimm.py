"""What the host says of its persistent memory: regions, namespaces, what lies on them and where they are mounted.

JSON of ndctl-list(1); sizes that namespaces take from their region from sysfs (drivers/nvdimm/namespace_devs.c),
because the sizes in the JSON are what is left of them after a mode's own metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bpa.core.facts import Facts
from bpa.core.host.pmem.persistent import Content, Dimm, Namespace, Nvdimm, Region
from bpa.core.host.probe import shell, told
from bpa.core.sizes import MIB
from bpa.core.verdict import Stuck, Wait

ALIGN = 16 * MIB
"""Of a namespace's size where the region does not say (kernel: MEMREMAP_COMPAT_ALIGN_MAX)."""

PROBES = {"pmem": shell("""
PATH=$PATH:/usr/sbin:/sbin
none=yes; units=/etc/systemd/system
for there in /sys/bus/nd/devices/region* /sys/bus/nd/devices/nmem*; do [ -e "$there" ] && none=; done
# Nothing to see is also said so, unless mounts of ours are left from modules that are gone.
[ "$none" ] && ! grep -qs '^Description=Persistent memory ' "$units"/*.mount && exit 0
echo '@@ ndctl'
if command -v ndctl >/dev/null; then
  if [ "$none" ]; then echo '[]'; else ndctl list -R -N -i || exit; fi
else echo missing; fi
cd /sys/bus/nd/devices 2>/dev/null || cd /
echo; echo '@@ regions'
for r in region*; do
  [ -e "$r/nstype" ] || continue
  read -r kind <"$r/nstype"; dimms=
  for m in "$r"/mapping[0-9]*; do [ -e "$m" ] && read -r map <"$m" && dimms="$dimms ${map%%,*}"; done
  echo "$r $kind$dimms"
done
echo '@@ sizes'
for n in namespace*; do [ -e "$n/size" ] && read -r size <"$n/size" && echo "$n $size"; done
echo '@@ contents'
for b in /dev/pmem*; do
  [ -b "$b" ] || continue
  printf '%s ' "${b#/dev/}"; cmp -s -n 1048576 "$b" /dev/zero && printf 'BLANK=1 '
  blkid -p -s TYPE -s UUID -s PTTYPE -o export "$b" 2>/dev/null | grep -v '^DEVNAME=' | tr '\\n' ' '; echo
done
echo '@@ mounts'; cut -d' ' -f1-4 /proc/self/mounts
echo '@@ enabled'; ls "$units"/local-fs.target.wants 2>/dev/null
echo '@@ dimms'; command -v ndctl >/dev/null && [ -z "$none" ] && ndctl list -D -H -F -i 2>/dev/null
echo; echo '@@ volumes'; command -v pvs >/dev/null && { echo lvm
  [ "$none" ] || pvs --noheadings --separator ' ' -o pv_name,vg_name 2>/dev/null; }
echo '@@ log'
dmesg 2>/dev/null | grep -E '(namespace|region|nmem|pfn|btt|dax)[0-9.]+:? .*(misaligned|unable to map|invalid|failed|lock)' |
  tail -n 20
echo '@@ erased'; cat /etc/bpa/pmem-erased 2>/dev/null
for u in "$units"/*.mount; do [ -f "$u" ] && echo "@@ unit $u" && cat "$u"; done
exit 0
""")}


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
    dimms = text.get("dimms", "").strip()
    volumes = text.get("volumes", "").splitlines()
    return Nvdimm(
        said != "missing",
        () if said in ("", "missing") else tuple(_region(one, kinds, raw) for one in _regions(json.loads(said))),
        dict(_content(line) for line in text.get("contents", "").splitlines() if line.strip()), mounts,
        {name.removeprefix("unit "): content for name, content in text.items() if name.startswith("unit ")},
        frozenset(text.get("enabled", "").split()),
        tuple(_dimm(one) for one in _listed(json.loads(dimms), "dimms", "nmem")) if dimms else (),
        {words[0].removeprefix("/dev/"): (words[1] if len(words) > 1 else "")
         for words in map(str.split, volumes) if words and words[0].startswith("/dev/pmem")},
        "lvm" in volumes, tuple(text.get("log", "").splitlines()),
        frozenset(line for line in text.get("erased", "").splitlines() if line and not line.startswith("#")),
        bool(text.get("erased", "").strip()))


def _regions(said: Any) -> list[Any]:
    return _listed(said, "regions", "region")


def _listed(said: Any, kind: str, prefix: str) -> list[Any]:
    # One kind of thing asked: a bare list; several: an object. A single one may also come without its list.
    if isinstance(said, dict):
        said = said.get(kind, [said] if "dev" in said else [])
    return [one for one in said if str(one["dev"]).startswith(prefix)]


def _region(said: Any, kinds: Mapping[str, list[str]], raw: Mapping[str, int]) -> Region:
    available = int(said.get("available_size", 0))
    kind, *dimms = kinds.get(said["dev"]) or ["5"]
    return Region(
        said["dev"], int(said["size"]), available, int(said.get("max_available_extent", available)),
        int(said.get("align", ALIGN)), kind != "4", tuple(dimms),
        tuple(Namespace(
            one["dev"], one.get("mode", "raw"), int(one.get("size", 0)), raw.get(one["dev"], int(one.get("size", 0))),
            one.get("name", ""), one.get("blockdev", ""), one.get("state") != "disabled", int(one.get("align", 0)),
            int(one.get("sector_size", 0)),
        ) for one in said.get("namespaces", []) if raw.get(one["dev"], int(one.get("size", 0)))),
        said.get("state") != "disabled")


def _dimm(said: Any) -> Dimm:
    handle = said.get("handle")
    return Dimm(
        said["dev"], str(said.get("id", "")), int(str(handle), 0) if handle is not None else None,
        str((said.get("health") or {}).get("health_state", "")), str(said.get("security", "")),
        bool(said.get("security_frozen")) or said.get("security") == "frozen",
        tuple(sorted(name.removeprefix("flag_") for name, on in said.items() if name.startswith("flag_failed_") and on)),
        str((said.get("firmware") or {}).get("current_version", "")), said.get("state") != "disabled")


def _content(line: str) -> tuple[str, Content]:
    device, *pairs = line.split()
    found = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return device, Content(found.get("TYPE") or found.get("PTTYPE", ""), found.get("UUID", ""), "BLANK" in found)


def _unescaped(point: str) -> str:
    return point.encode().decode("unicode_escape") if "\\" in point else point
