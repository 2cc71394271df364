"""Hosts and clusters in memory, over an injected clock and with faults: for tests, and for `bpa plan --simulate`."""

from bpa.lab.simulated.clock import Clock
from bpa.lab.simulated.cluster import SimulatedCluster
from bpa.lab.simulated.factory import as_new, hardware
from bpa.lab.simulated.faults import FAULTS, Fault
from bpa.lab.simulated.host import SimulatedHost
from bpa.lab.simulated.kubernetes_node import KubernetesNode
from bpa.lab.simulated.machine import Durations, Hardware, Machine

__all__ = [
    "FAULTS", "Clock", "Durations", "Fault", "Hardware", "KubernetesNode", "Machine", "SimulatedCluster", "SimulatedHost",
    "as_new", "hardware",
]
