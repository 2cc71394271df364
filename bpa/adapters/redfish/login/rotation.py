"""Changing a BMC's password so that it is never lost: both are on the disk before the BMC is asked, until one is proven."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable
from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.login.accounts import Account, change_password, find_account, refusal, without_etag
from bpa.adapters.redfish.target import Target
from bpa.core.secret import Secret

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rotation:
    """A change that was begun: old is None where the account is not our own, and its old password not known."""

    origin: str
    username: str
    new: Secret
    old: Secret | None


class Rotations:
    """Changes that were begun and not settled, one 0600 file each below `directory`. Raises Refused where it cannot write."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, origin: str, username: str) -> Rotation | None:
        """What was begun, or None. Raises Refused where the file is there and cannot be read."""
        file = self.file(origin, username)
        try:
            told = json.loads(file.read_text())
            return Rotation(origin, username, Secret(told["new"]), None if told["old"] is None else Secret(told["old"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise Refused(f"{file}, which holds the passwords of a change that was begun, cannot be read",
                          "see who owns it; it is the only note of the new password") from None

    def keep(self, rotation: Rotation) -> None:
        """On the disk, whole, when this returns."""
        file = self.file(rotation.origin, rotation.username)
        told = {"origin": rotation.origin, "user": rotation.username, "new": rotation.new.reveal(),
                "old": rotation.old.reveal() if rotation.old else None}
        new = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                json.dump(told, stream)
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(file)
            folder = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise Refused(f"the passwords cannot be kept in {self._directory}: {error.strerror}; nothing was changed",
                          "set BPA_STATE to a directory that you may write") from None

    def drop(self, rotation: Rotation) -> None:
        """One password is proven: neither needs to be kept."""
        self.file(rotation.origin, rotation.username).unlink(missing_ok=True)

    def file(self, origin: str, username: str) -> Path:
        """Where it is, for a person."""
        return self._directory / f"{hashlib.sha256(f'{origin.lower()} {username}'.encode()).hexdigest()[:16]}.json"


@dataclass(frozen=True, slots=True)
class Rotated:
    """What came of it. changed: False where the new password was in force already. notes: what was found on the way."""

    changed: bool
    notes: tuple[str, ...] = ()


def rotate(
    access: BmcAccess, new: Secret, kept: Rotations, username: str = "", dry_run: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Rotated:
    """Change the password of `username` ("" = the one that access logs in with), prove it by a login, or put it back.

    Each password is tried once. say is told what is done, in lines without secrets. A run that was killed is finished by the
    next one. Raises the adapter errors: Refused where it was put back, or could not be; the message says which holds now.
    """
    username = username or access.username
    own = username == access.username
    begun = kept.find(access.origin, username)
    if begun is not None:
        holds = _settle(begun, access, own, say)
        if holds is None:
            raise Refused(
                f"a change of the password of {username} on {access.origin} was begun, and the BMC now takes neither the old nor "
                "the new one", f"both are kept in {kept.file(access.origin, username)}; wait if the account is locked, see who "
                "else changed it, and remove that file when you know")
        if not dry_run:
            kept.drop(begun)
        if holds == new:
            return Rotated(True, ("the change that an earlier run began is finished",))
        access = replace(access, password=holds) if own else access
    with Target(access) as target:
        try:
            account = find_account(target, target.reader(), username)
        except Refused:
            if own and target.link.refused is not None and access.password != new and _takes(access, username, new):
                return Rotated(False, ("the new password is in force already",))
            raise
        if own and access.password == new:
            return Rotated(False, ("the new password is in force already",))
        wrong = refusal(account, new)
        if wrong is not None:
            raise wrong
        if dry_run:
            say(f'PATCH {account.path} {{"Password": "***"}}')
            return Rotated(False)
        rotation = Rotation(access.origin, username, new, access.password if own else None)
        kept.keep(rotation)
        _change(target, account, rotation, access, kept, say)
    return Rotated(True)


def _change(target: Target, account: Account, rotation: Rotation, access: BmcAccess, kept: Rotations,
            say: Callable[[str], None]) -> None:
    say(f"changing the password of {rotation.username} at {account.path}")
    try:
        change_password(target, account, rotation.new, rotation.old)
    except (Unreachable, Busy) as error:
        # It may have happened all the same: a login tells.
        say(f"the BMC did not confirm it ({error})")
    except AdapterError:
        kept.drop(rotation)
        raise
    say("logging in with the new password")
    if _takes(access, rotation.username, rotation.new):
        kept.drop(rotation)
        return
    say("it is refused: putting the old password back")
    _put_back(target, account, rotation, access, kept)
    kept.drop(rotation)
    raise Refused(f"{access.origin} did not take the new password of {rotation.username}; the old one is in force",
                  "it may be too long, too simple, or have characters that this BMC cannot hold: choose another one")


def _put_back(target: Target, account: Account, rotation: Rotation, access: BmcAccess, kept: Rotations) -> None:
    """Returns once the old one is known to hold. Raises Refused."""
    if rotation.old is not None:
        # The session of before may still stand; where it does not, a login with the old password tells.
        with contextlib.suppress(AdapterError):
            change_password(target, without_etag(account), rotation.old, rotation.new)
        if _takes(access, rotation.username, rotation.old):
            return
    known = "neither the old nor the new one" if rotation.old else "not the new one, and the old one is not known here"
    raise Refused(f"{access.origin} took the change of {rotation.username}'s password, and now accepts {known}",
                  f"both are kept in {kept.file(access.origin, rotation.username)}; wait, in case the account is locked, and "
                  "run this again: it tries each once")


def _settle(begun: Rotation, access: BmcAccess, own: bool, say: Callable[[str], None]) -> Secret | None:
    """Which of the two passwords of a change that was cut off is in force; None where neither is."""
    say("an earlier change was cut off: seeing which password is in force")
    for password in (begun.new, begun.old):
        if password is not None and _takes(access, begun.username, password):
            return password
    # Ours may have been set by somebody since, and documents know it.
    if own and access.password not in (begun.new, begun.old) and _takes(access, begun.username, access.password):
        return access.password
    return None


def _takes(access: BmcAccess, username: str, password: Secret) -> bool:
    """Whether a login with it is accepted: one attempt. Raises Unreachable and Busy."""
    with Target(replace(access, username=username, password=password)) as target:
        try:
            target.link.prove()
        except Refused:
            if target.link.refused is not None:
                return False
            raise
        return True
