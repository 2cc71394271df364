"""SystemUsable: the running system can be written to, and has what BPA's steps need.

Asked before any of them: else each would fail in its own words. sd_booted(3): /run/systemd/system is there where systemd
is process 1. proc(5), /proc/mounts: of two mounts on one point the last counts. df(1p) -P: size, used and free in KiB.
"""

from __future__ import annotations

from dataclasses import dataclass

from bpa.core.facts import Facts
from bpa.core.host.probe import shell, told
from bpa.core.requirement import HostRequirement
from bpa.core.verdict import Met, Stuck, Verdict
from bpa.core.want import HostWant, Profile

WRITTEN = ("/etc", "/var/lib")
"""Where BPA writes."""
LEAST_KIB = 1024
TOOLS = {"ip": ("iproute2", "the port that carries the host's own address could not be told from the others")}
"""Tool -> the Debian and Ubuntu package that has it, and why nothing may be done without."""

PROBES = {"system": shell(r"""
PATH=$PATH:/usr/sbin:/sbin
echo '@@ init'; cat /proc/1/comm; [ -d /run/systemd/system ] && echo systemd
echo '@@ tools'; for t in ip; do command -v $t; done
echo '@@ mounts'
awk '$2 ~ /^\/(etc|var|var\/lib)?$/ { how[$2] = $4 ~ /(^|,)ro(,|$)/ ? "ro" : "rw" } END { for (at in how) print at, how[at] }' \
  /proc/mounts
echo '@@ free'; for d in /etc /var/lib; do df -Pk $d 2>/dev/null | awk -v at=$d 'NR == 2 { print at, $6, $2, $3 }'; done
echo '@@ inodes'; for d in /etc /var/lib; do df -Pi $d 2>/dev/null | awk -v at=$d 'NR == 2 { print at, $6, $2, $4 }'; done
echo '@@ log'
dmesg 2>/dev/null | grep -E '[Rr]emounting filesystem read-only|(EXT4-fs|XFS|BTRFS).*error|I/O error, dev' | tail -n 3
exit 0
""")}


@dataclass(frozen=True, slots=True)
class System:
    """init: name of process 1; tools: those found; read_only: directories of WRITTEN on a file system mounted so, with its
    mount point; full: (mount point, what is used up) likewise; log: what the kernel says of its file systems."""

    init: str
    systemd: bool
    tools: tuple[str, ...]
    read_only: tuple[tuple[str, str], ...]
    full: tuple[tuple[str, str], ...]
    log: tuple[str, ...]


def parse_system(text: dict[str, str]) -> System:
    """The sections of probe `system`."""
    init = text.get("init", "").split("\n")
    mounts = dict(line.rsplit(" ", 1) for line in text.get("mounts", "").splitlines() if " " in line)
    owners = ((path, max((at for at in mounts if _below(path, at)), key=len, default="")) for path in WRITTEN)
    return System(
        init[0].strip(), "systemd" in init[1:], tuple(path.rpartition("/")[2] for path in text.get("tools", "").split()),
        tuple((path, at) for path, at in owners if mounts.get(at) == "ro"),
        tuple(dict.fromkeys((*_full(text.get("free", ""), "space"), *_full(text.get("inodes", ""), "inodes")))),
        tuple(text.get("log", "").splitlines()))


def _below(path: str, at: str) -> bool:
    return path == at or path.startswith(at.rstrip("/") + "/")


def _full(text: str, what: str) -> list[tuple[str, str]]:
    found = []
    for words in map(str.split, text.splitlines()):
        if len(words) != 4 or not (words[2].isdigit() and words[3].isdigit()) or words[2] == "0":
            continue
        # Of space df tells what is used: root may also take what is kept back for it. Of inodes it tells what is free.
        left = int(words[2]) - int(words[3]) if what == "space" else int(words[3])
        if left < (LEAST_KIB if what == "space" else 1):
            found.append((words[1], f"{max(left, 0)} KiB are free" if what == "space" else "no inodes are free"))
    return found


def check(want: HostWant, have: Facts) -> Verdict:
    text = told(have, "system")
    if not isinstance(text, dict):
        return text
    seen = parse_system(text)
    said = f"; the kernel says {seen.log[-1].strip()!r}" if seen.log else ""
    if seen.read_only:
        path, at = seen.read_only[0]
        return Stuck(f"{at} is mounted read-only, so nothing can be written to {path}{said}",
                     f"look for errors of the disk (`dmesg`, `smartctl -a`), repair the file system, `mount -o remount,rw {at}`, "
                     "then apply again")
    if seen.full:
        at, why = seen.full[0]
        return Stuck(f"the disk is full: {why} on {at}{said}",
                     f"make room (`du -xh {at} | sort -h | tail`, `journalctl --vacuum-size=100M`, `apt-get clean`), then "
                     "apply again")
    if (needs := _needs_systemd(want.profile)) and not seen.systemd:
        return Stuck(f"this host does not run systemd (process 1 is {seen.init or 'not told'}), which has to {needs} at every "
                     "start",
                     "use an image with systemd (Debian, Ubuntu), or take that out of the HardwareProfile")
    for tool, (package, why) in TOOLS.items() if want.profile.vfs else ():
        if tool not in seen.tools:
            return Stuck(f"the host has no {tool}, without which {why}",
                         f"install the package {package}, or name it in software.packages of the HardwareProfile")
    return Met(f"writable, process 1 is {seen.init}" if seen.init else "writable")


def _needs_systemd(profile: Profile) -> str:
    needs = ["make VFs"] if profile.vfs else []
    needs += ["mount persistent memory"] if any(one.mount_point for one in profile.pmem) else []
    needs += ["reserve huge pages"] if profile.kernel.hugepages else []
    return " and ".join(needs)


USABLE = HostRequirement("SystemUsable", "os", check, "the running system can be written to and has what BPA needs")
