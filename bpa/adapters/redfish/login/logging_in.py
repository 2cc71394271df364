"""Logging in to one BMC: one Redfish session, or basic auth; a refused password is never sent again."""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bpa.adapters.errors import AdapterError, Refused, Unreachable, Unsupported
from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.login.shelf import Slip
from bpa.adapters.redfish.login.sweeping import close_left
from bpa.adapters.redfish.transport.answers import Denied, Faulty, Full, Missing, Moved, Unauthorized
from bpa.adapters.redfish.transport.wire import Wire

T = TypeVar("T")
LOGIN_SECONDS = 30.0
LOGOUT_SECONDS = 10.0
FULL_SECONDS = 2.0
"""How long a BMC with too many sessions is given, where it does not say how long it wants (never more than PATIENCE)."""
PATIENCE = 5.0
LOG = logging.getLogger(__name__)


@dataclass(eq=False)
class Grant:
    """What requests are sent with: a session's token, or the password itself. proven: the BMC has accepted it once."""

    headers: Mapping[str, str] = field(repr=False)
    slip: Slip | None = None
    at: float = 0.0
    proven: bool = False
    instead: Full | None = None  # basic auth only because there was no room for a session

    @property
    def session(self) -> bool:
        return self.slip is not None


class NoSlip:
    """A login that only this process remembers."""

    def __init__(self) -> None:
        self.intended, self.path = time.time(), ""

    def made(self, path: str) -> None:
        self.path = path

    def drop(self) -> None:
        self.path = ""

    leave = drop


