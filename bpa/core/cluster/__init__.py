"""What must be true of a cluster, in order: the story from ready hosts to an installer that has succeeded."""

from __future__ import annotations

from bpa.core.cluster.installer import InstallerSucceeded
from bpa.core.cluster.inventory import InventoryRendered
from bpa.core.cluster.members import MembersReady
from bpa.core.requirement import ClusterRequirement

CLUSTER: tuple[ClusterRequirement, ...] = (MembersReady, InventoryRendered, InstallerSucceeded)

__all__ = ["CLUSTER", "ClusterRequirement", "InstallerSucceeded", "InventoryRendered", "MembersReady"]
