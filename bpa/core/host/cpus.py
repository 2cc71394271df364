"""CpusIsolated: the processors that the profile isolates are there, and the running kernel isolates them.

/sys/devices/system/cpu/{present,isolated,nohz_full} (Documentation/ABI/testing/sysfs-devices-system-cpu).
"""

from __future__ import annotations

from dataclasses import dataclass

from bpa.core.facts import Facts
from bpa.core.host.probe import shell, told
from bpa.core.requirement import HostRequirement
from bpa.core.verdict import Met, Stuck, Verdict
from bpa.core.want import HostWant
from bpa.core.want.ranges import numbers_in, written

PROBES = {"cpus": shell("""
cd /sys/devices/system/cpu || exit 0
echo '@@ present'; cat present 2>/dev/null
echo '@@ isolated'; cat isolated 2>/dev/null
echo '@@ nohz_full'; cat nohz_full 2>/dev/null
exit 0
""")}


@dataclass(frozen=True, slots=True)
class Cpus:
    """Processors by number: present, isolated from the scheduler, and without a tick while they run one thing."""

    present: frozenset[int]
    isolated: frozenset[int]
    tickless: frozenset[int]


def parse_cpus(text: dict[str, str]) -> Cpus:
    """The sections of probe `cpus`. A kernel without CONFIG_NO_HZ_FULL has no nohz_full, or shows "(null)" in it."""
    found = []
    for name in ("present", "isolated", "nohz_full"):
        try:
            found.append(numbers_in(text.get(name, "").strip()))
        except ValueError:
            found.append(frozenset())
    return Cpus(*found)


def refusal(want: HostWant, have: Facts) -> Stuck | None:
    """Why the machine cannot isolate what the profile asks, asked before anything is staged."""
    wanted, text = want.profile.kernel.isolated_cpus, told(have, "cpus")
    if not wanted or not isinstance(text, dict):
        return None
    seen = parse_cpus(text)
    absent = wanted - seen.present
    if seen.present and absent:
        return Stuck(f"isolatedCpus names processors {written(absent)}; the machine has {written(seen.present)}",
                     "name processors that are there in kernel.isolatedCpus; with hyperthreading off there are half as many")
    return None


def check(want: HostWant, have: Facts) -> Verdict:
    wanted = want.profile.kernel.isolated_cpus
    if not wanted:
        return Met("not asked")
    text = told(have, "cpus")
    if not isinstance(text, dict):
        return text
    refused, seen = refusal(want, have), parse_cpus(text)
    if refused:
        return refused
    left = wanted - seen.isolated
    if left:
        return Stuck(f"the kernel was told to isolate {written(wanted)} and does not isolate {written(left)}",
                     "`dmesg | grep -i isolcpus` on the host says why")
    ticking = wanted - seen.tickless
    without = f"; {written(ticking)} still tick: this kernel has no nohz_full for them" if ticking else ""
    return Met(f"isolated: {written(seen.isolated)}{without}")


ISOLATED = HostRequirement("CpusIsolated", "os", check, "the isolated processors run nothing by themselves")
