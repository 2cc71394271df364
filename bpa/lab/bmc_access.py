"""Who may talk to the lab's BMC: faults, Basic authentication and Redfish sessions (DSP0266, 13.3) as a WSGI layer."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bpa.core.secret import Secret
from bpa.lab import faults

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

SESSIONS = "/redfish/v1/SessionService/Sessions"
SERVICE = "/redfish/v1/SessionService"
_OPEN = ("/redfish", "/redfish/v1", "/redfish/v1/odata", "/redfish/v1/$metadata")
_TIMEOUT = 1800
_SLOW = 3.0


@dataclass(slots=True)
class Sessions:
    """Open Redfish sessions: id -> (token, user, last use as monotonic seconds). Safe to use from several threads."""

    clock: Callable[[], float] = time.monotonic
    _open: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, user: str) -> tuple[str, str]:
        """A new session: (id, token)."""
        with self._lock:
            identity, token = secrets.token_hex(6), secrets.token_urlsafe(24)
            self._open[identity] = (token, user, self.clock())
            return identity, token

    def valid(self, token: str) -> bool:
        with self._lock:
            for identity, (known, user, used) in list(self._open.items()):
                if self.clock() - used > _TIMEOUT:
                    del self._open[identity]
                elif hmac.compare_digest(known.encode(), token.encode()):
                    self._open[identity] = (known, user, self.clock())
                    return True
            return False

    def close(self, identity: str) -> bool:
        with self._lock:
            return self._open.pop(identity, None) is not None

    def users(self) -> dict[str, str]:
        """Session id -> user."""
        with self._lock:
            return {identity: user for identity, (_, user, _) in self._open.items()}


@dataclass(slots=True)
class Gate:
    """WSGI application in front of the BMC's: faults first, then authentication, then SessionService, then `app`.

    As real BMCs do: the service root is readable by all, a wrong password is 401, and 401 says nothing more.
    """

    app: WsgiApp
    username: str
    password: Secret
    fault_file: Path
    uuids: Mapping[str, str] = field(default_factory=dict)
    sessions: Sessions = field(default_factory=Sessions)
    pause: Callable[[float], None] = time.sleep

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        path, method = "/" + environ.get("PATH_INFO", "").strip("/"), environ.get("REQUEST_METHOD", "GET")
        on = {f.name: f for f in faults.read(self.fault_file) if f.host is None or self.uuids.get(f.host, "-") in path}
        if "slow" in on:
            self.pause(_SLOW)
        if "unavailable" in on:
            until = on["unavailable"].until
            wait = 5 if until is None else max(1, min(30, round(until - time.time())))
            return _answer(
                start,
                "503 Service Unavailable",
                _error("ServiceTemporarilyUnavailable", "the service is starting"),
                [("Retry-After", str(wait))],
            )
        locked = "wrong-password" in on
        if path == SESSIONS and method == "POST":
            return self._log_in(environ, start, locked)
        if path not in _OPEN and not self._known(environ, locked):
            return _answer(
                start,
                "401 Unauthorized",
                _error("NoValidSession", "authentication required"),
                [("WWW-Authenticate", 'Basic realm="redfish"')],
            )
        if path in (SERVICE, SESSIONS) or path.startswith(SESSIONS + "/"):
            return self._session_service(path, method, start)
        return self.app(environ, start)

    def _known(self, environ: Environ, locked: bool) -> bool:
        token = environ.get("HTTP_X_AUTH_TOKEN")
        if token is not None:
            return self.sessions.valid(token)
        scheme, _, credentials = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "basic" or locked:
            return False
        try:
            user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return self._right(user, password)

    def _right(self, user: str, password: str) -> bool:
        same_user = hmac.compare_digest(user.encode(), self.username.encode())
        return hmac.compare_digest(password.encode(), self.password.reveal().encode()) and same_user

    def _log_in(self, environ: Environ, start: StartResponse, locked: bool) -> Iterable[bytes]:
        try:
            body = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            user, password = str(body["UserName"]), str(body["Password"])
        except (ValueError, KeyError, TypeError):
            return _answer(start, "400 Bad Request", _error("PropertyMissing", "UserName and Password are required"))
        if locked or not self._right(user, password):
            return _answer(
                start, "401 Unauthorized", _error("ResourceAtUriUnauthorized", "wrong user name or password")
            )
        identity, token = self.sessions.open(user)
        return _answer(
            start,
            "201 Created",
            _session(identity, user),
            [("X-Auth-Token", token), ("Location", f"{SESSIONS}/{identity}"), ("Cache-Control", "no-store")],
        )

    def _session_service(self, path: str, method: str, start: StartResponse) -> Iterable[bytes]:
        users = self.sessions.users()
        identity = path.rpartition("/")[2]
        if path == SERVICE and method == "GET":
            return _answer(
                start,
                "200 OK",
                {
                    "@odata.id": SERVICE,
                    "@odata.type": "#SessionService.v1_1_8.SessionService",
                    "Id": "SessionService",
                    "Name": "Session Service",
                    "ServiceEnabled": True,
                    "SessionTimeout": _TIMEOUT,
                    "Sessions": {"@odata.id": SESSIONS},
                },
            )
        if path == SESSIONS and method == "GET":
            return _answer(
                start,
                "200 OK",
                {
                    "@odata.id": SESSIONS,
                    "@odata.type": "#SessionCollection.SessionCollection",
                    "Name": "Session Collection",
                    "Members@odata.count": len(users),
                    "Members": [{"@odata.id": f"{SESSIONS}/{i}"} for i in users],
                },
            )
        if path.startswith(SESSIONS + "/") and identity in users and method == "GET":
            return _answer(start, "200 OK", _session(identity, users[identity]))
        if path.startswith(SESSIONS + "/") and method == "DELETE" and self.sessions.close(identity):
            return _answer(start, "204 No Content", None)
        if path.startswith(SESSIONS + "/") and identity not in users:
            return _answer(start, "404 Not Found", _error("ResourceMissingAtURI", f"no session {identity}"))
        return _answer(start, "405 Method Not Allowed", _error("OperationNotAllowed", f"{method} is not allowed here"))


def _session(identity: str, user: str) -> dict[str, object]:
    return {
        "@odata.id": f"{SESSIONS}/{identity}",
        "@odata.type": "#Session.v1_5_0.Session",
        "Id": identity,
        "Name": "User Session",
        "UserName": user,
    }


def _error(code: str, message: str) -> dict[str, object]:
    return {
        "error": {
            "code": f"Base.1.0.{code}",
            "message": message,
            "@Message.ExtendedInfo": [{"MessageId": f"Base.1.0.{code}", "Message": message}],
        }
    }


def _answer(
    start: StartResponse, status: str, body: dict[str, object] | None, headers: list[tuple[str, str]] | None = None
) -> Iterable[bytes]:
    data = b"" if body is None else json.dumps(body).encode()
    kind = [] if body is None else [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
    start(status, kind + [("OData-Version", "4.0")] + (headers or []))
    return [data] if data else []
