"""A look is one command of bounded size: sshd hands it to the login shell as one argument."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

import pytest

from bpa.adapters.ssh import Ssh, SshAccess
from bpa.core.facts import Ran
from bpa.core.host import PROBES
from bpa.core.secret import Secret

MAX_ARG_STRLEN = 131072
"""The longest argument that Linux takes (include/uapi/linux/binfmts.h, with pages of 4 KiB)."""


class Asked(Ssh):
    """Keeps what it would run."""

    def __init__(self, *, sudo: bool) -> None:
        super().__init__(SshAccess("192.0.2.1", Secret(""), "", username="bpa", sudo=sudo))
        self.commands: list[str] = []

    def run(self, argv: Sequence[str], stdin: str | None = None, timeout: float = 60) -> Ran:
        self.commands.append(self._command(argv, timeout))
        return Ran(0)


@pytest.mark.parametrize("sudo", [False, True])
def test_a_look_is_one_command_that_any_kernel_takes(sudo: bool) -> None:
    ssh = Asked(sudo=sudo)
    answers = ssh.ask(PROBES)
    (command,) = ssh.commands
    assert len(command.encode()) < MAX_ARG_STRLEN // 2
    assert set(answers) == set(PROBES)
    assert "\0" not in command and shlex.split(command)


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_is_posix_sh(probe: str) -> None:
    """dash parses it, as the `sh` of Debian and Ubuntu does."""
    argv = PROBES[probe]
    if argv[0] == "sh":
        checked = subprocess.run(["sh", "-n", "-c", argv[2]], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")
