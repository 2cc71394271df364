"""What on a host is BPA's own: declared by the modules that write it, and looked up by one probe.

A file of ours that is not declared here is found by nobody: tests/simulated/test_removal.py sees to it that none is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bpa.core.facts import Facts
from bpa.core.host.probe import shell, told
from bpa.core.steps import RunOnHost

HEADER = "# Written by BPA from the HardwareProfile; changes made here are lost.\n"
"""How each text of ours begins."""
MARK = "# Written by BPA"
"""What of it a probe looks for, where files of others are of the same kind (mount units)."""
REMOVE = 'rm -f "$@" || exit; for f; do case ${f%/*} in */bpa) rmdir "${f%/*}" 2>/dev/null;; esac; done; :'
"""Takes files away, and a directory that was only for them. Other directories stay, empty or not."""
REMOVE_DROP_IN = 'rm -f "$1"; rmdir "${1%/*}" 2>/dev/null; '
"""Takes a drop-in away, and its directory where nothing else is in it. What makes that effective follows."""
CUT_OFF = ".bpa."
"""How a file begins that is being written (bpa.adapters.ssh); one that stays was cut off by a power failure."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A file or directory that BPA makes on a host. path may have `*` (glob(7)); section is that of the HardwareProfile
    that asks for it, condition the requirement that keeps it. marked: only files that begin with MARK are ours.
    """

    path: str
    about: str
    section: str
    condition: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class OwnedFile:
    """As stat(1) and sha256sum(1) tell: changed in seconds since the epoch by the host's clock, size in bytes; sum "" = it is
    no regular file.
    """

    changed: int
    size: int
    sum: str = ""


@dataclass(frozen=True, slots=True)
class OwnedLook:
    """now: the host's clock in seconds since the epoch; uptime in seconds; 0 = not told."""

    now: int = 0
    uptime: int = 0
    files: Mapping[str, OwnedFile] = field(default_factory=dict)

    def dated(self, file: OwnedFile, at: float) -> float:
        """When a file was changed, by our clock, which shows `at` at this look: the host's may be wrong."""
        return at - max(self.now - file.changed, 0) if self.now else float(file.changed)

    def started(self, at: float) -> float | None:
        """When the system was started, by our clock."""
        return at - self.uptime if self.uptime else None


def removal(why: str, *paths: str) -> RunOnHost:
    """The step that takes files of ours away."""
    return RunOnHost((*shell(REMOVE), *paths), why)


def probe(owned: Iterable[Owned]) -> tuple[str, ...]:
    """The probe that looks for all of them; the paths are constants of BPA."""
    declared = tuple(owned)
    folders = " ".join(dict.fromkeys(f"{one.path.rpartition('/')[0]}/{CUT_OFF}*" for one in declared))
    plain, marked = (" ".join(dict.fromkeys(one.path for one in declared if one.marked is kind)) for kind in (False, True))
    return shell(f"""
echo '@@ clock'; date +%s; cut -d. -f1 /proc/uptime
set --
for f in {plain} {folders}; do [ ! -e "$f" ] || set -- "$@" "$f"; done
for f in {marked or '""'}; do [ ! -f "$f" ] || ! grep -qsF '{MARK}' "$f" || set -- "$@" "$f"; done
echo '@@ files'; [ $# = 0 ] || stat -c '%Y %s %n' "$@" 2>/dev/null
echo '@@ sums'
for f; do [ ! -f "$f" ] || printf '%s %s\\n' "$(sha256sum <"$f" 2>/dev/null)" "$f"; done
exit 0
""")


def parse_owned(text: Mapping[str, str]) -> OwnedLook:
    """The sections of probe `owned`: lines "changed size path", and "sum  - path" as sha256sum reads its input."""
    clock = [int(word) if word.isdigit() else 0 for word in text.get("clock", "").split()]
    now, uptime = (*clock, 0, 0)[:2]
    sums = {path: said for said, _, path in (line.partition("  - ") for line in text.get("sums", "").splitlines())}
    files: dict[str, OwnedFile] = {}
    for line in text.get("files", "").splitlines():
        changed, size, path = (*line.split(" ", 2), "", "")[:3]
        if changed.isdigit() and size.isdigit() and path:
            files[path] = OwnedFile(int(changed), int(size), sums.get(path, ""))
    return OwnedLook(now, uptime, files)


def look_owned(have: Facts) -> OwnedLook:
    """The answer of probe `owned`, read; nothing where there is none: it is never a reason not to go on."""
    text = told(have, "owned")
    return parse_owned(text) if isinstance(text, dict) else OwnedLook()


def owner_of(path: str, owned: Iterable[Owned]) -> Owned | None:
    """What is declared of a path."""
    folder, _, name = path.rpartition("/")
    if name.startswith(CUT_OFF):
        beside = any(_fits(one.path.rpartition("/")[0], folder) for one in owned)
        return Owned(path, "left by a write that was cut off; the next one there removes it", "", "") if beside else None
    return next((one for one in owned if _fits(one.path, path)), None)


def _fits(pattern: str, path: str) -> bool:
    """glob(7) as the shell has it: `*` is anything but a slash; other patterns are not used."""
    front, star, back = pattern.partition("*")
    middle = path[len(front):len(path) - len(back)] if len(path) >= len(front) + len(back) else "/"
    return path.startswith(front) and path.endswith(back) and (bool(star) or path == pattern) and "/" not in middle
