"""Everything BPA can do to a host or a cluster. Data only; adapters perform it.

`text` is what a person reads before and after. `destroys` names what is gone afterwards and needs consent ("" = nothing);
`restarts` is "firmware" or "kernel" where the step restarts the host, else "". `disrupts` names what running workloads
lose ("" = nothing). Where `destroys` and `disrupts` name the same, no data goes, but the use of something.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bpa.core.request import Request

BiosValue = str | int | bool
ResetType = Literal["On", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart"]
ProvisionTarget = Literal["manage", "inspect", "provide", "active", "rebuild", "deleted", "abort"]
Restart = Literal["", "firmware", "kernel"]


@dataclass(frozen=True, slots=True)
class _Step:
    @property
    def text(self) -> str:
        raise TypeError("a step says what it does")

    @property
    def destroys(self) -> str:
        return ""

    @property
    def restarts(self) -> Restart:
        return ""

    @property
    def disrupts(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class StageBios(_Step):
    """PATCH BIOS attributes into the pending settings: name -> value (Redfish Bios.Attributes)."""

    attributes: Mapping[str, BiosValue]

    @property
    def text(self) -> str:
        return "stage BIOS " + ", ".join(f"{k}={v}" for k, v in sorted(self.attributes.items()))


@dataclass(frozen=True, slots=True)
class Reset(_Step):
    """ComputerSystem.Reset by Redfish: only while Ironic does not own the power of this host."""

    reset_type: ResetType
    why: str = "apply staged BIOS settings"

    @property
    def text(self) -> str:
        return f"reset ({self.reset_type}) to {self.why}"

    @property
    def restarts(self) -> Restart:
        return "firmware"


@dataclass(frozen=True, slots=True)
class ResetByIronic(_Step):
    """The same restart, asked of Ironic, which is the master of power once the node is enrolled."""

    why: str = "apply staged BIOS settings"

    @property
    def text(self) -> str:
        return f"restart through Ironic to {self.why}"

    @property
    def restarts(self) -> Restart:
        return "firmware"


@dataclass(frozen=True, slots=True)
class StageMemoryGoal(_Step):
    """Send Redfish requests that divide persistent memory anew at the next restart. `erases` names data it destroys."""

    requests: tuple[Request, ...]
    why: str
    erases: str = ""

    @property
    def text(self) -> str:
        return self.why

    @property
    def destroys(self) -> str:
        return self.erases


@dataclass(frozen=True, slots=True)
class Enrol(_Step):
    """Create the Ironic node with its port, or bring a node that exists in line with the documents."""

    name: str

    @property
    def text(self) -> str:
        return f"enrol {self.name} in Ironic"


@dataclass(frozen=True, slots=True)
class SetProvisionState(_Step):
    """PUT states/provision on the Ironic node, for every verb that puts no image on a disk."""

    target: ProvisionTarget

    @property
    def text(self) -> str:
        return f"ask Ironic to {self.target}"


@dataclass(frozen=True, slots=True)
class ClearMaintenance(_Step):
    """Take the Ironic node out of maintenance."""

    @property
    def text(self) -> str:
        return "clear Ironic maintenance"


@dataclass(frozen=True, slots=True)
class Deploy(_Step):
    """Write the image to the root device (Ironic `active`, or `rebuild` over an older image).

    disk names it for people; root_device are the Ironic hints that pick that disk and no other.
    """

    image_url: str
    checksum: str
    disk: str
    rebuild: bool = False
    root_device: Mapping[str, str | int | bool] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return f"write {self.image_url.rsplit('/', 1)[-1]} to {self.disk}"

    @property
    def destroys(self) -> str:
        return self.disk

    @property
    def restarts(self) -> Restart:
        return ""


@dataclass(frozen=True, slots=True)
class RunOnHost(_Step):
    """Run argv on the host as root. `timeout` in seconds. `erases` names what it destroys."""

    argv: tuple[str, ...]
    why: str
    timeout: float = 120.0
    erases: str = ""
    disrupts: str = ""

    @property
    def text(self) -> str:
        return self.why

    @property
    def destroys(self) -> str:
        return self.erases


@dataclass(frozen=True, slots=True)
class WriteFile(_Step):
    """Write a file on the host atomically (temporary file, fsync, rename), owner root, then run `then`."""

    path: str
    content: str
    why: str
    mode: int = 0o644
    then: tuple[tuple[str, ...], ...] = ()
    disrupts: str = ""

    @property
    def text(self) -> str:
        return self.why


@dataclass(frozen=True, slots=True)
class RestartHost(_Step):
    """Restart the operating system over SSH (`systemctl reboot`): staged kernel arguments take effect.

    boot is the boot id of the system that is to end ("" = not told): it shows later whether the restart was one.
    """

    why: str
    boot: str = ""

    @property
    def text(self) -> str:
        return f"restart the host: {self.why}"

    @property
    def restarts(self) -> Restart:
        return "kernel"


@dataclass(frozen=True, slots=True)
class Cordon(_Step):
    """Mark the host's Kubernetes Node unschedulable, with BPA's annotation, through the cluster of `kubeconfig`."""

    node: str
    kubeconfig: str
    why: str

    @property
    def text(self) -> str:
        return f"cordon Node {self.node} to {self.why}"


@dataclass(frozen=True, slots=True)
class EvictPods(_Step):
    """Ask the Eviction API for each pod: namespace/name -> uid. PodDisruptionBudgets are respected."""

    node: str
    kubeconfig: str
    pods: Mapping[str, str]

    @property
    def text(self) -> str:
        return f"evict {', '.join(sorted(self.pods))} from Node {self.node}"


@dataclass(frozen=True, slots=True)
class Uncordon(_Step):
    """Make a Node schedulable again that BPA cordoned, and take BPA's annotation away."""

    node: str
    kubeconfig: str

    @property
    def text(self) -> str:
        return f"uncordon Node {self.node}"


@dataclass(frozen=True, slots=True)
class RenderInventory(_Step):
    """Write the files of the hand-off: path below the cluster's directory -> text."""

    cluster: str
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return f"write {', '.join(sorted(self.files))} of cluster {self.cluster}"


@dataclass(frozen=True, slots=True)
class StartInstaller(_Step):
    """Start `./installer` with argv and environment (no secrets in either)."""

    cluster: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "run " + " ".join(self.argv)


Step = (
    StageBios | StageMemoryGoal | Reset | ResetByIronic | Enrol | SetProvisionState | ClearMaintenance | Deploy | RunOnHost
    | WriteFile | RestartHost | Cordon | EvictPods | Uncordon | RenderInventory | StartInstaller
)
