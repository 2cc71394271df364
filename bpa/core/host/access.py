"""AccessGranted: the host's operating system lets us in, is the one meant, and has finished its first boot."""

from __future__ import annotations

from dataclasses import dataclass

from bpa.core.facts import Facts
from bpa.core.host.probe import shell, told
from bpa.core.requirement import HostRequirement
from bpa.core.verdict import Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant

PROBES = {"access": shell("""
echo '@@ hostname'; cat /proc/sys/kernel/hostname
echo '@@ release'; cat /proc/sys/kernel/osrelease
echo '@@ cloud-init'
[ -d /run/cloud-init ] && [ ! -e /run/cloud-init/disabled ] && [ ! -e /run/cloud-init/result.json ] && echo running
exit 0
"""), "boot_id": ("cat", "/proc/sys/kernel/random/boot_id")}


@dataclass(frozen=True, slots=True)
class Access:
    """Who answered: host name, kernel release; starting = cloud-init still runs."""

    hostname: str
    release: str
    starting: bool


def parse_access(text: dict[str, str]) -> Access:
    """The sections of probe `access`. cloud-init writes /run/cloud-init/result.json when its last stage is done."""
    return Access(text.get("hostname", "").strip(), text.get("release", "").strip(),
                  text.get("cloud-init", "").strip() == "running")


def check(want: HostWant, have: Facts) -> Verdict:
    text = told(have, "access")
    if not isinstance(text, dict):
        return text
    seen = parse_access(text)
    if seen.starting:
        return Wait("cloud-init is still configuring the host", 1.0)
    if seen.hostname.partition(".")[0].lower() != want.os_name.partition(".")[0].lower():
        return Stuck(f"the host calls itself {seen.hostname!r}, the documents call it {want.os_name!r}",
                     f"if it is the right machine: `hostnamectl set-hostname {want.os_name}`, or rename it in the "
                     "documents")
    assert have.os is not None
    return Met(f"{seen.hostname} at {have.os.address}, Linux {seen.release}")


GRANTED = HostRequirement(
    "AccessGranted", "os", check, "SSH lets us in and the first boot is over", patience=1200.0, seconds=75.0)
