"""Memory modules: what they are, how large they really are, and how persistent ones are divided."""

from __future__ import annotations

import re
from dataclasses import replace

from bpa.adapters.redfish.reading import Json, Reader, absent, inner, text, texts
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import LARGEST, amount, health, natural, place, raw, real, told
from bpa.adapters.redfish.sections.tree import last, members
from bpa.core.machine import Memory, MemoryModule

GIB = 1024
"""In MiB."""
LARGEST_MODULE = 4096 * GIB
OPTANE = re.compile(r"optane|3d ?x ?point|dcpmm|\bNM[AB]1X", re.IGNORECASE)
"""What Intel's persistent memory is called; NMA1XBD… and NMB1XBD… are its part numbers."""
KINDS = {
    "DRAM": "dram", "NVDIMM_N": "nvdimm-n", "NVDIMM_F": "nvdimm-f", "NVDIMM_P": "pmem", "INTELOPTANE": "pmem",
}
"""Redfish MemoryType (Memory 1.20)."""


def read_memory(reader: Reader, ground: Ground) -> Memory:
    """Modules that are there. Absent ones are members too, some of them with a type and zero MiB."""
    system = ground.system
    modules, empty = [], 0
    for path, body in members(reader, system, "Memory"):
        size = _size(body)
        if absent(body) or not size:
            empty += 1
            continue
        modules.append(_module(path, body, size))
    summary = inner(system, "MemorySummary")
    modules = _in_mib(modules, summary)
    mib = sum(m.mib for m in modules if m.kind in ("dram", "other"))
    persistent = sum(m.mib for m in modules if m.kind not in ("dram", "other"))
    told_mib = summed_mib(summary)
    return Memory(
        modules=tuple(sorted(modules, key=lambda m: natural(m.slot))),
        empty_slots=empty,
        mib=mib or told_mib,
        persistent_mib=persistent or amount(summary, "TotalSystemPersistentMemoryGiB") * GIB,
        raw=raw(summary, "TotalSystemMemoryGiB") if (mib or told_mib) != _as_told(summary) else {},
    )


def summed_mib(summary: Json) -> int:
    """MemorySummary in real MiB; 0 = not told.

    64 GiB are told as 59.604672 where 64 * 10^9 bytes were made of them (iDRAC), as 61.035 where 64 * 10^6 KiB were
    (Gigabyte, AMI): a number that is whole in such a unit is taken for that. Others are left as they were told.
    """
    said = real(summary, "TotalSystemMemoryGiB") or 0.0
    if not 0 < said * GIB < LARGEST:
        return 0
    for unit in (10**9 / 2**30, 10**6 / 2**20) if said % 1 else ():
        whole = round(said / unit)
        if whole % 2 == 0 and abs(said / unit - whole) < 0.001:
            return whole * GIB
    return round(said * GIB)


def _as_told(summary: Json) -> int:
    return round(min(max(real(summary, "TotalSystemMemoryGiB") or 0.0, 0.0) * GIB, LARGEST))


def kind_of(body: Json) -> str:
    """dram, nvdimm-n, nvdimm-f, pmem or other: by MemoryType, else by media, part number and name."""
    told_type = text(body, "MemoryType")
    oem = " ".join(text(vendor, "ProductName") for vendor in inner(body, "Oem").values() if isinstance(vendor, dict))
    named = " ".join((oem, *(text(body, key) for key in ("PartNumber", "Name", "Description"))))
    kind = KINDS.get(told_type.upper().replace("-", "_"), "")
    media = {m.upper() for m in texts(body, "MemoryMedia")}
    if kind in ("", "dram") and ("INTEL3DXPOINT" in media or OPTANE.search(named)):
        return "pmem"
    if not kind and {"DRAM", "NAND"} <= media:
        return "nvdimm-n"
    if kind:
        return kind
    device = text(body, "MemoryDeviceType").upper()
    return "dram" if not told_type and (media <= {"DRAM"}) and (not device or "DDR" in device) else "other"


def _size(body: Json) -> int:
    return amount(body, "CapacityMiB") or amount(body, "VolatileSizeMiB") + amount(body, "NonVolatileSizeMiB")


def _module(path: str, body: Json, size: int) -> MemoryModule:
    kind = kind_of(body)
    told_type = text(body, "MemoryType")
    technology = re.sub(r"[_ ]?SDRAM$", "", told(body, "MemoryDeviceType"), flags=re.IGNORECASE)
    slot = told(body, "DeviceLocator") or place(body) or told(body, "Name") or text(body, "Id") or last(path)
    return MemoryModule(
        slot=slot,
        mib=size,
        kind=kind,
        technology=technology,
        form=told(body, "BaseModuleType"),
        mhz=amount(body, "OperatingSpeedMhz"),
        ranks=amount(body, "RankCount"),
        manufacturer=told(body, "Manufacturer"),
        part_number=told(body, "PartNumber"),
        serial=told(body, "SerialNumber"),
        firmware=told(body, "FirmwareRevision", "FirmwareApiVersion"),
        volatile_mib=amount(body, "VolatileSizeMiB"),
        persistent_mib=amount(body, "NonVolatileSizeMiB"),
        security=text(body, "SecurityState"),
        health=health(body),
        raw=raw(body, "MemoryType") if told_type and KINDS.get(told_type.upper()) != kind else {},
    )


def _in_mib(modules: list[MemoryModule], summary: Json) -> list[MemoryModule]:
    """Sizes that were told in another unit, as real MiB; what was told is kept raw."""
    told_gib = real(summary, "TotalSystemMemoryGiB") or 0.0
    in_gib = bool(modules) and told_gib >= len(modules) and sum(m.mib for m in modules) == round(told_gib)
    return [_corrected(m, real_mib(m.mib * GIB if in_gib else m.mib, m.kind)) for m in modules]


def real_mib(told_mib: int, kind: str) -> int:
    """The size that a module can have, for what was told as MiB.

    Modules with DRAM come in whole GiB. 15625 is 16 GiB that was taken for 16384 MB of 10^6 bytes (Gigabyte, AMI);
    17179869184 is 16 GiB in bytes and 16777216 the same in KiB. Anything else is left as it was told, and so is
    persistent memory, of which a maker may reserve any part (129408 MiB of 128 GiB).
    """
    if kind == "pmem":
        return told_mib
    for unit in (1024 * 1024, 1024):
        if told_mib > LARGEST_MODULE and told_mib % (unit * GIB) == 0 and told_mib // unit <= LARGEST_MODULE:
            return told_mib // unit
    if told_mib % GIB:
        decimal = told_mib * 1024 * 1024 / 1_000_000
        nearest = round(decimal / GIB) * GIB
        if nearest and abs(nearest - decimal) <= 1:
            return nearest
    return told_mib


def _corrected(module: MemoryModule, mib: int) -> MemoryModule:
    if mib == module.mib:
        return module
    return replace(module, mib=mib, raw={**module.raw, "CapacityMiB": module.mib})
