"""Probe `hardware` as sh runs it: here, and over a small tree of sysfs and procfs; and how its parts are read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bpa.core.facts import Facts, OsFacts, Ran
from bpa.core.host.hardware import PROBES, SEEN
from bpa.core.host.hardware.running import RUNNING, read_hardware
from bpa.core.host.hardware.sight import Disk, Module, Port
from bpa.core.host.hardware.smbios import read_module
from bpa.core.host.probe import sections
from bpa.core.verdict import Met, Stuck, Wait
from bpa.core.want import HostWant, Minimum, Profile
from bpa.lab.simulated.inventory import memory_device

GIB = 1 << 30
SCRIPT = PROBES["hardware"][2]
CPUINFO = """processor\t: {n}
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 106
model name\t: Intel(R) Xeon(R) Gold 6338N CPU @ 2.20GHz
stepping\t: 6
microcode\t: 0xd0003a5
physical id\t: {socket}
siblings\t: 4
core id\t\t: {core}
cpu cores\t: 2
flags\t\t: fpu model vmx

"""
ETHTOOL = """#!/bin/sh
[ "$1" = -i ] && { echo 'firmware-version: 8.30 0x8000a49d 1.2926.0'; exit 0; }
cat <<'END'
Settings for ens1f0:
\tSupported ports: [ FIBRE ]
\tSupported link modes:   10000baseT/Full
\t                        25000baseCR/Full
\tSupported pause frame use: Symmetric
\tAdvertised link modes:  100000baseCR4/Full
\tSpeed: Unknown!
END
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with two sockets, 4 GiB, two modules, a port with an interface and one without, a VF, and SGX."""
    write = _writer(tmp_path)
    write("proc/cpuinfo", "".join(CPUINFO.format(n=n, socket=n // 4, core=n % 2) for n in range(8)))
    write("proc/meminfo", "MemTotal:        4012345 kB\nMemFree:          100 kB\n")
    write("proc/cmdline", "BOOT_IMAGE=/vmlinuz ro mem=4G quiet crashkernel=512M maxcpus=8")
    write("sys/devices/system/cpu/present", "0-15\n")
    write("sys/devices/system/cpu/online", "0-7\n")
    write("sys/kernel/kexec_crash_size", "536870912\n")
    for node in (0, 1):
        write(f"sys/devices/system/node/node{node}/x86/sgx_total_bytes", "1073741824\n")
    write("sys/devices/system/memory/block_size_bytes", "8000000\n")
    for block in range(33):
        write(f"sys/devices/system/memory/memory{block}/state", "offline\n" if block == 32 else "online\n")
    tables = bytes([0, 20, 0, 0, *range(16)]) + b"Maker\0U30\0\0" + bytes([1, 4, 1, 0]) + b"\0\0"
    empty = bytes.fromhex(memory_device("B1", 0))
    tables += bytes.fromhex(memory_device("A1", 2 * GIB)) + empty + bytes.fromhex(memory_device("A2", 126 * GIB, 63 * GIB))
    write("sys/firmware/dmi/tables/DMI", tables + bytes([127, 4, 2, 0]) + b"\0\0" + bytes.fromhex(memory_device("beyond", GIB)))
    write("sys/bus/nd/devices/region0/size", "67645734912\n")
    _port(tmp_path, "0000:18:00.0", "ens1f0", "3c:fd:fe:00:00:01", "-1")
    _port(tmp_path, "0000:18:00.1", "", "", "")
    _port(tmp_path, "0000:18:02.0", "ens1f0v0", "02:00:00:00:00:01", "25000")
    write("sys/bus/pci/devices/0000:18:02.0/physfn", "")
    write("sys/bus/pci/devices/0000:00:1f.0/class", "0x060100\n")
    write("sys/class/dmi/id/bios_version", "U30\n")
    write("sys/class/dmi/id/bios_release", "2.40\n")
    return tmp_path


def _writer(root: Path):
    def write(path: str, content: str | bytes) -> None:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def _port(root: Path, address: str, nic: str, mac: str, speed: str) -> None:
    write, at = _writer(root), f"sys/bus/pci/devices/{address}"
    for name, value in (("vendor", "0x8086"), ("device", "0x158b"), ("class", "0x020000")):
        write(f"{at}/{name}", f"{value}\n")
    (root / "drivers" / ("i40e" if nic else "vfio-pci")).mkdir(parents=True, exist_ok=True)
    (root / at / "driver").symlink_to(root / "drivers" / ("i40e" if nic else "vfio-pci"))
    if nic:
        write(f"{at}/net/{nic}/address", f"{mac}\n")
        write(f"{at}/net/{nic}/speed", f"{speed}\n")
        (root / "sys/class/net").mkdir(parents=True, exist_ok=True)
        write(f"sys/class/net/{nic}/address", f"{mac}\n")
        write(f"sys/class/net/{nic}/device", "")


def ask(root: Path, *, ethtool: bool = False, tools: str = "awk od sort uniq cat grep readlink sed") -> dict[str, str]:
    """The probe's answer over this tree, with these programs and no others."""
    there = root / "bin"
    there.mkdir()
    for name in tools.split():
        path = shutil.which(name)
        assert path, name
        (there / name).symlink_to(path)
    if ethtool:
        (there / "ethtool").write_text(ETHTOOL)
        (there / "ethtool").chmod(0o755)
    script = SCRIPT.replace("PATH=$PATH:/usr/sbin:/sbin", f"PATH={there}")
    for here in ("/sys/", "/proc/"):
        script = script.replace(here, f"{root}{here}")
    ran = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False, env={"LC_ALL": "C"})
    assert ran.returncode == 0 and all(line.endswith("not found") for line in ran.stderr.splitlines()), ran.stderr
    return sections(ran.stdout)


