"""Recorded parts of real hosts, put together to a root directory that the real probes are asked in.

A probe is POSIX sh with absolute paths: they are led below the root, and what it prints is led back. Tools (ndctl, uname)
answer from text; those that a host does not have are not found, so that nothing is told of the machine that runs the tests.
The recordings stay outside the project: .ci/run unpacks them into .recorded.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bpa.core.facts import Facts, OsFacts, Ran
from bpa.core.host import PROBES
from bpa.core.host.probe import sections

RECORDED = Path(__file__).parents[3] / ".recorded" / "hostfacts"
PCI = "nfd-rootfs-qat-c62x-x722/testdata/source/pci/rootfs-1/sys/bus/pci/devices"
HUGEPAGES = "nfd-rootfs-qat-c62x-x722/source/memory/testdata/hugepages/kernel/mm/hugepages"
LSCPU = "redhat-cip-hardware/samples"

recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded hosts are not unpacked: see .ci/run")

# /dev/null is the same on every host; a word with a slash before it (s/_/x/) is no path.
PATHS = re.compile(r"(?<![\w.$}/*\])])/(?!dev/null\b)(?=(?:sys|proc|etc|run|lib|usr|boot|efi|var|dev)/)")
PLAIN = ("sh", "sed", "grep", "cat", "tr", "tail", "head", "cut", "sort", "awk", "ls", "printf", "sha256sum", "find", "env",
         "dirname", "basename", "cmp", "wc", "timeout", "stat", "date", "id", "readlink", "rm", "uniq", "expr", "od")
"""What every host has."""


class RecordedHost:
    """A root directory with `sys`, `proc` and the rest, and the tools that this host has."""

    def __init__(self, root: Path, kernel: str = "5.10.0-19-amd64") -> None:
        self.root, self.tools = root / "root", root / "tools"
        for folder in (self.root, self.tools):
            folder.mkdir(parents=True)
        for name in PLAIN:
            if there := shutil.which(name):
                (self.tools / name).symlink_to(there)
        self.tool("uname", kernel)
        self.tool("dmesg", "")

    def put(self, path: str, content: str | Path) -> None:
        """A file with this text; or what was recorded there, as a link."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            place.symlink_to(content)
        else:
            place.write_text(content)

    def tool(self, name: str, says: str, code: int = 0) -> None:
        """A command that prints this, whatever it is asked."""
        (self.tools / f"{name}.says").write_text(says + "\n" if says and not says.endswith("\n") else says)
        self.script(name, f'cat "$0.says"; exit {code}\n')

    def script(self, name: str, text: str) -> None:
        path = self.tools / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def ask(self, probe: str) -> Ran:
        """What came of the probe, as SSH would bring it back."""
        here = [PATHS.sub(f"{self.root}/", word).replace("PATH=$PATH:", "nowhere=") for word in PROBES[probe]]
        here[0] = str(self.tools / here[0])
        if not Path(here[0]).exists():
            return Ran(127, "", f"env: '{PROBES[probe][0]}': No such file or directory")
        ran = subprocess.run(here, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                             env={"PATH": str(self.tools), "LC_ALL": "C"})
        return Ran(ran.returncode, ran.stdout.replace(str(self.root), ""), ran.stderr.replace(str(self.root), ""))

    def told(self, probe: str) -> dict[str, str]:
        """The sections of a probe that went well."""
        ran = self.ask(probe)
        assert ran.exit_code == 0, ran.stderr
        return sections(ran.stdout)

    def look(self, *probes: str, address: str = "192.0.2.10") -> Facts:
        """All that the named probes tell (none named: every one), as requirements are given it."""
        return Facts(os=OsFacts(address, answers={name: self.ask(name) for name in probes or PROBES}))


def cpuinfo_of(lscpu: str) -> str:
    """The first processor of /proc/cpuinfo, from what lscpu(1) made of it."""
    said = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lscpu.splitlines())}
    if said.get("Architecture") != "x86_64":  # others show no vendor there: lscpu makes it of other registers
        return "processor\t: 0\nFeatures\t: fp asimd\n\n"
    names = {"Vendor ID": "vendor_id", "CPU family": "cpu family", "Model": "model", "Model name": "model name",
             "Stepping": "stepping", "Flags": "flags"}
    return "processor\t: 0\n" + "".join(f"{ours}\t: {said[name]}\n" for name, ours in names.items() if name in said) + "\n"
