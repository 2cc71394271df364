"""Sessions: one per BMC, remembered before it is used, closed by the next run, and never somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from session_runs import access, files, killed, look
from session_stub import SESSIONS, SessionBmc
from stub_bmc import ROOT, Reply, Request, StubBmc, error, serve, small_machine

from bpa.adapters.errors import Busy, Refused, Unsupported
from bpa.adapters.redfish import Bmc
from bpa.adapters.redfish.login.sessions import chosen, close_session, read_sessions
from bpa.adapters.redfish.login.shelf import FileShelf
from bpa.adapters.redfish.target import Target

SYSTEM = f"{ROOT}/systems/1"


@pytest.fixture
def stub() -> Iterator[SessionBmc]:
    with serve(SessionBmc(small_machine())) as made:
        yield made


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
