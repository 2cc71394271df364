"""What the probes of bpa.core.host print on a simulated host, in the format of the real ones."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bpa.core.facts import Ran
from bpa.core.host.grub import DROP_IN
from bpa.core.host.modprobe import LOADED, OPTIONS
from bpa.core.host.pmem.erasure import ERASED
from bpa.core.host.pmem.lvm import SIGNATURE
from bpa.core.host.pmem.mounting import UNITS
from bpa.core.host.probe import sections
from bpa.core.host.system import WRITTEN
from bpa.lab.simulated import kernel_log
from bpa.lab.simulated.apt import packages, registries, sources
from bpa.lab.simulated.containers import containerd
from bpa.lab.simulated.files import owned
from bpa.lab.simulated.inventory import hardware
from bpa.lab.simulated.linux import KERNEL, LOADABLE, Running
from bpa.lab.simulated.machine import Hardware, Machine, Namespace, Region
from bpa.lab.simulated.optane import ipmctl
from bpa.lab.simulated.time_servers import clock
from bpa.lab.simulated.vfs import pci, qat


def answers(os: Running) -> Mapping[str, Ran]:
    """Probe name -> what it came to."""
    texts = {
        "access": access(os), "system": system(os),
        "boot_id": f"{os.boot_id}\n", "kernel": kernel(os), "modules": modules(os), "kvm": kvm(os),
        "cpus": os.settings.cpus(), "hugepages": os.settings.hugepages(), "sysctl": os.settings.sysctl(),
        "hardening": os.settings.hardening(), "pci": pci(os), "qat": qat(os), "pmem": pmem(os), "ipmctl": ipmctl(os),
        "packages": packages(os.installed), "sources": sources(os.installed),
        "registries": registries(os.installed), "clock": clock(os), "containerd": containerd(os),
        "hardware": hardware(os), "owned": owned(os.installed.files, os.machine.time - os.started),
    }
    return {name: Ran(0, _otherwise(os.machine, name, text)) for name, text in texts.items()}


def _otherwise(machine: Machine, probe: str, text: str) -> str:
    """With the sections that the machine was told to show instead, and what it was told to show beside them."""
    shown, added = machine.shown.get(probe, {}), machine.added.get(probe, {})
    if not shown and not added:
        return text
    found = {**sections(text), **{name: said.rstrip() + "\n" * bool(said) for name, said in shown.items()}}
    for name, said in added.items():
        found[name] = f"{found.get(name, '')}{said.rstrip()}\n"
    return "".join(f"@@ {name}\n{said}" for name, said in found.items())


def access(os: Running) -> str:
    running = "running\n" if os.machine.time < os.configured_at else ""
    return (f"@@ hostname\n{os.installed.hostname}\n@@ release\n{KERNEL}\n"
            f"@@ cloud-init\n{running}")


def system(os: Running) -> str:
    now, faults = os.machine.time, os.machine.faults
    how = "ro" if faults.active("read-only root", now) else "rw"
    left = 0 if faults.active("disk full", now) else 20971520
    free = "".join(f"{path} / 41943040 {41943040 - left}\n" for path in WRITTEN)
    return (f"@@ init\nsystemd\nsystemd\n@@ tools\n/usr/sbin/ip\n@@ mounts\n/ {how}\n@@ free\n{free}@@ inodes\n"
            + kernel_log.section(os, "system"))


def kernel(os: Running) -> str:
    entry = f"\tlinux\t/boot/vmlinuz-{KERNEL} {' '.join(os.installed.menu[1:])}\n"
    return (
        f"@@ running\n{' '.join(os.cmdline)}\n"
        f"@@ drop-in\n{os.installed.files.get(DROP_IN, '')}"
        "@@ update-grub\n/usr/sbin/update-grub\n"
        f"@@ stale\n{'yes' if os.installed.stale else ''}\n"
        "@@ grub.cfg\n### BEGIN /etc/grub.d/00_header ###\n### END /etc/grub.d/00_header ###\n"
        f"### BEGIN /etc/grub.d/10_linux ###\n{entry}\t{entry}### END /etc/grub.d/10_linux ###\n"
        "@@ loader\n\n@@ plugin\n@@ entries\n@@ unified\n"
    )


def modules(os: Running) -> str:
    files = os.installed.files
    names = (*LOADABLE, *sorted(os.installed.asked_modules() - set(LOADABLE)))
    lines = [f"{name} loaded {os.users(name)}" if name in os.modules else f"{name} loadable 0" for name in names]
    shown = [f"/sys/module/{name}/parameters/nested:{'Y' if on else 'N'}" for name, on in sorted(os.nested.items())]
    said = [f"{OPTIONS}:{line}" for line in files.get(OPTIONS, "").splitlines() if line.startswith("options ")]
    return "".join((
        f"@@ cpu\nvendor_id\t: {os.machine.hardware.vendor}\nflags\t\t: {' '.join(os.machine.flags())}\n",
        _section("modules", lines), _section("parameters", shown), _section("modprobe.d", said),
        f"@@ options file\n{files.get(OPTIONS, '')}@@ load file\n{files.get(LOADED, '')}@@ initramfs\n",
    ))


def kvm(os: Running) -> str:
    made, guest = ("made 12", "answered 42") if os.kvm else ("absent", "")
    return (f"@@ kvm\n{made}\n@@ guest\n{guest}\n@@ msr\n@@ cpu\n@@ parameters\n@@ command line\n@@ lockdown\n"
            "@@ hypervisors\n@@ iommu\ngroups 40\ntable DMAR\nremapping\n" + kernel_log.section(os, "kvm", "kernel log"))


def pmem(os: Running) -> str:
    """Nothing at all where there is no region: the probe ends before its first line."""
    regions = os.machine.hardware.regions
    left = any("\nDescription=Persistent memory " in text for path, text in os.installed.files.items() if path.startswith(UNITS))
    if not regions and not os.machine.hardware.optane and not left:
        return ""
    there = [one for region in regions for one in region.namespaces]
    units = [path for path in sorted(os.installed.files) if path.startswith(UNITS) and path.endswith(".mount")]
    mounts = ["/dev/sda1 / ext4 rw,relatime", *(
        f"{device} {_escaped(point)} {kind} {options}" for point, (device, kind, options) in os.mounts.items())]
    return "".join((
        f"@@ ndctl\n{json.dumps({'regions': [_region(region) for region in regions]}, indent=2)}\n",
        _section("regions", [f"{one.dev} {5 if one.labelled else 4} {one.dimm},0,{one.size},0" .split(",")[0]
                             for one in regions]),
        _section("sizes", [f"{one.dev} {one.raw}" for one in there]),
        _section("contents", [_content(one) for one in there if one.block and one.enabled]),
        _section("mounts", mounts),
        _section("enabled", sorted(one for one in os.installed.enabled if one.endswith(".mount"))),
        f"@@ dimms\n{json.dumps(_dimms(os.machine.hardware))}\n",
        _section("volumes", ["lvm", *(f"  /dev/{one.block} {one.group}" for one in there if one.signature == SIGNATURE)]),
        kernel_log.section(os, "pmem"),
        f"@@ erased\n{os.installed.files.get(ERASED, '')}",
        *(f"@@ unit {path}\n{os.installed.files[path]}" for path in units),
    ))


def _dimms(parts: Hardware) -> list[dict[str, object]]:
    told: list[dict[str, object]] = [
        {"dev": f"nmem{number}", "id": f"8089-a2-1839-{one.id[2:]:0>8}", "handle": int(one.id, 16), "security": one.security,
         "health": {"health_state": "ok"}} for number, one in enumerate(parts.optane)]
    return told or [{"dev": region.dimm, "id": f"8680-{region.dimm}", "handle": number + 1}
                    for number, region in enumerate(parts.regions)]


def _region(region: Region) -> dict[str, object]:
    said: dict[str, object] = {
        "dev": region.dev, "size": region.size, "align": region.align, "available_size": region.free,
        "max_available_extent": region.free, "type": "pmem", "persistence_domain": "memory_controller",
    }
    if region.namespaces:
        said["namespaces"] = [_namespace(one) for one in region.namespaces]
    return said


def _namespace(one: Namespace) -> dict[str, object]:
    said: dict[str, object] = {"dev": one.dev, "mode": one.mode}
    if one.mode == "fsdax":
        said["map"] = "dev"
    # The page structures of fsdax and devdax lie in the namespace itself: 64 bytes per page, and 2 MiB for alignment.
    said["size"] = one.raw if one.mode == "raw" else one.raw - one.raw // 64 - (2 << 20)
    if one.align or one.mode in ("fsdax", "devdax"):
        said["align"] = one.align or 2 << 20
    if one.sector:
        said["sector_size"] = one.sector
    if one.name:
        said["name"] = one.name
    if one.block and one.enabled:
        said["blockdev"] = one.block
    if not one.enabled:
        said["state"] = "disabled"
    return said


def _content(one: Namespace) -> str:
    return " ".join((one.block, *(["BLANK=1"] if one.blank else []),
                     *([f"UUID={one.uuid}", f"TYPE={one.signature}"] if one.signature else []))) + " "


def _section(name: str, lines: list[str]) -> str:
    return f"@@ {name}\n" + "".join(f"{line}\n" for line in lines)


def _escaped(point: str) -> str:
    return point.replace("\\", "\\134").replace(" ", "\\040")
