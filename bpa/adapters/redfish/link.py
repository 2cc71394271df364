"""The connection to one BMC: one Redfish session, or basic auth; a refused password is never tried again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from bpa.adapters.errors import AdapterError, Refused, Unsupported
from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.answers import Broken, Denied, Faulty, Missing, Moved, Unauthorized
from bpa.adapters.redfish.wire import Answer, Wire

ROOT = "/redfish/v1/"
LOGOUT_SECONDS = 10.0
LOG = logging.getLogger(__name__)


class Link:
    """Not for two threads at once. Every method raises the four adapter errors only."""

    def __init__(self, access: BmcAccess) -> None:
        self._access = access
        self._wire = Wire(access)
        self._root: Mapping[str, Any] | None = None
        self._auth = ""  # "" not yet, "session" or "basic"
        self._session_path = ""
        self._refused: Refused | None = None
        self.origin = self._wire.origin
        self.path_of = self._wire.path_of
        self.hang_up = self._wire.hang_up

    @property
    def refused(self) -> Refused | None:
        """Set for good once the BMC refused the credentials: asking again could lock the account."""
        return self._refused

    def get(self, path: str) -> Answer:
        """GET a resource; asked again where the connection breaks, for it changes nothing."""
        retrying = Retrying(
            retry=retry_if_exception_type(Broken), stop=stop_after_attempt(3), wait=wait_fixed(0.5), reraise=True
        )
        return retrying(self._authorized, "GET", path)

    def post(self, path: str, data: Mapping[str, Any]) -> Answer:
        """POST, once."""
        return self._write("POST", path, data)

    def patch(self, path: str, data: Mapping[str, Any], etag: str = "") -> Answer:
        """PATCH, once, with If-Match where an ETag is given."""
        return self._write("PATCH", path, data, {"If-Match": etag} if etag else {})

    def root(self) -> Mapping[str, Any]:
        """The service root, read once and without credentials, as the specification wants it served."""
        if self._root is None:
            try:
                root = self._wire.follow(ROOT)
            except Unauthorized:
                # Not as specified, but seen: even the root wants credentials.
                self._use_basic()
                root = self._once("GET", ROOT)
            if not root.body:
                raise Faulty(f"{self.origin}{ROOT} is empty: not a usable Redfish service root")
            self._root = root.body
        return self._root

    def close(self) -> None:
        """Log out and hang up; never raises an adapter error. May be called twice."""
        path, self._session_path = self._session_path, ""
        try:
            if path:
                self._wire.exchange("DELETE", path, timeout=LOGOUT_SECONDS)
        except (Unauthorized, Missing):
            pass  # the session had ended before
        except (AdapterError, Moved) as error:
            LOG.warning("could not log out of %s, its session ends by itself: %s", self.origin, error)
        finally:
            self._forget_login()
            self.hang_up()

    def _write(
        self, method: str, path: str, data: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Answer:
        # A write is never sent twice, so it must not go out on a connection that the BMC may just have closed.
        self.hang_up()
        try:
            return self._authorized(method, path, data, headers)
        finally:
            self.hang_up()

    def _authorized(
        self,
        method: str,
        path: str,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        self._log_in()
        try:
            return self._once(method, path, data, headers)
        except _Ended:
            # The credentials had been accepted: the session ran out, or the BMC restarted.
            self._forget_login()
            self._log_in()
        try:
            return self._once(method, path, data, headers)
        except _Ended as error:
            raise Denied(f"{self.origin} denies {method} {path} to this account {error}".rstrip()) from None

    def _once(
        self,
        method: str,
        path: str,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            return self._wire.follow(path) if method == "GET" else self._wire.exchange(method, path, data, headers)
        except Unauthorized as error:
            if self._auth == "session":
                raise _Ended(error.said) from None
            raise self._lock(error.said) from None
        except Moved:
            raise Unsupported(f"{method} {path} is redirected, which Redfish does not know") from None

    def _log_in(self) -> None:
        if self._refused is not None:
            raise self._refused
        sessions = "" if self._auth else self._sessions_path()
        if self._auth:
            return
        if not sessions:
            self._use_basic()
            return
        login = {"UserName": self._access.username, "Password": self._access.password.reveal()}
        try:
            answer = self._wire.exchange("POST", sessions, login)
        except (Unauthorized, Denied) as error:
            # iLO answers a wrong password with 400, others with 403: trying basic auth too would count double.
            raise self._lock(str(error)) from None
        except (Unsupported, Moved):
            self._use_basic()
            return
        token = answer.headers.get("X-Auth-Token", "")
        if not token:
            self._use_basic()
            return
        self._wire.use_token(token)
        self._auth = "session"
        try:
            self._session_path = self.path_of(answer.location or answer.body.get("@odata.id"))
        except Unsupported:
            LOG.warning("%s does not say where its session is: it cannot be logged out of", self.origin)

    def _sessions_path(self) -> str:
        root = self.root()
        links = root.get("Links")
        try:
            if isinstance(links, Mapping) and links.get("Sessions"):
                return self.path_of(links["Sessions"])
            if root.get("SessionService"):
                service = self._wire.follow(self.path_of(root["SessionService"])).body
                return self.path_of(service.get("Sessions"))
        except (Unsupported, Denied, Faulty, Unauthorized):
            return ""
        return ""

    def _use_basic(self) -> None:
        self._wire.use_basic(self._access.username, self._access.password.reveal())
        self._auth = "basic"

    def _forget_login(self) -> None:
        self._auth = ""
        self._session_path = ""
        self._wire.use_nothing()

    def _lock(self, said: str) -> Refused:
        self._refused = Refused(
            f"{self.origin} refused the credentials of user {self._access.username}" + (f" ({said})" if said else ""),
            "correct the Secret; BPA does not try again by itself, so that the account is not locked",
        )
        self._forget_login()
        return self._refused


class _Ended(Exception):
    """401 within a Redfish session that had been granted."""
