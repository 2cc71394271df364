"""What a simulated host prints of its hardware: the answer to probe `hardware`."""

from __future__ import annotations

import struct

from bpa.core.host.hardware.generations import GENERATIONS, SIGNATURES
from bpa.lab.simulated.linux import Running
from bpa.lab.simulated.machine import SPEED, Hardware

BLOCK = 128 << 20
"""Bytes of a memory block: the size of a section of x86-64, as kernels have it on small machines."""
NET = "02"
"""The first two digits of a network controller's PCI class."""
OPTANE, DRAM = 0x07, 0x03
"""Memory Technology of SMBIOS."""


def hardware(os: Running) -> str:
    """Each CPU is a core; all the memory but `lost_mib`; disks, ports and regions as they are."""
    parts = os.machine.hardware
    each = max(1, parts.cpus // parts.sockets)
    sockets = [each] * (parts.sockets - 1) + [parts.cpus - each * (parts.sockets - 1)]
    memory = sum(one.memory for one in parts.optane) or parts.memory_mib - parts.lost_mib << 20
    return (
        "@@ processors\n" + _processor(parts.generation)
        + "".join(f"socket={number} {cores} {cores}\n" for number, cores in enumerate(sockets))
        + f"processors={parts.cpus}\n@@ cpu\npresent=0-{parts.cpus - 1}\nonline=0-{parts.cpus - 1}\n"
        f"@@ memory\nMemTotal:       {memory // 1024 * 97 // 100} kB\nblock={BLOCK:x}\nblocks online={memory // BLOCK}\n"
        "@@ limits\n@@ modules\n" + memory_device("DIMM 0", parts.memory_mib << 20)
        + "".join(memory_device(f"PMEM {n}", one.capacity, one.memory) for n, one in enumerate(parts.optane))
        + "@@ persistent\n" + "".join(f"{region.size}\n" for region in parts.regions)
        + "@@ disks\n" + "".join(_disks(parts)) + "@@ ports\n" + "".join(_ports(parts))
        + "@@ macs\n" + "".join(f"{mac}\n" for mac in parts.macs) + f"@@ dmi\nbios_version={parts.versions[0]}\n")


def memory_device(slot: str, size: int, volatile: int | None = None) -> str:
    """A structure of type 17 (SMBIOS 3.2) with its one string, in hex; volatile None = it is DRAM."""
    persistent = volatile is not None
    body = struct.pack(
        "<BBHHHHHHBBBBBHHBBBBBIHHHHBHBHHHHQQ", 17, 0x44, 0x1100, 0, 0, 64, 64, 0x7FFF, 9, 0, 1, 0, 26, 0, 2933, 0, 0, 0, 0, 0,
        size >> 20, 2933, 0, 0, 0, OPTANE if persistent else DRAM, 0, 0, 0, 0, 0, 0, size if persistent else 0, volatile or 0)
    return (body + slot.encode() + b"\0\0").hex() + "\n"


def _processor(generation: str) -> str:
    maker, family, models, steppings, _ = next(one for one in SIGNATURES if one[4] == generation)
    return (f"vendor_id={maker}\ncpu family={family}\nmodel={min(models)}\nmodel name={GENERATIONS[generation].title}\n"
            f"stepping={max(steppings) if len(steppings) < 16 else 1}\n")


def _disks(parts: Hardware) -> list[str]:
    return [f'NAME="{one.drive.name.removeprefix("/dev/")}" TYPE="disk" SIZE="{one.drive.size}" '
            f'ROTA="{int(bool(one.drive.rotational))}" RM="0" TRAN="" SERIAL="{one.drive.serial}" WWN="{one.drive.wwn}" '
            f'VENDOR="{one.drive.vendor}" MODEL="{one.drive.model}"\n' for one in parts.disks]


def _ports(parts: Hardware) -> list[str]:
    return [f"port={one.address} 0x{one.device.replace(':', ' 0x')} {one.driver or '-'}"
            + (f" {one.nic} {one.mac} {SPEED}" if one.nic else "") + "\n"
            for one in parts.functions if one.pci_class.startswith(NET)]
