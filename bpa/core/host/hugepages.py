"""HugepagesReserved: as many huge pages as the profile asks, on each NUMA node that it names, now and at every start.

Pages of both sizes are set by sysfs (Documentation/admin-guide/mm/hugetlbpage.rst) through a file of tmpfiles.d(5),
which systemd reads early at every start, while memory is still whole. Pages of 1 GiB are moreover reserved by kernel
arguments (bpa.core.host.cmdline): later there is rarely one to be had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.facts import Facts
from bpa.core.host.owned import HEADER, Owned
from bpa.core.host.probe import shell, told
from bpa.core.requirement import Change, HostRequirement
from bpa.core.sizes import GIB
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant, HugepagesWant

FILE = "/etc/tmpfiles.d/bpa-hugepages.conf"
OWNED = (Owned(FILE, "huge pages to reserve at every start", "kernel.hugepages", "HugepagesReserved"),)
_BEFORE = "# Before: "
_ORDER = 9
"""Of the buddy allocator on x86-64: 2 MiB are 2^9 pages of 4 KiB."""
_MACHINE = "/sys/kernel/mm/hugepages"
_NODE = "/sys/devices/system/node/node"
Pool = tuple[int | None, int]
"""NUMA node (None = the whole machine) and size of a page in KiB."""

PROBES = {"hugepages": shell("""
echo '@@ pools'
for p in /sys/kernel/mm/hugepages/hugepages-* /sys/devices/system/node/node*/hugepages/hugepages-*; do
  [ -r "$p/nr_hugepages" ] && read -r n <"$p/nr_hugepages" && read -r f <"$p/free_hugepages" && echo "$p $n $f"
