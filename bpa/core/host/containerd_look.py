"""Probe `containerd`: what of containerd, Kata and kubelet is installed, and how containerd is configured with all imports.

`containerd config dump` prints the merged configuration, in the newest version that containerd knows
(containerd, cmd/containerd/server/config/config.go, LoadConfigWithPlugins). Its `imports` are no evidence: containerd 2.4 shows
/etc/containerd/conf.d/*.toml always, and reads it only where the main file says so. What it cannot read it says on standard
error, in a line that begins "containerd: ".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.host.probe import shell

DROP_IN = "/etc/containerd/conf.d/bpa-kata.toml"
CONFIG = "/etc/containerd/config.toml"

PROBES = {"containerd": shell("""
PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin
mine=/etc/containerd/conf.d/bpa-kata.toml; main=/etc/containerd/config.toml
echo '@@ version'; containerd --version 2>/dev/null
pid=$(pidof -s containerd)
echo '@@ running'; [ -z "$pid" ] || awk -v up="$(cut -d' ' -f1 /proc/uptime)" -v hz="$(getconf CLK_TCK)" \\
  '{ sub(/.*\\) /, ""); printf "%d\\n", up - $20 / hz }' /proc/$pid/stat
echo '@@ written'; [ ! -e $mine ] || echo $(($(date +%s) - $(stat -c %Y $mine)))
echo '@@ memlock'; [ -z "$pid" ] || prlimit --pid "$pid" --memlock -o SOFT --noheadings 2>/dev/null
echo '@@ unit'; systemctl show containerd -p LoadState -p ActiveState -p SubState -p Result 2>/dev/null
echo '@@ dump'
! command -v containerd >/dev/null || containerd config dump 2>&1 |
  grep -E '^[[:space:]]*(\\[.*runtime|\\[.*\\.registry\\]|runtime_type|SystemdCgroup|config_path)|^containerd: '
echo '@@ main'; grep -sE '^[[:space:]]*(version|imports)[[:space:]]*=|^[^#]*/etc/containerd/conf\\.d/' $main
echo '@@ drop-in'; cat $mine 2>/dev/null
echo '@@ kata'; ls /opt/kata/bin/containerd-shim-kata-v2 /usr/local/bin/containerd-shim-kata-v2 \\
  /usr/bin/containerd-shim-kata-v2 2>/dev/null
echo '@@ kata configuration'; ls /opt/kata/share/defaults/kata-containers/configuration-qemu.toml \\
  /usr/share/defaults/kata-containers/configuration-qemu.toml 2>/dev/null
echo '@@ kubelet'; grep -hs '^cgroupDriver:' /var/lib/kubelet/config.yaml /etc/kubernetes/kubelet-config.yaml
echo '@@ cgroup'; stat -fc %T /sys/fs/cgroup 2>/dev/null
echo '@@ room'
sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/memory \\1/p' /proc/meminfo
df -Pk /var/lib/containerd 2>/dev/null >/dev/null && at=/var/lib/containerd || at=/var/lib
df -Pk $at 2>/dev/null | awk 'END { print "disk", $4 }'
exit 0
""")}


@dataclass(frozen=True, slots=True)
class Containerd:
    """version: (2, 1), None = not installed; text as it says it. age, written: seconds since containerd was started and our
    drop-in was written, None = not. unit: systemctl(1)'s properties of it, empty = none. problem: why containerd cannot read
    its configuration. runtimes: handler -> runtime_type; systemd: whether runc has SystemdCgroup, None = not told.
    main: the version of the main configuration, 0 = there is none; imports: it takes in conf.d. shim, configuration: of an
    installed Kata. driver: kubelet's cgroupDriver. memory, disk: bytes free, None = not told.
    """

    version: tuple[int, int] | None = None
    text: str = ""
    age: int | None = None
    written: int | None = None
    memlock: str = ""
    unit: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    runtimes: Mapping[str, str] = field(default_factory=dict)
    systemd: bool | None = None
    main: int = 0
    imports: bool = False
    drop_in: str = ""
    shim: str = ""
    configuration: str = ""
    driver: str = ""
    cgroup: str = ""
    memory: int | None = None
    disk: int | None = None

    @property
    def handlers(self) -> tuple[str, ...]:
        """The runtime handlers of Kata."""
        return tuple(name for name, kind in self.runtimes.items() if kind.startswith("io.containerd.kata"))

    @property
    def cgroups(self) -> str:
        """The version of cgroups, from the type of /sys/fs/cgroup (cgroups(7))."""
        return {"cgroup2fs": "cgroup v2", "tmpfs": "cgroup v1"}.get(self.cgroup, self.cgroup or "no cgroups told")

    @property
    def standing(self) -> str:
        """How systemd sees a containerd that does not run ("failed, exit-code"); "" = it runs, or systemd has no such unit."""
        if self.age is not None or self.unit.get("LoadState", "not-found") == "not-found":
            return ""
        words = (self.unit.get("ActiveState", ""), self.unit.get("SubState", ""), self.unit.get("Result", ""))
        return ", ".join(dict.fromkeys(word for word in words if word not in ("", "success")))


def parse_containerd(text: dict[str, str]) -> Containerd:
    """The sections of probe `containerd`."""
    said = {name: value.strip() for name, value in text.items()}
    version = re.search(r"\bv?(\d+)\.(\d+)\.\d\S*", said.get("version", ""))
    dump = said.get("dump", "")
    runtimes, systemd = _runtimes(dump)
    problem = next((line.removeprefix("containerd: ") for line in dump.splitlines() if line.startswith("containerd: ")), "")
    unit = dict(line.split("=", 1) for line in said.get("unit", "").splitlines() if "=" in line)
    main = said.get("main", "")
    number = re.search(r"^\s*version\s*=\s*(\d+)", main, re.MULTILINE)
    room = {line.split()[0]: int(line.split()[1]) * 1024 for line in said.get("room", "").splitlines()
            if re.fullmatch(r"\w+ \d+", line)}
    return Containerd(
        (int(version[1]), int(version[2])) if version else None, version[0] if version else "",
        _number(said.get("running", "")), _number(said.get("written", "")), said.get("memlock", ""), unit, problem,
        runtimes, systemd,
        int(number[1]) if number else int(bool(main)), "/etc/containerd/conf.d/" in main, text.get("drop-in", ""),
        _first(said.get("kata", "")), _first(said.get("kata configuration", "")),
        said.get("kubelet", "").partition(":")[2].strip().strip("\"'").partition("\n")[0], said.get("cgroup", ""),
        room.get("memory"), room.get("disk"))


def _runtimes(dump: str) -> tuple[dict[str, str], bool | None]:
    runtimes: dict[str, str] = {}
    systemd, table = None, ""
    for line in dump.splitlines():
        if name := re.search(r"\.runtimes\.(['\"]?)([^\]'\"]+)\1(\.options)?\]?", line):
            table = name[2].removesuffix(".options")
            continue
        # containerd 1 tells the runtime_type of default_runtime and untrusted_workload_runtime beside the handlers.
        if line.lstrip().startswith("["):
            table = ""
        key, _, value = (part.strip() for part in line.partition("="))
        if key == "runtime_type" and table:
            runtimes[table] = value.strip("\"'")
        elif key == "SystemdCgroup" and table == "runc":
            systemd = value == "true"
    return runtimes, systemd


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d{1,12}", text) else None


def _first(text: str) -> str:
    return next(iter(text.splitlines()), "")
