"""Why a region of persistent memory is not there, though the profile has namespaces on it."""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.pmem.fit import unfit
from bpa.core.host.pmem.ipmctl import Ipmctl, look_ipmctl
from bpa.core.host.pmem.persistent import Nvdimm
from bpa.core.sizes import exact
from bpa.core.verdict import Stuck
from bpa.core.want import NamespaceWant


def no_region(wanted: NamespaceWant, seen: Nvdimm, have: Facts) -> Stuck:
    """The first cause that fits what was seen."""
    there = ", ".join(f"{one.dev} ({exact(one.size)})" for one in seen.regions)
    missing = f"there is no {wanted.region}; the host has {there or 'no persistent-memory region at all'}"
    ill = unfit(one for one in seen.dimms if one.flags != ("failed_map",))
    if ill:
        return Stuck(f"{missing}: {ill.reason}", ill.advice)
    optane = look_ipmctl(have)
    if isinstance(optane, Ipmctl) and optane.waiting:
        return Stuck(f"{missing}: a goal that makes regions waits for the restart", "restart the host, then apply again")
    if isinstance(optane, Ipmctl) and optane.modules and not optane.sets:
        memory = any(module.memory for module in optane.modules)
        how = "all their capacity is Memory Mode" if memory else "no goal was ever set for them"
        return Stuck(f"{missing}: it has {len(optane.modules)} Optane modules, and {how}",
                     "ask for App Direct by pmemGoal in the HardwareProfile")
    return Stuck(missing, "correct the region in the HardwareProfile; on Optane memory an App Direct goal makes regions")
