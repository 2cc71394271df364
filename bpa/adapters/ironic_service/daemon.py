"""A background process of ours: started detached, found again after we crashed, stopped with all that it forked.

A process is recognised by pid and start time (proc(5), field 22 of /proc/PID/stat), so a reused pid is never taken for
it; what it forked is recognised by its session, which setsid(2) gave it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed
from tenacity.retry import RetryBaseT


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc says of a process. started in clock ticks since boot."""

    pid: int
    state: str
    session: int
    started: int


class Daemon:
    """One background process, named for people; its identity is kept in pid_file, its output in log.

    mark is a piece of its command line that no other process has: it finds the process again where we were killed
    between starting it and noting its pid.
    """

    def __init__(self, name: str, pid_file: Path, log: Path, mark: str) -> None:
        self.name, self._pid_file, self.log, self._mark = name, pid_file, log, mark

    def start(self, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
        """Start it in a session of its own, in the network namespace of the calling thread; its pid."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd="/",
                env={**os.environ, **(environment or {})}, close_fds=True)
        self._note(look_at(process.pid) or Stat(process.pid, "X", 0, 0))
        return process.pid

    def _note(self, stat: Stat) -> None:
        temporary = self._pid_file.with_suffix(".new")
        temporary.write_text(f"{stat.pid} {stat.started}\n")
        temporary.replace(self._pid_file)

    def pid(self) -> int | None:
        """Its pid while that very process runs, else None."""
        known = self._known()
        if known is not None:
            with contextlib.suppress(OSError):
                os.waitpid(known[0], os.WNOHANG)
            stat = look_at(known[0])
            if stat and stat.started == known[1] and stat.state not in "ZX":
                return known[0]
        return self._found_by_mark()

    def _found_by_mark(self) -> int | None:
        for stat in _everyone():
            if stat.pid == stat.session and stat.state not in "ZX" and self._mark in _command_line(stat.pid):
                self._note(stat)
                return stat.pid
        return None

    def stop(self, patience: float = 30.0) -> None:
        """SIGTERM, wait up to `patience` seconds, then SIGKILL for it and all that it forked. May be repeated."""
        pid = self.pid()
        if pid is not None:
            _send((pid,), signal.SIGTERM)
            _until(lambda: self.pid() is None, patience)
        left = self._forked()
        if left:
            _send(left, signal.SIGKILL)
            _until(lambda: not self._forked(), 5.0)
        self._pid_file.unlink(missing_ok=True)

    def last_lines(self, count: int = 5) -> str:
        """The end of its log, to say why it died."""
        try:
            text = self.log.read_bytes()[-8192:].decode(errors="replace")
        except OSError:
            return ""
        return "\n".join([line for line in text.splitlines() if line.strip()][-count:])

    def _known(self) -> tuple[int, int] | None:
        try:
            pid, started = (int(word) for word in self._pid_file.read_text().split())
        except (OSError, ValueError):
            return None
        return (pid, started) if pid > 1 and started else None

    def _forked(self) -> tuple[int, ...]:
        known = self._known()
        if known is None:
            return ()
        pid, started = known
        leader = look_at(pid)
        if leader is not None and leader.started != started:
            return ()
        return tuple(
            s.pid for s in _everyone() if s.session == pid and s.started >= started and s.state not in "ZX")


def look_at(pid: int) -> Stat | None:
    """/proc/PID/stat of a process, None when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Stat(pid, fields[0], int(fields[3]), int(fields[19]))


def _everyone() -> Iterator[Stat]:
    for entry in Path("/proc").iterdir():
        stat = look_at(int(entry.name)) if entry.name.isdigit() else None
        if stat is not None:
            yield stat


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _send(pids: Sequence[int], sign: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    again: RetryBaseT = retry_if_result(lambda held: not held)
    poll = Retrying(stop=stop_after_delay(seconds), wait=wait_fixed(0.05), retry=again,
                    retry_error_callback=lambda state: False, sleep=time.sleep)
    return bool(poll(holds))
