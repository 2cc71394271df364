"""Optane modules of a simulated host, their goals, and ipmctl."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bpa.core.facts import Ran
from bpa.core.host.pmem.ipmctl import RECORD

if TYPE_CHECKING:
    from bpa.lab.simulated.linux import Running
    from bpa.lab.simulated.machine import Machine

DONE = Ran(0)


@dataclass(slots=True)
class Optane:
    """A module: sizes in bytes, kind of its interleave set ("" = none), and the goal that waits: (share, kind)."""

    id: str
    socket: int
    capacity: int = 126 << 30
    memory: int = 0
    kind: str = ""
    goal: tuple[int, str] | None = None
    status: str = "New"
    security: str = "disabled"

    @property
    def app_direct(self) -> int:
        return (self.capacity - self.memory) if self.kind else 0


def apply_goals(machine: Machine) -> None:
    """What the firmware does with goals in POST: regions come and go with them, and with these what lies on them."""
    waiting = [one for one in machine.hardware.optane if one.goal and one.status == "New"]
    if not waiting:
        return
    if machine.faults.strikes("goal dropped", machine.time):
        for one in waiting:
            one.goal = None
        return
    if refused := machine.faults.strikes("goal refused", machine.time):
        for one in waiting:
            one.status = f"Failed - {refused.value or 'Bad request'}"
        return
    for one in waiting:
        share, kind = one.goal or (0, "")
        one.memory, one.kind, one.goal = round(one.capacity * share / 100), kind, None
    if any(one.kind for one in machine.hardware.optane):
        there = {region.dev for region in machine.hardware.regions}
        machine.hardware.regions += [region for region in machine.hardware.promised if region.dev not in there]
    else:
        machine.hardware.regions.clear()


def set_goal(os: Running, record: str, text: str, goals: tuple[str, ...]) -> Ran:
    """bpa.core.host.goal.SET_GOAL."""
    os.installed.write(record, text)
    for goal in goals:
        socket, *words = goal.split()
        said = dict(word.split("=", 1) for word in words)
        modules = [one for one in os.machine.hardware.optane if one.socket == int(socket)]
        if not modules:
            return Ran(1, "", f"Invalid target: socket {socket}")
        if any(region.namespaces for region in os.machine.hardware.regions):
            return Ran(1, "", "Error: one or more namespaces exist on the specified PMem modules")
        for one in modules:
            one.goal, one.status = (int(said["MemoryMode"]), said.get("PersistentMemoryType", "")), "New"
    return DONE


def withdraw(os: Running, record: str, sockets: tuple[str, ...]) -> Ran:
    """bpa.core.host.goal.WITHDRAW."""
    for one in os.machine.hardware.optane:
        if str(one.socket) in sockets:
            one.goal = None
    os.installed.files.pop(record, None)
    return DONE


def ipmctl(os: Running) -> str:
    """The answer of probe `ipmctl`: nothing at all where there is no module."""
    parts = os.machine.hardware
    if not parts.regions and not parts.optane and RECORD not in os.installed.files:
        return ""
    modules = "".join(_element("Dimm", {
        "DimmID": one.id, "SocketID": f"0x{one.socket:04x}", "DimmUID": f"8089-a2-1839-{one.id[2:]:0>8}",
        "Capacity": f"{one.capacity} B", "MemoryCapacity": f"{one.memory} B", "AppDirectCapacity": f"{one.app_direct} B",
        "InaccessibleCapacity": "0 B", "HealthState": "Healthy", "HealthStateReason": "None",
        "LockState": one.security.capitalize(), "FWVersion": "01.02.00.5446", "ConfigurationStatus": "Valid",
        "ManageabilityState": "Manageable"}) for one in parts.optane)
    sets = "".join(_element("Region", {
        "SocketID": f"0x{group[0].socket:04x}", "PersistentMemoryType": group[0].kind,
        "Capacity": f"{sum(one.app_direct for one in group)} B", "HealthState": "Healthy",
        "DimmID": ", ".join(one.id for one in group)}) for group in _sets(parts.optane))
    goals = "".join(_element("ConfigGoal", {
        "SocketID": f"0x{one.socket:04x}", "DimmID": one.id,
        "MemorySize": f"{one.capacity * one.goal[0] // 100} B",
        "AppDirect1Size": f"{one.capacity * (100 - one.goal[0]) // 100} B", "AppDirect2Size": "0 B",
        "Status": one.status}) for one in parts.optane if one.goal)
    return "".join((
        f"@@ record\n{os.installed.files.get(RECORD, '')}@@ tool\n/usr/bin/ipmctl\n",
        f"@@ modules\n{_listed('DimmList', modules, 'No PMem modules in the system.')}",
        f"@@ sets\n{_listed('RegionList', sets, 'There are no Regions defined in the system.')}",
        f"@@ goals\n{_listed('ConfigGoalList', goals, 'There are no goal configs defined in the system.')}",
    ))


def _sets(modules: list[Optane]) -> list[list[Optane]]:
    """Modules that are one interleave set."""
    sets: dict[str, list[Optane]] = {}
    for one in modules:
        if one.kind:
            sets.setdefault(str(one.socket) if one.kind == "AppDirect" else one.id, []).append(one)
    return list(sets.values())


def _element(kind: str, attributes: dict[str, str]) -> str:
    inside = "".join(f"  <{name}>{value}</{name}>\n" for name, value in attributes.items())
    return f" <{kind}>\n{inside} </{kind}>\n"


def _listed(kind: str, inside: str, otherwise: str) -> str:
    return f'<?xml version="1.0"?>\n<{kind}>\n{inside}</{kind}>\n' if inside else f"{otherwise}\n"
