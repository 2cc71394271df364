"""Where goals for persistent memory stand: which sockets are as asked, which wait for a restart, what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bpa.core.host.pmem.ipmctl import Ipmctl, OptaneModule, Waiting
from bpa.core.sizes import exact
from bpa.core.verdict import Stuck
from bpa.core.want import GoalWant

TOLERANCE = 3.0
OURS_TOLERANCE = 10.0
"""Percentage points between a share that is asked and one that is found: what we know to have asked for may have been
adjusted by up to 10% (ipmctl-create-goal(1), RETURN DATA)."""

REFUSED = {
    "bad request": "the firmware finds it invalid: see the rules of population of the board, and set a simpler goal",
    "not enough resources": "the processor maps no more memory (its SKU limits it), or the BIOS limits it: ask for less, or "
                            "more as Memory Mode",
    "firmware error": "see the BMC's event log and `ipmctl show -event`; update BIOS and module firmware",
}
"""Advice by what ipmctl-show-goal(1) says of a goal that failed."""


@dataclass(frozen=True, slots=True)
class SocketGoal:
    """The goal for one socket, and the modules there."""

    socket: int
    goal: GoalWant
    modules: tuple[OptaneModule, ...]

    @property
    def text(self) -> str:
        return f"socket {self.socket}: {self.goal.text}"


def goals_of(goals: tuple[GoalWant, ...], seen: Ipmctl) -> tuple[SocketGoal, ...] | Stuck:
    """One goal for each socket that has modules and is asked for."""
    rest = next((goal for goal in goals if goal.socket is None), None)
    by_socket = {goal.socket: goal for goal in goals if goal.socket is not None}
    missing = sorted(socket for socket in by_socket if socket not in seen.sockets)
    if missing:
        there = ", ".join(map(str, seen.sockets)) or "none"
        return Stuck(f"socket {missing[0]} has no persistent-memory modules; sockets with some: {there}",
                     "correct pmemGoal.sockets in the HardwareProfile")
    found = []
    for socket in seen.sockets:
        goal = by_socket.get(socket, rest)
        if goal is not None:
            found.append(SocketGoal(socket, goal, seen.of_socket(socket)))
    return tuple(found)


def text_of(goals: Iterable[SocketGoal]) -> str:
    """All goals, as our record names them."""
    return "; ".join(one.text for one in goals)


def is_met(one: SocketGoal, seen: Ipmctl, ours: bool) -> bool:
    """Whether the socket is divided as asked. ours: we asked for just this, so rounding is the firmware's."""
    whole = sum(module.capacity for module in one.modules)
    tolerance = OURS_TOLERANCE if ours else TOLERANCE
    share = 100 * sum(module.memory for module in one.modules) / whole if whole else -100.0
    asked = one.goal.memory_percent
    if abs(share - asked) > tolerance or (asked == 0) != (share == 0):
        return False
    if asked == 100:
        return not any(module.app_direct for module in one.modules)
    if not all(module.app_direct for module in one.modules):
        return False
    kinds = {found.kind for found in seen.sets if found.socket == one.socket}
    if len(one.modules) == 1:
        return bool(kinds)
    return kinds == {"AppDirect" if one.goal.interleaved else "AppDirectNotInterleaved"}


def layout(modules: tuple[OptaneModule, ...], seen: Ipmctl) -> str:
    """How a socket is divided now, for a person."""
    whole = sum(module.capacity for module in modules)
    memory = sum(module.memory for module in modules)
    if not whole or not (memory or any(module.app_direct for module in modules)):
        return "nothing set"
    sockets = {module.socket for module in modules}
    kinds = sorted({one.kind for one in seen.sets if one.socket in sockets})
    app_direct = ", ".join({"AppDirect": "App Direct interleaved", "AppDirectNotInterleaved": "App Direct not interleaved"}
                           .get(kind, kind) for kind in kinds)
    if not memory:
        return app_direct or "App Direct"
    return f"{round(100 * memory / whole)}% Memory Mode" + (f", rest {app_direct}" if app_direct else "")


def refused(goals: Iterable[Waiting]) -> Stuck | None:
    """Why the firmware refused a goal; None = it did not."""
    for one in goals:
        if one.failed:
            advice = next((text for word, text in REFUSED.items() if word in one.status.lower()),
                          "see the BMC's event log and `ipmctl show -event`")
            return Stuck(f"the firmware refused the goal for module {one.module} of socket {one.socket}: {one.status}",
                         f"{advice}; then change pmemGoal, or withdraw the goal with `ipmctl delete -goal` and apply again")
    return None


def obstacle(one: SocketGoal) -> Stuck | None:
    """Why no goal can be set on this socket; None = one can. Health and locks are PmemModulesFit's."""
    strange = [module.id for module in one.modules if not module.manageable]
    if strange:
        return Stuck(f"ipmctl cannot manage {', '.join(strange)} of socket {one.socket}",
                     "update ipmctl, or the module's firmware")
    enabled = [module.id for module in one.modules if module.lock.lower().startswith("unlocked")]
    if enabled:
        return Stuck(f"security is enabled on {', '.join(enabled)}: at the restart they are locked, and the firmware drops goals "
                     "for locked modules", "disable it first: `ndctl remove-passphrase`, then apply again")
    sizes = {module.capacity for module in one.modules}
    if one.goal.interleaved and one.goal.memory_percent < 100 and len(sizes) > 1:
        listed = ", ".join(f"{module.id} {exact(module.capacity)}" for module in one.modules)
        return Stuck(f"modules of different sizes cannot be interleaved: {listed}",
                     "ask for interleaved: false, or fit equal modules")
    return None
