"""The Redfish sessions that are open on a BMC, shown and closed on a person's word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish.login.sweeping import client, kind, made_at
from bpa.adapters.redfish.reading import Reader, inner, text
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Missing
from bpa.adapters.redfish.transport.look import key_of


@dataclass(frozen=True, slots=True)
class Session:
    """One session. kind: SessionType (HPE: UserTag), "" where not told.

    made: seconds since 1970 by the BMC's clock, None where not told. own: the one that this was read with. held: a living
    BPA process on this machine has it. mine: it is of the user that asks, and made by Redfish as far as the BMC tells.
    """

    path: str
    id: str
    user: str
    kind: str = ""
    client: str = ""
    made: float | None = None
    own: bool = False
    held: bool = False
    mine: bool = False


def read_sessions(target: Target, reader: Reader) -> tuple[Session, ...]:
    """All sessions that the BMC shows to this account. Raises Unsupported where it has no SessionService."""
    root = target.link.root()
    service = inner(root, "Links") if isinstance(inner(root, "Links").get("Sessions"), dict) else (
        reader.optional(root, "SessionService"))
    if not inner(service, "Sessions"):
        raise Unsupported(f"{target.origin} has no Redfish sessions", "it is used with basic authentication")
    own = key_of(target.link.session_path)
    shelf = target.access.shelf
    held = {key_of(path) for path in shelf.alive(target.origin).paths} if shelf else set()
    found = []
    for path, body in reader.collection(service, "Sessions"):
        user, made_by = text(body, "UserName"), kind(body)
        found.append(Session(
            path, text(body, "Id") or path.rstrip("/").rsplit("/", 1)[-1], user, made_by, client(body), made_at(body),
            own=key_of(path) == own, held=key_of(path) in held,
            mine=user.casefold() == target.access.username.casefold() and made_by in ("", "Redfish")))
    return tuple(found)


def chosen(sessions: Iterable[Session], ids: Iterable[str], mine: bool) -> tuple[Session, ...]:
    """Those with these Ids (or paths), and with mine all of our user that nobody here uses now.

    Raises Refused where there is no such session, or it is the one that is needed for closing it.
    """
    sessions = tuple(sessions)
    wanted: dict[str, Session] = {}
    for name in ids:
        same = [s for s in sessions if name == s.id or key_of(name) == key_of(s.path)]
        if not same:
            raise Refused(f"there is no session {name}; there are {', '.join(s.id for s in sessions) or 'none'}",
                          "bpa bmc sessions ADDRESS shows them")
        if same[0].own:
            raise Refused(f"session {name} is the one that this very command uses", "it is closed at the end by itself")
        wanted[same[0].path] = same[0]
    if mine:
        wanted |= {s.path: s for s in sessions if s.mine and not s.own and not s.held}
    return tuple(wanted.values())


def close_session(target: Target, session: Session) -> bool:
    """Close it; False where it had ended by itself. Raises the adapter errors."""
    try:
        target.link.delete(session.path)
    except Missing:
        return False
    return True
