"""Background processes of the lab: started detached, found again by pid and start time, stopped by pid."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bpa.lab.errors import LabError


def run(*argv: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a short command and return it with its text output; LabError when it fails and `check`, or takes too long."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
    except FileNotFoundError as e:
        raise LabError(f"{argv[0]} is not installed; `make apt-lab` installs what the lab needs") from e
    except subprocess.TimeoutExpired as e:
        raise LabError(f"{' '.join(argv)} did not end within {timeout:.0f} s") from e
    if check and done.returncode:
        raise LabError(f"{' '.join(argv)} failed: {(done.stderr or done.stdout).strip() or done.returncode}")
    return done


def start(argv: Sequence[str], pid_file: Path, log: Path, environment: Mapping[str, str] | None = None) -> int:
    """Start `argv` in its own process group, output appended to `log`; returns its pid, which pid_file remembers."""
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                cwd="/",
                env={**os.environ, **(environment or {})},
            )
        except FileNotFoundError as e:
            raise LabError(f"{argv[0]} is not installed; `make apt-lab` installs what the lab needs") from e
    pid_file.write_text(f"{process.pid} {_start_time(process.pid)}\n")
    return process.pid


def alive(pid_file: Path) -> int | None:
    """The pid in pid_file when that very process still runs, else None (also for a zombie or a reused pid)."""
    try:
        pid, started = (int(word) for word in pid_file.read_text().split())
    except (OSError, ValueError):
        return None
    with contextlib.suppress(ChildProcessError, OSError):
        os.waitpid(pid, os.WNOHANG)
    return pid if started and _start_time(pid) == started else None


def stop(pid_file: Path, patience: float = 10) -> None:
    """SIGTERM, wait up to `patience` seconds, SIGKILL; forgets the pid file. Nothing to do when it does not run."""
    pid = alive(pid_file)
    if pid is not None:
        _end(pid, pid_file, patience)
    pid_file.unlink(missing_ok=True)


def _end(pid: int, pid_file: Path, patience: float) -> None:
    for sign, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if alive(pid_file) is None:
                return
            time.sleep(0.05)
    raise LabError(f"process {pid} ({pid_file.stem}) does not end")


def end_users_of(directory: Path, program: str) -> None:
    """SIGKILL every process called `program*` whose arguments name a file under `directory`.

    For what a daemon started and can no longer be asked to stop, because the daemon itself is gone.
    """
    marker = f"{directory}/".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            arguments = (entry / "cmdline").read_bytes()
            if marker in arguments and Path(os.fsdecode(arguments.split(b"\0")[0])).name.startswith(program):
                os.kill(int(entry.name), signal.SIGKILL)


def _start_time(pid: int) -> int:
    """Field 22 of /proc/<pid>/stat (clock ticks since boot), 0 for a process that is gone or a zombie (proc(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])
