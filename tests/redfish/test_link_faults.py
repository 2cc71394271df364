"""Trouble on the way to a BMC: each kind becomes one of four errors, and nothing is tried that does harm."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stub_bmc import ROOT, Pki, Reply, Request, StubBmc, error, make_pki, serve, small_machine

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable, Unsupported
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.transport import answers
from bpa.core.secret import Secret

SYSTEM = f"{ROOT}/systems/1"


def access(stub: StubBmc, password: str = "right", **more: Any) -> BmcAccess:
    return BmcAccess(stub.address, "admin", Secret(password), **more)


def always(reply: Reply, key: str = SYSTEM, method: str = "GET") -> Callable[[StubBmc, Request], Reply | None]:
    return lambda bmc, request: reply if (request.key, request.method) == (key, method) else None


def test_one_session_serves_all_looks_and_is_logged_out(bmc: StubBmc) -> None:
    with Bmc(access(bmc)) as machine:
        machine.look()
        machine.look()
        assert bmc.logins == 1
        assert len(bmc.tokens) == 1
    assert bmc.tokens == {}


@pytest.mark.parametrize("trouble", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_the_session_is_logged_out_after_any_exception(bmc: StubBmc, trouble: type[BaseException]) -> None:
    with pytest.raises(trouble), Bmc(access(bmc)) as machine:
        machine.look()
        raise trouble
    assert bmc.tokens == {}


def test_a_wrong_password_is_sent_once_and_never_again(bmc: StubBmc) -> None:
    machine = Bmc(access(bmc, "wrong-secret"))
    for _ in range(5):
        with pytest.raises(Refused, match="refused the credentials of user admin") as caught:
            machine.look()
        with pytest.raises(Refused):
            machine.reset("On")
        assert "wrong-secret" not in str(caught.value)
    machine.close()
    assert bmc.refused == 1
    assert bmc.asked("POST") == [f"{ROOT}/SessionService/Sessions"]
    assert not any("Authorization" in r.headers for r in bmc.log)


@pytest.mark.parametrize("status", [400, 403])
def test_a_login_refused_with_another_status_is_not_tried_by_basic_auth(bmc: StubBmc, status: int) -> None:
    bmc.fault = always(error(status, "no", "iLO.2.14.UnauthorizedLoginAttempt"), f"{ROOT}/sessionservice/sessions", "POST")
    machine = Bmc(access(bmc))
    for _ in range(3):
        with pytest.raises(Refused, match="credentials"):
            machine.look()
    assert len(bmc.asked("POST")) == 1
    assert not any("Authorization" in r.headers for r in bmc.log)


def test_a_wrong_password_is_sent_once_by_basic_auth_too() -> None:
    resources = small_machine()
    del resources[ROOT]["Links"], resources[ROOT]["SessionService"]
    with serve(StubBmc(resources, sessions=False)) as stub:
        machine = Bmc(access(stub, "wrong"))
        for _ in range(3):
            with pytest.raises(Refused, match="credentials"):
                machine.look()
        assert stub.refused == 1


def test_without_a_session_service_basic_auth_does() -> None:
    resources = small_machine()
    del resources[ROOT]["Links"], resources[ROOT]["SessionService"]
    with serve(StubBmc(resources, sessions=False, password="päss→wörd")) as stub, Bmc(access(stub, "päss→wörd")) as m:
        assert m.look().serial == "S1"


def test_announced_sessions_that_are_not_there_fall_back_to_basic_auth() -> None:
    with serve(StubBmc(small_machine(), sessions=False)) as stub:
        stub.fault = always(error(404, "no"), f"{ROOT}/sessionservice/sessions", "POST")
        with Bmc(access(stub)) as machine:
            assert machine.look().power == "On"


def test_a_root_that_wants_credentials_gets_them_once() -> None:
    def guarded(bmc: StubBmc, request: Request) -> Reply | None:
        return None if bmc._knows(request) else error(401, "credentials")

    with serve(StubBmc(small_machine(), sessions=False, fault=guarded)) as stub:
        with Bmc(access(stub)) as machine:
            assert machine.look().serial == "S1"
        asked = len(stub.log)
        with pytest.raises(Refused):
            Bmc(access(stub, "wrong")).look()
        assert sum("Authorization" in r.headers for r in stub.log[asked:]) == 1


def test_a_session_that_ended_is_opened_anew_in_mid_look(bmc: StubBmc) -> None:
    with Bmc(access(bmc)) as machine:
        machine.look()
        bmc.tokens.clear()
        assert machine.look().serial == "S1"
        assert bmc.logins == 2
    assert bmc.tokens == {}


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (error(503, "starting", Retry_After="7"), Busy, "starting"),
        (error(429, "slowly"), Busy, "slowly"),
        (error(400, "SYS518: iDRAC is not ready", "IDRAC.2.4.SYS518"), Busy, "SYS518"),
        (error(400, "in POST", "iLO.2.14.UnableToModifyDuringSystemPOST"), Busy, "in POST"),
        (error(500, "oops"), Busy, "oops"),
        (Reply(502, b"<html>Bad gateway</html>"), Busy, "502"),
        (error(403, "no privilege"), Refused, "no privilege"),
        (error(400, "odd"), Refused, "odd"),
        (error(404, "gone"), Unsupported, "404"),
        (error(501, "not made"), Unsupported, "not made"),
        (Reply(200, b"<html>please wait</html>"), Busy, "not JSON"),
        (Reply(200, b'{"Id": "1", "Bi'), Busy, "not JSON"),
        (Reply(200, b"null"), Busy, "NoneType"),
        (Reply(200, b"[" * 100_000), Busy, "not JSON"),
        (Reply(200, [1, 2]), Busy, "list"),
        (Reply(200, {}), Unsupported, "empty"),
        (Reply(400, [["no error object"]]), Refused, "400"),
        (Reply(400, {"error": {"@Message.ExtendedInfo": "text", "message": 7}}), Refused, "400"),
        (Reply(302, b"", {"Location": "http://192.0.2.9/evil"}), Unsupported, "elsewhere"),
        (Reply(302, b"", {"Location": "//192.0.2.9/evil"}), Unsupported, "elsewhere"),
        (Reply(302, b"", {"Location": SYSTEM}), Unsupported, "circles"),
        (Reply(200, {"Id": "1"}, {"Content-Length": "999"}, cut=5), Unreachable, "broke"),
    ],
)
def test_each_kind_of_bad_answer_is_one_of_the_four_errors(
    bmc: StubBmc, reply: Reply, kind: type[AdapterError], text: str
) -> None:
    bmc.fault = always(reply)
    with Bmc(access(bmc)) as machine, pytest.raises(kind, match=text):
        machine.look()
    assert bmc.tokens == {}


def test_retry_after_reaches_the_caller(bmc: StubBmc) -> None:
    bmc.fault = always(error(503, "starting", Retry_After="7"))
    with Bmc(access(bmc)) as machine, pytest.raises(Busy) as caught:
        machine.look()
    assert caught.value.retry_after == 7.0
    assert len([r for r in bmc.log if r.key == SYSTEM]) == 1, "the engine waits, not the adapter"


@pytest.mark.parametrize("text", ["soon", "-5", "Wed, 99 Foo 2099", "", "9" * 400])
def test_an_odd_retry_after_is_no_trouble(text: str) -> None:
    seconds = answers.retry_after({"Retry-After": text})
    assert seconds is None or 0 <= seconds <= 3600


def test_a_broken_connection_is_tried_again_for_a_read_and_never_for_a_write(bmc: StubBmc) -> None:
    broken: list[str] = []

    def once(stub: StubBmc, request: Request) -> Reply | None:
        if request.key.startswith(SYSTEM) and (request.method != "GET" or not broken):
            broken.append(request.method)
            return Reply(200, {"a": "b"}, {"Content-Length": "999"}, cut=3)
        return None

    bmc.fault = once
    with Bmc(access(bmc)) as machine:
        assert machine.look().serial == "S1"
        with pytest.raises(Unreachable):
            machine.reset("ForceRestart")
    assert broken == ["GET", "POST"]


def test_an_endless_answer_is_cut_off(bmc: StubBmc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "BODY_LIMIT", 100_000)
    bmc.fault = always(Reply(200, b" " * 300_000))
    with Bmc(access(bmc)) as machine, pytest.raises(Busy, match="does not come to an end"):
        machine.look()


def test_a_trickle_is_cut_off(bmc: StubBmc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "BODY_SECONDS", -1.0)
    with pytest.raises(Busy, match="does not come to an end"):
        Bmc(access(bmc)).look()


def test_a_link_that_leads_elsewhere_is_not_followed(bmc: StubBmc) -> None:
    assert isinstance(bmc.resources, dict)
    bmc.resources[SYSTEM]["Bios"] = {"@odata.id": "http://192.0.2.9/redfish/v1/steal"}
    with Bmc(access(bmc)) as machine:
        facts = machine.look()
    assert facts.bios is None
    assert "elsewhere" in facts.unread["bios"]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "http://127.0.0.1:1", "https://name.invalid"])
def test_nobody_there_is_unreachable(address: str) -> None:
    with pytest.raises(Unreachable):
        Bmc(BmcAccess(address, "admin", Secret("x"))).look()


@pytest.mark.parametrize(
    "address", ["ftp://192.0.2.1", "https://", "https://user:hunter2@192.0.2.1", "https://192.0.2.1:port", "https://[::1"]
)
def test_an_address_that_is_no_url_is_refused_without_showing_credentials(address: str) -> None:
    with pytest.raises(Refused) as caught:
        Bmc(BmcAccess(address, "admin", Secret("x")))
    assert "hunter2" not in str(caught.value)


def test_a_certificate_of_a_known_ca_is_accepted_and_others_are_not(pki: Pki, tmp_path: Path) -> None:
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        with Bmc(access(stub, verify=str(pki.ca))) as machine:
            assert machine.look().serial == "S1"
        with Bmc(access(stub, verify=False)) as machine:
            assert machine.look().serial == "S1"
        asked = len(stub.log)
        with pytest.raises(Refused, match="certificate of https://127.0.0.1:.* is not trusted"):
            Bmc(access(stub)).look()
        other = make_pki(tmp_path)
        with pytest.raises(Refused, match="not trusted"):
            Bmc(access(stub, verify=str(other.ca))).look()
        assert len(stub.log) == asked, "nothing was said to it"
        with pytest.raises(Refused, match="does not exist"):
            Bmc(access(stub, verify=str(tmp_path / "none.pem")))


def test_a_certificate_for_another_name_is_not_accepted(tmp_path: Path) -> None:
    pki = make_pki(tmp_path, "192.0.2.1")
    with serve(StubBmc(small_machine()), pki.context()) as stub, pytest.raises(Refused, match="not trusted"):
        Bmc(access(stub, verify=str(pki.ca))).look()


def test_https_to_a_plain_http_port_says_so(bmc: StubBmc) -> None:
    bmc.address = bmc.address.replace("http:", "https:")
    with pytest.raises(Refused, match="does not speak TLS"):
        Bmc(access(bmc)).look()


def test_no_secret_is_logged(bmc: StubBmc, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bmc.password = "hunter2-hunter2"
    with Bmc(access(bmc, "hunter2-hunter2")) as machine:
        machine.look()
        bmc.fault = always(error(500, "x"), f"{ROOT}/sessionservice/sessions/1", "DELETE")
    assert "could not log out" in caplog.text
    assert "hunter2" not in caplog.text
    assert "token-1" not in caplog.text
    assert "hunter2" not in repr(access(bmc, "hunter2-hunter2"))
