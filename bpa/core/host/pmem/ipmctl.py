"""What ipmctl says of Optane modules: their shares, interleave sets, the goals that wait, and our record of the last goal.

ipmctl-show-device(1), ipmctl-show-region(1), ipmctl-show-goal(1) (intel/ipmctl, Documentation/ipmctl). Its XML, its table
and its list form are all read, whatever further attributes a newer one prints: an old ipmctl knows no `-o nvmxml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bpa.core.facts import Facts
from bpa.core.host.owned import HEADER, Owned
from bpa.core.host.pmem.ipmctl_output import records, size_of
from bpa.core.host.probe import shell, told
from bpa.core.verdict import Stuck, Wait

RECORD = "/etc/bpa/pmem-goal"
"""What goal we asked for last, and in which start of the system."""
OWNED = (Owned(RECORD, "the goal of persistent memory that was set last", "pmemGoal", "PmemGoalStaged"),)

# An answer may end without a newline: the heading after it must stand on a line of its own all the same.
PROBES = {"ipmctl": shell("""
PATH=$PATH:/usr/sbin:/sbin
set -- /sys/bus/nd/devices/nmem*
[ -e "$1" ] || [ -e /etc/bpa/pmem-goal ] || exit 0
echo '@@ record'; cat /etc/bpa/pmem-goal 2>/dev/null
echo '@@ tool'; command -v ipmctl || exit 0
of=SocketID,DimmUID,Capacity,MemoryCapacity,AppDirectCapacity,InaccessibleCapacity
of=$of,HealthState,HealthStateReason,LockState,FWVersion,ConfigurationStatus,ManageabilityState
echo '@@ modules'
timeout 20 ipmctl show -u B -o nvmxml -d $of -dimm 2>&1 || timeout 20 ipmctl show -a -dimm 2>&1
echo; echo '@@ sets'; timeout 20 ipmctl show -u B -o nvmxml -a -region 2>&1
echo; echo '@@ goals'; timeout 20 ipmctl show -u B -o nvmxml -a -goal 2>&1
exit 0
""")}

@dataclass(frozen=True, slots=True)
class OptaneModule:
    """A module by its DimmID (0x1001). Sizes in bytes. The words are those of ipmctl-show-device(1), "" = not told."""

    id: str
    socket: int
    capacity: int
    memory: int = 0
    app_direct: int = 0
    inaccessible: int = 0
    uid: str = ""
    health: str = ""
    why: str = ""
    lock: str = ""
    firmware: str = ""
    configuration: str = ""
    manageable: bool = True


@dataclass(frozen=True, slots=True)
class InterleaveSet:
    """What ipmctl calls a region. kind: AppDirect or AppDirectNotInterleaved."""

    socket: int
    kind: str
    capacity: int
    health: str = ""
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A goal for one module that is not effective. status: New, or why the firmware refused it ("Failed - ...")."""

    socket: int
    module: str
    memory: int
    app_direct: int
    status: str = "New"

    @property
    def failed(self) -> bool:
        return self.status.lower().startswith("failed") or "error" in self.status.lower()


@dataclass(frozen=True, slots=True)
class Record:
    """Our note: the goal as text, the start of the system (boot id) in which it was set, how often, for which modules."""

    goal: str
    boot: str
    tries: int
    modules: tuple[str, ...]

    @property
    def text(self) -> str:
        """As it is written to the host."""
        return f"{HEADER}goal={self.goal}\nboot={self.boot}\ntries={self.tries}\nmodules={' '.join(self.modules)}\n"


@dataclass(frozen=True, slots=True)
class Ipmctl:
    """tool: ipmctl is installed. said: what it printed instead of modules. present: the system shows modules at all."""

    tool: bool = False
    modules: tuple[OptaneModule, ...] = ()
    sets: tuple[InterleaveSet, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    record: Record | None = None
    said: str = ""
    present: bool = True

    def of_socket(self, socket: int) -> tuple[OptaneModule, ...]:
        return tuple(one for one in self.modules if one.socket == socket)

    @property
    def sockets(self) -> tuple[int, ...]:
        return tuple(sorted({one.socket for one in self.modules}))


def look_ipmctl(have: Facts) -> Ipmctl | Wait | Stuck:
    """The answer of probe `ipmctl`, read; or why it cannot be."""
    text = told(have, "ipmctl")
    if not isinstance(text, dict):
        return text
    return parse_ipmctl(text)


def parse_ipmctl(text: dict[str, str]) -> Ipmctl:
    """The sections of probe `ipmctl`. What is no number where one is due counts as 0."""
    said = text.get("modules", "")
    modules = tuple(_module(one) for one in records(said, "Dimm") if one.get("dimmid"))
    return Ipmctl(
        bool(text.get("tool", "").strip()), modules,
        tuple(_set(one) for one in records(text.get("sets", ""), "Region") if one.get("persistentmemorytype")),
        tuple(_goal(one) for one in records(text.get("goals", ""), "ConfigGoal") if one.get("dimmid")),
        _record(text.get("record", "")),
        "" if modules else " ".join(re.sub(r"<[^>]*>", " ", said).split())[:300], "tool" in text)


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        return 0


def _module(said: dict[str, str]) -> OptaneModule:
    return OptaneModule(
        said["dimmid"].lower(), _number(said.get("socketid", "")), size_of(said.get("capacity", "")),
        size_of(said.get("memorycapacity", "")), size_of(said.get("appdirectcapacity", "")),
        size_of(said.get("inaccessiblecapacity", "")), said.get("dimmuid", ""), said.get("healthstate", ""),
        said.get("healthstatereason", ""), said.get("lockstate") or said.get("securitystate", ""),
        said.get("fwversion", ""), said.get("configurationstatus", ""),
        said.get("manageabilitystate", "").lower() != "unmanageable")


def _set(said: dict[str, str]) -> InterleaveSet:
    kind = said["persistentmemorytype"].replace(" ", "")
    modules = tuple(one.strip().lower() for one in said.get("dimmid", "").split(",") if one.strip())
    return InterleaveSet(_number(said.get("socketid", "")), kind, size_of(said.get("capacity", "")),
                         said.get("healthstate", ""), modules)


def _goal(said: dict[str, str]) -> Waiting:
    return Waiting(
        _number(said.get("socketid", "")), said["dimmid"].lower(), size_of(said.get("memorysize", "")),
        size_of(said.get("appdirect1size", "")) + size_of(said.get("appdirect2size", "")), said.get("status") or "New")


def _record(text: str) -> Record | None:
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    if "goal" not in said:
        return None
    return Record(said["goal"], said.get("boot", ""), max(_number(said.get("tries", "1")), 1),
                  tuple(said.get("modules", "").split()))
