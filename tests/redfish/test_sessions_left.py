"""What a killed run left on a BMC: closed by the next run, where it can be told from what is somebody else's."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from session_runs import access, files, killed, look
from session_stub import SessionBmc
from stub_bmc import serve, small_machine

from bpa.adapters.redfish import Bmc
from bpa.adapters.redfish.login.shelf import Alive, FileShelf


@pytest.fixture
def stub() -> Iterator[SessionBmc]:
    with serve(SessionBmc(small_machine())) as made:
        yield made


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