class Login:
    """For several threads. sleep is called with seconds where a BMC wants a moment. root gives the service root.

    call: how many times it was logged out. Who reads ahead names the one that it reads for: a GET that is still under way
    at the logout meets an ended session, and must not log in again for nobody.
    """

    def __init__(self, access: BmcAccess, wire: Wire, root: Callable[[], Mapping[str, Any]],
                 sleep: Callable[[float], None]) -> None:
        self._access, self._wire, self._root, self._sleep = access, wire, root, sleep
        self._shelf = access.shelf
        self._lock = threading.RLock()
        self._grant: Grant | None = None
        self._basic_denied = False
        self._sessions = ""
        self.refusal: Refused | None = None
        self.call = 0

    def grant(self, call: int | None = None) -> Grant:
        """The one in force; logs in where there is none. Raises the adapter errors; Unreachable where call is over."""
        with self._lock:
            self._raise_refusal()
            if call is not None and call != self.call:
                raise Unreachable(f"{self._wire.origin} was logged out of meanwhile")
            if self._grant is None:
                self._grant = self._log_in()
            return self._grant

    def basic(self) -> Grant:
        """The password itself, for a root that wants credentials."""
        with self._lock:
            self._raise_refusal()
            if self._grant is None:
                self._grant = self._password()
            return self._grant

    def again(self, used: Grant, call: int | None = None) -> Grant:
        """After a 401 to a session: a new one, unless another thread has it already, or call is over (Unreachable)."""
        with self._lock:
            if self._grant is used:
                self._grant = None
                if used.slip is not None:
                    # It may have ended, or this one question may be above its rights: then it is still there.
                    used.slip.leave()
            return self.grant(call)

    def prove(self, used: Grant, ask: Callable[[], T]) -> T:
        """Ask with a grant: while it is not known to be good, one request at a time, so that one password is tried once.

        Raises Unauthorized where a session got 401, Refused where the password did.
        """
        if used.proven or used.session:
            return ask()
        with self._lock:
            self._raise_refusal()
            if used.instead is not None and self._basic_denied:
                raise used.instead
            try:
                answer = ask()
            except Unauthorized as error:
                if used.instead is not None:
                    # The limit may be told before the password is looked at, or basic auth be switched off.
                    self._basic_denied, self._grant = True, None
                    raise used.instead from None
                raise self.lock(error.said) from None
            except AdapterError as error:
                used.proven = isinstance(error, Denied | Missing)
                raise
            used.proven = True
            return answer

    def lock(self, said: str) -> Refused:
        """The credentials are wrong: nothing is asked any more. Gives the error to raise."""
        self.refusal = Refused(
            f"{self._wire.origin} refused the credentials of user {self._access.username}" + (f" ({said})" if said else ""),
            "correct user and password (those of a site's host are in its Secret); they are not tried again, so that the "
            "account is not locked",
        )
        if self._shelf is not None:
            self._shelf.remember_refused(self._wire.origin, self._access.username, self._access.password, self.refusal)
        self._grant = None
        return self.refusal

    def close(self) -> None:
        """Log out; never raises an adapter error."""
        with self._lock:
            grant, self._grant = self._grant, None
            self.call += 1
            if grant is None or grant.slip is None:
                return
            slip = grant.slip
            try:
                if self._shelf is not None and slip.path:
                    self._close_left(grant)
                if slip.path:
                    self._end(slip.path, grant)
                slip.drop()
            except (Unauthorized, Missing):
                slip.drop()  # the session had ended before
            except (AdapterError, Moved) as error:
                LOG.warning("could not log out of %s, its session ends by itself: %s", self._wire.origin, error)
                slip.leave()

    def _end(self, path: str, grant: Grant) -> None:
        began = time.monotonic()
        try:
            self._wire.exchange("DELETE", path, None, grant.headers, LOGOUT_SECONDS)
        except Unreachable:
            # A connection that the BMC has dropped meanwhile shows only when it is used. Ended twice is ended.
            if time.monotonic() - began > LOGOUT_SECONDS / 2:
                raise
            self._wire.hang_up()
            self._wire.exchange("DELETE", path, None, grant.headers, LOGOUT_SECONDS)

    def _raise_refusal(self) -> None:
        if self.refusal is None and self._shelf is not None:
            self.refusal = self._shelf.refused(self._wire.origin, self._access.username, self._access.password)
        if self.refusal is not None:
            raise self.refusal

    def _log_in(self) -> Grant:
        self._sessions = self._sessions or self._sessions_path()
        if not self._sessions:
            return self._password()
        try:
            return self._open()
        except Full as error:
            return self._make_room(error)
        except (Unsupported, Moved):
            return self._password()

    def _open(self) -> Grant:
        """A new session. Raises Full where there are too many, Unsupported where there are none at all."""
        login = {"UserName": self._access.username, "Password": self._access.password.reveal()}
        shelf = self._shelf
        slip: Slip = NoSlip() if shelf is None else shelf.intend(self._wire.origin, self._access.username)
        try:
            answer = self._wire.exchange("POST", self._sessions, login, None, LOGIN_SECONDS)
        except (Unauthorized, Denied) as error:
            slip.drop()
            # iLO answers a wrong password with 400, others with 403: trying basic auth too would count double.
            raise self.lock(str(error)) from None
        except (Unreachable, Faulty):
            slip.leave()  # there may be a session now, whose path was lost on the way
            raise
        except BaseException as error:
            (slip.drop if isinstance(error, AdapterError | Moved) else slip.leave)()
            raise
        token = answer.headers.get("X-Auth-Token", "")
        try:
            slip.made(self._wire.path_made(answer))
        except Unsupported:
            LOG.warning("%s does not say where its session is: it cannot be logged out of", self._wire.origin)
        if not token or not token.isascii() or not token.isprintable():
            slip.leave()
            raise Unsupported(f"{self._wire.origin} gives no usable token for a session")
        grant = Grant({"X-Auth-Token": token}, slip, time.time())
        if shelf is not None:
            self._close_left(grant)
        return grant

    def _make_room(self, full: Full) -> Grant:
        """Too many sessions: close what is left of ours, wait a moment, and else do without a session."""
        password = self._password()
        password.instead = full
        if not self._basic_denied and self._close_left(password):
            LOG.info("%s had too many sessions; those that BPA had left behind are closed", self._wire.origin)
        else:
            self._sleep(min(full.retry_after if full.retry_after is not None else FULL_SECONDS, PATIENCE))
        try:
            return self._open()
        except Full as error:
            password.instead = error
            if self._basic_denied:
                raise error from None
            LOG.warning("%s has too many sessions: going on without one", self._wire.origin)
            return password

    def _close_left(self, grant: Grant) -> int:
        """Close what killed runs left; how many. Trouble with it is no trouble for the login."""
        if self._shelf is None:
            return 0
        origin = self._wire.origin
        left = self._shelf.left(origin, self._access.username)
        if not left:
            return 0
        shelf = self._shelf
        try:
            return close_left(left, lambda: shelf.alive(origin, left), self._access.username, self._sessions, grant.slip,
                              grant.at, lambda method, path: self.prove(
                                  grant, lambda: self._wire.exchange(method, path, None, grant.headers, LOGOUT_SECONDS)),
                              self._wire.path_of)
        except (AdapterError, Unauthorized, Moved) as error:
            LOG.warning("sessions that a killed run left on %s are not closed yet: %s", origin, error)
            self._raise_refusal()
            return 0
        finally:
            for slip in left:
                slip.leave()

    def _password(self) -> Grant:
        # As UTF-8: Latin-1 would fail on the rest of the world's passwords.
        both = f"{self._access.username}:{self._access.password.reveal()}".encode()
        return Grant({"Authorization": f"Basic {base64.b64encode(both).decode()}"})

    def _sessions_path(self) -> str:
        root = self._root()
        links = root.get("Links")
        try:
            if isinstance(links, Mapping) and links.get("Sessions"):
                return self._wire.path_of(links["Sessions"])
            if root.get("SessionService"):
                service = self._wire.follow(self._wire.path_of(root["SessionService"])).body
                return self._wire.path_of(service.get("Sessions"))
        except (Unsupported, Denied, Faulty, Unauthorized):
            return ""
        return ""
