"""KernelStaged and KernelApplied: one owner of our part of the kernel's command line, and the one restart it costs.

GRUB on Debian and Ubuntu: grub-mkconfig sources /etc/default/grub.d/*.cfg after /etc/default/grub and puts
GRUB_CMDLINE_LINUX before GRUB_CMDLINE_LINUX_DEFAULT on every `linux` line (grub manual 6.1, util/grub.d/10_linux).
Of an argument that is given twice the kernel takes the last, except where arguments add up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bpa.core.facts import Facts
from bpa.core.host import modules
from bpa.core.host.probe import shell, told
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RestartHost, RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant

DROP_IN = "/etc/default/grub.d/90-bpa.cfg"

PROBES = {"kernel": shell("""
echo '@@ running'; cat /proc/cmdline
echo '@@ drop-in'; cat /etc/default/grub.d/90-bpa.cfg 2>/dev/null
echo '@@ update-grub'; PATH=$PATH:/usr/sbin:/sbin command -v update-grub
echo '@@ stale'; [ /boot/grub/grub.cfg -ot /etc/default/grub.d/90-bpa.cfg ] && echo yes
echo '@@ grub.cfg'
grep -hE '^(### (BEGIN|END) |[[:space:]]*linux(efi)?[[:space:]])' /boot/grub/grub.cfg 2>/dev/null
exit 0
""")}

ADDING = frozenset({
    "console", "earlycon", "earlyprintk", "pci", "hugepages", "hugepagesz", "default_hugepagesz", "memmap", "video",
    "modprobe.blacklist", "module_blacklist", "ima_template", "crashkernel", "blkdevparts",
})
"""Keys of which several may stand on one command line and all count (Documentation/admin-guide/kernel-parameters)."""

_UNFIT = re.compile(r"""[\s"'\\$`;|&<>{}#()*?]|[^\x21-\x7e]""")
_RETIRED = "# Taken back: "


@dataclass(frozen=True, slots=True)
class Kernel:
    """Command lines as argument tuples: running (/proc/cmdline), booted next (each `linux` line of 10_linux in
    grub.cfg). drop_in is the text of our file, None = not there. has_grub: update-grub is installed. stale: the menu
    is older than our file (we were interrupted between the two).
    """

    running: tuple[str, ...]
    staged: tuple[tuple[str, ...], ...]
    drop_in: str | None
    has_grub: bool
    stale: bool


def parse_kernel(text: dict[str, str]) -> Kernel:
    """The sections of probe `kernel`. Lines of other systems (os-prober, memtest) are left out."""
    lines: list[tuple[str, ...]] = []
    others: list[tuple[str, ...]] = []
    part = ""
    for line in text.get("grub.cfg", "").splitlines():
        if line.startswith("### BEGIN "):
            part = line.split()[2]
        elif line.startswith("### END "):
            part = ""
        else:
            (lines if part.endswith("/10_linux") else others if not part else []).append(tuple(line.split()[2:]))
    drop_in = text.get("drop-in", "")
    return Kernel(tuple(text.get("running", "").split()), tuple(lines or others), drop_in or None,
                  bool(text.get("update-grub", "").strip()), text.get("stale", "").strip() == "yes")