def test_a_machine_is_seen_whole(root: Path) -> None:
    seen = read_hardware(ask(root, ethtool=True))
    assert (seen.source, seen.sockets, seen.cores, seen.cpus, seen.offline, seen.smt_off) == (RUNNING, 2, 4, 8, 8, False)
    assert seen.generation and seen.generation.name == "icelake"
    assert seen.processor == "Intel(R) Xeon(R) Gold 6338N CPU @ 2.20GHz (family 6, model 106, stepping 6)"
    assert seen.memory == 32 * (128 << 20) + 2 * GIB
    assert seen.reserved == "512 MiB for a crash kernel, 2 GiB for SGX, 128 MiB are switched off"
    assert seen.limits == ("mem=4G", "crashkernel=512M", "maxcpus=8")
    assert seen.modules == (Module("A1", 2 * GIB), Module("A2", 126 * GIB, True, 63 * GIB))
    assert (seen.dram, seen.memory_mode, seen.persistent) == (2 * GIB, 63 * GIB, 126 * GIB)
    assert seen.ports == (
        Port("0000:18:00.0", "8086:158b", "i40e", "ens1f0", "3c:fd:fe:00:00:01", 25000, "8.30 0x8000a49d 1.2926.0"),
        Port("0000:18:00.1", "8086:158b", "vfio-pci"))
    assert seen.bios == "U30 v2.40"


def test_without_tools_what_sysfs_tells_is_told(root: Path) -> None:
    write = _writer(root)
    for name, size, rotates, removable in (("sda", 937703088, 0, 0), ("sdb", 7814037168, 1, 0), ("sdc", 31250000, 1, 1)):
        for path, value in (("size", size), ("queue/rotational", rotates), ("removable", removable),
                            ("device/model", f"MODEL {name}")):
            write(f"sys/block/{name}/{path}", f"{value}\n")
    write("sys/block/loop0/size", "1000\n")
    seen = read_hardware(ask(root, tools="awk sort uniq cat grep sed"))
    assert seen.disks == (Disk("sda", 480103981056, "ssd", "", "MODEL sda"), Disk("sdb", 4000787030016, "hdd", "", "MODEL sdb"))
    # Nothing reads SMBIOS, nor the driver, nor what the port could do.
    assert seen.modules == () and seen.ports and (seen.ports[0].driver, seen.ports[0].speed) == ("", 0)
    assert seen.persistent == 67645734912


def test_a_bare_tree_is_no_reason_to_fail(tmp_path: Path) -> None:
    _writer(tmp_path)("proc/cpuinfo", "")
    _writer(tmp_path)("proc/meminfo", "")
    _writer(tmp_path)("proc/cmdline", "")
    seen = read_hardware(ask(tmp_path))
    assert (seen.cpus, seen.memory, seen.modules, seen.persistent) == (0, 0, (), None)


def test_the_machine_that_runs_the_tests_is_seen() -> None:
    ran = subprocess.run(PROBES["hardware"], capture_output=True, text=True, check=False)
    have = Facts(os=OsFacts("192.0.2.10", answers={"hardware": Ran(ran.returncode, ran.stdout, ran.stderr)}))
    verdict = SEEN.check(HostWant("node1", "https://192.0.2.1", "", None, Profile(minimum=Minimum(1, GIB // 2))), have)
    assert isinstance(verdict, Met) and "CPUs" in verdict.evidence and "of memory" in verdict.evidence


@pytest.mark.parametrize("answer", [
    Ran(0), Ran(0, "\0\xff@@\n@@ \n"), Ran(1, "", "no"), Ran(None),
    Ran(0, "@@ processors\nprocessors=²\nsocket=0 a b\n@@ disks\nx"),
    Ran(0, "@@ processors\nprocessors=2\nsocket=\n@@ cpu\npresent=9-1\n@@ modules\nzz 11 11ff 110000\n@@ ports\nport=\nmode=1\n"
           f"@@ memory\nMemTotal: {'9' * 5000} kB\nblock=zz\nblocks online=x\n"),
])
def test_no_answer_however_odd_is_a_crash(answer: Ran) -> None:
    want = HostWant("node1", "https://192.0.2.1", "", None, Profile(minimum=Minimum(1, GIB)))
    assert isinstance(SEEN.check(want, Facts(os=OsFacts("192.0.2.10", answers={"hardware": answer}))), Met | Stuck | Wait)


def device(size: int, extended: int = 0, length: int = 0x5C) -> str:
    """A memory device with these size fields and all else zero, cut to the length of its SMBIOS version."""
    body = bytearray(0x5C)
    body[0], body[1] = 17, length
    body[0x0C:0x0E], body[0x1C:0x20] = size.to_bytes(2, "little"), extended.to_bytes(4, "little")
    return (bytes(body[:length]) + b"\0\0").hex()


@pytest.mark.parametrize(("dump", "size"), [
    (device(0), None), (device(0xFFFF), None), (device(512), 512 << 20), (device(0x8000 | 640), 640 << 10),
    (device(0x7FFF, 65536), 64 * GIB), (device(16384, length=0x15), 16 * GIB), (device(0x7FFF, length=0x15), None),
    ("", None), ("11", None), ("1144", None), ("no hex", None),
])
def test_sizes_in_smbios(dump: str, size: int | None) -> None:
    module = read_module(dump)
    assert (module.size if module else None) == size
