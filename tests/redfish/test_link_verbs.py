"""bpa bmc sessions, trust and rotate-password, as they are typed."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from account_stub import AccountBmc
from session_stub import SESSIONS
from stub_bmc import StubBmc, serve, small_machine
from test_trust import self_signed, sha256

import bpa.cli
from bpa.cli.exits import Exit


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(sys, "argv", ["bpa"])
    monkeypatch.setenv("BPA_BMC_USER", "admin")
    monkeypatch.setenv("BPA_BMC_PASSWORD", "right")

    def one(*arguments: Any) -> Ran:
        capsys.readouterr()
        code = bpa.cli.run(["bmc", *(str(a) for a in arguments)])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ran(code, said.out, said.err)

    return one


@pytest.fixture
def stub() -> Iterator[AccountBmc]:
    with serve(AccountBmc()) as made:
        made.add(700, user="operator", SessionType="WebUI", ClientOriginIPAddress="192.0.2.7")
        made.add(701)
        yield made


def test_sessions_are_listed(stub: AccountBmc, run: Run) -> None:
    ran = run("sessions", stub.address)
    assert ran.code == Exit.MET
    assert "operator" in ran.out and "192.0.2.7" in ran.out and "this command" in ran.out
    shown = json.loads(run("sessions", stub.address, "list", "--json").out)["sessions"]
    assert [s["id"] for s in shown] == ["700", "701", "2"]
    assert list(stub.open) == [f"{SESSIONS}/700", f"{SESSIONS}/701"]


def test_sessions_are_closed_by_id_and_by_whose_they_are(stub: AccountBmc, run: Run) -> None:
    ran = run("sessions", stub.address, "close", "--mine", "--dry-run")
    assert ran.out == f"DELETE {SESSIONS}/701\nnothing was sent\n"
    assert len(stub.open) == 2
    assert run("sessions", stub.address, "close", "--mine").out == "session 701 is closed\n"
    assert "nothing to close" in run("sessions", stub.address, "close", "--mine").out
    assert run("sessions", stub.address, "close", "700").code == Exit.MET
    assert stub.open == {}
    ran = run("sessions", stub.address, "close", "700")
    assert ran.code == Exit.NOT_MET and "no session 700" in ran.err


@pytest.mark.parametrize("wrong", [("list", "5"), ("close",), ("list", "--mine"), ("steal",)])
def test_wrong_use_of_sessions_is_said_before_anything_is_sent(stub: AccountBmc, run: Run, wrong: tuple[str, ...]) -> None:
    assert run("sessions", stub.address, *wrong).code == Exit.USAGE
    assert stub.log == []


def test_trust_pins_what_was_compared_and_from_then_on_only_that(run: Run, tmp_path: Path) -> None:
    first, second = self_signed(tmp_path / "a"), self_signed(tmp_path / "b")
    context = first.context()
    with serve(StubBmc(small_machine()), context) as stub:
        assert "not trusted" in run("sessions", stub.address).err
        ran = run("trust", stub.address)
        assert ran.code == Exit.NO_CONSENT and "nobody has compared" in ran.err
        for word in ("iDRAC-default", "SHA-256", "secp256r1", "by itself"):
            assert word in ran.out
        assert run("trust", stub.address, "--yes").code == Exit.NO_CONSENT
        assert run("trust", stub.address, "--fingerprint", "00" * 32).code == Exit.NOT_MET
        assert run("trust", stub.address, "--fingerprint", "abc").code == Exit.USAGE
        assert stub.log == [], "no HTTP, and above all no credentials"
        ran = run("trust", stub.address, "--fingerprint", f"SHA256:{sha256(first).upper()}")
        assert ran.code == Exit.MET and "pinned in" in ran.out
        assert run("sessions", stub.address).err == "" or "not trusted" not in run("sessions", stub.address).err
        assert "pinned already" in run("trust", stub.address, "--yes").out
        assert sha256(first)[:2].upper() in run("trust", "--list").out
        context.load_cert_chain(second.certificate, second.key)
        asked = len(stub.log)
        ran = run("sessions", stub.address)
        assert ran.code == Exit.NOT_MET and "another certificate" in ran.err
        ran = run("trust", stub.address, "--yes")
        assert ran.code == Exit.NO_CONSENT and "another certificate than the pinned one" in ran.out
        assert len(stub.log) == asked
        assert "no longer pinned" in run("trust", stub.address, "--forget").out
        assert "was not pinned" in run("trust", stub.address, "--forget").out
        assert "no BMC is pinned" in run("trust", "--list").out


def test_trust_in_json(run: Run, tmp_path: Path) -> None:
    pki = self_signed(tmp_path / "a", "127.0.0.1")
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        told = json.loads(run("trust", stub.address, "--fingerprint", sha256(pki), "--json").out)
        assert told["sha256"] == sha256(pki) and told["was"] is None
        assert json.loads(run("trust", stub.address, "--yes", "--json").out)["was"] == sha256(pki)
        assert [p["origin"] for p in json.loads(run("trust", "--list", "--json").out)] == [stub.address]


def test_insecure_is_a_persons_word_for_once(run: Run, tmp_path: Path) -> None:
    first, second = self_signed(tmp_path / "a"), self_signed(tmp_path / "b")
    context = first.context()
    with serve(AccountBmc(), context) as stub:
        run("trust", stub.address, "--fingerprint", sha256(first))
        context.load_cert_chain(second.certificate, second.key)
        assert run("sessions", stub.address, "--insecure").code == Exit.MET


def test_a_password_is_rotated_and_never_shown(stub: AccountBmc, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "new"
    file.write_text("brand-new-secret\nand a comment\n")
    ran = run("rotate-password", stub.address, "--new-password-file", file, "--dry-run")
    assert ran.code == Exit.MET and '{"Password": "***"}' in ran.out and stub.changes == 0
    ran = run("rotate-password", stub.address, "--new-password-file", file)
    assert ran.code == Exit.MET and "proven by a login" in ran.out and "Secret" in ran.out
    assert stub.password == "brand-new-secret"
    assert "brand-new" not in ran.out + ran.err
    told = json.loads(run("rotate-password", stub.address, "--new-password-file", file, "--json").out)
    assert told["changed"] is False


def test_a_file_without_a_password_is_refused(stub: AccountBmc, run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    ran = run("rotate-password", stub.address, "--new-password-file", tmp_path / "empty")
    assert ran.code == Exit.NOT_MET and "empty" in ran.err
    assert run("rotate-password", stub.address).code == Exit.USAGE
