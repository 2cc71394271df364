"""TimeInStep: the host's clock follows the time servers of the profile.

Certificates, signatures of package sources and tokens of Kubernetes are all judged by the clock. chrony where it is
installed, else systemd-timesyncd; a file of ours names the servers beside those of the image, which stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from bpa.core.facts import Facts
from bpa.core.host.probe import shell, told
from bpa.core.host.software.clock_look import CHRONY, CHRONYD, OWNED, PROBES, SYSTEMD, TIMESYNCD, HostClock, parse_clock
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant, TimeSources

__all__ = ["IN_STEP", "OWNED", "PROBES", "changes", "check"]

HEADER = "# Written by BPA from the HardwareProfile; changes made here are lost.\n"
FAR = 1.0
"""Seconds that a clock may be off: chrony makes up for less in minutes, for more in hours."""
SILENT = 90
"""Seconds after which a server that was asked (four times at first, within 8 s) and did not answer will not."""
LOOK_AGAIN = 5.0
UNITS = {CHRONYD: "chrony.service", SYSTEMD: "systemd-timesyncd.service"}
FILES = {CHRONYD: CHRONY, SYSTEMD: TIMESYNCD}
# A daemon that does not run reads its file when it starts.
RELOAD = shell("chronyc reload sources >/dev/null 2>&1; exit 0")
RESTART = shell("systemctl try-restart systemd-timesyncd 2>/dev/null; exit 0")
MAKE_STEP = ("chronyc", "makestep")
REMOVE = {CHRONY: 'rm -f "$1"; ' + RELOAD[2], TIMESYNCD: 'rm -f "$1"; rmdir "${1%/*}" 2>/dev/null; ' + RESTART[2]}
JUMP = "programs that a jump of the clock disturbs"


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
        _chrony(asked, seen) if daemon == CHRONYD else _timesyncd(asked, seen))


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


def _chrony(asked: TimeSources, seen: HostClock) -> Verdict:
    tracking, names = seen.tracking, (*asked.servers, *asked.pools)
    if tracking is None:
        return Wait(f"chronyd does not answer yet{_absurd(seen)}", LOOK_AGAIN)
    if not all(any(one.name == name for one in seen.servers) for name in names):
        return Act(RunOnHost(RELOAD, "let chrony read its time servers again"), f"chrony has not read {CHRONY}")
    silent = [name for name in names if not any(one.reached for one in seen.servers if one.name == name)]
    problem = _problem(names, silent, seen)
    if tracking.synchronised and abs(tracking.offset) > FAR:
        return Act(RunOnHost(MAKE_STEP, "set the clock at once (chronyc makestep)", disrupts=JUMP),
                   f"the clock is {_off(tracking.offset)}: chrony alone would need hours to make up for that")
    if tracking.synchronised and len(silent) < len(names):
        return Met(f"in step with {tracking.by}, {_off(tracking.offset)} ({CHRONYD}{'; ' + problem if problem else ''})")
    if _patient(CHRONYD, CHRONY, seen):
        return Wait(f"the clock is not in step yet{': ' + problem if problem else ''}{_absurd(seen)}", LOOK_AGAIN)
    why = f"in step with {tracking.by} of others only" if tracking.synchronised else "not in step"
    return Stuck(f"the clock is {why}: {problem or 'no time server is good enough'}{_absurd(seen)}",
                 "correct the names in software.time, or let UDP port 123 of these servers be reached from the host "
                 "(`chronyc -N sources -a`, `chronyc ntpdata`)")


def _problem(names: Iterable[str], silent: list[str], seen: HostClock) -> str:
    unknown = [name for name in silent if not any(one.resolved for one in seen.servers if one.name == name)]
    mute = [name for name in silent if name not in unknown]
    wrong = [name for name in names if any(one.state == "x" for one in seen.servers if one.name == name)]
    said = [f"{', '.join(mute)} {_do(mute)} not answer"] if mute else []
    said += [f"the host has no address for {', '.join(unknown)}"] if unknown else []
    said += [f"{', '.join(wrong)} {_do(wrong)} not agree with the majority of servers"] if wrong else []
    return "; ".join(said)


def _do(names: list[str]) -> str:
    return "does" if len(names) == 1 else "do"


def _timesyncd(asked: TimeSources, seen: HostClock) -> Verdict:
    names = ", ".join((*asked.servers, *asked.pools))
    age, written = seen.running[SYSTEMD], seen.written.get(TIMESYNCD, 0)
    if 0 <= written < age - 1:
        # Killed between the file and the restart: it is older than the file.
        return Act(RunOnHost(RESTART, f"let {SYSTEMD} read its time servers again"), f"{SYSTEMD} has not read {TIMESYNCD}")
    if seen.synchronized:
        return Met(f"in step with {seen.by or names} ({SYSTEMD})")
    if _patient(SYSTEMD, TIMESYNCD, seen):
        return Wait(f"the clock is not in step yet{_absurd(seen)}", LOOK_AGAIN)
    return Stuck(f"the clock is not in step: none of {names} answers{_absurd(seen)}",
                 "correct the names in software.time, or let UDP port 123 of these servers be reached from the host "
                 "(`timedatectl timesync-status`, `journalctl -u systemd-timesyncd`)")


def _patient(daemon: str, path: str, seen: HostClock) -> bool:
    """Whether the daemon may still be asking. A clock that was set meanwhile makes the file's age negative or huge."""
    return seen.running[daemon] < SILENT or 0 <= seen.written.get(path, 0) < SILENT


def _absurd(seen: HostClock) -> str:
    """What a clock is told that cannot be right: a battery that is empty, a firmware that was never told the time."""
    if not seen.now or not seen.built or seen.now >= seen.built:
        return ""
    shown, built = (f"{datetime.fromtimestamp(one, UTC):%Y-%m-%d %H:%M}" for one in (seen.now, seen.built))
    return f"; it shows {shown} UTC, earlier than this system was built ({built}): see the clock and battery of the board"


def _off(offset: float) -> str:
    size = abs(offset)
    shown = f"{size * 1e6:.0f} µs" if size < 1e-3 else f"{size * 1e3:.0f} ms" if size < 1 else f"{size:.0f} s"
    return f"{shown} {'behind' if offset >= 0 else 'ahead'}"


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
