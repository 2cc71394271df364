"""What a simulated kernel is set to while it runs: sysctls, huge pages, isolated processors; and its files' words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bpa.core.host import hugepages, sysctl
from bpa.core.host.hardening.rules import APPORT, SSHD, UMASK

if TYPE_CHECKING:
    from bpa.lab.simulated.linux import Installed
    from bpa.lab.simulated.machine import Hardware

DEFAULT = "60"
"""What any sysctl is on a machine that nobody has touched."""
SIZES = (2048, 1048576)
_PAIR = re.compile(r"^([^# ]\S*) = (.*)$", re.MULTILINE)


class KernelSettings:
    """Gone with the next start, but for what the files of the installed system set again."""

    def __init__(self, hardware: Hardware, installed: Installed, cmdline: tuple[str, ...]) -> None:
        self._hardware, self._files = hardware, installed.files
        said = dict(argument.split("=", 1) for argument in cmdline if "=" in argument)
        self.isolated = said.get("isolcpus", "")
        self.sysctls: dict[str, str] = {}
        giants = int(said["hugepages"]) if said.get("hugepagesz") == "1G" and "hugepages" in said else 0
        nodes = range(hardware.nodes)
        self._pools = {(node, SIZES[0]): 0 for node in nodes}
        self._pools |= {(node, SIZES[1]): giants // len(nodes) + (node < giants % len(nodes)) for node in nodes}
        self.set_pages(re.findall(r"^w (\S+) - - - - (\d+)$", self._files.get(hugepages.FILE, ""), re.MULTILINE))
        self.set_sysctls()

    @property
    def pages(self) -> dict[int, int]:
        """Huge pages of the whole machine by their size in KiB."""
        return {kib: sum(number for (_, size), number in self._pools.items() if size == kib) for kib in SIZES}

    def set_pages(self, pairs: list[tuple[str, str]]) -> str:
        """nr_hugepages of sysfs paths: of one node, or of the machine, which spreads them; returns the error."""
        for path, number in pairs:
            found = re.search(r"(?:/node(\d+))?(?:/mm)?/hugepages/hugepages-(\d+)kB", path)
            if found is None or int(found[1] or 0) >= self._hardware.nodes:
                return f"sh: 1: cannot create {path}: Directory nonexistent"
            before, size = dict(self._pools), int(found[2])
            nodes = [int(found[1])] if found[1] else list(range(self._hardware.nodes))
            for at, node in enumerate(nodes):
                self._pools[node, size] = int(number) // len(nodes) + (at < int(number) % len(nodes))
            if any(self._free(node) < 0 for node in nodes):
                self._pools = before
                return f"not enough contiguous memory: fewer than {number} pages in {path}"
        return ""

    def _total(self) -> int:
        return self._hardware.memory_mib * 1024 // self._hardware.nodes

    def _free(self, node: int) -> int:
        return self._total() - sum(kib * number for (at, kib), number in self._pools.items() if at == node)

    def given(self) -> dict[str, str]:
        """What our files of sysctl.d say."""
        return dict(_PAIR.findall(self._files.get(sysctl.FILE, "") + self._files.get(sysctl.HARDENING_FILE, "")))

    def set_sysctls(self) -> None:
        """bpa.core.host.sysctl.SET."""
        given, before = self.given(), dict(_PAIR.findall(self._files.get(sysctl.RECORD, "")))
        for key, value in before.items():
            if key not in given:
                self.sysctls[key] = value
        before = {key: value for key, value in before.items() if key in given}
        for key, value in given.items():
            now = self.sysctls.get(key, DEFAULT)
            if now != value:
                before.setdefault(key, now)
            self.sysctls[key] = value
        self._files.pop(sysctl.RECORD, None)
        if before:
            self._files[sysctl.RECORD] = "".join(f"{key} = {value}\n" for key, value in before.items())

    # -- the probes

    def cpus(self) -> str:
        return f"@@ present\n0-{self._hardware.cpus - 1}\n@@ isolated\n{self.isolated}\n@@ nohz_full\n{self.isolated}\n"

    def hugepages(self) -> str:
        folder = "/sys/devices/system/node/node"
        pools = [f"/sys/kernel/mm/hugepages/hugepages-{kib}kB {number} {number}\n" for kib, number in self.pages.items()]
        pools += [f"{folder}{node}/hugepages/hugepages-{kib}kB {number} {number}\n"
                  for (node, kib), number in self._pools.items()]
        memory = [f"{folder}{node}/meminfo:Node {node} {name}:       {kib} kB\n" for node in range(self._hardware.nodes)
                  for name, kib in (("MemTotal", self._total()), ("MemFree", self._free(node)))]
        pieces = "".join(f"Node {node}, zone Normal {'0 ' * 10}{self._free(node) >> 12}\n"
                         for node in range(self._hardware.nodes))
        return (f"@@ pools\n{''.join(pools)}@@ memory\n{''.join(memory)}@@ pieces\n{pieces}@@ giant pages\npdpe1gb\n"
                f"@@ systemd-tmpfiles\n/usr/bin/systemd-tmpfiles\n@@ file\n{self._files.get(hugepages.FILE, '')}")

    def sysctl(self) -> str:
        before = self._files.get(sysctl.RECORD, "")
        keys = sorted({**self.given(), **dict(_PAIR.findall(before))})
        values = "".join(f"{key} = {self.sysctls.get(key, DEFAULT)} \n" for key in keys)
        return (f"@@ file\n{self._files.get(sysctl.FILE, '')}@@ hardening file\n{self._files.get(sysctl.HARDENING_FILE, '')}"
                f"@@ before\n{before}@@ values\n{values}@@ others\n")

    def hardening(self) -> str:
        said = {"allowtcpforwarding": "yes", "maxauthtries": "6", "clientalivecountmax": "3", "tcpkeepalive": "yes"}
        words = (line.split() for line in self._files.get(SSHD, "").splitlines() if not line.startswith("#"))
        said.update({word.lower(): value for word, value in words})
        return ("@@ sshd\n" + "".join(f"{word} {value}\n" for word, value in said.items()) + "@@ sshd unread\n"
                + "".join(f"@@ file {path}\n{self._files.get(path, '')}" for path in (SSHD, UMASK, APPORT)))
