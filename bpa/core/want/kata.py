"""Section `kata` of a HardwareProfile beyond `required`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KataWant:
    """prepare_node: modules and sysctls of a Kubernetes node, set before the hand-off. configure: BPA gives containerd the
    runtime handlers of an installed Kata by a drop-in of its own; else whoever installed Kata does, and BPA only judges.
    """

    prepare_node: bool = False
    configure: bool = False
