"""PackagesInstalled: the packages of the profile and of the cluster's Software documents are there, in their versions.

What is held stays as it is (apt-mark(8)); nothing is removed to install something else; what was not there before us
goes when it is asked no more.
"""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.owned import HEADER, removal
from bpa.core.host.probe import shell
from bpa.core.host.software.reading import LIST, RECORD, Installed, Packages, look_packages
from bpa.core.host.software.scripts import CONFIGURE, INSTALL, REMOVE
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant, Package

LOCK_WAIT = 10.0
LEAST_FREE = 64 << 10
"""KiB below which apt cannot even fetch its indexes."""


def check(want: HostWant, have: Facts) -> Verdict:
    seen, asked = look_packages(have), want.profile.software.packages
    if not isinstance(seen, Packages):
        return seen if asked else Met("not asked")
    if not asked and not seen.listed and not seen.record:
        return Met("not asked")
    if not seen.apt:
        return Stuck("packages are asked, and the host has no apt-get",
                     "use an image of Debian or Ubuntu, or take the packages out of the profile and of the Software documents")
    if seen.read_only:
        return Stuck(f"{', '.join(seen.read_only)} is mounted read-only: no package can be installed",
                     "see `dmesg` for errors of the file system or disk, repair it and mount it again, then apply again")
    if asked and seen.listed != render(asked):
        return Act(WriteFile(LIST, render(asked), f"list the packages in {LIST}"), f"{LIST} is not as the documents ask")
    todo = tuple(one for one in asked if not _holds(one, seen))
    left = tuple(name for name in seen.record if name not in {one.name for one in asked})
    if todo or left:
        return _in_the_way(todo, seen) or (_install(todo, seen) if todo else _remove(left))
    if not asked:
        return Act(removal(f"remove {LIST}", LIST), f"{LIST} is there, and no package is asked any more")
    there = [one for one in (seen.of(wanted.name) for wanted in asked) if one]
    held = [one.name for one in there if one.held]
    return Met(f"{len(asked)} installed" + (f" ({', '.join(held)} held)" if held else ""))


def render(asked: tuple[Package, ...]) -> str:
    """Our list: what the probe asks dpkg for."""
    return HEADER + "".join(f"{one.name} {one.version}".rstrip() + "\n" for one in asked)


def _holds(asked: Package, seen: Packages) -> bool:
    there = seen.of(asked.name)
    if there is None:
        return not asked.version and seen.provided(asked.name)
    return there.there and asked.version in ("", there.version)


def _in_the_way(todo: tuple[Package, ...], seen: Packages) -> Verdict | None:
    """What must be over, or be mended, before apt can work."""
    if seen.lock:
        path, pid, program = seen.lock
        return Wait(f"{program or 'a program'} (process {pid}) holds {path}", LOCK_WAIT)
    broken = [one for one in seen.packages if one.state not in "nci" or one.error == "R"]
    lost = [one for one in broken if one.state == "H" or one.error == "R"]
    if lost:
        names = " ".join(one.name for one in lost)
        return Stuck(f"dpkg left {names} half installed: only installing again mends that",
                     f"run `apt-get install --reinstall {names}` on the host (see `dpkg --audit`), then apply again")
    if broken or seen.interrupted:
        names = ", ".join(one.name for one in broken)
        return Act(RunOnHost(shell(CONFIGURE), "finish what dpkg has begun (dpkg --configure -a)", timeout=600),
                   f"dpkg was interrupted: {names} not configured yet" if names else "dpkg was interrupted")
    for one in todo:
        there = seen.of(one.name)
        if there and there.held:
            return Stuck(f"{there.name} is held at {there.version}; {one.version} is asked",
                         f"run `apt-mark unhold {there.name}` on the host, or ask for {there.version}")
    full = [f"{at} has {kib >> 10} MiB" for at, kib in seen.free if kib < LEAST_FREE]
    if todo and full:
        return Stuck(f"the disk is full: {', '.join(full)} free", "make room (`apt-get clean`, `journalctl --vacuum-size=100M`), "
                     "then apply again")
    return None


def _install(todo: tuple[Package, ...], seen: Packages) -> Act:
    absent = [one.name for one in todo if seen.of(one.name) is None]
    other = [one for one in todo if seen.of(one.name)]
    # Whether another version is the older one, apt knows; without this it refuses.
    downgrade = "--allow-downgrades" if other else ""
    step = RunOnHost((*shell(INSTALL), RECORD, " ".join(absent), downgrade, *(one.text for one in todo)),
                     f"install {_texts(todo)}", timeout=1800)
    return Act(step, "; ".join(f"{one.name} is {_state(seen.of(one.name))}" for one in todo))


def _remove(left: tuple[str, ...]) -> Act:
    return Act(RunOnHost((*shell(REMOVE), RECORD, LIST, *left), f"remove {', '.join(left)}", timeout=600),
               f"not asked any more: {', '.join(left)}")


def _texts(packages: tuple[Package, ...]) -> str:
    return ", ".join(f"{one.name} {one.version}".rstrip() for one in packages)


def _state(there: Installed | None) -> str:
    return "not installed" if there is None else f"of version {there.version}" if there.there else "half installed"


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    asked, seen = want.profile.software.packages, look_packages(have)
    if not isinstance(seen, Packages):
        return tuple(Change(f"package {one.name}", None, one.version or "installed") for one in asked)
    # The probe asks only for what our list names already.
    known = seen.listed == render(asked)
    found = [Change(f"package {one.name}", _old(seen.of(one.name), known), one.version or "installed")
             for one in asked if not _holds(one, seen)]
    names = {one.name for one in asked}
    return (*found, *(Change(f"package {name}", "installed by BPA", "removed") for name in seen.record if name not in names))


def _old(there: Installed | None, known: bool) -> str | None:
    return there.version if there else "absent" if known else None


INSTALLED = HostRequirement("PackagesInstalled", "os", check, "the packages asked are installed in their versions", changes,
                            seconds=30.0)
