"""How far a System is on its way from power to operating system, and waiting until it is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bpa.adapters.errors import Busy, Refused, Unreachable
from bpa.adapters.redfish.reading import Json, inner, number, text
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.waiting import Waiting

Post = Literal["running", "late", "done", "setup", "off", "unknown"]
"""late: nearly through; most go on from there, and some stay there while the operating system runs."""

# ComputerSystem.BootProgress.LastState (DSP2046). SystemHardwareInitializationComplete was recorded on a Supermicro
# whose operating system ran.
_PROGRESS: dict[str, Post] = {
    **dict.fromkeys(("PrimaryProcessorInitializationStarted", "BusInitializationStarted", "MemoryInitializationStarted",
                     "SecondaryProcessorInitializationStarted", "PCIResourceConfigStarted"), "running"),
    "SystemHardwareInitializationComplete": "late",
    **dict.fromkeys(("OSBootStarted", "OSRunning"), "done"),
    "SetupEntered": "setup",
}
# Oem.Hpe.PostState (HPE iLO RESTful API, HpeComputerSystemExt). Without an operating system it stays DiscoveryComplete.
_HPE: dict[str, Post] = {
    **dict.fromkeys(("InPost", "InPostDiscoveryStart", "Reset"), "running"),
    "InPostDiscoveryComplete": "late",
    "FinishedPost": "done",
    "PowerOff": "off",
}
# Oem.Lenovo.SystemStatus (XCC; one value recorded on SR670 V2, the others from public clients).
_LENOVO: dict[str, Post] = {
    **dict.fromkeys(("SystemOn_StartingUEFI", "SystemRunningInUEFI"), "running"),
    **dict.fromkeys(("BootingOSOrInUndetectedOS", "OSBooted"), "done"),
    "SystemRunningInSetup": "setup",
    "SystemPowerOff_StateUnknown": "off",
}
UNTOLD = 120.0
"""Seconds for which a machine is taken to be in POST after it was switched on, where its BMC tells nothing of POST."""
LATE = 60.0
"""Seconds after which a machine that stays nearly through is through."""
FLICKER = 60.0
"""Seconds for which a machine may show Off in the middle of a restart (PowerCycle takes its time)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look. power as served ("" = not told); state: what the BMC itself says of POST; boots: changes with each boot.

    The fourth of boots (Lenovo's count) changes late: that it stays the same says nothing.
    """

    power: str
    post: Post
    state: str = ""
    boots: tuple[str, ...] = ()


def look(target: Target) -> Seen:
    """In one request. Raises the adapter errors."""
    return seen(target.system().body)


def seen(system: Json) -> Seen:
    """What a ComputerSystem resource tells of power and POST."""
    power = text(system, "PowerState")
    told = [
        (text(inner(system, "BootProgress"), "LastState", "OemLastState"), _PROGRESS),
        (text(inner(system, "Oem", "Hpe"), "PostState"), _HPE),
        (text(inner(system, "Oem", "Hp"), "PostState"), _HPE),
        (text(inner(system, "Oem", "Lenovo"), "SystemStatus"), _LENOVO),
    ]
    state, post = next(((s, meaning[s]) for s, meaning in told if s in meaning), ("", "unknown"))
    if power == "Off":
        post = "off"
    elif post == "off":
        post = "unknown"  # what it says of the boot lags behind the power
    boots = (
        text(system, "LastResetTime"),
        text(inner(system, "BootProgress"), "LastStateTime"),
        text(inner(system, "Oem", "Hpe"), "PostDiscoveryCompleteTimeStamp"),
        str(number(inner(system, "Oem", "Lenovo"), "NumberOfReboots") or ""),
    )
    return Seen(power, post, state or next((s for s, _ in told if s), ""), boots)


@dataclass(slots=True)
class Watch:
    """Looks at a machine that is to get on or off, one after the other. before: the look from before a restart."""

    power: Literal["On", "Off"]
    post_done: bool = False
    before: Seen | None = None
    last: Seen | None = None
    last_since: float = 0.0
    restarted: bool = False
    on_since: float | None = None
    off_since: float | None = None

    def take(self, now: Seen, waited: float) -> bool:
        """Whether it is so, `waited` seconds after the request. Raises Refused where it will not become so by itself."""
        same = now == self.last
        was_on = self.last is not None and self.last.power == "On"
        self.last, self.last_since = now, self.last_since if same else waited
        if self.power == "Off":
            return now.power == "Off"
        if now.power != "On":
            self.restarted, self.on_since = True, None
            self.off_since = waited if self.off_since is None and now.power == "Off" else self.off_since
            self._still_off(now, waited, was_on)
            return False
        self.off_since = None
        self.on_since = waited if self.on_since is None else self.on_since
        if not self._has_restarted(now, waited):
            return False
        if not self.post_done or now.post == "unknown":
            return not self.post_done or waited - self.on_since >= UNTOLD
        # Twice the same: what is told of the boot lags behind the power for a moment.
        if now.post == "setup" and same:
            raise Refused("the machine is in its firmware setup", "somebody may be at work there: leave it, then try again")
        if now.post == "late":
            return waited - self.last_since >= LATE
        return now.post == "done" and same

    def _still_off(self, now: Seen, waited: float, was_on: bool) -> None:
        if self.before is None and was_on and now.power == "Off":
            raise Refused("the machine was on and is off again: somebody pressed its button, or it failed",
                          "see the event log (`bpa bmc log`), then switch it on again")
        if self.before is not None and self.off_since is not None and waited - self.off_since > FLICKER:
            raise Refused("the machine went off in its restart and did not come back: somebody pressed its button, or it failed",
                          "see the event log (`bpa bmc log`), then switch it on again")

    def _has_restarted(self, now: Seen, waited: float) -> bool:
        before = self.before
        if before is None or self.restarted:
            return True
        changed = any(one and other and one != other for one, other in zip(before.boots, now.boots, strict=True))
        told = any(before.boots[:3])
        self.restarted = changed or now.post in ("running", "setup") or (not told and waited >= UNTOLD)
        return self.restarted


def wait_until(
    target: Target, power: Literal["On", "Off"], wait: Waiting, *, post_done: bool = False, before: Seen | None = None,
    tell: Callable[[Seen], None] = lambda seen: None,
) -> Seen:
    """Look until the power is so and, with post_done, firmware has handed over; with `before` after a restart only.

    before: the look from before a restart was asked. A BMC that does not answer in between is asked again. Raises Busy
    at the deadline, Refused where it will not become so by itself, and the adapter errors. tell: each new look.
    """
    watch = Watch(power, post_done, before)
    trouble = ""
    for waited in wait.looks():
        try:
            now = look(target)
        except (Unreachable, Busy) as error:
            trouble = f"; its BMC: {error}"
            continue
        trouble = ""
        if now != watch.last:
            tell(now)
        try:
            if watch.take(now, waited):
                return now
        except Refused as error:
            raise Refused(f"{target.origin}: {error}", error.advice) from None
    last = watch.last
    told = f"power {last.power or 'not told'}, {last.state or 'no word of POST'}" if last else "it was never seen"
    if before is not None and not watch.restarted:
        told = f"the restart has not been seen; {told}"
    due = "off" if power == "Off" else "through POST" if post_done else "on"
    raise Busy(f"{target.origin}: the machine is not {due} after {wait.seconds:.0f} s: {told}{trouble}",
               "look at its console; a machine with much memory takes long: --timeout")
