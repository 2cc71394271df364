"""Where two sights of one machine disagree, by name; and what looks like it and is none.

`outer` looks from further away than `inner`: the BMC before the inspection before the running system. That `inner` sees
more is no disagreement: many BMCs do not list disks of the chipset, or ports of some adapters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bpa.core.host.hardware.difference import Difference, plain
from bpa.core.host.hardware.memory import memory_differs
from bpa.core.host.hardware.sight import Port, Sight
from bpa.core.host.hardware.versions import same

FEW = 4
"""Things that are named one by one; of more only the number is told."""
MANY_SOCKETS = 8
"""No x86 server has more; a BMC that tells more counts something else."""


def differences(name: str, outer: Sight, inner: Sight) -> list[Difference]:
    """Disagreements first, then what explains itself. name: the host's, as commands take it."""
    found = [*_cpus(name, outer, inner), *memory_differs(name, outer, inner), *_disks(name, outer, inner), *_ports(outer, inner),
             *_bios(outer, inner)]
    return sorted(found, key=lambda one: one.agreed)


def _cpus(name: str, outer: Sight, inner: Sight) -> Iterator[Difference]:
    if 0 < inner.sockets < outer.sockets <= MANY_SOCKETS and not 0 < outer.cpus <= outer.sockets:
        yield Difference(f"{outer.source} sees {outer.sockets} CPUs in their sockets and {inner.source} {inner.sockets}",
                         f"see what the BMC says of each: `bpa facts {name} --bmc`")
        return
    if not 0 < inner.cpus < outer.cpus:
        return
    causes = [one for one in inner.limits if re.match(r"(max|nr_|possible_)cpus=", one)]
    why = f": the kernel is told {' '.join(causes)}" if causes else f": {inner.offline} are switched off" if inner.offline else ""
    if inner.smt_off and inner.cores in (outer.cores, outer.cpus // 2):
        yield Difference(f"hyperthreading is off: {inner.cores} cores run one thread each, of the {outer.cpus} that "
                         f"{outer.source} counts", agreed=True)
    elif outer.cores and inner.cores and inner.cores < outer.cores:
        yield Difference(f"{outer.source} counts {outer.cores} cores and {inner.source} {inner.cores}{why}",
                         "see the BIOS setting for the number of active cores")
    else:
        yield Difference(f"{outer.source} counts {outer.cpus} CPUs and {inner.source} {inner.cpus}{why}",
                         "see the BIOS settings for hyperthreading and the number of active cores")


def _disks(name: str, outer: Sight, inner: Sight) -> Iterator[Difference]:
    if not outer.disks or inner.disks is None:
        return
    left, missing = list(inner.disks), []
    for disk in outer.disks:
        found = next((one for one in left if _one_serial(disk.serial, one.serial)), None)
        if found:
            left.remove(found)
        else:
            missing.append(disk)
    # What has no serial number, or another one for the BMC, is known by its size: makers count GB, not MiB.
    for disk in list(missing):
        found = next((one for one in left if not one.virtual and disk.size and abs(one.size - disk.size) <= disk.size // 100
                      and not (disk.serial and one.serial and _alike(outer, inner))), None)
        if found:
            left.remove(found)
            missing.remove(disk)
    if not missing:
        return
    if any(one.virtual for one in inner.disks):
        yield Difference(f"{len(missing)} of the disks that {outer.source} sees are behind a RAID controller: {inner.source} "
                         "sees its volumes", agreed=True)
        return
    yield Difference(f"{outer.source} sees {_listed([one.text for one in missing], 'disks')}, which {inner.source} does not see",
                     f"see whether it failed, or is in no slot of this host: `bpa bmc log {name}`")


def _alike(outer: Sight, inner: Sight) -> bool:
    """Whether both write serial numbers in the same way: then one that differs is another disk."""
    return any(_one_serial(a.serial, b.serial) for a in outer.disks or () for b in inner.disks or ())


def _one_serial(one: str, other: str) -> bool:
    """A BMC may cut a serial number short, or write a part number before it."""
    first, second = plain(one), plain(other)
    short, long = sorted((first, second), key=len)
    return first == second != "" or (len(short) >= 6 and short in long)


def _ports(outer: Sight, inner: Sight) -> Iterator[Difference]:
    missing = sorted(outer.macs - inner.macs)
    if not missing or not inner.macs:
        return
    idle = [one for one in inner.ports or () if not one.nic]
    why = f": {_listed([_use(one) for one in idle], 'ports')}" if idle else ""
    macs = _listed([f"a network port {mac}" for mac in missing], "network ports")
    yield Difference(f"{outer.source} tells of {macs}, for which {inner.source} has no interface{why}",
                     "" if idle else "see whether it is switched off in the BIOS, or has no driver: `lspci -k` on the host",
                     agreed=len(idle) >= len(missing) and all(one.driver for one in idle))


def _use(port: Port) -> str:
    return f"{port.address} ({port.device}) {f'is bound to {port.driver}' if port.driver else 'has no driver'}"


def _bios(outer: Sight, inner: Sight) -> Iterator[Difference]:
    if outer.bios and inner.bios and not same(outer.bios, inner.bios):
        yield Difference(f"{outer.source} tells of BIOS {outer.bios} and {inner.source} was started by {inner.bios}",
                         "an update takes effect at the next restart")


def _listed(texts: list[str], what: str) -> str:
    return ", ".join(texts) if len(texts) <= FEW else f"{len(texts)} {what} ({', '.join(texts[:FEW])} and others)"
