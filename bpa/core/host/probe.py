"""How the requirements on the running host read what its probes printed.

A probe is a fixed POSIX sh text; what it prints is cut into sections by lines "@@ name".
"""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.verdict import Stuck, Wait

OS_WAIT = 1.0


def shell(script: str) -> tuple[str, ...]:
    """The argv of a probe or step whose text is `script`; arguments may follow as $1, $2, ..."""
    return ("sh", "-c", script, "sh")


def told(have: Facts, probe: str) -> dict[str, str] | Wait | Stuck:
    """The sections that a probe printed, by name, or why there are none."""
    if have.os is None:
        return Wait(have.os_problem or "the host has not been looked at yet", OS_WAIT)
    ran = have.os.answers.get(probe)
    if ran is None:
        return Wait(f"the host has not been asked for {probe} yet", OS_WAIT)
    if ran.exit_code is None:
        return Wait(f"the host did not answer in time when asked for {probe}", OS_WAIT)
    if ran.exit_code != 0:
        said = ran.stderr.strip().splitlines()
        because = f": {said[-1]}" if said else ""
        return Stuck(f"the host could not be asked for {probe}: exit code {ran.exit_code}{because}",
                     "log in and run it by hand: `bpa facts` shows what was run")
    return sections(ran.stdout)


def sections(text: str) -> dict[str, str]:
    """Text cut at lines "@@ name"; what stands before the first is dropped. Of equal names the first counts."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("@@ "):
            lines = []
            found.setdefault(line[3:].strip(), lines)
        else:
            lines.append(line)
    return {name: "".join(inside) for name, inside in found.items()}
