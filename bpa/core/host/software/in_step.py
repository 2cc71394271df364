"""Whether a clock follows the time servers asked, as its daemon tells, and what keeps it from doing so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from bpa.core.host.probe import shell
from bpa.core.host.software.clock_look import CHRONY, CHRONYD, SYSTEMD, TIMESYNCD, HostClock
from bpa.core.steps import RunOnHost
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import TimeSources

FAR = 1.0
"""Seconds that a clock may be off: chrony makes up for less in minutes, for more in hours."""
SILENT = 90
"""Seconds after which a server that was asked (four times at first, within 8 s) and did not answer will not."""
LOOK_AGAIN = 5.0
# A daemon that does not run reads its file when it starts.
RELOAD = shell("chronyc reload sources >/dev/null 2>&1; exit 0")
RESTART = shell("systemctl try-restart systemd-timesyncd 2>/dev/null; exit 0")
MAKE_STEP = ("chronyc", "makestep")
JUMP = "programs that a jump of the clock disturbs"


def judge_chrony(asked: TimeSources, seen: HostClock) -> Verdict:
    """Of a chronyd that runs and whose file is as asked."""
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


def judge_timesyncd(asked: TimeSources, seen: HostClock) -> Verdict:
    """Of a systemd-timesyncd that runs and whose file is as asked."""
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
