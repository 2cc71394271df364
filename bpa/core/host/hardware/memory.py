"""Memory that one sight has and the other lacks: a module, an argument of the kernel, or persistent memory in Memory Mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from bpa.core.host.hardware.difference import Difference, plain
from bpa.core.host.hardware.sight import Module, Sight
from bpa.core.sizes import rounded


def memory_differs(name: str, outer: Sight, inner: Sight) -> Iterator[Difference]:
    """What firmware and kernel keep for themselves is in `slack`, and no disagreement."""
    dram = outer.dram or outer.memory
    if not dram or not inner.memory:
        return
    persistent = max(outer.persistent or 0, inner.persistent or 0)
    in_use = inner.memory_mode or outer.memory_mode
    if in_use or (persistent and dram + inner.slack < inner.memory <= dram + persistent + inner.slack):
        yield Difference(f"persistent memory serves as memory (Memory Mode): {inner.source} has {rounded(inner.memory)}, and "
                         f"the {rounded(outer.dram or inner.dram) or 'DRAM'} of DRAM are its cache", agreed=True)
        return
    # A BMC that was not asked for its modules may have counted persistent ones too.
    spare = persistent if not outer.modules else 0
    missing, slack = dram - inner.memory, inner.slack + (0 if outer.modules else outer.slack)
    if missing <= slack or missing - spare in range(-slack, slack + 1):
        return
    count = sum(not one.persistent for one in outer.modules)
    sees = f"{count} DIMMs ({rounded(dram)})" if count else rounded(dram)
    causes = [one for one in inner.limits if one.startswith(("mem=", "memmap="))]
    if causes:
        yield Difference(f"{outer.source} sees {sees} and {inner.source} has {rounded(inner.memory)}: the kernel is told "
                         f"{' '.join(causes)}", "take it out of the kernel's arguments, if it is not meant")
        return
    gone = _gone(outer, inner, missing, slack)
    yield Difference(f"{outer.source} sees {sees} and {inner.source} has {rounded(inner.memory)}{gone}",
                     f"see the BMC's event log: `bpa bmc log {name}`")


def _gone(outer: Sight, inner: Sight, missing: int, slack: int) -> str:
    """What is missing, in modules where it comes out even."""
    if abs(outer.memory - 2 * inner.memory) <= 2 * slack:
        return ": half of it is missing, as with memory mirroring, or as if one CPU's memory were"
    modules = [one for one in outer.modules or inner.modules if not one.persistent]
    size = Counter(one.size for one in modules).most_common(1)[0][0] if modules else 0
    number = round(missing / size) if size else 0
    if not number or abs(missing - number * size) > max(slack, size // 4):
        return f": {rounded(missing)} are missing"
    which = _slots(outer.modules, inner.modules)
    named = f" ({', '.join(which)})" if len(which) == number else ""
    return f": about one DIMM of {rounded(size)} is missing{named}" if number == 1 else (
        f": about {number} DIMMs of {rounded(size)} are missing{named}")


def _slots(outer: Iterable[Module], inner: tuple[Module, ...]) -> list[str]:
    """Slots of `outer` that `inner` does not list; a BMC may write "DIMM.Socket.A1" where SMBIOS has "A1"."""
    known = {plain(one.slot) for one in inner if one.slot}
    return [one.slot for one in outer if one.slot and known and not any(
        plain(one.slot).endswith(slot) or slot.endswith(plain(one.slot)) for slot in known)]
