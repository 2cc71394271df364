"""Closing the sessions that killed runs left behind, and no others."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish.login.shelf import Alive, Slip
from bpa.adapters.redfish.transport.answers import Denied, Faulty, Missing, clean
from bpa.adapters.redfish.transport.wire import Answer

EARLY, LATE = 3.0, 35.0
"""Seconds around an intent in which its session may have been made: clocks show whole seconds; a login is given 30."""
PATIENCE = 3600.0
"""Seconds for which a lost login is looked for where it cannot be told from others: sessions that nobody uses end within."""
LOG = logging.getLogger(__name__)
Json = Mapping[str, Any]


def close_left(
    left: list[Slip], alive: Callable[[], Alive], username: str, sessions: str, own: Slip | None, own_since: float,
    ask: Callable[[str, str], Answer], path_of: Callable[[object], str],
) -> int:
    """Close what the slips tell of, dropping each that is settled; how many sessions were closed.

    A session is closed only where it is of our user and no living process holds it. One whose path was never written down
    must have been made when the login was tried, by the BMC's own clock, which our own new session (own, made at our time
    own_since) tells. Where more sessions fit than logins are missing, or where somebody is just logging in, none is closed,
    and the slips stay for a later run, for a while. Raises what ask raises.
    """
    own_path = own.path if own else ""
    closed = 0
    ahead = _clock_ahead(ask, own_path, own_since)
    held = alive().paths
    for slip in [s for s in left if s.path]:
        if _same(slip.path, own_path) or any(_same(slip.path, path) for path in held):
            # The BMC gave the number out again: the session that had it is gone.
            slip.drop()
            continue
        body = _read(ask, slip.path)
        made = made_at(body) if body is not None and ahead is not None else None
        if body is not None and _may_be_ours(body, username) and (made is None or _fits(slip, made - (ahead or 0.0))):
            closed += _close(ask, slip.path)
        slip.drop()
    lost = [s for s in left if not s.path]
    if lost and own is not None and own_path:
        closed += _find_lost(lost, alive, username, sessions, own_path, ahead, ask, path_of)
    return closed


def _clock_ahead(ask: Callable[[str, str], Answer], own: str, since: float) -> float | None:
    """Seconds by which the BMC's clock is ahead of ours, told by our own session; None where it does not tell."""
    mine = _read(ask, own) if own else None
    made = None if mine is None else made_at(mine)
    return None if made is None else made - since


def _find_lost(
    lost: list[Slip], alive: Callable[[], Alive], username: str, sessions: str, own: str, ahead: float | None,
    ask: Callable[[str, str], Answer], path_of: Callable[[object], str],
) -> int:
    mine = _read(ask, own)
    if mine is None or ahead is None:
        LOG.info("%d login(s) were cut off in the middle; this BMC does not say when a session was made, so that a session "
                 "they may have left ends by its own timeout", len(lost))
        for slip in lost:
            slip.drop()
        return 0
    candidates: list[tuple[str, float]] = []
    for link in _members(ask, sessions):
        try:
            path = path_of(link)
        except Unsupported:
            continue
        body = _read(ask, path) if not _same(path, own) else None
        at = None if body is None else made_at(body)
        if body is not None and at is not None and _may_be_ours(body, username) and client(body) == client(mine):
            candidates.append((path, at - ahead))
    # Only now: whoever logged in before the list was read had written that down before.
    now = alive()
    if now.coming:
        return 0
    candidates = [(path, at) for path, at in candidates if not any(_same(path, held) for held in now.paths)]
    fitting = {path for path, at in candidates if any(_fits(slip, at) for slip in lost)}
    if len(fitting) > len(lost):
        LOG.warning("%d sessions of user %s may be those that %d cut-off login(s) left: which is which cannot be told, so "
                    "none is closed (bpa bmc sessions ADDRESS shows them)", len(fitting), username, len(lost))
        for slip in lost:
            if time.time() - slip.intended > PATIENCE:
                slip.drop()
        return 0
    closed = 0
    for path in sorted(fitting):
        closed += _close(ask, path)
    for slip in lost:
        slip.drop()
    return closed


def made_at(session: Json) -> float | None:
    """When a session was made, by the BMC's clock: CreatedTime (Session v1_4_0), or HPE's LoginTime; None where not told."""
    for told in (session.get("CreatedTime"), _hpe(session).get("LoginTime")):
        try:
            return datetime.fromisoformat(str(told)).timestamp()
        except (ValueError, OverflowError):
            continue
    return None


def client(session: Json) -> str:
    """The address that a session was made from: ClientOriginIPAddress (Session v1_3_0), or HPE's UserIP; "" = not told."""
    told = session.get("ClientOriginIPAddress") or _hpe(session).get("UserIP")
    return clean(told) if isinstance(told, str) else ""


def kind(session: Json) -> str:
    """SessionType, or HPE's UserTag in its words: iLO 5 has REST and SSH; "" = not told."""
    told = session.get("SessionType") or _hpe(session).get("UserTag")
    said = clean(told) if isinstance(told, str) else ""
    return "Redfish" if said == "REST" else said


def _hpe(session: Json) -> Json:
    oem = session.get("Oem")
    hpe = oem.get("Hpe") if isinstance(oem, Mapping) else None
    return hpe if isinstance(hpe, Mapping) else {}


def _fits(slip: Slip, at: float) -> bool:
    return slip.intended - EARLY <= at <= slip.intended + LATE


def _may_be_ours(session: Json, username: str) -> bool:
    user = session.get("UserName")
    return isinstance(user, str) and user.casefold() == username.casefold() and kind(session) in ("", "Redfish")


def _read(ask: Callable[[str, str], Answer], path: str) -> Json | None:
    try:
        return ask("GET", path).body
    except (Missing, Denied, Faulty):
        return None


def _members(ask: Callable[[str, str], Answer], sessions: str) -> list[object]:
    members = (_read(ask, sessions) or {}).get("Members")
    return members[:256] if isinstance(members, list) else []


def _close(ask: Callable[[str, str], Answer], path: str) -> int:
    try:
        ask("DELETE", path)
    except (Missing, Denied, Faulty) as error:
        LOG.info("session %s is not closed: %s", path, error)
        return 0
    LOG.info("closed session %s, left behind by a run that was killed", path)
    return 1


def _same(one: str, other: str) -> bool:
    return one.lower().rstrip("/") == other.lower().rstrip("/")
