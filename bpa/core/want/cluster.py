"""What the documents say of one cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.want.profile import Profile


@dataclass(frozen=True, slots=True)
class Member:
    """A host in a cluster: label is the inventory name (ICN's map key), host the BareMetalHost's name."""

    label: str
    host: str
    mac: str


@dataclass(frozen=True, slots=True)
class ClusterWant:
    """A Provisioning document: the `cluster` label, its members, and what KuD is to install.

    profiles: label of a member -> its host's HardwareProfile.
    """

    name: str
    masters: tuple[Member, ...]
    workers: tuple[Member, ...]
    plugins: tuple[str, ...] = ()
    pod_subnet: str | None = None
    kata: bool = True
    kata_webhook: bool = False
    kata_runtime_class: str = "kata-qemu"
    profiles: Mapping[str, Profile] = field(default_factory=dict)