def render_drop_in(arguments: Iterable[str], before: str | None) -> str:
    """Our file: the wanted arguments, and as a comment those that were ours once, so that their end is noticed too."""
    wanted = tuple(dict.fromkeys(arguments))
    retired = tuple(a for a in dict.fromkeys((*retired_in(before), *arguments_in(before))) if a not in wanted)
    lines = ["# Written by BPA from the HardwareProfile; changes made here are lost.\n"]
    if retired:
        lines.append(_RETIRED + " ".join(retired) + "\n")
    if wanted:
        lines.append(f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {" ".join(wanted)}"\n')
    return "".join(lines)


def arguments_in(drop_in: str | None) -> tuple[str, ...]:
    """The arguments that a drop-in of ours adds."""
    found = re.search(r'^GRUB_CMDLINE_LINUX="\$GRUB_CMDLINE_LINUX ([^"]*)"$', drop_in or "", re.MULTILINE)
    return tuple(found[1].split()) if found else ()


def retired_in(drop_in: str | None) -> tuple[str, ...]:
    """The arguments that a drop-in of ours once added and adds no more."""
    found = re.search(f"^{re.escape(_RETIRED)}(.*)$", drop_in or "", re.MULTILINE)
    return tuple(found[1].split()) if found else ()


def lacking(wanted: Iterable[str], line: Iterable[str]) -> tuple[str, ...]:
    """The wanted arguments that do not stand on the command line. The kernel takes - and _ in a name for the same."""
    there = {_plain(argument) for argument in line}
    return tuple(argument for argument in wanted if _plain(argument) not in there)


def overruled(wanted: Iterable[str], line: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Wanted arguments that another value later on the line takes the effect from, with that other argument."""
    wanted = tuple(wanted)
    mine = {_plain(argument) for argument in wanted}
    last = {_key(argument): argument for argument in line if _key(argument) not in ADDING}
    return tuple((argument, last[_key(argument)]) for argument in wanted
                 if _key(argument) in last and _plain(last[_key(argument)]) not in mine)


def check_staged(want: HostWant, have: Facts) -> Verdict:
    """Our drop-in says what the profile says, and GRUB's menu was made from it."""
    text = told(have, "kernel")
    if not isinstance(text, dict):
        return text
    seen, wanted = parse_kernel(text), want.profile.kernel_arguments
    unfit = [argument for argument in wanted if not argument or _UNFIT.search(argument)]
    if unfit:
        return Stuck(f"kernel argument {unfit[0]!r} has a character that GRUB's configuration cannot carry",
                     "give each argument by itself, without blanks and quotes")
    if not wanted and seen.drop_in is None:
        return Met("no kernel arguments asked")
    if not seen.has_grub or not seen.staged:
        if not lacking(wanted, seen.running):
            return Met("the kernel runs with " + " ".join(wanted))
        return Stuck("this host does not boot by GRUB with update-grub, so its kernel arguments cannot be set",
                     "use an image with GRUB, or give it these arguments yourself: " + " ".join(wanted))
    content = render_drop_in(wanted, seen.drop_in)
    said = " ".join(wanted) or "none of ours"
    if seen.drop_in != content:
        return Act(WriteFile(DROP_IN, content, f"stage kernel arguments: {said}", then=(("update-grub",),)),
                   f"{DROP_IN} " + ("is not there yet" if seen.drop_in is None else "says something else"))
    missing = sorted({argument for line in seen.staged for argument in lacking(wanted, line)})
    if missing or seen.stale:
        return Act(RunOnHost(("update-grub",), "make GRUB's menu from its configuration", timeout=300),
                   f"GRUB's menu lacks {' '.join(missing)}" if missing
                   else "GRUB's menu is older than its configuration")
    conflicts = overruled(wanted, seen.staged[0])
    if conflicts:
        mine, other = conflicts[0]
        return Stuck(f"{mine} has no effect: {other} stands after it on the command line",
                     f"take {other} out of /etc/default/grub or /etc/default/grub.d/, or out of the profile")
    return Met(f"staged: {said}")


def check_applied(want: HostWant, have: Facts) -> Verdict:
    """The running kernel has the staged arguments, and no module waits for a restart. This asks for the one restart."""
    text = told(have, "kernel")
    if not isinstance(text, dict):
        return text
    seen, wanted = parse_kernel(text), want.profile.kernel_arguments
    reasons = []
    if missing := lacking(wanted, seen.running):
        reasons.append("the running kernel lacks " + " ".join(missing))
    gone = [a for a in retired_in(seen.drop_in) if a in seen.running and not any(a in line for line in seen.staged)]
    if gone:
        reasons.append("the running kernel still has " + " ".join(gone))
    module = modules.needs_restart(want, have)
    if not isinstance(module, str):
        return module
    if module:
        reasons.append(module)
    if reasons:
        # One reason only: guards know a step again by its text, and what else is seen changes while the host goes down.
        return Act(RestartHost(reasons[0]), "; ".join(reasons))
    return Met("running with " + " ".join(wanted) if wanted else "nothing waits for a restart")


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    text = told(have, "kernel")
    wanted = want.profile.kernel_arguments
    if not isinstance(text, dict):
        return (Change("kernel arguments", None, " ".join(wanted), "kernel"),) if wanted else ()
    seen = parse_kernel(text)
    missing = lacking(wanted, seen.running)
    ours = {_key(a) for a in wanted}
    old = [a for a in seen.running if _key(a) in ours or a in arguments_in(seen.drop_in)]
    dropped = [a for a in arguments_in(seen.drop_in) if a not in wanted and a in seen.running]
    if not missing and not dropped:
        return ()
    return (Change("kernel arguments", " ".join(old) or "(none of these)", " ".join(wanted) or "(none of ours)",
                   "kernel"),)


def _key(argument: str) -> str:
    return argument.partition("=")[0].replace("-", "_")


def _plain(argument: str) -> str:
    name, equals, value = argument.partition("=")
    return name.replace("-", "_") + equals + value


STAGED = HostRequirement(
    "KernelStaged", "os", check_staged, "the boot menu has the profile's kernel arguments", changes, seconds=8.0)
APPLIED = HostRequirement(
    "KernelApplied", "os", check_applied, "the running kernel has all that was staged", patience=1800.0, seconds=90.0)
