"""Hardware of recorded machines: /proc/cpuinfo and SMBIOS (by dmidecode) as the probe reads them. Checked by hand."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
from recorded_hosts import LSCPU, PCI, RECORDED, RecordedHost, cpuinfo_of, recorded

from bpa.core.host.hardware import running, versions
from bpa.core.host.hardware.generations import by_name, by_signature
from bpa.core.host.hardware.sight import Sight

pytestmark = recorded
OHAI, DMIDECODE = RECORDED / "ohai-cpu", RECORDED / "netbox-agent-dmidecode"
GIB = 1 << 30
SIGNATURE = re.compile(r"Signature: Type 0, Family (\d+), Model (\d+), Stepping (\d+)")
NAME = re.compile(r"^\tVersion: +(Intel.*?) *$", re.MULTILINE)
BIOS = re.compile(r"^BIOS Information\n(?:\t.*\n)*?\tVersion: (.*)$", re.MULTILINE)
RELEASE = re.compile(r"^\tBIOS Revision: (.*)$", re.MULTILINE)


def dmi_table(dmidecode: str) -> bytes:
    """The structures of type 17 that dmidecode printed these slots from (DSP0134 7.18), and the end of the table."""
    table = b""
    for slot in re.findall(r"^Memory Device\n((?:\t.*\n?)+)", dmidecode, re.MULTILINE):
        said = dict(line.strip().split(": ", 1) for line in slot.splitlines() if ": " in line)
        number, _, unit = said["Size"].partition(" ")
        mib = int(number) * {"MB": 1, "GB": 1024}[unit] if number.isdigit() else 0
        size, extended = (0x7FFF, mib) if mib >= 0x7FFF else (mib, 0)
        body = struct.pack("<BBHHHHHHBBBBBHHBBBBBIH", 17, 34, 0x1100, 0x1000, 0xFFFE, 72, 64, size, 9, 0, 1, 2, 26, 0x80, 0,
                           0, 0, 0, 0, 0, extended, 0)
        table += body + said.get("Locator", "?").encode() + b"\0" + said.get("Bank Locator", "?").encode() + b"\0\0"
    return table + struct.pack("<BBH", 127, 4, 0x7F00) + b"\0\0"


def seen(host: RecordedHost) -> Sight:
    return running.read_hardware(host.told("hardware"))


@pytest.mark.parametrize(("file", "cpus", "cores", "sockets", "processor"), [
    ("cpuinfo-x86-guest-kvm-nested-rhel9.output", 2, 2, 2, "(family 6, model 60, stepping 1)"),
    ("cpuinfo-x86-guest-kvm-nested.output", 1, 1, 1, "Haswell, no TSX"),
    ("cpuinfo-x86-guest-kvm.output", 4, 4, 4, "QEMU Virtual CPU version 2.5+ (family 6, model 13, stepping 3)"),
    ("cpuinfo-x86-guest-vtx.output", 2, 8, 2, "Intel(R) Xeon(R) CPU X5570 @ 2.93GHz (family 6, model 26, stepping 5)"),
    ("cpuinfo-x86-host-vuln.output", 4, 2, 1, "i5-5200U CPU @ 2.20GHz (family 6, model 61, stepping 4)"),
])
def test_processors_cores_and_sockets(tmp_path: Path, file: str, cpus: int, cores: int, sockets: int, processor: str) -> None:
    host = RecordedHost(tmp_path)
    host.put("/proc/cpuinfo", OHAI / file)
    found = seen(host)
    assert (found.cpus, found.cores, found.sockets) == (cpus, cores, sockets)
    assert processor in found.processor and found.generation is None, "desktop, old or emulated: of no generation that is named"


def test_processors_that_were_switched_off(tmp_path: Path) -> None:
    """lscpu of the same machine: on-line 0,2,5,9 of 16."""
    host = RecordedHost(tmp_path)
    host.put("/proc/cpuinfo", OHAI / "cpuinfo-x86-guest-vtx.output")
    listed = re.search(r"^On-line CPU\(s\) list: +(.*)$", (OHAI / "lscpu-x86-guest-vtx.output").read_text(), re.MULTILINE)
    assert listed
    host.put("/sys/devices/system/cpu/present", "0-15\n")
    host.put("/sys/devices/system/cpu/online", listed[1] + "\n")
    assert seen(host).offline == 12


@pytest.mark.parametrize(("file", "generation", "processor"), [
    ("lscpu", "naples", "AMD: EPYC 7451 24-Core Processor (family 23, model 1, stepping 2)"),
    ("lscpu-7302", "rome", "AMD EPYC 7302P 16-Core Processor (family 23, model 49, stepping 0)"),
    ("lscpu-7302x", "rome", "AMD EPYC 7502P 32-Core Processor (family 23, model 49, stepping 0)"),
])
def test_generations_of_epyc(tmp_path: Path, file: str, generation: str, processor: str) -> None:
    host = RecordedHost(tmp_path)
    host.put("/proc/cpuinfo", cpuinfo_of((RECORDED / LSCPU / file).read_text()))
    found = seen(host)
    assert found.generation and (found.generation.name, found.processor) == (generation, processor)
    assert by_name(processor) == found.generation


@pytest.mark.parametrize(("file", "generation", "model"), [
    ("HP_BL460c_Gen10", "skylake", 0x55), ("HP_ProLiant_BL460c_Gen10_Graphics_Exp", "skylake", 0x55),
    ("Dell_DSS7500", "broadwell", 0x4F), ("HP_BL460c_Gen9", "broadwell", 0x4F), ("SM_SSG-6028R", "broadwell", 0x4F),
    ("SM_SYS-6018R", "broadwell", 0x4F), ("Dell_PowerEdge_M630", "haswell", 0x3F), ("HP_SL4540_Gen8", "ivybridge", 0x3E),
    ("HP_DL380p_Gen8", "sandybridge", 0x2D), ("HP_ProLiant_m710x", None, 0x5E), ("QCT_X10E-9N", None, 0x9E),
    ("unknown.txt", None, 0x4D),
])
def test_generations_of_recorded_servers(file: str, generation: str | None, model: int) -> None:
    """By the signature that SMBIOS tells; the processor's name, where it tells a generation, tells the same."""
    text = (DMIDECODE / file).read_text()
    signature = SIGNATURE.search(text)
    assert signature and int(signature[2]) == model
    found = by_signature("GenuineIntel", *map(int, signature.groups()))
    assert (found.name if found else None) == generation
    named = NAME.search(text)
    assert named and by_name(named[1]) in (found, None)