done
echo '@@ memory'
grep -sE ' (MemTotal|MemFree|Active\\(file\\)|Inactive\\(file\\)):' /sys/devices/system/node/node*/meminfo
echo '@@ pieces'; cat /proc/buddyinfo 2>/dev/null
echo '@@ giant pages'; grep -m1 -ow pdpe1gb /proc/cpuinfo
echo '@@ systemd-tmpfiles'; command -v systemd-tmpfiles
echo '@@ file'; cat /etc/tmpfiles.d/bpa-hugepages.conf 2>/dev/null
exit 0
""")}

SET = """failed=0
for pair; do
  file=${pair%=*}; number=${pair##*=}
  echo "$number" >"$file" || { failed=1; continue; }
  read -r there <"$file"
  if [ "$there" -lt "$number" ]; then
    echo 3 >/proc/sys/vm/drop_caches; echo 1 >/proc/sys/vm/compact_memory; echo "$number" >"$file"; read -r there <"$file"
  fi
  if [ "$there" -lt "$number" ]; then
    echo "not enough contiguous memory: $there of $number pages in ${file%/nr_hugepages}" >&2; failed=1
  fi
done
exit $failed
"""
TAKE_BACK = """file=$1; shift
for pair; do [ ! -e "${pair%=*}" ] || echo "${pair##*=}" >"${pair%=*}" || exit 1; done
rm -f "$file"
"""


@dataclass(frozen=True, slots=True)
class Hugepages:
    """Pages and free pages of each pool; total and available bytes of memory by node, and how many free pieces of 2 MiB
    (/proc/buddyinfo, proc(5)), empty = not told; giant: the processor has 1 GiB
    pages; file is the text of ours, "" = not there.
    """

    pools: Mapping[Pool, tuple[int, int]] = field(default_factory=dict)
    total: Mapping[int, int] = field(default_factory=dict)
    available: Mapping[int, int] = field(default_factory=dict)
    pieces: Mapping[int, int] = field(default_factory=dict)
    giant: bool = False
    tmpfiles: bool = False
    file: str = ""


def parse_hugepages(text: dict[str, str]) -> Hugepages:
    """The sections of probe `hugepages`; sysfs pools as "path pages free", node meminfo as grep -H prints it."""
    pools: dict[Pool, tuple[int, int]] = {}
    for node, size, number, free in re.findall(
            r"^/sys/\S*?(?:/node(\d+))?(?:/mm)?/hugepages/hugepages-(\d+)kB (\d+) (\d+)$", text.get("pools", ""), re.MULTILINE):
        pools[int(node) if node else None, int(size)] = int(number), int(free)
    total: dict[int, int] = {}
    available: dict[int, int] = {}
    for number, what, kib in re.findall(r"Node (\d+) (\S+):\s+(\d+) kB", text.get("memory", "")):
        into = total if what == "MemTotal" else available
        into[int(number)] = into.get(int(number), 0) + int(kib) * 1024
    pieces: dict[int, int] = {}
    for number, counts in re.findall(r"^Node (\d+), zone\s+\S+((?:\s+\d+)+)$", text.get("pieces", ""), re.MULTILINE):
        whole = sum(int(count) << order for order, count in enumerate(counts.split()[_ORDER:]))
        pieces[int(number)] = pieces.get(int(number), 0) + whole
    return Hugepages(pools, total, available, pieces, bool(text.get("giant pages", "").strip()),
                     bool(text.get("systemd-tmpfiles", "").strip()), text.get("file", ""))


def pool_path(pool: Pool) -> str:
    """The sysfs file that takes the number of pages."""
    node, kib = pool
    return f"{_MACHINE if node is None else f'{_NODE}{node}/hugepages'}/hugepages-{kib}kB/nr_hugepages"


def pools_wanted(wanted: tuple[HugepagesWant, ...], seen: Hugepages) -> dict[Pool, int]:
    """Pool -> pages. Pages of 1 GiB that are asked by node are kept from all other nodes: the kernel spreads them."""
    found: dict[Pool, int] = {}
    if any(one.size == GIB and one.node is not None for one in wanted):
        found = {pool: 0 for pool in sorted((p for p in seen.pools if p[0] is not None), key=str)
                 if pool[1] * 1024 == GIB}
    return found | {(one.node, one.size // 1024): one.count for one in wanted}


def render(wanted: Mapping[Pool, int], seen: Hugepages) -> str:
    """Our file of tmpfiles.d. What the pools held before we came stays in it as a comment, for the way back.

    Pages of 1 GiB that are there already are ours: our kernel arguments have reserved them.
    """
    before = dict(re.findall(r"(\S+)=(\d+)", _line_after(_BEFORE, seen.file)))
    there = {pool: 0 if pool[1] * 1024 == GIB else seen.pools.get(pool, (0, 0))[0] for pool in wanted}
    kept = " ".join(f"{pool_path(pool)}={before.get(pool_path(pool), there[pool])}" for pool in wanted)
    lines = "".join(f"w {pool_path(pool)} - - - - {number}\n" for pool, number in wanted.items())
    return f"{HEADER}{_BEFORE}{kept}\n{lines}"


def refusal(want: HostWant, have: Facts) -> Stuck | None:
    """Why the machine can never have these pages, asked before anything is staged."""
    wanted, text = want.profile.kernel.hugepages, told(have, "hugepages")
    if not wanted or not isinstance(text, dict):
        return None
    seen = parse_hugepages(text)
    for one in wanted:
        if one.size == GIB and one.count and not seen.giant:
            return Stuck("the processor has no pages of 1 GiB (flag pdpe1gb)",
                         "ask for pages of 2Mi; a virtual machine needs the host's processor model")
        if one.node is not None and seen.total and one.node not in seen.total:
            return Stuck(f"there is no NUMA node {one.node}; the machine has {', '.join(map(str, sorted(seen.total)))}",
                         "name a node that is there in kernel.hugepages; sub-NUMA clustering in the BIOS changes their number")
    for node in (None, *sorted(seen.total)):
        asked = sum(one.size * one.count for one in wanted if node is None or one.node == node)
        memory = sum(seen.total.values()) if node is None else seen.total[node]
        if memory and asked >= memory:
            return Stuck(f"the huge pages asked on {_place(node)} take {asked >> 20} MiB of its {memory >> 20} MiB of memory",
                         "ask for fewer in kernel.hugepages: the system needs memory too")
    return None


def check(want: HostWant, have: Facts) -> Verdict:
    text = told(have, "hugepages")
    if not isinstance(text, dict):
        return text
    seen, asked = parse_hugepages(text), want.profile.kernel.hugepages
    if not asked:
        return _taken_back(seen)
    if refused := refusal(want, have):
        return refused
    if not seen.tmpfiles:
        return Stuck("this host has no systemd-tmpfiles, so huge pages would be gone at the next start",
                     "use an image with systemd")
    wanted = pools_wanted(asked, seen)
    pairs = tuple(f"{pool_path(pool)}={number}" for pool, number in wanted.items())
    reserve = (*shell(SET), *pairs)
    content = render(wanted, seen)
    if seen.file != content:
        return Act(WriteFile(FILE, content, "reserve huge pages", then=(reserve,)), f"{FILE} is not as the profile asks")
    for pool, number in wanted.items():
        if pool not in seen.pools:
            return Stuck(f"the kernel has no pool of {_size(pool[1])} pages on {_place(pool[0])}",
                         "use a kernel with CONFIG_HUGETLBFS")
        there = seen.pools[pool][0]
        if there == number:
            continue
        reason = f"{_place(pool[0])} has {there} of {number} pages of {_size(pool[1])}"
        left = sum(seen.available.values()) if pool[0] is None else seen.available.get(pool[0], 0)
        if there < number and seen.available and left < (number - there) * pool[1] * 1024:
            return Stuck(f"{reason}, and only {left >> 20} MiB of memory left for them",
                         "ask for fewer, or stop what uses the memory of that node")
        whole = sum(seen.pieces.values()) if pool[0] is None else seen.pieces.get(pool[0], 0)
        short = bool(seen.pieces) and whole < (number - there) * pool[1] // 2048
        return Act(RunOnHost(reserve, "reserve huge pages"),
                   reason + (f"; {left >> 20} MiB are free, but only {whole} × 2 MiB in one piece (after a restart they are: our "
                   "file asks early)" if short else ""))
    return Met(", ".join(f"{number} × {_size(pool[1])} on {_place(pool[0])}" for pool, number in wanted.items()))


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    asked, text = want.profile.kernel.hugepages, told(have, "hugepages")
    if not isinstance(text, dict):
        return tuple(Change(_what((one.node, one.size // 1024)), None, str(one.count)) for one in asked)
    seen = parse_hugepages(text)
    wanted: dict[Pool, int] = pools_wanted(asked, seen)
    found = [Change(_what(pool), str(seen.pools.get(pool, (0, 0))[0]), str(number)) for pool, number in wanted.items()
             if seen.pools.get(pool, (0, 0))[0] != number]
    if not asked and seen.file:
        found.append(Change(FILE, "ours", "removed"))
    return tuple(found)


def _taken_back(seen: Hugepages) -> Verdict:
    if not seen.file:
        return Met("not asked")
    before = re.findall(r"/sys/\S+=\d+", _line_after(_BEFORE, seen.file))
    return Act(RunOnHost((*shell(TAKE_BACK), FILE, *before), "give the huge pages back"),
               f"{FILE} is there, and the profile asks for no huge pages any more")


def _line_after(start: str, text: str) -> str:
    return next((line.removeprefix(start) for line in text.splitlines() if line.startswith(start)), "")


def _place(node: int | None) -> str:
    return "the machine" if node is None else f"node {node}"


def _size(kib: int) -> str:
    return {2048: "2Mi", GIB // 1024: "1Gi"}.get(kib, f"{kib}Ki")


def _what(pool: Pool) -> str:
    return f"huge pages of {_size(pool[1])} on {_place(pool[0])}"


RESERVED = HostRequirement(
    "HugepagesReserved", "os", check, "the huge pages of the profile are reserved", changes, seconds=2.0)
