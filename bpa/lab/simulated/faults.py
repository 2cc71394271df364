"""What can go wrong with a simulated host, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

FAULTS: Mapping[str, str] = {
    "bmc unreachable": "nothing answers at the BMC's address",
    "bmc busy": "the BMC answers 503",
    "wrong password": "the BMC refuses the credentials",
    "wrong certificate": "the BMC's certificate is not trusted",
    "bios ignored": "staged BIOS attributes are dropped at the next start",
    "reset ignored": "the BMC accepts a reset and does nothing",
    "slow post": "the firmware takes `value` seconds longer",
    "another machine": "another machine is behind the BMC's address; `value` is its UUID",
    "ironic down": "Ironic does not answer; a deployment under way is given up when it is back",
    "inspection fails": "Ironic's inspection ends with last_error `value`",
    "deploy fails": "Ironic's deployment ends with last_error `value`",
    "ssh silent": "the operating system is up, and SSH never answers",
    "first boot hangs": "cloud-init never ends",
    "start hangs": "the firmware never ends its POST, and says nothing of it",
    "another entry starts": "the boot loader starts an entry that has none of our kernel arguments",
    "disk full": "nothing can be written to the root file system",
    "read-only root": "the root file system was remounted read-only after an error",
    "ssh lost in mid-write": "the connection is lost while a file is written; `value` after: the file is there all the same",
    "vfs fail": "the PF's driver refuses to make virtual functions; `value` is what strerror says, else an I/O error, and "
                "after a | what the kernel logs",
    "goal dropped": "the firmware forgets a goal for persistent memory at the next start",
    "goal refused": "the firmware refuses a goal for persistent memory; `value` is why",
    "command fails": "the command that contains `value` ends with code 1; after a | what it says",
    "kubernetes silent": "the API of the host's cluster does not answer",
    "installer fails": "KuD's installer ends with code 2",
    "installer lost": "KuD's installer is killed half-way and leaves no exit code",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault from `since` until `until` (seconds of the injected clock), at most `times` times."""

    name: str
    since: float = 0.0
    until: float = math.inf
    times: float = math.inf
    value: str = ""


class Faults:
    """The faults of one simulated subject."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._used: dict[int, int] = {}

    def add(self, fault: Fault) -> None:
        """Raises ValueError, naming the faults there are."""
        if fault.name not in FAULTS:
            raise ValueError(f"no fault is called {fault.name!r}; there are: {', '.join(FAULTS)}")
        self._faults.append(fault)

    def active(self, name: str, now: float) -> Fault | None:
        """The fault of this name that holds now; asking does not use it up."""
        number = self._find(name, now)
        return None if number is None else self._faults[number]

    def strikes(self, name: str, now: float) -> Fault | None:
        """The same, and one of its `times` is used up."""
        number = self._find(name, now)
        if number is None:
            return None
        self._used[number] = self._used.get(number, 0) + 1
        return self._faults[number]

    def _find(self, name: str, now: float) -> int | None:
        return next((number for number, fault in enumerate(self._faults)
                     if fault.name == name and fault.since <= now < fault.until
                     and self._used.get(number, 0) < fault.times), None)

    def mend(self, name: str) -> None:
        """The fault is gone."""
        self._faults = [fault if fault.name != name else Fault(fault.name, until=-math.inf) for fault in self._faults]
