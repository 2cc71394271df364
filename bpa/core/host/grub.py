"""Our arguments in GRUB as Debian and Ubuntu have it: a drop-in, and the menu that update-grub makes.

grub-mkconfig sources /etc/default/grub.d/*.cfg after /etc/default/grub and puts GRUB_CMDLINE_LINUX before
GRUB_CMDLINE_LINUX_DEFAULT on every `linux` line (grub manual 6.1, util/grub.d/10_linux).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bpa.core.host.cmdline import lacking, overruled, retired
from bpa.core.host.owned import HEADER
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Stuck, Verdict

DROP_IN = "/etc/default/grub.d/90-bpa.cfg"
Line = tuple[str, ...]


def parse_menu(text: str) -> tuple[Line, ...]:
    """The arguments of each `linux` line that 10_linux made; lines of other systems (os-prober, memtest) are left out."""
    lines: list[Line] = []
    others: list[Line] = []
    part = ""
    for line in text.splitlines():
        if line.startswith("### BEGIN "):
            part = (line.split()[2:] or [""])[0]
        elif line.startswith("### END "):
            part = ""
        else:
            (lines if part.endswith("/10_linux") else others if not part else []).append(tuple(line.split()[2:]))
    return tuple(lines or others)


def render_drop_in(arguments: Iterable[str], before: str | None) -> str:
    """Our file: the wanted arguments, and as a comment those that were ours once."""
    wanted = tuple(dict.fromkeys(arguments))
    line = f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {" ".join(wanted)}"\n' if wanted else ""
    return HEADER + retired(wanted, before, arguments_in(before)) + line


def arguments_in(drop_in: str | None) -> Line:
    """The arguments that a drop-in of ours adds."""
    found = re.search(r'^GRUB_CMDLINE_LINUX="\$GRUB_CMDLINE_LINUX ([^"]*)"$', drop_in or "", re.MULTILINE)
    return tuple(found[1].split()) if found else ()


def check_menu(wanted: Line, drop_in: str | None, menu: tuple[Line, ...], stale: bool) -> Verdict | None:
    """What is still to do for the next start to have the arguments; None = nothing."""
    content, said = render_drop_in(wanted, drop_in), " ".join(wanted) or "none of ours"
    if drop_in != content:
        return Act(WriteFile(DROP_IN, content, f"stage kernel arguments: {said}", then=(("update-grub",),)),
                   f"{DROP_IN} " + ("is not there yet" if drop_in is None else "says something else"))
    missing = sorted({argument for line in menu for argument in lacking(wanted, line)})
    if missing or stale:
        return Act(RunOnHost(("update-grub",), "make GRUB's menu from its configuration", timeout=300),
                   f"GRUB's menu lacks {' '.join(missing)}" if missing
                   else "GRUB's menu is older than its configuration")
    conflicts = overruled(wanted, menu[0])
    if conflicts:
        mine, other = conflicts[0]
        return Stuck(f"{mine} has no effect: {other} stands after it on the command line",
                     f"take {other} out of /etc/default/grub or /etc/default/grub.d/, or out of the profile")
    return None