@pytest.mark.parametrize(("file", "slots", "sizes"), [
    ("HP_BL460c_Gen10", 16, [16] * 4), ("HP_ProLiant_BL460c_Gen10_Graphics_Exp", 16, [32] * 4),
    ("HP_DL380p_Gen8", 24, [4] * 8 + [16] * 2), ("Dell_PowerEdge_M630", 24, [8] * 8), ("HP_BL460c_Gen9", 16, [8] * 6),
    ("Dell_DSS7500", 12, [16] * 12), ("SM_SSG-6028R", 16, [16] * 4), ("unknown.txt", 4, [8] * 4),
])
def test_memory_modules_by_smbios(tmp_path: Path, file: str, slots: int, sizes: list[int]) -> None:
    text = (DMIDECODE / file).read_text()
    assert len(re.findall(r"^Memory Device$", text, re.MULTILINE)) == slots
    host = RecordedHost(tmp_path)
    place = host.root / "sys/firmware/dmi/tables"
    place.mkdir(parents=True)
    (place / "DMI").write_bytes(dmi_table(text))
    modules = seen(host).modules
    assert sorted(one.size // GIB for one in modules) == sorted(sizes)
    assert all(one.slot and not one.persistent for one in modules)


@pytest.mark.parametrize(("file", "bios", "least", "newer"), [
    ("Dell_DSS7500", "2.3.4", "2.3.4", "2.10"), ("Dell_PowerEdge_M630", "1.2.5", "1.2", "1.3.6"),
    ("HP_BL460c_Gen10", "I41 v1.46", "I41 v1.46", "I41 v2.36"), ("HP_BL460c_Gen9", "I36 v2.52", "2.50", "2.60"),
    ("SM_SSG-6028R", "2.0b", "2.0a", "2.0c"), ("SYS-5039MS-H12TRF-OS012.txt", "2.2", "2.1", "2.2a"),
    ("QCT_X10E-9N", "S3E_3B09.02 v5.11", "S3E_3B09.02", "S3E_3B10.01"),
])
def test_bios_versions_of_many_makers(tmp_path: Path, file: str, bios: str, least: str, newer: str) -> None:
    text = (DMIDECODE / file).read_text()
    version, release = BIOS.search(text), RELEASE.search(text)
    assert version
    host = RecordedHost(tmp_path)
    host.put("/sys/class/dmi/id/bios_version", version[1] + "\n")
    host.put("/sys/class/dmi/id/bios_release", release[1] + "\n" if release else "\n")
    found = seen(host).bios
    assert found == bios
    assert versions.reaches(found, least) is True
    assert versions.reaches(found, newer) is False


def test_the_x722_port_is_a_port_and_qat_is_none(tmp_path: Path) -> None:
    host = RecordedHost(tmp_path)
    host.put("/sys/bus/pci/devices", RECORDED / PCI)
    ports = seen(host).ports
    assert ports is not None and [(one.address, one.device) for one in ports] == [("0000:3f:00.0", "8086:37d2")]
