"""What a machine lacks of the minimum, by the first of its sights that tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpa.core.host.hardware.generations import EPYC, GENERATIONS
from bpa.core.host.hardware.lack import Lack, untold
from bpa.core.host.hardware.parts import disks_lack, ports_lack
from bpa.core.host.hardware.sight import Sight
from bpa.core.host.hardware.versions import reaches
from bpa.core.sizes import GIB, rounded
from bpa.core.want import Minimum


def lacks(least: Minimum, sights: Sequence[Sight]) -> list[Lack]:
    """All that is missing. `sights` in the order of trust: of each thing, the first that tells of it is judged."""
    return [*_numbers(least, sights), *_generation(least, sights), *disks_lack(least, sights), *ports_lack(least, sights),
            *_firmware(least, sights)]


def _numbers(least: Minimum, sights: Sequence[Sight]) -> Iterator[Lack]:
    for wanted, what, count in ((least.sockets, "CPU sockets in use", _sockets), (least.cores, "cores", _cores),
                                (least.cpus, "CPUs", _cpus)):
        seen = next((one for one in sights if count(one)), None)
        if wanted and seen is None:
            yield untold(f"how many {what} it has", f"{wanted} are asked")
        elif wanted and seen and count(seen) < wanted:
            yield Lack(f"has {count(seen)} {what}, must have {wanted}{_because(seen, what)}")
    if least.memory:
        seen = next((one for one in sights if one.memory), None)
        if seen is None:
            yield untold("how much memory it has", f"{rounded(least.memory)} are asked")
        elif seen.memory + seen.slack < least.memory:
            kept = f" ({', '.join(filter(None, (*_arguments(seen, 'mem'), seen.reserved)))})"
            yield Lack(f"has {seen.memory / GIB:.1f} GiB of memory, must have {least.memory / GIB:.1f}"
                       f"{kept if kept != ' ()' else ''}")
    if least.persistent_memory:
        seen = next((one for one in sights if one.persistent is not None), None)
        if seen is None:
            yield untold("whether it has persistent memory", f"{rounded(least.persistent_memory)} are asked")
        elif (seen.persistent or 0) < least.persistent_memory:
            yield Lack(f"has {rounded(seen.persistent or 0) or 'nothing'} of persistent memory, "
                       f"must have {rounded(least.persistent_memory)}")


def _sockets(seen: Sight) -> int:
    # Some BMCs count processors where they should count sockets (sushy-tools, old iLO).
    return 0 if 1 < seen.cpus <= seen.sockets else seen.sockets


def _cores(seen: Sight) -> int:
    return seen.cores


def _cpus(seen: Sight) -> int:
    return seen.cpus


def _because(seen: Sight, what: str) -> str:
    causes = list(_arguments(seen, "cpus"))
    if seen.offline:
        causes.append(f"{seen.offline} more are switched off")
    if what == "CPUs" and seen.smt_off:
        causes.append(f"each of its {seen.cores} cores runs one thread: hyperthreading is off, or there is none")
    return f" ({'; '.join(causes)})" if causes else ""


def _arguments(seen: Sight, what: str) -> Iterator[str]:
    said = [one for one in seen.limits if one.startswith("mem") == (what == "mem") and not one.startswith("crash")]
    if said:
        yield f"the kernel is told {' '.join(said)}"


def _generation(least: Minimum, sights: Sequence[Sight]) -> Iterator[Lack]:
    wanted = GENERATIONS.get(least.generation)
    if wanted is None:
        return
    seen = next((one for one in sights if one.generation), None)
    if seen is None or seen.generation is None:
        named = next((one.processor for one in sights if one.processor), "")
        yield Lack(f"of what generation its processor is cannot be told{': ' * bool(named)}{named}; "
                   f"{wanted.title} or newer is asked",
                   "BPA does not know this processor: leave minimum.cpuGeneration out, and tell us of it", known=False)
    elif not seen.generation.reaches(wanted):
        article = "an" if seen.generation.line == EPYC else "a"
        other = "" if seen.generation.line == wanted.line else f", {article} {seen.generation.line}"
        yield Lack(f"has a processor of generation {seen.generation.title}{other} ({seen.processor}), "
                   f"must have {wanted.title} or a newer {wanted.line}")


def _firmware(least: Minimum, sights: Sequence[Sight]) -> Iterator[Lack]:
    for wanted, what, found in ((least.bios, "BIOS", next((one.bios for one in sights if one.bios), "")),
                                (least.bmc, "BMC firmware", next((one.bmc for one in sights if one.bmc), ""))):
        enough = reaches(found, wanted) if wanted and found else None
        if not wanted or enough:
            continue
        if not found:
            yield untold(f"the version of its {what}", f"{wanted} or newer is asked")
        elif enough is None:
            yield Lack(f"has {what} {found}, which cannot be compared with {wanted}",
                       f"write the version as the machine does: {found}", known=False)
        else:
            yield Lack(f"has {what} {found}, must have {wanted} or newer", f"update the {what}, then apply again")
