"""The account of a user on a BMC, and its password."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish.media.negotiation import Negotiation
from bpa.adapters.redfish.reading import Reader, inner, number, text
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Denied
from bpa.core.request import Request
from bpa.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Account:
    """path and etag of the ManagerAccount; shortest and longest: what the service allows for a password, 0 = not told."""

    path: str
    etag: str = ""
    shortest: int = 0
    longest: int = 0


def find_account(target: Target, reader: Reader, username: str) -> Account:
    """The account of that UserName. Raises Refused where there is none, or where the BMC does not show it to us."""
    try:
        return _find(target, reader, username)
    except Denied as error:
        path = next((arg for message in error.messages if message.id == "PasswordChangeRequired" for arg in message.args), "")
        if not path:
            raise
        # DSP0266, "Password management": until it is changed, only its own account may be seen, and this is where it is.
        return Account(target.link.path_of(path))


def change_password(target: Target, account: Account, new: Secret, old: Secret | None) -> None:
    """PATCH Password, with OldPassword where the BMC wants it (ManagerAccount v1_13_0). Raises the adapter errors."""
    offers: dict[str, object] = {} if old is None else {"OldPassword": old}
    Negotiation(offers, frozenset()).send(target.link, Request("PATCH", account.path, {"Password": new}), account.etag)


def refusal(account: Account, new: Secret) -> Refused | None:
    """Why this password cannot be one on this BMC, as far as the BMC tells beforehand."""
    length = len(new.reveal())
    if not length or not new.reveal().isprintable():
        return Refused("the new password is empty, or has characters that nobody can type", "choose another one")
    if length < account.shortest or (account.longest and length > account.longest):
        allowed = f"{account.shortest or 1} to {account.longest}" if account.longest else f"at least {account.shortest}"
        return Refused(f"the new password has {length} characters; this BMC takes {allowed}", "choose another one")
    return None


def _find(target: Target, reader: Reader, username: str) -> Account:
    root = target.link.root()
    if not inner(root, "AccountService"):
        raise Unsupported(f"{target.origin} has no AccountService", "change the password in its web pages")
    service = reader.resource(root["AccountService"]).body
    # Slots of iDRAC and XCC are many, most of them empty: the members are read until ours is there.
    shown: list[str] = []
    for path, body in reader.collection(service, "Accounts"):
        name = text(body, "UserName")
        if name == username:
            fresh = target.link.get(path)
            return Account(path, fresh.etag, number(service, "MinPasswordLength"), number(service, "MaxPasswordLength"))
        shown += [name] if name else []
    why = f" ({reader.problem})" if reader.problems else ""
    raise Refused(f"{target.origin} shows no account {username}; it shows {', '.join(shown) or 'none'}{why}",
                  "a user of a directory (LDAP) cannot be changed here; --user-to-change names another account")


def without_etag(account: Account) -> Account:
    """The same, for a later change: the ETag was that of the state before."""
    return replace(account, etag="")
