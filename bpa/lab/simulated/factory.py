"""Machines as new from the factory that fit what the documents ask: the right parts, and everything still to do."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bpa.core.bios.rules import meaning_of
from bpa.core.facts import Drive
from bpa.core.host.hardware.generations import AMD, maker_of
from bpa.core.root_device import HintValue
from bpa.core.sizes import GIB
from bpa.core.steps import BiosValue
from bpa.core.want import DisksWant, HostWant, NamespaceWant, NicsWant, VfWant
from bpa.lab.simulated.host import SimulatedHost
from bpa.lab.simulated.machine import USUAL, Disk, Durations, Function, Hardware, Namespace, Region
from bpa.lab.simulated.optane import Optane

NAMES = uuid.UUID("6d1f0c39-6a0f-5b0b-9d3e-5b1c8a6f2b70")
SWITCHES = {
    "virtualization": "ProcVirtualization", "iommu": "ProcVtd", "sriov": "SriovGlobalEnable", "hyperthreading": "LogicalProc",
    "tme": "Processors_TotalMemoryEncryption", "sgx": "EnableSgx",
}
CHOICES: dict[str, tuple[str, dict[str, BiosValue]]] = {
    "bootMode": ("FBO001", {"uefi": "UEFI", "legacy": "LEGACY"}),
    "powerProfile": ("PowerProfile", {"performance": "MaxPerf", "balanced": "BalancedPowerPerf", "powersave": "MinPower",
                                      "custom": "Custom"}),
    "snc": ("Processors_SNC", {"off": "Disabled", "on": "SNC2", "2": "SNC2", "4": "SNC4"}),
    "nps": ("NumaNodesPerSocket", {"1": "1", "2": "2", "4": "4"}),
    "pmem": ("VolatileMemoryMode_F302", {"appDirect": "1LM", "memoryMode": "2LM"}),
}
"""Attribute of an intent and what its values mean, each in the words of a vendor: what is not asked is not there."""
ALWAYS = ("virtualization", "iommu", "sriov", "hyperthreading")
OTHER: dict[BiosValue, BiosValue] = {"Enabled": "Disabled", "Disabled": "Enabled", "Enable": "Disable", "Disable": "Enable"}
NVDIMM_ALIGN = 16 << 20


def as_new(
    want: HostWant, number: int, now: Callable[[], float], durations: Durations = USUAL
) -> SimulatedHost:
    """A simulated host that can become what `want` says; `number` makes its address unique."""
    address = want.node_ip or f"198.18.{number >> 8 & 255}.{number & 255}"
    return SimulatedHost(want, hardware(want, address), address, now, durations)


def hardware(want: HostWant, address: str) -> Hardware:
    """The parts. Identity is as documented where it is, else made of the name."""
    made = uuid.uuid5(NAMES, f"{want.namespace}/{want.name}")
    functions = _functions(want, made)
    regions, goals = _regions(want.profile.pmem), want.profile.pmem_goals
    boot_mac, kernel, least = want.boot_mac.lower(), want.profile.kernel, want.profile.minimum
    nodes = max((one.node + 1 for one in kernel.hugepages if one.node is not None), default=1)
    pages = sum(one.size * one.count for one in kernel.hugepages)
    amd = maker_of(least.generation) == AMD or any(a.startswith("amd_iommu") for a in want.profile.kernel_arguments)
    if regions and not goals and least.persistent_memory:
        regions[0].size = max(regions[0].size, least.persistent_memory)
    return Hardware(
        uuid=want.uuid.lower() if want.uuid else str(made), serial=want.serial or f"SIM{made.hex[:8].upper()}",
        macs=tuple(dict.fromkeys((boot_mac, *(one.mac for one in functions if one.mac)))),
        cpus=max(least.cpus, least.cores, 8, *(cpu + 1 for cpu in kernel.isolated_cpus)), nodes=nodes,
        memory_mib=max(least.memory, 16 * GIB, 2 * nodes * pages) >> 20,
        bios=_bios(want), disks=_disks(want, made), functions=functions, regions=[] if goals else regions,
        promised=[replace(one, labelled=True, namespaces=[]) for one in regions] if goals else [], optane=_optane(want),
        vendor="AuthenticAMD" if amd else "GenuineIntel",
        hands_to=boot_mac, sockets=max(least.sockets, 1), versions=(least.bios or "1.0", least.bmc or "1.0"),
        generation=least.generation or ("milan" if amd else "cascadelake"),
    )


def _bios(want: HostWant) -> dict[str, BiosValue]:
    asked = want.profile.bios
    # What the profile does not speak of must not be in its way.
    bios: dict[str, BiosValue] = {SWITCHES[intent]: "Enabled" for intent in ALWAYS}
    if "bootMode" not in asked.intents:
        bios["BootMode"] = "Uefi"
    for intent, meant in asked.intents.items():
        if intent in SWITCHES:
            bios[SWITCHES[intent]] = "Disabled" if meant else "Enabled"
        else:
            name, values = CHOICES[intent]
            bios[name] = next(value for value in values.values() if value != values[meaning_of(meant)])
    for name, value in asked.attributes.items():
        bios[name] = _another(value)
    return bios


def _another(value: BiosValue) -> BiosValue:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else OTHER.get(value, "Factory")


def _disks(want: HostWant, made: uuid.UUID) -> list[Disk]:
    said: dict[str, str] = {hint: _literal(value) for hint, value in want.root_device.items()}
    at_least = float(re.sub(r"[^0-9.]", "", said.get("size", "")) or 0)
    size = max(int(at_least * GIB), want.profile.minimum.disk, 64 * GIB)
    root = Drive(
        name=said.get("name", "/dev/sda"), serial=said.get("serial", f"DISK{made.hex[:8].upper()}"), size=size,
        model=said.get("model", "SIMULATED"), wwn=said.get("wwn", f"0x5000{made.hex[:12]}"),
        rotational=said.get("rotational", "").lower() in ("true", "yes", "on", "1"), vendor=said.get("vendor", "BPA"),
        hctl=said.get("hctl", "0:0:0:0"), by_path=said.get("by_path", "/dev/disk/by-path/pci-0000:00:1f.2-ata-1"),
        wwn_with_extension=said.get("wwn_with_extension", ""), wwn_vendor_extension=said.get("wwn_vendor_extension", ""),
    )
    return [Disk(root), *_more_disks(root, want.profile.minimum.disks)]


def _more_disks(root: Drive, wants: Sequence[DisksWant]) -> Iterator[Disk]:
    """Those of section minimum; larger than the one that gets the image, which is the smallest where nothing names it."""
    each = [one for one in wants for _ in range(one.count)]
    for number, one in enumerate(each):
        name = f"/dev/nvme{number}n1" if one.media == "nvme" else f"/dev/sd{'bcdefghijklmnopqrstuvwxyz'[number % 25]}"
        yield Disk(Drive(name, f"MORE{number:04}", max(one.size, 2 * root.size), "MORE", f"0x5001{number:012x}",
                         one.media == "hdd", "BPA", f"0:0:{number + 1}:0", media=one.media))


def _literal(value: HintValue) -> str:
    """A value that satisfies the hint: what stands after the operator, the first of several choices."""
    text = str(value).strip()
    words = re.split(r"(?:s[=!<>]=?=?|<(?:or|in|all-in)>|[<>=!]=?)\s+", text)
    return next((word.strip() for word in words if word.strip()), text)


def _functions(want: HostWant, made: uuid.UUID) -> list[Function]:
    functions = [Function("0000:00:00.0", "8086:29c0", "060000", "")]
    for number, one in enumerate(want.profile.vfs):
        if not any(_serves(one, other) for other in functions):
            first = _function(one, number, made)
            functions += [replace(first, address=f"{first.address[:-1]}{port}", nic=_port(first.nic, port),
                                  mac=f"{first.mac[:-2]}{port:02x}" if first.mac and port else first.mac)
                          for port in range(min(one.count or 1, 8))]
    functions += _more_ports(functions, want.profile.minimum.nics, made)
    boot_mac = want.boot_mac.lower()
    if boot_mac and all(one.mac != boot_mac for one in functions):
        functions.append(Function("0000:00:19.0", "8086:15bc", "020000", "e1000e", None, "eno1", boot_mac))
    return functions


def _more_ports(there: Sequence[Function], wants: Sequence[NicsWant], made: uuid.UUID) -> Iterator[Function]:
    """The network ports that section minimum asks for and that are not there yet."""
    number = 0
    for one in wants:
        device = one.device or "8086:1583"
        known = [function for function in there if function.device == device]
        like = known[0] if known else Function("", device, "020000", "i40e", 0)
        for _ in range(one.count - len(known)):
            mac = ":".join(f"{octet:02x}" for octet in (0x06, *made.bytes[:4], number))
            yield replace(like, address=f"0000:{0x5e + number // 8:02x}:00.{number % 8}", nic=f"ens9{number}", mac=mac,
                          options={}, vfs=0)
            number += 1


def _function(wanted: VfWant, number: int, made: uuid.UUID) -> Function:
    match, card = wanted.match, wanted.what != "QAT"
    address = match.pci_address or f"0000:{0x3b + number:02x}:00.0"
    name = re.sub(r"\[(.).*?\]|[*?]", lambda found: found[1] or "0", match.interface or f"ens{number}f0")
    octets = (0x02, *made.bytes[:4], number)
    return Function(
        address if address.count(":") == 2 else f"0000:{address}", match.device or ("8086:1583" if card else "8086:37c8"),
        "020000" if card else "0b4000", match.driver or ("i40e" if card else _qat_driver(match.device)), _total(wanted),
        name if card else "", (match.mac or ":".join(f"{octet:02x}" for octet in octets)).lower() if card else "",
        numa=match.numa_node or 0, services="sym;asym" if wanted.services else "", link=match.link or "up")


def _port(name: str, number: int) -> str:
    return f"{name[:-1]}{number}" if name and number else name


def _qat_driver(device: str | None) -> str:
    return "4xxx" if device and device.startswith("8086:494") else "c6xx"


def _total(wanted: VfWant) -> int:
    """A QAT driver makes all VFs or none, so its device has just those that are asked."""
    if wanted.what == "QAT":
        return wanted.vfs if isinstance(wanted.vfs, int) and wanted.vfs else 16
    return max(64, wanted.vfs) if isinstance(wanted.vfs, int) else 64


def _serves(wanted: VfWant, function: Function) -> bool:
    match = wanted.match
    return bool(function.total) and match.pci_address in (None, function.address) and match.mac in (None, function.mac) \
        and match.device in (None, function.device) and match.driver in (None, function.driver) \
        and match.interface is None


def _optane(want: HostWant) -> list[Optane]:
    """Two modules on each socket that goals name, as new: nothing is set."""
    goals = want.profile.pmem_goals
    sockets = sorted({one.socket for one in goals if one.socket is not None} | ({0, 1} if goals else set()))
    return [Optane(f"0x{socket << 12 | channel << 8 | 1:04x}", socket) for socket in sockets for channel in (0, 1)]


def _regions(wanted: tuple[NamespaceWant, ...]) -> list[Region]:
    regions: list[Region] = []
    for number, dev in enumerate(dict.fromkeys(one.region for one in wanted)):
        asked = sum(one.size if one.size is not None else 64 * GIB for one in wanted if one.region == dev)
        left = 0 if any(one.region == dev and one.size is None for one in wanted) else NVDIMM_ALIGN
        size = -(-asked // NVDIMM_ALIGN) * NVDIMM_ALIGN + left
        digits = dev.removeprefix("region")
        whole = Namespace(f"namespace{digits}.0", "raw", size, block=f"pmem{digits}")
        regions.append(Region(dev, size, f"nmem{number}", namespaces=[whole]))
    return regions
