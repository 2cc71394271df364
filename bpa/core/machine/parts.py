"""What a machine is made of: processors, memory, drives, network, PCIe devices, power, and how well they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Raw = Mapping[str, str | int | float | bool | None]
"""Property as the BMC spells it -> value as it told it."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """A CPU in its socket; mhz is what it runs at, max_mhz what it can."""

    socket: str
    model: str = ""
    manufacturer: str = ""
    architecture: str = ""
    instruction_set: str = ""
    cores: int = 0
    threads: int = 0
    mhz: int = 0
    max_mhz: int = 0
    microcode: str = ""
    health: str = ""
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A Processor that is no CPU. type: GPU, FPGA, DSP, Accelerator, DPU, OEM, … pci: "vendor:device", as for a Nic."""

    slot: str
    type: str
    model: str = ""
    manufacturer: str = ""
    serial: str = ""
    firmware: str = ""
    pci: str = ""
    health: str = ""


@dataclass(frozen=True, slots=True)
class Processors:
    """All processors; the sums are those of the CPUs, or the System's own summary where no CPU was listed."""

    cpus: tuple[Cpu, ...] = ()
    others: tuple[Accelerator, ...] = ()
    empty_sockets: int = 0
    cores: int = 0
    threads: int = 0


@dataclass(frozen=True, slots=True)
class MemoryModule:
    """A module that is there. kind: dram, nvdimm-n, nvdimm-f, pmem (Optane and other NVDIMM-P) or other.

    volatile_mib and persistent_mib are how its capacity is divided now, where told; security: Redfish SecurityState.
    """

    slot: str
    mib: int
    kind: str = "dram"
    technology: str = ""
    form: str = ""
    mhz: int = 0
    ranks: int = 0
    manufacturer: str = ""
    part_number: str = ""
    serial: str = ""
    firmware: str = ""
    volatile_mib: int = 0
    persistent_mib: int = 0
    security: str = ""
    health: str = ""
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """All modules. mib: volatile memory in all, persistent_mib: that of persistent modules, both real MiB."""

    modules: tuple[MemoryModule, ...] = ()
    empty_slots: int = 0
    mib: int = 0
    persistent_mib: int = 0
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Disk:
    """A drive. media: ssd, hdd, smr or "". wwn as Linux writes it. life_left in percent, None = not told."""

    name: str
    bay: str = ""
    serial: str = ""
    bytes: int = 0
    model: str = ""
    manufacturer: str = ""
    protocol: str = ""
    media: str = ""
    wwn: str = ""
    firmware: str = ""
    controller: str = ""
    health: str = ""
    failure_predicted: bool | None = None
    life_left: int | None = None
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StorageController:
    """What drives hang on. protocols: what its devices speak."""

    name: str
    model: str = ""
    manufacturer: str = ""
    serial: str = ""
    firmware: str = ""
    protocols: tuple[str, ...] = ()
    health: str = ""


@dataclass(frozen=True, slots=True)
class Storage:
    """All drives and their controllers; empty_bays where the BMC lists them."""

    drives: tuple[Disk, ...] = ()
    controllers: tuple[StorageController, ...] = ()
    empty_bays: int = 0


@dataclass(frozen=True, slots=True)
class Port:
    """A port of an adapter, or an interface that belongs to none. link: up, down or "". kind: Ethernet, InfiniBand, …

    max_vfs None = not told. pci is where its function sits, as "vendor:device", where the BMC says it.
    """

    id: str
    macs: tuple[str, ...] = ()
    link: str = ""
    mbps: int = 0
    max_mbps: int = 0
    kind: str = ""
    max_vfs: int | None = None
    pci: str = ""
    health: str = ""
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Nic:
    """A network adapter. sriov None = not told; max_vfs: virtual functions of one port, 0 = none or not told."""

    id: str
    slot: str = ""
    manufacturer: str = ""
    model: str = ""
    part_number: str = ""
    serial: str = ""
    firmware: str = ""
    pci: str = ""
    sriov: bool | None = None
    max_vfs: int = 0
    ports: tuple[Port, ...] = ()
    health: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """Adapters with their ports; `interfaces` are the System's EthernetInterfaces that no adapter's MAC accounts for."""

    adapters: tuple[Nic, ...] = ()
    interfaces: tuple[Port, ...] = ()

    @property
    def macs(self) -> tuple[str, ...]:
        """All of them, each once."""
        ports = (*(p for a in self.adapters for p in a.ports), *self.interfaces)
        return tuple(dict.fromkeys(m for p in ports for m in p.macs))


@dataclass(frozen=True, slots=True)
class PciDevice:
    """A PCIe device with its first function's ids; class_name: Redfish DeviceClass. qat: a QuickAssist accelerator."""

    id: str
    name: str = ""
    slot: str = ""
    manufacturer: str = ""
    model: str = ""
    vendor_id: str = ""
    device_id: str = ""
    subsystem_vendor_id: str = ""
    subsystem_id: str = ""
    class_name: str = ""
    functions: int = 0
    firmware: str = ""
    serial: str = ""
    qat: bool = False
    health: str = ""
    raw: Raw = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PowerSupply:
    """A supply that is there; watts: its capacity."""

    name: str
    model: str = ""
    manufacturer: str = ""
    serial: str = ""
    firmware: str = ""
    watts: int = 0
    input_volts: int = 0
    state: str = ""
    health: str = ""


@dataclass(frozen=True, slots=True)
class Power:
    """Watts now, the cap (None = none is set, or not told) and the capacity. redundancy: each group in words."""

    watts: int = 0
    capped_watts: int | None = None
    capacity_watts: int = 0
    supplies: tuple[PowerSupply, ...] = ()
    empty_bays: int = 0
    redundancy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor, fan or supply that is not OK; reading with its unit, "" = not told."""

    name: str
    kind: str = ""
    reading: str = ""
    health: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Sensors:
    """How many there are, by kind (temperature, fan, voltage, …), and those that are not OK."""

    counts: Mapping[str, int] = field(default_factory=dict)
    not_ok: tuple[Sensor, ...] = ()
