"""What one look at the world saw. Frozen, plain, serialisable; None or absent means "not observed in this look"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bpa.core.bios import Registry
from bpa.core.persistent_memory import Persistent
from bpa.core.steps import BiosValue


@dataclass(frozen=True, slots=True)
class Drive:
    """A disk as the BMC or Ironic's inspection reports it; size in bytes, 0 = not told.

    vendor, hctl, by_path, wwn_with_extension, wwn_vendor_extension: as in Ironic's root device hints. media: its class
    where the BMC tells more than whether it rotates.
    """

    name: str
    serial: str = ""
    size: int = 0
    model: str = ""
    wwn: str = ""
    rotational: bool | None = None
    vendor: str = ""
    hctl: str = ""
    by_path: str = ""
    wwn_with_extension: str = ""
    wwn_vendor_extension: str = ""
    media: Literal["nvme", "ssd", "hdd", ""] = ""


@dataclass(frozen=True, slots=True)
class Dimm:
    """One memory module; persistent = Redfish MemoryType NVDIMM_*/IntelOptane."""

    slot: str
    mib: int
    persistent: bool = False


@dataclass(frozen=True, slots=True)
class Adapter:
    """A network adapter of the chassis: MACs in lower case with colons; max_vfs 0 = none or not told."""

    name: str
    macs: tuple[str, ...] = ()
    max_vfs: int = 0


@dataclass(frozen=True, slots=True)
class BmcFacts:
    """A Redfish System. power: On, Off, PoweringOn, PoweringOff or "" (not told).

    unread maps a section (drives, dimms, adapters, bios, registry) to why it could not be read: the others stand.
    registry says what its BIOS attributes may be; None = it offers none, or nobody asked for it.
    persistent: its memory domains, None = nobody asked for them, or unread["persistent"] says why there are none.
    service_tag is what Dell prints on the machine (Redfish SKU), where its SerialNumber is the board's. sockets and cores
    are of all CPUs, as the System sums them up; bmc_version is that of the BMC's own firmware, read where it is asked for.
    """

    system: str
    power: str
    uuid: str = ""
    serial: str = ""
    manufacturer: str = ""
    model: str = ""
    bios_version: str = ""
    boot_progress: str = ""
    cpus: int = 0
    memory_mib: int = 0
    macs: tuple[str, ...] = ()
    bios: Mapping[str, BiosValue] | None = None
    pending: Mapping[str, BiosValue] = field(default_factory=dict)
    drives: tuple[Drive, ...] = ()
    dimms: tuple[Dimm, ...] = ()
    adapters: tuple[Adapter, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    service_tag: str = ""
    persistent: Persistent | None = None
    cpu_model: str = ""
    sockets: int = 0
    cores: int = 0
    bmc_version: str = ""
    registry: Registry | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InspectedNic:
    """A network interface as the ramdisk saw it. device "vendor:device" in hex, "" = not told; speed in Mbit/s: the most
    that it can do where lshw knows that."""

    name: str
    mac: str = ""
    device: str = ""
    speed: int = 0
    driver: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What Ironic's inspection ramdisk saw. memory in MiB; addresses: MAC -> IPv4 of the ramdisk; flags = CPU flags."""

    cpus: int = 0
    memory_mib: int = 0
    serial: str = ""
    drives: tuple[Drive, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    boot_mode: str = ""
    cpu_model: str = ""
    sockets: int = 0
    nics: tuple[InspectedNic, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """The Ironic node of a host. provision_state "" = there is no such node. `current` = enrolled as documented.

    last_error is "" when it stems from before the documents were last applied to the node, or a person said to try
    again; retries = how often BPA has tried again by itself since then. ramdisk_due = the ramdisk of an inspection that
    has just ended still runs, and Ironic does not know yet that it may use it again.
    """

    provision_state: str
    uuid: str = ""
    target: str = ""
    power_state: str = ""
    maintenance: bool = False
    maintenance_reason: str = ""
    fault: str = ""
    last_error: str = ""
    image_url: str = ""
    image_checksum: str = ""
    current: bool = True
    inventory: Inventory | None = None
    retries: int = 0
    ramdisk_due: bool = False


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command on the host came to. exit_code None = it did not end in time."""

    exit_code: int | None
    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True, slots=True)
class OsFacts:
    """The running host, as its probes answered: probe name (see bpa.core.host) -> what it printed.

    address is where SSH answered; the answers are kept raw so that a look can be filed and judged again later.
    """

    address: str
    boot_id: str = ""
    answers: Mapping[str, Ran] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod on the host's Kubernetes Node, as far as a drain asks.

    phase as in Kubernetes (Running, Succeeded, ...); controller is its controlling owner ("ReplicaSet/web-5d8", "" = none);
    mirror = a static pod of the kubelet; empty_dirs are its emptyDir volumes; ending = it was told to end; budgets are
    the PodDisruptionBudgets that hold it, with what they still allow ("web allows 0").
    """

    namespace: str
    name: str
    uid: str = ""
    phase: str = "Running"
    controller: str = ""
    mirror: bool = False
    empty_dirs: tuple[str, ...] = ()
    ending: bool = False
    budgets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What a cluster says of the host's Kubernetes Node, and which kubeconfig was asked.

    node "" = the cluster answers and none of its Nodes is this host. cordoned = when BPA cordoned it (RFC 3339), ""
    = BPA did not. boot_id is what its kubelet last reported. pods None = not asked. problem = why nothing is known; all
    else says nothing then; passing = it may answer later.
    """

    node: str = ""
    ready: bool = False
    unschedulable: bool = False
    cordoned: str = ""
    boot_id: str = ""
    kubeconfig: str = ""
    pods: tuple[Pod, ...] | None = None
    problem: str = ""
    passing: bool = False

    @property
    def serving(self) -> bool:
        """The Node is Ready and not cordoned by anybody: pods are meant to be here."""
        return bool(self.node) and self.ready and not self.unschedulable

    @property
    def ours(self) -> bool:
        """The Node is cordoned, and by BPA."""
        return bool(self.node) and self.unschedulable and bool(self.cordoned)


@dataclass(frozen=True, slots=True)
class Facts:
    """One look at one host. `os_problem` says why there is no `os` ("connection refused").

    service None = there is no kubeconfig of a cluster that the host could be in.
    """

    bmc: BmcFacts | None = None
    node: NodeFacts | None = None
    os: OsFacts | None = None
    os_problem: str = ""
    service: ServiceFacts | None = None


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """How far a cluster member is: ready = all its host requirements are met; address = where SSH reaches it.

    host_key is the pinned public SSH host key ("ssh-ed25519 AAAA..."), "" = none is pinned; stuck = it will not get
    ready by itself.
    """

    ready: bool
    address: str = ""
    waiting_for: str = ""
    host_key: str = ""
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class InstallerRun:
    """One run of KuD's installer. exit_code None = still running (or, if not alive, lost: it left no code)."""

    argv: tuple[str, ...]
    fingerprint: str
    alive: bool
    exit_code: int | None
    log: str = ""
    last_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """One look at a cluster: its members by label, the hand-off files on disk, the last installer run, artifacts."""

    members: Mapping[str, MemberFacts] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    installer: str = ""
    run: InstallerRun | None = None
    artifacts: tuple[str, ...] = ()
