"""For benchmarks: Ansible's command line as a user runs it, with the time of its tasks and of its every call of OpenSSH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
COUNTED = Path(__file__).parent / "bench" / "counted"


@dataclass(frozen=True)
class Target:
    """The host that Ansible is to reach: its address, the file of its private key."""

    address: str
    port: int
    user: str
    key: Path


@dataclass(frozen=True)
class AnsibleRun:
    """seconds: the whole command; calls: (ssh or sftp, seconds) of each; tasks: name -> seconds; text: what it printed."""

    seconds: float
    calls: tuple[tuple[str, float], ...]
    text: str
    tasks: Mapping[str, float] = field(default_factory=dict)

    @property
    def transport(self) -> float:
        return sum(seconds for _, seconds in self.calls)


def ansible(target: Target, *argv: str, pipelining: bool = False, **variables: Any) -> AnsibleRun:
    """Run `ansible` (argv begins with -m) or `ansible-playbook` (argv begins with a path). AssertionError where it fails."""
    with tempfile.TemporaryDirectory(prefix="bpa-ansible-") as place:
        for name in ("ssh", "sftp"):
            (Path(place) / name).symlink_to(COUNTED)
        log = Path(place) / "calls"
        log.touch()
        environment = os.environ | {
            "COUNTED": str(log), "ANSIBLE_SSH_EXECUTABLE": f"{place}/ssh", "ANSIBLE_SFTP_EXECUTABLE": f"{place}/sftp",
            "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{place}/control", "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": f"{place}/local", "ANSIBLE_REMOTE_TEMP": "/run/ansible", "ANSIBLE_PIPELINING": str(pipelining),
            # As it is by default, but that the connection is closed soon: the next run is to make its own.
            "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=3s -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
        }
        given = {"ansible_port": target.port, "ansible_user": target.user, "ansible_ssh_private_key_file": str(target.key),
                 "ansible_python_interpreter": "/usr/bin/python3", **variables}
        command = [str(BIN / ("ansible" if argv[0] == "-m" else "ansible-playbook")), "-i", f"{target.address},",
                   "-e", json.dumps(given), *(("all",) if argv[0] == "-m" else ()), *argv]
        began = time.perf_counter()
        with subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            lines = [(time.perf_counter(), line) for line in process.stdout]
        took = time.perf_counter() - began
        text = "".join(line for _, line in lines)
        assert process.returncode == 0, text[-3000:]
        marks = [(at, line[6:line.index("]")]) for at, line in lines if line.startswith("TASK [")]
        ends = [*(at for at, _ in marks[1:]), began + took][:len(marks)]
        calls = tuple((words[0], float(words[2]) - float(words[1])) for words in map(str.split, log.read_text().splitlines()))
        return AnsibleRun(took, calls, text, {name: end - at for (at, name), end in zip(marks, ends, strict=True)})
