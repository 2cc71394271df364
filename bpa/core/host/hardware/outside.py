"""What the BMC and Ironic's inspection see of a machine, as sights."""

from __future__ import annotations

from bpa.core.facts import BmcFacts, Drive, Inventory
from bpa.core.host.hardware.generations import by_name
from bpa.core.host.hardware.sight import Disk, Media, Module, Port, Sight
from bpa.core.sizes import GIB, MIB

BMC = "the BMC"
INSPECTION = "the inspection"
RAID = ("perc", "logical volume", "virtual disk", "megaraid", "raid", "smartarray", "mr9", "mr4", "lsi mr", "avago")
"""Words in the model of a disk that is a volume of a RAID controller."""


def of_bmc(bmc: BmcFacts) -> Sight:
    """A BMC tells memory in whole GiB, rounded as it likes: only a clear lack counts (slack)."""
    modules = tuple(Module(one.slot, one.mib * MIB, one.persistent) for one in bmc.dimms)
    persistent = sum(one.size for one in modules if one.persistent)
    return Sight(
        BMC, cpus=bmc.cpus, cores=bmc.cores, sockets=bmc.sockets, generation=by_name(bmc.cpu_model), processor=bmc.cpu_model,
        memory=bmc.memory_mib * MIB, slack=GIB, modules=modules, persistent=persistent if modules else None,
        disks=None if "drives" in bmc.unread or not bmc.drives else tuple(_disk(one) for one in bmc.drives),
        macs=frozenset(mac.lower() for mac in bmc.macs), bios=bmc.bios_version, bmc=bmc.bmc_version,
    )


def of_inspection(seen: Inventory) -> Sight:
    """physical_mb of ironic-python-agent is the sum of the modules as lshw finds it, and where lshw finds none, what the
    kernel left of them: whence the slack."""
    ports = tuple(Port(one.address, one.device, one.driver, one.name, one.mac, one.speed) for one in seen.nics)
    return Sight(
        INSPECTION, cpus=seen.cpus, sockets=seen.sockets, generation=by_name(seen.cpu_model), processor=seen.cpu_model,
        memory=seen.memory_mib * MIB, slack=seen.memory_mib * MIB // 28,
        disks=tuple(_disk(one) for one in seen.drives) if seen.drives else None, ports=ports or None,
        macs=frozenset(seen.addresses),
    )


def media_of(name: str, model: str, rotational: bool | None) -> Media:
    """The class of a disk by what a BMC or the ramdisk tells."""
    if "nvme" in f"{name} {model}".lower():
        return "nvme"
    return "" if rotational is None else "hdd" if rotational else "ssd"


def is_volume(model: str) -> bool:
    """Whether a disk of this model is made of others by a RAID controller."""
    return any(word in model.lower() for word in RAID)


def _disk(drive: Drive) -> Disk:
    media = drive.media or media_of(drive.name, drive.model, drive.rotational)
    return Disk(drive.name, drive.size, media, drive.serial, drive.model, is_volume(f"{drive.vendor} {drive.model}"))
