"""HardwareSeen: the running system sees the minimum, and what it sees agrees with the BMC and the inspection.

A disagreement stops nobody where the minimum is met all the same: it stands in the evidence, which verify and the report
show. Where the minimum is not met it comes with the reason: it says why.
"""

from __future__ import annotations

from dataclasses import replace

from bpa.core.facts import Facts
from bpa.core.host.hardware.comparison import differences
from bpa.core.host.hardware.difference import Difference
from bpa.core.host.hardware.lack import Lack
from bpa.core.host.hardware.least import lacks
from bpa.core.host.hardware.outside import of_bmc, of_inspection
from bpa.core.host.hardware.running import look_hardware
from bpa.core.host.hardware.sight import Sight
from bpa.core.requirement import HostRequirement
from bpa.core.sizes import rounded
from bpa.core.verdict import Met, Stuck, Verdict
from bpa.core.want import HostWant, Minimum


def check(want: HostWant, have: Facts) -> Verdict:
    least, seen = want.profile.minimum, look_hardware(have)
    if not isinstance(seen, Sight):
        asked = have.os is not None and "hardware" not in have.os.answers
        return Met("not asked") if asked and least == Minimum() else seen
    if not seen.cpus:
        return Stuck("what the host says of its processors is not understood", "send us `bpa host collect`")
    outside = outer_sights(have)
    found = disagreements(want.name, outside, seen)
    missing: list[Lack] = lacks(least, (_with_speeds(seen, outside), *reversed(outside)))
    open_ones = [one for one in found if not one.agreed]
    if missing:
        # What is missing for sure comes first; a disagreement explains it, where there is one.
        own = next((one.advice for one in missing if one.advice), "")
        explained = next((one.advice for one in open_ones if one.advice), "correct the profile's minimum, or use another machine")
        advice = explained if any(not one.advice for one in missing) else own
        return Stuck("; ".join((*(one.text for one in missing), *(one.text for one in found))), advice)
    return Met("".join((summary(seen), *(f", but {one.text}" for one in open_ones),
                        *(f"; {one.text}" for one in found if one.agreed))))


def outer_sights(have: Facts) -> tuple[Sight, ...]:
    """Those of the BMC and the inspection, as far as there are any; the farthest first."""
    bmc = (of_bmc(have.bmc),) if have.bmc else ()
    inspected = (of_inspection(have.node.inventory),) if have.node and have.node.inventory else ()
    return (*bmc, *inspected)


def _with_speeds(seen: Sight, outside: tuple[Sight, ...]) -> Sight:
    """A port that is handed to user space, or to a pod, does not tell how fast it is: the inspection has seen it before."""
    known = {port.address: port.speed for outer in outside for port in outer.ports or () if port.address}
    return replace(seen, ports=seen.ports and tuple(
        replace(port, speed=port.speed or known.get(port.address, 0)) for port in seen.ports))


def disagreements(name: str, outside: tuple[Sight, ...], seen: Sight) -> list[Difference]:
    """With each of those outside; what the inspection says as the BMC does is said once."""
    found: dict[str, Difference] = {}
    for outer in outside:
        for one in differences(name, outer, seen):
            found.setdefault(one.text.replace(outer.source, ""), one)
    return sorted(found.values(), key=lambda one: one.agreed)


def summary(seen: Sight) -> str:
    """The machine in a line."""
    cores = f" ({seen.cores} cores)" if seen.cores and seen.cores != seen.cpus else ""
    generation = f" {seen.generation.title}" if seen.generation else ""
    parts = [f"{seen.cpus}{generation} CPUs{cores}", f"{rounded(seen.memory)} of memory" if seen.memory else ""]
    parts.append(f"{rounded(seen.persistent)} of persistent memory" if seen.persistent else "")
    parts += [f"{len(things)} {what}{'s' * (len(things) != 1)}"
              for things, what in ((seen.disks, "disk"), (seen.ports, "network port")) if things is not None]
    return ", ".join(filter(None, parts))


SEEN = HostRequirement("HardwareSeen", "os", check, "the running system has the hardware that it must, and all that is there")
