"""What the running system sees of its hardware: the answer of probe `hardware`, read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from bpa.core.facts import Facts
from bpa.core.host.hardware.generations import Generation, by_signature
from bpa.core.host.hardware.outside import is_volume
from bpa.core.host.hardware.sight import Disk, Media, Port, Sight
from bpa.core.host.hardware.smbios import read_module
from bpa.core.host.hardware.versions import number_in
from bpa.core.host.probe import told
from bpa.core.sizes import GIB, rounded
from bpa.core.verdict import Stuck, Wait
from bpa.core.want.ranges import numbers_in

RUNNING = "the operating system"
NOT_DISKS = re.compile(r"(loop|ram|zram|md|dm-|sr|fd|pmem|nbd|rbd|drbd|mmcblk\d+(boot|rpmb))")
NO_RELEASE = ("", "0.0", "255.255")
"""What SMBIOS says of a BIOS release that the maker does not number (DSP0134, 7.1)."""


def look_hardware(have: Facts) -> Sight | Wait | Stuck:
    """What the running system sees, or why it is not known."""
    text = told(have, "hardware")
    return read_hardware(text) if isinstance(text, dict) else text


def read_hardware(text: dict[str, str]) -> Sight:
    """The sections of probe `hardware`. What it does not tell, or tells in a way that we do not know, is not told."""
    processors = _values(text.get("processors", ""))
    cpu = _values(text.get("cpu", ""))
    sockets = [line.split() for line in processors.get("socket", ())]
    cpus, cores = _number(processors, "processors"), sum(map(whole, (one[-2] for one in sockets if len(one) > 1)))
    modules = tuple(filter(None, map(read_module, text.get("modules", "").split())))
    persistent = sum(one.size for one in modules if one.persistent)
    regions = sum(map(whole, text.get("persistent", "").split()))
    ports = tuple(_ports(text.get("ports", "")))
    generation, processor = _processor(processors)
    dmi = _values(text.get("dmi", ""))
    seen = Sight(
        RUNNING, cpus=cpus, cores=cores, sockets=len(sockets), smt_off=0 < cores == cpus,
        offline=max(0, _count(cpu, "present") - _count(cpu, "online")), generation=generation, processor=processor,
        modules=modules, persistent=max(persistent, regions) if modules or regions else None,
        disks=tuple(_disks(text.get("disks", ""))) if "disks" in text else None, ports=ports if "ports" in text else None,
        macs=frozenset((*text.get("macs", "").lower().split(), *(port.mac for port in ports if port.mac))),
        bios=_bios(dmi), limits=tuple(text.get("limits", "").split()),
    )
    return _with_memory(seen, _values(text.get("memory", "").replace("MemTotal:", "MemTotal=")))


def _with_memory(seen: Sight, told_values: dict[str, list[str]]) -> Sight:
    """Memory blocks are what the firmware hands over, a part of one counted as a whole; MemTotal is what is left of it.

    The kernel keeps 1.6 % for the descriptions of pages alone, and more for itself; firmware some MiB, SGX what it is told.
    """
    total = _number(told_values, "MemTotal") * 1024
    crash, sgx = _number(told_values, "crash"), sum(map(whole, told_values.get("sgx", ())))
    size = int(block, 16) if re.fullmatch(r"[0-9a-f]{1,16}", block := _first(told_values, "block")) else 0
    blocks = size * _number(told_values, "blocks online")
    reserved = [f"{rounded(crash)} for a crash kernel"] if crash else []
    reserved += [f"{rounded(sgx)} for SGX"] if sgx else []
    away = _number(told_values, "blocks offline")
    reserved += [f"{rounded(away * size)} are switched off"] if away else []
    if blocks:
        memory, slack = blocks + sgx, max(2 * size, blocks // 128)
    else:
        memory, slack = total + crash + sgx if total else 0, max(GIB // 2, total // 28)
    return replace(seen, memory=memory, slack=slack, reserved=", ".join(reserved))


def _processor(said: dict[str, list[str]]) -> tuple[Generation | None, str]:
    name = " ".join(_first(said, "model name").split())
    numbers = [_first(said, key) for key in ("cpu family", "model", "stepping")]
    if not all(numbers):
        return None, name
    family, model, stepping = map(whole, numbers)
    found = by_signature(_first(said, "vendor_id"), family, model, stepping)
    return found, f"{name} (family {family}, model {model}, stepping {stepping})".strip()


def _disks(text: str) -> Iterator[Disk]:
    """lsblk -P: pairs of a name and a quoted value, in which other characters are written \\x20. A disk that is reached
    on two ways has one WWN."""
    known = set()
    for line in text.splitlines():
        said = {key: re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), value).strip()
                for key, value in re.findall(r'(\w+)="(.*?)"', line)}
        name, size = said.get("NAME", ""), whole(said.get("SIZE", ""))
        if size == 0 or said.get("TYPE") != "disk" or NOT_DISKS.match(name):
            continue
        if said.get("RM") == "1" or said.get("TRAN") == "usb" or (said.get("WWN") and said["WWN"] in known):
            continue
        known.add(said.get("WWN", ""))
        rotates = said.get("ROTA", "")
        media: Media = "nvme" if name.startswith("nvme") else "hdd" if rotates == "1" else "ssd" if rotates == "0" else ""
        model = said.get("MODEL", "").replace("_", " ")
        yield Disk(name, size, media, said.get("SERIAL", ""), model, is_volume(f"{said.get('VENDOR', '')} {model}"))


def _ports(text: str) -> Iterator[Port]:
    """port=address vendor device driver, and interface, MAC and speed where it has one; what ethtool says follows."""
    port: Port | None = None
    for line in text.splitlines():
        key, _, value = line.partition("=")
        words = value.split()
        if key == "port" and len(words) in (4, 7):
            if port:
                yield port
            device = f"{words[1].removeprefix('0x')}:{words[2].removeprefix('0x')}"
            nic, mac, speed = words[4:] if len(words) == 7 else ("", "", "")
            driver = words[3].removeprefix("-")
            port = Port(words[0], device, driver, nic, mac.lower(), whole(speed))
        elif port and key == "mode":
            port = replace(port, speed=max(port.speed, whole(value)))
        elif port and key == "firmware":
            port = replace(port, firmware=value.strip())
    if port:
        yield port


def _bios(dmi: dict[str, list[str]]) -> str:
    """HPE tells the board's line alone ("U30") and the number as the release."""
    version, release = _first(dmi, "bios_version"), _first(dmi, "bios_release")
    return f"{version} v{release}" if version and not number_in(version) and release not in NO_RELEASE else version


def _values(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            found.setdefault(key.strip(), []).append(value.strip())
    return found


def _first(said: dict[str, list[str]], key: str) -> str:
    return said.get(key, [""])[0]


def _number(said: dict[str, list[str]], key: str) -> int:
    return whole(_first(said, key).removesuffix("kB").strip())


def whole(text: str) -> int:
    """A whole number; 0 for anything else."""
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _count(said: dict[str, list[str]], key: str) -> int:
    try:
        return len(numbers_in(_first(said, key)))
    except ValueError:
        return 0
