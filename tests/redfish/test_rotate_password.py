"""A new password: proven by a login, or the old one back; never lost, never shown, each tried once."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from account_stub import ACCOUNTS, AccountBmc
from stub_bmc import ROOT, Reply, Request, StubBmc, error, serve

from bpa.adapters.errors import Busy, Refused, Unsupported
from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.login.rotation import Rotated, Rotations, rotate
from bpa.core.secret import Secret

NEW = "brand-new-secret"


@pytest.fixture
def stub() -> Iterator[AccountBmc]:
    with serve(AccountBmc()) as made:
        yield made


@pytest.fixture
def kept(tmp_path: Path) -> Rotations:
    return Rotations(tmp_path / "rotations")


def access(stub: StubBmc, password: str = "right") -> BmcAccess:
    return BmcAccess(stub.address, "admin", Secret(password))


def change(stub: StubBmc, kept: Rotations, password: str = "right", **more: Any) -> Rotated:
    return rotate(access(stub, password), Secret(NEW), kept, **more)


def files(kept: Rotations) -> list[Path]:
    return list(kept._directory.glob("*.json"))


def test_the_password_is_changed_and_proven_and_nothing_stays_on_the_disk(stub: AccountBmc, kept: Rotations) -> None:
    assert change(stub, kept).changed
    assert stub.password == NEW
    assert stub.attempts == ["right", NEW]
    assert files(kept) == []
    assert stub.open == {}


@pytest.mark.parametrize("how", ["etag", "old", "ends sessions", "silent"])
def test_it_is_changed_however_the_bmc_wants_it(stub: AccountBmc, kept: Rotations, how: str) -> None:
    stub.how = how
    stub.etags[f"{ACCOUNTS.lower()}/2"] = '"7"'
    assert change(stub, kept).changed
    assert stub.password == NEW
    assert files(kept) == []


def test_both_passwords_are_on_the_disk_and_private_before_the_bmc_hears_of_it(stub: AccountBmc, kept: Rotations) -> None:
    seen: list[str] = []

    def watch(self: AccountBmc, request: Request) -> Reply:
        (file,) = files(kept)
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
        seen.append(file.read_text())
        self.password = request.body["Password"]
        return Reply(204)

    stub._change = watch.__get__(stub)  # type: ignore[method-assign]
    change(stub, kept)
    assert NEW in seen[0] and "right" in seen[0]


@pytest.mark.parametrize("how", ["forgets", "truncates", "scrambles"])
def test_a_password_that_is_taken_and_then_refused_is_replaced_by_the_old_one(
    stub: AccountBmc, kept: Rotations, how: str
) -> None:
    stub.how = how
    if how == "truncates":
        stub.password = "right"
    with pytest.raises(Refused, match="the old one is in force"):
        change(stub, kept)
    assert stub.password == "right"[:8]
    assert stub.attempts.count(NEW) == 1
    assert files(kept) == []


def test_where_neither_works_both_are_kept_and_it_says_where(stub: AccountBmc, kept: Rotations) -> None:
    stub.how = "scrambles for good"
    with pytest.raises(Refused, match="neither the old nor the new one") as caught:
        change(stub, kept)
    (file,) = files(kept)
    assert str(file) in caught.value.advice
    assert stub.attempts == ["right", NEW, "right"]
    stub.password = NEW  # somebody mends it
    assert change(stub, kept).changed
    assert files(kept) == []


@pytest.mark.parametrize("in_force", ["right", NEW])
def test_what_a_killed_run_began_is_finished_by_the_next_with_one_attempt_each(
    stub: AccountBmc, kept: Rotations, in_force: str
) -> None:
    from bpa.adapters.redfish.login.rotation import Rotation

    kept.keep(Rotation(stub.address, "admin", Secret(NEW), Secret("right")))
    stub.password = in_force
    assert change(stub, kept).changed
    assert stub.password == NEW
    assert files(kept) == []
    assert stub.refused == (1 if in_force == "right" else 0)


def test_a_real_kill_between_the_change_and_the_proof_loses_nothing(stub: AccountBmc, kept: Rotations) -> None:
    child = os.fork()
    if not child:
        def die(line: str) -> None:
            if "logging in with the new" in line:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            change(stub, kept, say=die)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert stub.password == NEW
    assert len(files(kept)) == 1
    assert change(stub, kept).changed
    assert files(kept) == []


def test_somebody_changed_it_since_and_ours_is_what_the_documents_say(stub: AccountBmc, kept: Rotations) -> None:
    from bpa.adapters.redfish.login.rotation import Rotation

    kept.keep(Rotation(stub.address, "admin", Secret("x1"), Secret("x2")))
    assert change(stub, kept).changed
    assert stub.password == NEW
    assert stub.attempts[:3] == ["x1", "x2", "right"]


def test_what_was_begun_and_cannot_be_settled_is_told_without_a_further_try(stub: AccountBmc, kept: Rotations) -> None:
    from bpa.adapters.redfish.login.rotation import Rotation

    kept.keep(Rotation(stub.address, "admin", Secret(NEW), Secret("right")))
    stub.password = "else"
    with pytest.raises(Refused, match="neither the old nor the new"):
        change(stub, kept)
    assert stub.attempts == [NEW, "right"]
    assert len(files(kept)) == 1


def test_it_is_so_already(stub: AccountBmc, kept: Rotations) -> None:
    stub.password = NEW
    assert not change(stub, kept, NEW).changed
    assert not change(stub, kept, "right").changed, "the one given is the old one"
    assert stub.changes == 0


def test_a_wrong_password_is_wrong(stub: AccountBmc, kept: Rotations) -> None:
    with pytest.raises(Refused, match="refused the credentials"):
        change(stub, kept, "wrong")
    assert stub.attempts == ["wrong", NEW]
    assert files(kept) == []


@pytest.mark.parametrize(("new", "text"), [("abc", "4 to 20"), ("x" * 21, "4 to 20"), ("", "empty"), ("tab\there", "type")])
def test_what_the_bmc_says_it_will_not_take_is_not_sent(stub: AccountBmc, kept: Rotations, new: str, text: str) -> None:
    with pytest.raises(Refused, match=text):
        rotate(access(stub), Secret(new), kept)
    assert stub.changes == 0
    assert files(kept) == []


def test_a_refusal_by_policy_leaves_everything_as_it_was(stub: AccountBmc, kept: Rotations) -> None:
    stub.how = "policy"
    with pytest.raises(Refused, match="does not meet the requirements"):
        change(stub, kept)
    assert stub.attempts == ["right"]
    assert files(kept) == []


def test_a_change_that_was_not_confirmed_and_did_not_happen_is_found_out(stub: AccountBmc, kept: Rotations) -> None:
    stub.how = "silent, not done"
    with pytest.raises(Refused, match="the old one is in force"):
        change(stub, kept)
    assert files(kept) == []


def test_a_bmc_that_is_away_for_the_proof_leaves_both_for_the_next_run(stub: AccountBmc, kept: Rotations) -> None:
    def away(_: StubBmc, request: Request) -> Reply | None:
        return error(503, "restarting") if request.method == "POST" and stub.changes else None

    stub.fault = away
    with pytest.raises(Busy):
        change(stub, kept)
    assert len(files(kept)) == 1
    stub.fault = lambda bmc, request: None
    assert change(stub, kept).changed


def test_another_account_is_changed_and_proven_too(stub: AccountBmc, kept: Rotations) -> None:
    stub.how = "well"

    def log_in_too(bmc: StubBmc, request: Request) -> Reply | None:
        if request.method == "POST" and request.body == {"UserName": "operator", "Password": NEW}:
            return Reply(201, {"@odata.id": f"{ROOT}/SessionService/Sessions/77"}, {"X-Auth-Token": "t77"})
        return None

    stub.fault = log_in_too
    assert change(stub, kept, username="operator").changed
    assert [r.path for r in stub.log if r.method == "PATCH"] == [f"{ACCOUNTS}/3"]
    assert stub.password == "right"


def test_no_such_account_and_no_accounts_at_all_say_so(stub: AccountBmc, kept: Rotations) -> None:
    with pytest.raises(Refused, match="no account nobody; it shows admin, operator"):
        change(stub, kept, username="nobody")
    del stub.resources[ROOT]["AccountService"]
    with pytest.raises(Unsupported, match="no AccountService"):
        change(stub, kept)


def test_a_first_password_that_must_be_changed_can_be_changed(stub: AccountBmc, kept: Rotations) -> None:
    def must(bmc: StubBmc, request: Request) -> Reply | None:
        if stub.password == "right" and request.method == "GET" and request.key != ROOT:
            info = [{"MessageId": "Base.1.8.PasswordChangeRequired", "Message": "change it", "MessageArgs": [f"{ACCOUNTS}/2"]}]
            return Reply(403, {"error": {"code": "x", "message": "x", "@Message.ExtendedInfo": info}})
        return None

    stub.fault = must
    assert change(stub, kept).changed
    assert stub.password == NEW


def test_a_dry_run_shows_the_request_without_the_password_and_sends_nothing(stub: AccountBmc, kept: Rotations) -> None:
    said: list[str] = []
    assert not change(stub, kept, dry_run=True, say=said.append).changed
    assert said == [f'PATCH {ACCOUNTS}/2 {{"Password": "***"}}']
    assert stub.changes == 0
    assert files(kept) == []


def test_a_note_that_cannot_be_read_or_written_stops_before_anything_is_sent(stub: AccountBmc, kept: Rotations) -> None:
    kept._directory.parent.mkdir(exist_ok=True)
    kept._directory.write_text("in the way")
    with pytest.raises(Refused, match="nothing was changed|cannot be read"):
        change(stub, kept)
    assert stub.changes == 0


def test_no_password_is_ever_shown(
    stub: AccountBmc, kept: Rotations, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    for how in ("scrambles", "scrambles for good", "policy", "well"):
        stub.how, stub.password, stub.changes = how, "right-horse", 0
        for file in files(kept):
            file.unlink()
        try:
            change(stub, kept, "right-horse", say=said.append)
        except Refused as error:
            said += [str(error), error.advice]
    shown = caplog.text + "\n".join(said) + "".join(capsys.readouterr())
    assert NEW not in shown and "right-horse" not in shown
