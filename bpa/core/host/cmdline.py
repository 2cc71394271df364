"""Kernel command lines: what is asked of ours, what lacks on a line, what another argument takes the effect from.

Documentation/admin-guide/kernel-parameters: the kernel takes - and _ in a name for the same; of an argument that is
given twice the last counts, except where arguments add up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bpa.core.sizes import GIB
from bpa.core.want import Profile

RETIRED = "# Taken back: "

ADDING = frozenset({
    "console", "earlycon", "earlyprintk", "pci", "hugepages", "hugepagesz", "default_hugepagesz", "memmap", "video",
    "modprobe.blacklist", "module_blacklist", "ima_template", "crashkernel", "blkdevparts",
})
"""Keys of which several may stand on one command line and all count (Documentation/admin-guide/kernel-parameters)."""

UNFIT = re.compile(r"""[\s"'\\$`;|&<>{}#()*?]|[^\x21-\x7e]""")
"""What a boot loader's configuration cannot carry."""


def wanted_arguments(profile: Profile) -> tuple[str, ...]:
    """The arguments of the profile: those it gives itself, and what its isolated processors and 1 GiB pages come to.

    Pages of 1 GiB are reserved by their total: the kernel spreads them evenly, and HugepagesReserved moves them.
    Pages of 2 MiB need no argument: they are found at any time.
    """
    kernel = profile.kernel
    isolated = tuple(f"{key}={kernel.isolated}" for key in ("isolcpus", "nohz_full", "rcu_nocbs") if kernel.isolated)
    giants = sum(one.count for one in kernel.hugepages if one.size == GIB)
    reserved = ("hugepagesz=1G", f"hugepages={giants}") if giants else ()
    return tuple(dict.fromkeys((*profile.kernel_arguments, *isolated, *reserved)))


def lacking(wanted: Iterable[str], line: Iterable[str]) -> tuple[str, ...]:
    """The wanted arguments that do not stand on the command line."""
    there = {plain(argument) for argument in line}
    return tuple(argument for argument in wanted if plain(argument) not in there)


def overruled(wanted: Iterable[str], line: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Wanted arguments that another value later on the line takes the effect from, with that other argument."""
    wanted = tuple(wanted)
    mine = {plain(argument) for argument in wanted}
    last = {key(argument): argument for argument in line if key(argument) not in ADDING}
    return tuple((argument, last[key(argument)]) for argument in wanted
                 if key(argument) in last and plain(last[key(argument)]) not in mine)


def retired_in(text: str | None) -> tuple[str, ...]:
    """The arguments that a file of ours once gave and gives no more."""
    found = re.search(f"^{re.escape(RETIRED)}(.*)$", text or "", re.MULTILINE)
    return tuple(found[1].split()) if found else ()


def retired(wanted: Iterable[str], before: str | None, given: Iterable[str]) -> str:
    """The comment that keeps what was ours once, so that its end is noticed too; "" = nothing was."""
    wanted = tuple(wanted)
    old = tuple(a for a in dict.fromkeys((*retired_in(before), *given)) if a not in wanted)
    return RETIRED + " ".join(old) + "\n" if old else ""


def key(argument: str) -> str:
    """The name before the `=`."""
    return argument.partition("=")[0].replace("-", "_")


def plain(argument: str) -> str:
    """The argument with its name as the kernel compares it."""
    name, equals, value = argument.partition("=")
    return name.replace("-", "_") + equals + value
