"""Whether this machine's KVM really runs guests: by running one."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Literal

from bpa.lab.errors import LabError

Mode = Literal["auto", "on", "off"]


def usable(kernel: Path, seconds: float = 20) -> bool:
    """Boot `kernel` under KVM until it looks for its root file system. A device node that opens proves nothing: on
    nested hosts KVM may be there and still not run an ordinary kernel."""
    if not Path("/dev/kvm").exists():
        return False
    argv = (
        "qemu-system-x86_64",
        "-accel",
        "kvm",
        "-cpu",
        "host",
        "-machine",
        "q35",
        "-m",
        "512",
        "-nodefaults",
        "-display",
        "none",
        "-no-reboot",
        "-kernel",
        str(kernel),
        "-append",
        "console=ttyS0 panic=-1",
        "-serial",
        "stdio",
    )
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "Unable to mount root fs" in done.stdout


def intel_processor() -> bool:
    """Whether this machine's processor is an Intel one (proc(5), /proc/cpuinfo)."""
    return "GenuineIntel" in Path("/proc/cpuinfo").read_text()


def decide(mode: Mode, kernel: Path) -> bool:
    """True for KVM, False for emulation. LabError when KVM is asked for and does not work."""
    if mode == "off":
        return False
    works = usable(kernel)
    if mode == "on" and not works:
        raise LabError("KVM was asked for (--kvm on) but a test guest does not boot under it; try --kvm auto or off")
    return works
