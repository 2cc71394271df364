"""A detached process that is found again: by a file it writes itself before its first act, or by a mark it carries.

A wrapper (sh) writes `process` (pid, start time in clock ticks, boot id), runs the installer, and writes `exit`.
The installer may outlive a killed wrapper, and Ansible's workers start their own Unix sessions, so neither a pid
nor a process group tells whether something still runs: every descendant carries BPA_KUD_RUN in its environment.
Source: proc(5), fields 3 (state) and 22 (starttime) of /proc/<pid>/stat; /proc/<pid>/environ.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from bpa.adapters.errors import Refused

MARK = "BPA_KUD_RUN"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# Standard input is the cluster's lock: it is let go once `process` stands, so no second run can slip between.
_WRAPPER = r"""
run=$1; shift
started() { IFS= read -r stat < "/proc/$$/stat"; set -- ${stat##*) }; echo "${20}"; }
publish() { printf '%s\n' "$2" > "$run/$1.new" && mv "$run/$1.new" "$run/$1"; }
trap : HUP INT TERM
publish process "$$ $(started) $(cat /proc/sys/kernel/random/boot_id)" || exit 1
exec < /dev/null
"$@"
publish exit "$?"
"""


def launch(run: Path, argv: Sequence[str], environment: Mapping[str, str], cwd: Path, log: Path, lock: int) -> None:
    """Start argv under the wrapper in a Unix session of its own; returns when `process` is written.

    Raises Refused if nothing comes up within ten seconds.
    """
    with log.open("ab") as output:
        starter = subprocess.run(
            ["setsid", "--fork", "/bin/sh", "-c", _WRAPPER, "bpa-kud-run", str(run), *argv],
            stdin=lock, stdout=output, stderr=output, env=dict(environment), cwd=cwd, check=False,
        )
    waiting = Retrying(
        wait=wait_fixed(0.01), stop=stop_after_delay(10), retry=retry_if_result(lambda up: not up),
        retry_error_callback=lambda _: False,
    )
    if starter.returncode != 0 or not waiting((run / "process").exists):
        raise Refused(f"the installer's wrapper did not start (setsid: {starter.returncode})", f"read {log}")


def running(run: Path, mark: str) -> bool:
    """Whether the wrapper, or anything it started, still runs. Meaningful only while there is no `exit`."""
    return _wrapper_runs(run) or bool(_marked(mark))


def stop(run: Path, mark: str, grace: float) -> None:
    """SIGTERM to the wrapper and all its descendants, SIGKILL to what is left after `grace` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _marked(mark):
            _kill(pid, number)
        waiting = Retrying(
            wait=wait_fixed(0.05), stop=stop_after_delay(grace), retry=retry_if_result(bool),
            retry_error_callback=lambda _: True,
        )
        if not waiting(lambda: running(run, mark)):
            return


def _wrapper_runs(run: Path) -> bool:
    try:
        pid, started, boot_id = (run / "process").read_text().split()
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (OSError, ValueError):
        return False
    return stat[0] not in "ZX" and stat[19] == started and boot_id == _BOOT_ID.read_text().strip()


def _marked(mark: str) -> list[int]:
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue  # it ended meanwhile, or belongs to somebody else
    return found


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
