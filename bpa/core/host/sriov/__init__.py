"""Virtual functions: which ports get them, how they are made at every start, what they are set to, who uses them."""

from __future__ import annotations

from bpa.core.host.sriov.check import CREATED
from bpa.core.host.sriov.probe import PROBES
from bpa.core.host.sriov.removal import OWNED

__all__ = ["CREATED", "OWNED", "PROBES"]
