"""Persistent memory: modules that are fit, the goal that divides them, namespaces on their regions and what lies on those."""

from __future__ import annotations

from bpa.core.host.pmem import erasure, goal, ipmctl, mounting, nvdimm
from bpa.core.host.pmem.fit import FIT
from bpa.core.host.pmem.ready import READY

GOAL_STAGED, GOAL_APPLIED = goal.STAGED, goal.APPLIED
PROBES = {**nvdimm.PROBES, **ipmctl.PROBES}
OWNED = (*mounting.OWNED, *ipmctl.OWNED, *erasure.OWNED)

__all__ = ["FIT", "GOAL_APPLIED", "GOAL_STAGED", "OWNED", "PROBES", "READY"]
