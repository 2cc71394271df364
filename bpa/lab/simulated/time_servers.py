"""chrony on a simulated host that has the package: it answers for the servers that it has read, all of which are well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpa.core.host.software.clock_look import CHRONY

if TYPE_CHECKING:
    from bpa.lab.simulated.linux import Running

ANSWERS_AFTER = 8.0
"""Seconds until four answers to `iburst` are in."""


def clock(os: Running) -> str:
    """Probe `clock`."""
    files, age = os.installed.files, int(os.machine.time - os.started)
    text = "@@ running\n@@ tools\n@@ sourcedir\n"
    if "chrony" in os.installed.packages:
        text = f"@@ running\nchronyd {age}\n@@ tools\n/usr/sbin/chronyd\n@@ sourcedir\nsourcedir /etc/chrony/sources.d\n"
    if CHRONY not in files:
        return text
    names = [line.split()[1] for line in os.time_sources.splitlines() if line.startswith(("server ", "pool "))]
    reached = bool(names) and os.machine.time - files.changed[CHRONY] >= ANSWERS_AFTER
    rows = "".join(f"^,{'*' if reached else '?'},{name},{2 if reached else 0},6,{17 if reached else 0},1,0.0,0.0,0.0\n"
                   for name in names)
    by = f"C0000201,192.0.2.1,3,{files.now():.3f},0.000012000" if reached else "00000000,,0,0.000000000,0.000000000"
    leap = "Normal" if reached else "Not synchronised"
    return (f"{text}@@ file {CHRONY}\n{files[CHRONY]}@@ written {CHRONY}\n{files.changed[CHRONY]:.0f}\n"
            f"@@ clock\n{files.now():.0f}\n0\n@@ units\nId=chrony.service\nActiveState=active\nUnitFileState=enabled\n"
            f"@@ tracking\n{by},0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,{leap}\n@@ sources\n{rows}@@ addresses\n{rows}")
