"""Who may ask what: Redfish sessions, basic authentication, roles (DSP0266, clause 13)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bpa.lab.recorded.exchange import Doc, Reply, Request
from bpa.lab.recorded.tree import ROOT

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

OPEN = frozenset({"", "/redfish", ROOT, f"{ROOT}/odata", f"{ROOT}/$metadata"})
"""Read by anybody: clause 13.2.2."""


@dataclass(slots=True)
class Session:
    """One login. used: epoch seconds on the machine."""

    path: str
    token: str
    user: str
    used: float


class Gate:
    """The accounts' passwords and the open sessions of one machine."""

    def __init__(self, machine: Machine, username: str, password: str) -> None:
        self._machine = machine
        self.passwords = {username: password}
        self.open: dict[str, Session] = {}
        self._named: tuple[int, dict[str, str]] = (-1, {})
        self.limit = machine.ways.max_sessions
        self.logins = 0
        self.refused = 0
        store = machine.store
        root = store.get(ROOT) or {}
        self.collection = store.link(root, "Links", "Sessions") or f"{ROOT}/SessionService/Sessions"
        self.collection = self.collection.rstrip("/")
        self.service = store.link(root, "SessionService").rstrip("/") or f"{ROOT}/SessionService"
        self.accounts = store.link(store.linked(root, "AccountService"), "Accounts").rstrip("/")
        self._serve_sessions(root)
        self._adopt(username)

    @property
    def timeout(self) -> float:
        """Seconds of silence after which a session ends."""
        kept = (self._machine.store.get(self.service) or {}).get("SessionTimeout")
        # iLO counts minutes, and so does DMTF's mockup, to judge by its 30.
        seconds = float(kept) if isinstance(kept, int | float) and kept else float(self._machine.ways.session_timeout)
        return seconds * 60 if self._machine.ways.timeout_in_minutes else seconds

    def may(self, request: Request) -> Reply | None:
        """None where it may go on (request.user is set); the refusal otherwise."""
        say = self._machine.say
        where = request.where.rstrip("/")
        if where in OPEN and request.method in ("GET", "HEAD", "OPTIONS"):
            return None
        logs_in = self._machine.store.key(where.removesuffix("/Members")) == self._machine.store.key(self.collection)
        if request.method == "POST" and logs_in:
            return None
        self.expire()
        token = request.headers.get("X-Auth-Token")
        if token is not None:
            session = next((s for s in self.open.values() if hmac.compare_digest(s.token, token)), None)
            if session is None:
                return self._no("NoValidSession")
            session.used = self._machine.time.now()
            request.user = session.user
        else:
            user = self._basic(request.headers.get("Authorization", ""))
            if user is None:
                return self._no("NoValidSession" if "Authorization" not in request.headers else "ResourceAtUriUnauthorized",
                                where)
            request.user = user
        due = self._password_due(request)
        if due:
            return due
        if request.method not in ("GET", "HEAD", "OPTIONS") and not self._privileged(request):
            return say.error("InsufficientPrivilege")
        return None

    def log_in(self, request: Request) -> Reply:
        """POST to the collection of sessions."""
        say = self._machine.say
        body = request.body if isinstance(request.body, dict) else {}
        for name in ("UserName", "Password"):
            if not isinstance(body.get(name), str):
                raise say.refuse("PropertyMissing", name, related=(name,))
        user = body["UserName"]
        if not self._right(user, body["Password"]):
            return self._no("ResourceAtUriUnauthorized", self.collection)
        self.expire()
        if len(self.open) >= self.limit or self._machine.on("session-limit"):
            raise say.refuse("SessionLimitExceeded")
        self.logins += 1
        ident = secrets.token_hex(5)
        session = Session(f"{self.collection}/{ident}", secrets.token_hex(16), user, self._machine.time.now())
        doc: Doc = {
            "@odata.id": session.path, "@odata.type": "#Session.v1_5_0.Session", "Id": ident, "Name": "User Session",
            "Description": "User Session", "UserName": user, "Password": None, "SessionType": "Redfish",
            "CreatedTime": self._machine.time.stamp(), "ClientOriginIPAddress": "127.0.0.1",
        }
        account = self.account_of(user) or {}
        if account.get("PasswordChangeRequired") is True:
            doc["@Message.ExtendedInfo"] = [say.info("PasswordChangeRequired", account.get("@odata.id"))]
        self.open[session.path] = session
        self._machine.store.put(session.path, doc)
        self._machine.store.join(self.collection, session.path)
        return Reply(201, doc, {"X-Auth-Token": session.token, "Location": self._machine.location(session.path),
                                "Cache-Control": "no-store"})

    def log_out(self, path: str) -> bool:
        """Close the session at a path; whether there was one."""
        key = self._machine.store.key(path)
        found = next((p for p in self.open if self._machine.store.key(p) == key), None)
        if found is None:
            return False
        if not self._machine.on("session-leak"):
            self._end(found)
        return True

    def end_all(self) -> None:
        """As when the BMC restarts."""
        for path in list(self.open):
            self._end(path)

    def expire(self) -> None:
        """Close what was silent for too long."""
        limit = self._machine.time.now() - self.timeout
        for path, session in list(self.open.items()):
            if session.used < limit:
                self._end(path)

    def rename(self, old: str, new: str) -> None:
        """An account has another name."""
        if old in self.passwords:
            self.passwords[new] = self.passwords.pop(old)

    def account_of(self, user: str) -> Doc | None:
        """The ManagerAccount with this name."""
        store = self._machine.store
        if self._named[0] != store.changes:
            docs = [(path, store.get(path) or {}) for path in store.members(self.accounts)]
            self._named = (store.changes, {str(doc.get("UserName")): path for path, doc in docs})
        path = self._named[1].get(user)
        return store.get(path) if path else None

    def _end(self, path: str) -> None:
        del self.open[path]
        self._machine.store.remove(path)
        self._machine.store.leave(self.collection, path)

    def _no(self, name: str, *args: str) -> Reply:
        self.refused += 1
        realm = f'Basic realm="{self._machine.ways.name}"'
        return self._machine.say.error(name, *args, status=401, WWW_Authenticate=realm)

    def _basic(self, header: str) -> str | None:
        scheme, _, told = header.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(told, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return user if self._right(user, password) else None

    def _right(self, user: str, password: str) -> bool:
        if self._machine.on("wrong-password"):
            return False
        known = self.passwords.get(user)
        account = self.account_of(user)
        enabled = account is None or account.get("Enabled") is not False
        return known is not None and enabled and hmac.compare_digest(known.encode(), password.encode())

    def _password_due(self, request: Request) -> Reply | None:
        """403 where the account must change its password first, and this is not how (DSP0266, 13.2.6)."""
        account = self.account_of(request.user) or {}
        if account.get("PasswordChangeRequired") is not True:
            return None
        key, own = self._machine.store.key, str(account.get("@odata.id"))
        if key(request.where) == key(own) and request.method in ("GET", "PATCH"):
            return None
        if request.method == "DELETE" and request.where.startswith(self.collection + "/"):
            return None
        return self._machine.say.error("PasswordChangeRequired", own)

    def _privileged(self, request: Request) -> bool:
        account = self.account_of(request.user)
        role = (account or {}).get("RoleId")
        if account is None or role in (None, "Administrator"):
            return True
        where = request.where
        own = self._machine.store.key(where) == self._machine.store.key(str(account.get("@odata.id")))
        if own and request.method == "PATCH" and isinstance(request.body, dict) and set(request.body) == {"Password"}:
            return True
        if where.startswith(self.collection + "/") and request.method == "DELETE":
            session = self.open.get(where.rstrip("/"))
            return session is not None and session.user == request.user
        if role == "Operator":
            return where.startswith((f"{ROOT}/Systems", f"{ROOT}/Chassis")) or "VirtualMedia" in where
        return False

    def _serve_sessions(self, root: Doc) -> None:
        """A service of sessions where the tree lacks one; the recorder's own sessions are over."""
        store = self._machine.store
        for path in store.members(self.collection):
            store.remove(path)
        if not store.has(self.service):
            store.put(self.service, {
                "@odata.id": self.service, "@odata.type": "#SessionService.v1_1_8.SessionService",
                "Id": "SessionService", "Name": "Session Service", "ServiceEnabled": True,
                "SessionTimeout": self._machine.ways.session_timeout, "Sessions": {"@odata.id": self.collection},
            })
        collection = store.get(self.collection) or {
            "@odata.id": self.collection, "@odata.type": "#SessionCollection.SessionCollection",
            "Name": "Session Collection",
        }
        store.put(self.collection, {k: v for k, v in collection.items() if k != "Oem"}
                  | {"Members": [], "Members@odata.count": 0})
        if root and not (root.get("SessionService") and root.get("Links")):
            edited = store.edit(ROOT)
            edited["SessionService"] = {"@odata.id": self.service}
            links = edited.get("Links")
            edited["Links"] = (links if isinstance(links, dict) else {}) | {"Sessions": {"@odata.id": self.collection}}

    def _adopt(self, username: str) -> None:
        """The user of the command line is an account of the machine: the recorded one of that name, or the first
        administrator, renamed."""
        store = self._machine.store
        if self.account_of(username) is not None:
            return
        for path in store.members(self.accounts):
            doc = store.get(path) or {}
            if doc.get("RoleId") == "Administrator" and doc.get("Enabled") is not False:
                store.edit(path)["UserName"] = username
                return
