"""A BMC with accounts whose passwords can be changed, in the ways that real ones do it and fail at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from session_stub import SessionBmc
from stub_bmc import ROOT, Reply, Request, error, small_machine

ACCOUNTS = f"{ROOT}/AccountService/Accounts"


def machine_with_accounts() -> dict[str, Any]:
    resources = small_machine()
    resources[ROOT]["AccountService"] = {"@odata.id": f"{ROOT}/AccountService"}
    resources[f"{ROOT}/accountservice"] = {
        "MinPasswordLength": 4, "MaxPasswordLength": 20, "Accounts": {"@odata.id": ACCOUNTS}}
    resources[ACCOUNTS.lower()] = {"Members": [{"@odata.id": f"{ACCOUNTS}/{n}"} for n in (1, 2, 3)]}
    for number, user in ((1, ""), (2, "admin"), (3, "operator")):
        resources[f"{ACCOUNTS.lower()}/{number}"] = {"Id": str(number), "UserName": user, "Password": None}
    return resources


@dataclass
class AccountBmc(SessionBmc):
    """how: what becomes of PATCH Password. attempts: wrong and right passwords that came to the login, in order."""

    resources: Any = field(default_factory=machine_with_accounts)
    how: str = "well"
    attempts: list[str] = field(default_factory=list)
    changes: int = 0

    def answer(self, request: Request) -> Reply:
        if request.method == "POST" and isinstance(request.body, dict) and "Password" in request.body:
            self.attempts.append(request.body["Password"])
        if request.method == "PATCH" and request.key.startswith(ACCOUNTS.lower()) and self._knows(request):
            self.log.append(request)
            return self._change(request)
        return super().answer(request)

    def _change(self, request: Request) -> Reply:
        new = request.body["Password"]
        self.changes += 1
        match self.how:
            case "etag" if request.headers.get("If-Match") != '"7"':
                return error(412, "wrong ETag")
            case "old" if request.body.get("OldPassword") != self.password:
                return error(400, "The property OldPassword is missing.", "Base.1.8.PropertyMissing")
            case "policy":
                return error(400, "The password does not meet the requirements.", "Base.1.8.PropertyValueError")
            case "forgets":
                return Reply(204)
            case "truncates":
                new = new[:8]
            case "scrambles" if self.changes == 1:
                new = "nobody knows"
            case "scrambles for good":
                new = "nobody knows"
            case "silent":
                self.password = new
                return Reply(200, b"", {"Content-Length": "9"}, cut=3)
            case "silent, not done":
                return Reply(200, b"", {"Content-Length": "9"}, cut=3)
            case "ends sessions":
                self.open.clear()
        if request.key.endswith("/2"):
            self.password = new
        return Reply(204)
