"""Sessions: one per BMC, remembered before it is used, closed by the next run, and never somebody else's."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from session_stub import SESSIONS, SessionBmc
from stub_bmc import ROOT, Reply, Request, StubBmc, error, serve, small_machine

from bpa.adapters.errors import Busy, Refused, Unsupported
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.login.sessions import chosen, close_session, read_sessions
from bpa.adapters.redfish.login.shelf import Alive, FileShelf
from bpa.adapters.redfish.target import Target
from bpa.core.secret import Secret

SYSTEM = f"{ROOT}/systems/1"


@pytest.fixture
def shelf(tmp_path: Path) -> FileShelf:
    return FileShelf(tmp_path / "sessions")


@pytest.fixture
def stub() -> Iterator[SessionBmc]:
    with serve(SessionBmc(small_machine())) as made:
        yield made


def access(stub: StubBmc, shelf: FileShelf | None = None, password: str = "right") -> BmcAccess:
    return BmcAccess(stub.address, "admin", Secret(password), shelf=shelf)


def look(stub: StubBmc, shelf: FileShelf) -> list[float]:
    """One run; gives the waits that it made."""
    waits: list[float] = []
    with Bmc(access(stub, shelf)) as machine:
        machine.target.link.sleep = waits.append
        assert machine.look().serial == "S1"
    return waits


def files(shelf: FileShelf) -> list[Path]:
    return sorted(shelf._directory.glob("*/*.json"))


def killed(shelf: FileShelf, stub: StubBmc, path: str, age: float = 60.0, user: str = "admin") -> None:
    """What a run that was killed `age` seconds ago has left on the shelf."""
    slip: Any = shelf.intend(stub.address, user)
    slip.write({"intended": time.time() - age})
    if path:
        slip.made(path)
    slip.leave()


# -- before, during and after a login

def test_the_login_is_on_the_disk_before_the_bmc_hears_of_it_and_the_path_before_it_is_used(
    stub: SessionBmc, shelf: FileShelf
) -> None:
    seen: list[tuple[str, str]] = []

    def watch(_: StubBmc, request: Request) -> Reply | None:
        kept = files(shelf)
        seen.append((f"{request.method} {request.key}", "".join(file.read_text() for file in kept)))
        return None

    stub.fault = watch
    look(stub, shelf)
    at = dict(reversed(seen))
    assert at[f"GET {ROOT}"] == ""
    assert '"intended"' in at[f"POST {SESSIONS.lower()}"] and "Sessions/1" not in at[f"POST {SESSIONS.lower()}"]
    assert f"{SESSIONS}/1" in at[f"GET {SYSTEM}"]
    assert files(shelf) == []
    assert stub.open == {}


def test_what_is_on_the_disk_is_private_and_holds_no_secret(stub: SessionBmc, shelf: FileShelf) -> None:
    with Bmc(access(stub, shelf)) as machine:
        machine.look()
        (file,) = files(shelf)
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
        text = file.read_text()
        assert "token" not in text and "right" not in text and "Password" not in text


def test_a_shelf_that_cannot_be_written_refuses_before_anything_is_sent(stub: SessionBmc, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Bmc(access(stub, FileShelf(tmp_path / "file"))) as machine, pytest.raises(Refused, match="remembered"):
        machine.look()
    assert stub.logins == 0


@pytest.mark.parametrize("status", [401, 400, 403])
def test_a_login_that_was_refused_leaves_nothing_on_the_shelf(stub: SessionBmc, shelf: FileShelf, status: int) -> None:
    stub.fault = lambda _, r: error(status, "no") if r.method == "POST" else None
    with Bmc(access(stub, shelf, "wrong")) as machine, pytest.raises(Refused):
        machine.look()
    assert files(shelf) == []


def test_a_password_that_was_refused_to_one_host_is_not_tried_by_the_next_on_the_same_bmc(
    stub: SessionBmc, shelf: FileShelf
) -> None:
    for _ in range(4):
        with Bmc(access(stub, shelf, "wrong")) as machine, pytest.raises(Refused, match="credentials"):
            machine.look()
    assert stub.refused == 1
    look(stub, shelf)


def test_a_logout_that_failed_is_made_up_for_by_the_next_run(stub: SessionBmc, shelf: FileShelf) -> None:
    stub.fault = lambda _, r: error(503, "busy") if r.method == "DELETE" else None
    look(stub, shelf)
    assert len(stub.open) == 1
    stub.fault = lambda _, r: None
    look(stub, shelf)
    assert stub.open == {}
    assert files(shelf) == []


@pytest.mark.parametrize("location", ["https://ilo.example.com/redfish/v1/SessionService/Sessions/1", "", "relative"])
def test_a_location_that_names_the_bmc_otherwise_is_logged_out_of_here(
    stub: SessionBmc, shelf: FileShelf, location: str
) -> None:
    def otherwise(bmc: StubBmc, request: Request) -> Reply | None:
        if request.method != "POST":
            return None
        reply = bmc._log_in(request)
        head = {k: v for k, v in reply.headers.items() if k != "Location"} | ({"Location": location} if location else {})
        return Reply(201, reply.body, head)

    stub.fault = otherwise
    look(stub, shelf)
    if location != "relative":
        assert stub.open == {}


# -- what a killed run left

def test_a_session_whose_path_was_written_down_is_closed_by_the_next_run(
    stub: SessionBmc, shelf: FileShelf, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    path = stub.add(700, age=60.0)
    killed(shelf, stub, path)
    look(stub, shelf)
    assert stub.open == {}
    assert files(shelf) == []
    assert f"closed session {path}, left behind by a run that was killed" in caplog.text


@pytest.mark.parametrize("ahead", [0.0, 7200.0, -86400.0 * 365])
def test_a_session_whose_path_was_lost_is_found_by_the_time_it_was_made(
    stub: SessionBmc, shelf: FileShelf, ahead: float
) -> None:
    stub.ahead = ahead
    stub.add(700, age=59.0)
    killed(shelf, stub, "", age=60.0)
    look(stub, shelf)
    assert stub.open == {}
    assert files(shelf) == []


@pytest.mark.parametrize(
    ("what", "session"),
    [
        ("another user's", {"user": "operator", "age": 59.0}),
        ("made before", {"age": 90.0}),
        ("made after", {"age": 10.0}),
        ("a person's in the web pages", {"age": 59.0, "SessionType": "WebUI"}),
        ("made from another machine", {"age": 59.0, "ClientOriginIPAddress": "192.0.2.77"}),
    ],
)
def test_a_session_that_may_be_somebody_elses_is_left_alone(
    stub: SessionBmc, shelf: FileShelf, what: str, session: dict[str, Any]
) -> None:
    path = stub.add(700, **session)
    killed(shelf, stub, "", age=60.0)
    look(stub, shelf)
    assert list(stub.open) == [path], what
    assert files(shelf) == [], "what cannot be told now can be told less tomorrow"


def test_where_more_sessions_fit_than_logins_are_missing_none_is_closed(
    stub: SessionBmc, shelf: FileShelf, caplog: pytest.LogCaptureFixture
) -> None:
    stub.add(700, age=59.0)
    stub.add(701, age=58.0)
    killed(shelf, stub, "")
    look(stub, shelf)
    assert len(stub.open) == 2
    assert "which is which cannot be told" in caplog.text


def test_while_somebody_is_just_logging_in_a_lost_session_is_left_for_the_next_run(
    stub: SessionBmc, shelf: FileShelf
) -> None:
    stub.add(700, age=59.0)
    killed(shelf, stub, "")
    coming = shelf.intend(stub.address, "admin")
    look(stub, shelf)
    assert len(stub.open) == 1, "it may be the one that is just being made"
    coming.drop()
    look(stub, shelf)
    assert stub.open == {}


def test_what_could_not_be_told_apart_is_looked_for_again_for_a_while(stub: SessionBmc, shelf: FileShelf) -> None:
    stub.add(700, age=59.0)
    other = stub.add(701, age=58.0)
    killed(shelf, stub, "")
    look(stub, shelf)
    del stub.open[other]  # whoever had it logs out
    look(stub, shelf)
    assert stub.open == {}
    assert files(shelf) == []


def test_two_lost_logins_of_one_moment_are_both_found(stub: SessionBmc, shelf: FileShelf) -> None:
    stub.add(700, age=59.0)
    stub.add(701, age=58.0)
    killed(shelf, stub, "")
    killed(shelf, stub, "", age=61.0)
    look(stub, shelf)
    assert stub.open == {}


def test_a_bmc_that_does_not_tell_when_a_session_was_made_keeps_the_lost_one(
    stub: SessionBmc, shelf: FileShelf, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    stub.times = False
    stub.add(700)
    killed(shelf, stub, "")
    look(stub, shelf)
    assert len(stub.open) == 1
    assert "ends by its own timeout" in caplog.text


def test_hpe_tells_the_time_and_the_client_in_its_own_way(stub: SessionBmc, shelf: FileShelf) -> None:
    stub.times = False
    own = stub.add

    def hpe(number: int, user: str = "admin", age: float = 0.0, **more: Any) -> str:
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age))
        return own(number, user, age, Oem={"Hpe": {
            "LoginTime": made, "UserIP": more.get("ip", "127.0.0.1"), "UserTag": more.get("tag", "REST")}})

    stub.add = hpe  # type: ignore[method-assign]
    stub.add(700, age=59.0)
    others = [stub.add(701, age=59.0, ip="192.0.2.1"), stub.add(702, age=59.0, tag="SSH")]
    killed(shelf, stub, "")
    look(stub, shelf)
    assert list(stub.open) == others


@pytest.mark.parametrize(
    ("what", "session"),
    [("of another user", {"user": "operator", "age": 60.0}), ("made later", {"age": 5.0}), ("in the web", {
        "age": 60.0, "SessionType": "WebUI"})],
)
def test_a_number_that_the_bmc_gave_out_again_is_not_closed(
    stub: SessionBmc, shelf: FileShelf, what: str, session: dict[str, Any]
) -> None:
    path = stub.add(700, **session)
    killed(shelf, stub, path, age=3600.0)
    look(stub, shelf)
    assert list(stub.open) == [path], what
    assert files(shelf) == []


def test_a_session_of_a_living_process_is_left_alone(stub: SessionBmc, shelf: FileShelf) -> None:
    with Bmc(access(stub, shelf)) as first:
        first.look()
        for _ in range(3):
            look(stub, shelf)
        assert len(stub.open) == 1
        first.look()
        assert stub.logins == 4
    assert stub.open == {}


def test_what_another_user_left_is_left_for_that_user(stub: SessionBmc, shelf: FileShelf) -> None:
    killed(shelf, stub, stub.add(700, user="operator", age=60.0), user="operator")
    look(stub, shelf)
    assert len(stub.open) == 1
    assert len(files(shelf)) == 1


def test_torn_old_and_foreign_records_do_no_harm(stub: SessionBmc, shelf: FileShelf) -> None:
    killed(shelf, stub, stub.add(700, age=60.0))
    folder = files(shelf)[0].parent
    (folder / "torn.json").write_text('{"intended": 1')
    os.utime(folder / "torn.json", (1, 1))
    (folder / "odd.json").write_text('[1, 2]\n{"intended": "x", "path": 7}')
    os.utime(folder / "odd.json", (1, 1))
    (folder / "old.json").write_text(json.dumps({"user": "admin", "intended": 1.0, "path": ""}))
    half = folder / "half.json"
    half.write_text(json.dumps({"user": "admin", "intended": time.time(), "path": ""}) + '\n{"path": "/redf')
    look(stub, shelf)
    assert stub.open == {}
    assert files(shelf) == []


def test_two_runs_do_not_clean_up_the_same_record(stub: SessionBmc, shelf: FileShelf) -> None:
    killed(shelf, stub, "/x")
    first = shelf.left(stub.address, "admin")
    assert len(first) == 1
    assert shelf.left(stub.address, "admin") == []
    assert FileShelf(shelf._directory).left(stub.address, "admin") == []
    first[0].leave()
    assert len(shelf.left(stub.address, "admin")) == 1


def test_a_record_is_held_by_the_kernel_as_long_as_its_process_lives(stub: SessionBmc, shelf: FileShelf) -> None:
    slip = shelf.intend(stub.address, "admin")
    slip.made("/redfish/v1/SessionService/Sessions/9")
    (file,) = files(shelf)
    with file.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert shelf.alive(stub.address) == Alive(frozenset({"/redfish/v1/SessionService/Sessions/9"}))
    assert shelf.alive(stub.address, [slip]) == Alive()
    slip.drop()
    assert shelf.alive(stub.address) == Alive()


# -- too many sessions

@pytest.mark.parametrize("status", [400, 403, 409, 500, 503])
def test_too_many_sessions_are_first_met_by_closing_our_own(stub: SessionBmc, shelf: FileShelf, status: int) -> None:
    stub.most, stub.limit_status = 2, status
    foreign = stub.add(700, user="operator", age=60.0)
    killed(shelf, stub, stub.add(701, age=60.0))
    assert look(stub, shelf) == [], "no need to wait"
    assert list(stub.open) == [foreign]
    assert stub.logins == 1
    assert stub.refused == 0


def test_too_many_sessions_of_others_are_waited_for_a_moment(stub: SessionBmc, shelf: FileShelf) -> None:
    stub.most = 1
    stub.add(700, user="operator")
    waits: list[float] = []

    def ends(seconds: float) -> None:
        waits.append(seconds)
        stub.open.clear()

    with Bmc(access(stub, shelf)) as machine:
        machine.target.link.sleep = ends
        machine.look()
        assert len(stub.open) == 1
    assert waits == [2.0]


def test_too_many_sessions_for_good_are_gone_without(stub: SessionBmc, shelf: FileShelf) -> None:
    stub.most = 0
    assert look(stub, shelf) == [2.0]
    assert stub.logins == 0
    assert files(shelf) == []


def test_too_many_sessions_and_no_basic_auth_is_busy_and_the_password_is_not_called_wrong(
    stub: SessionBmc, shelf: FileShelf
) -> None:
    stub.most, stub.basic = 0, False
    with Bmc(access(stub, shelf)) as machine:
        machine.target.link.sleep = lambda seconds: None
        for _ in range(3):
            with pytest.raises(Busy, match="limit has been reached") as caught:
                machine.look()
            assert "bpa bmc sessions" in caught.value.advice
        assert stub.refused == 1, "basic auth was tried once"
        stub.most = 1
        machine.look()
    assert stub.open == {}


# -- by hand

def test_sessions_are_shown_with_whose_they_are(stub: SessionBmc, shelf: FileShelf) -> None:
    stub.add(700, user="operator", age=30.0, ClientOriginIPAddress="192.0.2.7", SessionType="WebUI")
    stub.add(701, age=30.0)
    with Bmc(access(stub, shelf)) as other:
        other.look()
        with Target(access(stub, shelf)) as target:
            found = {s.id: s for s in read_sessions(target, target.reader())}
            assert set(found) == {"700", "701", "1", "2"}
            assert (found["700"].mine, found["700"].client, found["700"].kind) == (False, "192.0.2.7", "WebUI")
            assert (found["2"].own, found["1"].own, found["1"].held, found["701"].held) == (True, False, True, False)
            assert [s.id for s in chosen(found.values(), [], mine=True)] == ["701"]
            assert [s.id for s in chosen(found.values(), ["700"], mine=True)] == ["700", "701"]
            with pytest.raises(Refused, match="this very command"):
                chosen(found.values(), ["2"], mine=False)
            with pytest.raises(Refused, match="no session 9"):
                chosen(found.values(), ["9"], mine=False)
            assert close_session(target, found["700"])
            assert not close_session(target, found["700"]), "closed already"
    assert list(stub.open) == [f"{SESSIONS}/701"]


def test_a_bmc_without_sessions_says_so() -> None:
    resources = small_machine()
    del resources[ROOT]["Links"], resources[ROOT]["SessionService"]
    with serve(StubBmc(resources, sessions=False)) as stub, Target(access(stub)) as target:
        with pytest.raises(Unsupported, match="no Redfish sessions"):
            read_sessions(target, target.reader())
