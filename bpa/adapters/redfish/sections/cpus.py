"""Processors: CPUs apart from the GPUs, FPGAs and DPUs that share their collection and sometimes come first."""

from __future__ import annotations

import re
from dataclasses import replace

from bpa.adapters.redfish.reading import Json, Reader, absent, inner, text
from bpa.adapters.redfish.sections.ground import Ground
from bpa.adapters.redfish.sections.normal import amount, health, natural, place, raw, told, words
from bpa.adapters.redfish.sections.pcie import Pcie
from bpa.adapters.redfish.sections.tree import last, members, paths, references
from bpa.core.machine import Accelerator, Cpu, Processors

CPU = ("CPU", "Core", "Thread", "")
"""Values of ProcessorType that are no other processor; old services tell none."""
VENDORS = (("intel", "Intel"), ("advanced micro devices", "AMD"), ("amd", "AMD"), ("ampere", "Ampere"), ("nvidia", "NVIDIA"))
MICROCODE = re.compile(r"(0x)?[0-9a-f]{2,16}", re.IGNORECASE)


def read_processors(reader: Reader, ground: Ground) -> Processors:
    """Sockets that hold something. Sums are of the CPUs listed, else those of ProcessorSummary."""
    system = ground.system
    summary = inner(system, "ProcessorSummary")
    cpus, others, empty = [], [], 0
    for path, body in members(reader, system, "Processors"):
        is_cpu = text(body, "ProcessorType") in CPU
        if absent(body):
            empty += is_cpu
        elif is_cpu:
            cpus.append(_cpu(path, body, summary))
        else:
            others.append(_other(reader, path, body))
    cores = sum(c.cores for c in cpus)
    # Cores are no measure of threads that are not told: POWER10 has eight on each.
    threads = sum(c.threads for c in cpus) if all(c.threads for c in cpus) else 0
    return Processors(
        cpus=tuple(sorted(cpus, key=lambda c: natural(c.socket))),
        others=tuple(others),
        empty_sockets=empty,
        cores=cores or amount(summary, "CoreCount"),
        threads=threads or amount(summary, "LogicalProcessorCount"),
    )


def _cpu(path: str, body: Json, summary: Json) -> Cpu:
    identity = inner(body, "ProcessorId")
    model = _model(body, identity, summary)
    maker = told(body, "Manufacturer") or told(identity, "VendorId")
    short = next((short for said, short in VENDORS if said in maker.lower()), maker)
    microcode = told(identity, "MicrocodeInfo") or told(inner(body, "AdditionalFirmwareVersions"), "Microcode")
    return Cpu(
        socket=told(body, "Socket") or place(body) or text(body, "Id") or last(path),
        model=model,
        manufacturer=short,
        architecture=told(body, "ProcessorArchitecture"),
        instruction_set=told(body, "InstructionSet"),
        cores=amount(body, "TotalCores"),
        threads=amount(body, "TotalThreads"),
        mhz=amount(body, "OperatingSpeedMHz"),
        max_mhz=amount(body, "MaxSpeedMHz"),
        microcode=microcode if MICROCODE.fullmatch(microcode) else "",
        health=health(body),
        raw={
            **(raw(body, "Model") if words(body, "Model") != model else {}),
            **(raw(body, "Manufacturer") if short != text(body, "Manufacturer") else {}),
        },
    )


def _model(body: Json, identity: Json, summary: Json) -> str:
    """The text that names a product: "Intel Xeon processor" names none, and some tell it as VendorId or Version."""
    said = [words(body, "Model"), words(body, "Version"), words(identity, "VendorId"), words(summary, "Model")]
    named = (s for s in said if re.search(r"\d", s) and re.search(r"[a-z]{3}", s, re.IGNORECASE))
    return next(named, "") or next(filter(None, (said[0], said[1], said[3])), "")


def with_pcie(processors: Processors, pcie: Pcie | None) -> Processors:
    """The processors with `pci` resolved from a path to an id, and models that only the PCIe device tells."""
    ids, names = (pcie.ids, pcie.names) if pcie else ({}, {})
    return replace(processors, others=tuple(
        replace(one, pci=ids.get(one.pci, ""), model=one.model or names.get(one.pci, "") or one.slot)
        for one in processors.others
    ))


def _other(reader: Reader, path: str, body: Json) -> Accelerator:
    fpga = inner(body, "FPGA")
    devices = paths(reader, [*references(body, "Links", "PCIeFunctions"), *references(body, "Links", "PCIeDevice")])
    return Accelerator(
        slot=told(body, "Socket") or place(body) or text(body, "Id") or last(path),
        type=text(body, "ProcessorType"),
        model=told(body, "Model"),
        manufacturer=told(body, "Manufacturer"),
        serial=told(body, "SerialNumber"),
        firmware=told(body, "FirmwareVersion") or told(fpga, "FirmwareVersion"),
        pci=devices[0] if devices else "",
        health=health(body),
    )
