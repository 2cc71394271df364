"""A goal for persistent memory, and the memory chunks that it needs in one domain, as bodies of POST requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bpa.core.persistent_memory import Domain, Persistent
from bpa.core.verdict import Stuck

GoalMode = Literal["app-direct", "memory", "mixed"]


@dataclass(frozen=True, slots=True)
class Goal:
    """memory_percent: how much of the capacity is volatile (Memory Mode), 0 to 100. domains () = all."""

    memory_percent: int = 0
    interleaved: bool = True
    domains: tuple[str, ...] = ()

    @property
    def mode(self) -> GoalMode:
        """As Intel names it."""
        return {0: "app-direct", 100: "memory"}.get(self.memory_percent, "mixed")  # type: ignore[return-value]

    @property
    def text(self) -> str:
        """For a person."""
        if self.memory_percent == 100:
            return "Memory Mode"
        laid = "interleaved" if self.interleaved else "not interleaved"
        rest = f", {self.memory_percent}% volatile" if self.memory_percent else ""
        return f"App Direct {laid}{rest}"


def chunks_for(goal: Goal, domain: Domain, seen: Persistent) -> list[dict[str, object]] | Stuck:
    """Bodies for the domain's MemoryChunks collection: in percent for HPE, else in MiB (DSP2046 MemoryChunks v1)."""
    sets = sets_for(goal, domain)
    if isinstance(sets, Stuck):
        return sets
    if seen.percentages:
        return [_hpe_body(one, 100 - goal.memory_percent) for one in sets]
    bodies: list[dict[str, object]] = []
    for one in sets:
        whole = sum(seen.modules[path].mib for path in one if path in seen.modules)
        if not whole or any(path not in seen.modules or not seen.modules[path].mib for path in one):
            return Stuck(f"the BMC does not tell the size of the modules of {domain.id}", "use ipmctl on the host")
        persistent = _aligned(whole * (100 - goal.memory_percent) // 100, domain)
        if persistent < max(domain.min_mib, 1) and goal.memory_percent < 100:
            return Stuck(f"{100 - goal.memory_percent}% of {whole} MiB is less than {domain.id} can make ({domain.min_mib} MiB)")
        if goal.memory_percent < 100:
            bodies.append(_body(one, "PMEM", persistent))
        if goal.memory_percent:
            bodies.append(_body(one, "Volatile", _aligned(whole - persistent if goal.memory_percent < 100 else whole, domain)))
    return bodies


def sets_for(goal: Goal, domain: Domain) -> list[tuple[str, ...]] | Stuck:
    """The interleave sets that a goal needs: the largest, or each module alone."""
    everything = set(domain.modules)
    if goal.interleaved or goal.memory_percent == 100:
        largest = max(domain.sets, key=len)
        if set(largest) != everything:
            return Stuck(
                f"{domain.id} cannot interleave all of its {len(everything)} modules, {len(largest)} at most",
                "choose not interleaved, or see the server's population rules",
            )
        return [largest]
    alone = [one for one in domain.sets if len(one) == 1]
    if {one[0] for one in alone} != everything:
        return Stuck(f"{domain.id} does not offer each of its modules alone", "choose interleaved")
    return list(dict.fromkeys(alone))


def _hpe_body(modules: tuple[str, ...], percent: int) -> dict[str, object]:
    """As iLOrest sends it (expected bodies in its tests): percent 0 is Memory Mode."""
    return {
        "AddressRangeType": "PMEM",
        "Oem": {"Hpe": {"MemoryChunkSizePercentage": percent}},
        "InterleaveSets": [{"Memory": {"@odata.id": path}} for path in modules],
    }


def _body(modules: tuple[str, ...], kind: str, mib: int) -> dict[str, object]:
    """DSP2046 MemoryChunks v1."""
    return {
        "AddressRangeType": kind,
        "MemoryChunkSizeMiB": mib,
        "InterleaveSets": [{"Memory": {"@odata.id": path}} for path in modules],
    }


def _aligned(mib: int, domain: Domain) -> int:
    return mib - mib % domain.increment_mib if domain.increment_mib else mib
