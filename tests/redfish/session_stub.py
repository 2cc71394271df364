"""A BMC with a SessionService that can be looked into: who is logged in, since when and from where, and how many may be."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stub_bmc import ROOT, Reply, Request, StubBmc, error

SESSIONS = f"{ROOT}/SessionService/Sessions"


@dataclass
class SessionBmc(StubBmc):
    """times: sessions tell CreatedTime, by a clock that is `ahead` seconds ahead. most: sessions that may be open.

    delay: seconds between making a session and answering. basic: whether basic auth is accepted.
    """

    times: bool = True
    ahead: float = 0.0
    most: int = 100
    delay: float = 0.0
    basic: bool = True
    limit_status: int = 400
    open: dict[str, dict[str, Any]] = field(default_factory=dict)
    most_open: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def add(self, number: int, user: str = "admin", age: float = 0.0, **more: Any) -> str:
        """A session that was made `age` seconds ago; its path."""
        path = f"{SESSIONS}/{number}"
        self.tokens[f"token-of-{number}"] = path
        made = datetime.fromtimestamp(time.time() - age + self.ahead, UTC)
        self.open[path] = {"@odata.id": path, "Id": str(number), "UserName": user,
                           **({"CreatedTime": f"{made:%Y-%m-%dT%H:%M:%SZ}"} if self.times else {}), **more}
        self.most_open = max(self.most_open, len(self.open))
        return path

    def answer(self, request: Request) -> Reply:
        for token, path in list(self.tokens.items()):
            if path not in self.open and "token-of-" in token:
                del self.tokens[token]
        key = request.key
        if key.startswith(SESSIONS.lower()) and request.method != "POST" and (said := self.fault(self, request)) is not None:
            return said
        if key == SESSIONS.lower() and request.method == "GET" and self._knows(request):
            self.log.append(request)
            return Reply(200, {"Members": [{"@odata.id": path} for path in self.open]})
        if key.startswith(f"{SESSIONS.lower()}/") and self._knows(request):
            self.log.append(request)
            if request.path not in self.open:
                return error(404, "no such session")
            if request.method == "DELETE":
                del self.open[request.path]
                self.tokens = {t: p for t, p in self.tokens.items() if p != request.path}
                return Reply(204)
            return Reply(200, self.open[request.path])
        return super().answer(request)

    def _log_in(self, request: Request) -> Reply:
        right = (request.body.get("UserName"), request.body.get("Password")) == (self.username, self.password)
        if right and len(self.open) >= self.most:
            return error(self.limit_status, "The session limit has been reached.", "Base.1.8.SessionLimitExceeded")
        reply = super()._log_in(request)
        if reply.status == 201:
            token = reply.headers["X-Auth-Token"]
            path = self.tokens.pop(token)
            self.tokens[f"token-of-{self.logins}"] = self.add(self.logins)
            reply = Reply(201, reply.body, {**reply.headers, "X-Auth-Token": f"token-of-{self.logins}", "Location": path})
            if self.delay:
                self._over.wait(self.delay)
        return reply

    def _knows(self, request: Request) -> bool:
        if not self.basic and "Authorization" in request.headers:
            return False
        return super()._knows(request)
