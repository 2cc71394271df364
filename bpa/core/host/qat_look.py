"""What a look asks of QAT beyond its PCI functions: kernel, modules, firmware.

Kernel: drivers/crypto/intel/qat (qat_c62x, PCI driver name c6xx; qat_4xxx since 5.11, its SR-IOV since 5.17);
Documentation/ABI/testing/sysfs-driver-qat (qat/state, qat/cfg_services: since 6.0 for 4xxx, mixes since 6.6).
Firmware names: MODULE_FIRMWARE of these drivers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bpa.core.host.probe import shell


@dataclass(frozen=True, slots=True)
class Kind:
    """A family of QAT devices: its kernel module, the name of its PCI driver, its firmware files, the kernel it needs,
    and the one whose driver makes VFs of it."""

    name: str
    module: str
    driver: str
    firmware: tuple[str, ...]
    since: tuple[int, int]
    vfs_since: tuple[int, int]


C62X = Kind("C62x", "qat_c62x", "c6xx", ("qat_c62x.bin", "qat_c62x_mmp.bin"), (4, 5), (4, 5))
GEN4 = Kind("4xxx", "qat_4xxx", "4xxx", ("qat_4xxx.bin", "qat_4xxx_mmp.bin"), (5, 11), (5, 17))
GEN4_402 = Kind("402xx", "qat_4xxx", "4xxx", ("qat_402xx.bin", "qat_402xx_mmp.bin"), (6, 1), (6, 1))
KINDS = {"8086:37c8": C62X, "8086:4940": GEN4, "8086:4942": GEN4, "8086:4944": GEN4_402}
SERVICES_SINCE, MIXES_SINCE = (6, 0), (6, 6)
FIRST_SERVICES = ("sym;asym", "dc")

PROBES = {"qat": shell(r"""
PATH=$PATH:/usr/sbin:/sbin
echo '@@ kernel'; uname -r
echo '@@ modules'
for m in qat_c62x qat_4xxx vfio_pci; do
  if [ -d /sys/module/$m ]; then echo "$m loaded"
  elif ! command -v modprobe >/dev/null; then echo "$m unknown"
  elif modprobe -n -q $m; then echo "$m loadable"; else echo "$m missing"; fi
done
echo '@@ forbidden'
grep -sHE '^[[:space:]]*(blacklist|install)[[:space:]]+(qat_c62x|qat_4xxx|intel_qat)([[:space:]]|$)' \
  /etc/modprobe.d/*.conf /run/modprobe.d/*.conf /usr/lib/modprobe.d/*.conf /lib/modprobe.d/*.conf /dev/null
echo '@@ firmware'
release=$(uname -r)
for d in /lib/firmware/updates/"$release" /lib/firmware/updates /lib/firmware/"$release" /lib/firmware; do
  for f in "$d"/qat_*.bin* "$d"/intel/qat/qat_*.bin*; do [ -e "$f" ] && echo "$f"; done
done
echo '@@ debugfs'
for d in /sys/kernel/debug/qat_*; do [ -d "$d" ] && echo "${d##*/}"; done
echo '@@ memlock'; cat /etc/systemd/system/containerd.service.d/bpa-qat.conf 2>/dev/null
exit 0
""")}


@dataclass(frozen=True, slots=True)
class Qat:
    """kernel: (major, minor) of the running one, with its full name; modules: name -> loaded, loadable, missing or unknown (the
    host has no modprobe); forbidden: (file, directive, module); firmware: names without directory and compression; up: names
    in debugfs; memlock: our drop-in for containerd."""

    kernel: tuple[int, int]
    release: str
    modules: dict[str, str]
    forbidden: tuple[tuple[str, str, str], ...]
    firmware: frozenset[str]
    up: tuple[str, ...]
    memlock: str = ""


def parse_qat(text: dict[str, str]) -> Qat:
    """The sections of probe `qat`."""
    release = text.get("kernel", "").strip()
    number = re.match(r"(\d+)\.(\d+)", release)
    forbidden = []
    for line in text.get("forbidden", "").splitlines():
        file, _, said = line.partition(":")
        words = said.split()
        forbidden.append((file, words[0], words[1]))
    names = (line.rpartition("/")[2] for line in text.get("firmware", "").splitlines())
    return Qat(
        (int(number[1]), int(number[2])) if number else (0, 0), release,
        {words[0]: words[1] for words in map(str.split, text.get("modules", "").splitlines()) if len(words) == 2},
        tuple(forbidden), frozenset(re.sub(r"\.(xz|zst|gz)$", "", name) for name in names),
        tuple(line.strip() for line in text.get("debugfs", "").splitlines()), text.get("memlock", ""))
