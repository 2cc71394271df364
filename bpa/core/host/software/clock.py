"""TimeInStep: the host's clock follows the time servers of the profile.

Certificates, signatures of package sources and tokens of Kubernetes are all judged by the clock. chrony where it is
installed, else systemd-timesyncd; a file of ours names the servers beside those of the image, which stay.
"""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.owned import HEADER
from bpa.core.host.probe import shell, told
from bpa.core.host.software.clock_look import CHRONY, CHRONYD, OWNED, PROBES, SYSTEMD, TIMESYNCD, HostClock, parse_clock
from bpa.core.host.software.in_step import RELOAD, RESTART, judge_chrony, judge_timesyncd
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant, TimeSources

__all__ = ["IN_STEP", "OWNED", "PROBES", "changes", "check"]

UNITS = {CHRONYD: "chrony.service", SYSTEMD: "systemd-timesyncd.service"}
FILES = {CHRONYD: CHRONY, SYSTEMD: TIMESYNCD}
REMOVE = {CHRONY: 'rm -f "$1"; ' + RELOAD[2], TIMESYNCD: 'rm -f "$1"; rmdir "${1%/*}" 2>/dev/null; ' + RESTART[2]}


def render(daemon: str, asked: TimeSources) -> str:
    """chrony.conf(5), sources of a sourcedir; timesyncd.conf(5)."""
    if daemon == SYSTEMD:
        return f"{HEADER}[Time]\nNTP={' '.join((*asked.servers, *asked.pools))}\n"
    lines = [f"server {one} iburst" for one in asked.servers] + [f"pool {one} iburst" for one in asked.pools]
    return HEADER + "".join(f"{line}\n" for line in lines)


def check(want: HostWant, have: Facts) -> Verdict:
    text, asked = told(have, "clock"), want.profile.software.time
    if not isinstance(text, dict):
        return text if asked else Met("not asked")
    seen = parse_clock(text)
    daemon = next((one for one in FILES if one in seen.there), "")
    for path, content in seen.files.items():
        if content.startswith(HEADER) and (not asked or path != FILES.get(daemon)):
            return Act(RunOnHost((*shell(REMOVE[path]), path), f"remove {path}"), f"{path} is not asked any more")
    if not asked:
        return Met("not asked")
    return _who(daemon, seen) or _asked(daemon, asked, seen) or _runs(daemon, seen) or (
        judge_chrony(asked, seen) if daemon == CHRONYD else judge_timesyncd(asked, seen))


def _who(daemon: str, seen: HostClock) -> Stuck | None:
    """What keeps any daemon from doing it."""
    if not daemon:
        other = next(iter(seen.running), "")
        return Stuck(
            f"{other} sets this host's clock, and BPA tells only chrony and systemd-timesyncd their servers" if other else
            "time servers are asked, and the host has neither chrony nor systemd-timesyncd",
            "put chrony among software.packages" + (f", and remove {other}" if other else "") + ", then apply again")
    others = sorted(set(seen.running) - {daemon})
    if others and daemon in seen.running:
        return Stuck(f"{' and '.join((daemon, *others))} both set this host's clock, one against the other",
                     f"keep one of them: `systemctl disable --now {others[0]}` on the host, then apply again")
    if others:
        return Stuck(f"{others[0]} sets this host's clock; {daemon} is installed and does not run",
                     f"`systemctl disable --now {others[0]}` and `systemctl enable --now {UNITS[daemon]}` on the host, "
                     "then apply again")
    if daemon == CHRONYD and CHRONY.rpartition("/")[0] not in seen.sourcedirs:
        return Stuck(f"chrony's configuration does not take in {CHRONY.rpartition('/')[0]}, and is not BPA's to change",
                     f"write `sourcedir {CHRONY.rpartition('/')[0]}` into /etc/chrony/chrony.conf (chrony 4 or newer), restart "
                     "chrony, then apply again")
    return None


def _asked(daemon: str, asked: TimeSources, seen: HostClock) -> Act | None:
    path, content = FILES[daemon], render(daemon, asked)
    if seen.files.get(path, "") == content:
        return None
    names = ", ".join((*asked.servers, *asked.pools))
    return Act(WriteFile(path, content, f"name the time servers {names} in {path}",
                         then=(RELOAD if daemon == CHRONYD else RESTART,)), f"{path} is not as the profile asks")


def _runs(daemon: str, seen: HostClock) -> Verdict | None:
    if daemon in seen.running:
        return None
    if not seen.units:
        return Stuck(f"{daemon} does not run, and this host has no systemd to start it",
                     f"start {daemon} as this system starts its daemons, and see that it starts with the system")
    active, enabled = seen.units.get(UNITS[daemon], ("", ""))
    if enabled in ("masked", "masked-runtime"):
        other = "; or put chrony among software.packages" if daemon == SYSTEMD else ""
        return Stuck(f"{UNITS[daemon]} is masked: it cannot be started",
                     f"`systemctl unmask {UNITS[daemon]}` and `systemctl enable --now {UNITS[daemon]}` on the host{other}")
    if enabled != "enabled" or active == "failed":
        why = "failed" if active == "failed" else "is not started with the system"
        return Stuck(f"{daemon} does not run: {UNITS[daemon]} {why}",
                     f"`systemctl enable --now {UNITS[daemon]}` on the host; `journalctl -u {UNITS[daemon]}` says what it lacks")
    return Act(RunOnHost(("systemctl", "start", UNITS[daemon]), f"start {UNITS[daemon]}"), f"{daemon} does not run")


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    text, asked = told(have, "clock"), want.profile.software.time
    names = " ".join((*asked.servers, *asked.pools)) if asked else ""
    if not isinstance(text, dict):
        return (Change("time servers", None, names),) if asked else ()
    seen = parse_clock(text)
    ours = {path: content for path, content in seen.files.items() if content.startswith(HEADER)}
    if not asked:
        return tuple(Change(path, "ours", "removed") for path in ours)
    daemon = next((one for one in FILES if one in seen.there), CHRONYD)
    found = [Change(path, "ours", "removed") for path in ours if path != FILES[daemon]]
    if seen.files.get(FILES[daemon], "") != render(daemon, asked):
        old = " ".join(word for line in ours.get(FILES[daemon], "").removeprefix(HEADER).splitlines()
                       for word in line.removeprefix("NTP=").split() if word not in ("server", "pool", "iburst", "[Time]"))
        found.insert(0, Change("time servers", old or "those of the image", names))
    return tuple(found)


IN_STEP = HostRequirement("TimeInStep", "os", check, "the host's clock follows the time servers asked", changes,
                          patience=300.0, seconds=15.0)
