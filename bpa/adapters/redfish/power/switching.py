"""Power on, off and restart of one System until it is so: first politely, then by force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bpa.adapters.errors import Busy, Unsupported
from bpa.adapters.redfish.power import post
from bpa.adapters.redfish.power.post import Seen
from bpa.adapters.redfish.power.reset import allowed_resets, nearest, send_reset
from bpa.adapters.redfish.transport.answers import Broken
from bpa.adapters.redfish.waiting import Waiting
from bpa.adapters.redfish.writing import Writer

Goal = Literal["on", "off", "restart", "cycle", "nmi"]
ASKED: Mapping[str, Goal] = {"on": "on", "off": "off", "restart": "restart", "cycle": "cycle", "nmi": "nmi"}


@dataclass(frozen=True, slots=True)
class Switched:
    """seen: the last look. changed False = it was so already. forced: the operating system did not do it in time."""

    seen: Seen
    changed: bool
    forced: bool = False


def switch(
    writer: Writer, goal: Goal, wait: Waiting, *, grace: float = 120.0, post_done: bool = False,
    tell: Callable[[Seen], None] = lambda seen: None,
) -> Switched:
    """Bring the power to where it is to be, and wait until it is there. grace 0 = by force at once; in seconds.

    wait.seconds 0 = send and do not wait. Raises the adapter errors: Busy at the deadline.
    """
    before = writer.patiently(lambda: post.look(writer.target))
    if before.power == "PoweringOff" and goal in ("on", "restart", "cycle") and wait.seconds > 0 and not writer.dry_run:
        before = post.wait_until(writer.target, "Off", wait, tell=tell)
    if goal == "off":
        return _off(writer, before, wait, grace, tell)
    if goal == "nmi":
        return Switched(before, bool(_send(writer, "Nmi", before)))
    if goal == "on" or before.power == "Off":
        sent = _send(writer, "On", before)
        return Switched(_wait(writer, "On", wait, post_done, None, before, tell), bool(sent))
    if goal == "cycle" or grace <= 0:
        return _restart(writer, "PowerCycle" if goal == "cycle" else "ForceRestart", before, wait, post_done, tell)
    return _polite_restart(writer, before, wait, grace, post_done, tell)


def _off(writer: Writer, before: Seen, wait: Waiting, grace: float, tell: Callable[[Seen], None]) -> Switched:
    if before.power == "Off":
        return Switched(before, changed=False)
    polite = grace > 0 and _allows(writer, "GracefulShutdown")
    _send(writer, "GracefulShutdown" if polite else "ForceOff", before)
    if writer.dry_run or wait.seconds <= 0:
        return Switched(before, changed=True)
    if polite:
        try:
            return Switched(post.wait_until(writer.target, "Off", replace(wait, seconds=grace), tell=tell), changed=True)
        except Busy:
            _send(writer, "ForceOff", before)
    return Switched(post.wait_until(writer.target, "Off", wait, tell=tell), changed=True, forced=polite)


def _polite_restart(
    writer: Writer, before: Seen, wait: Waiting, grace: float, post_done: bool, tell: Callable[[Seen], None]
) -> Switched:
    at_once = wait.seconds <= 0
    if at_once or (_allows(writer, "GracefulRestart", exactly=True) and _tells_boots(before)):
        _send(writer, "GracefulRestart", before)
        if writer.dry_run or at_once:
            return Switched(before, changed=True)
        try:
            post.wait_until(writer.target, "On", replace(wait, seconds=grace), before=before, tell=tell)
        except Busy:
            return replace(_restart(writer, "ForceRestart", before, wait, post_done, tell), forced=True)
        return Switched(_wait(writer, "On", wait, post_done, before, before, tell), changed=True)
    # A GracefulRestart that cannot be seen to happen is not worth waiting for: off and on does the same.
    if not _allows(writer, "GracefulShutdown"):
        return _restart(writer, "ForceRestart", before, wait, post_done, tell)
    return _off_and_on(writer, before, wait, grace, post_done, tell)


def _restart(
    writer: Writer, reset_type: str, before: Seen, wait: Waiting, post_done: bool, tell: Callable[[Seen], None]
) -> Switched:
    if _allows(writer, reset_type):
        _send(writer, reset_type, before)
        return Switched(_wait(writer, "On", wait, post_done, before, before, tell), changed=True)
    if wait.seconds <= 0 or not _allows(writer, "ForceOff"):
        raise Unsupported(f"{writer.target.origin} allows no {reset_type}", "switch the host off, then on")
    return _off_and_on(writer, before, wait, 0.0, post_done, tell)


def _off_and_on(
    writer: Writer, before: Seen, wait: Waiting, grace: float, post_done: bool, tell: Callable[[Seen], None]
) -> Switched:
    off = _off(writer, before, wait, grace, tell)
    _send(writer, "On", off.seen, "Off" if writer.dry_run else "")
    return replace(off, seen=_wait(writer, "On", wait, post_done, None, before, tell))


def _send(writer: Writer, reset_type: str, before: Seen, power: str = "") -> str:
    try:
        return send_reset(writer, reset_type, power)
    except Broken:
        # The connection broke in the middle: what the machine does now tells whether it had been heard.
        if writer.patiently(lambda: post.look(writer.target)) == before:
            raise
        return reset_type


def _wait(
    writer: Writer, power: Literal["On", "Off"], wait: Waiting, post_done: bool, restarted_from: Seen | None, last: Seen,
    tell: Callable[[Seen], None],
) -> Seen:
    if writer.dry_run or wait.seconds <= 0:
        return last
    return post.wait_until(writer.target, power, wait, post_done=post_done, before=restarted_from, tell=tell)


def _allows(writer: Writer, reset_type: str, exactly: bool = False) -> bool:
    target = writer.target
    reader = target.reader()
    allowed = allowed_resets(reader, target.system(reader).body)
    if exactly:
        return not allowed or reset_type in allowed
    return nearest(reset_type, allowed, "On") is not None


def _tells_boots(seen: Seen) -> bool:
    return any(seen.boots[:3]) or seen.post != "unknown"
