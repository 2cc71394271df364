"""Faults of a recorded machine, each switched on and off while it runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recorded_tree import ACCOUNTS, CD, RESET, ROOT, SETTINGS, SYSTEM, Client, ids, resources, write_tree

from bpa.lab.errors import LabError
from bpa.lab.recorded import Machine
from bpa.lab.recorded.faults import ABOUT
from bpa.lab.recorded.tree import open_tree

LOGIN = {"UserName": "admin", "Password": "right"}
SESSIONS = f"{ROOT}/SessionService/Sessions"
Make = Callable[..., Client]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(*faults: str, docs: dict[str, Any] | None = None, **options: Any) -> Client:
        return Client(Machine(open_tree(write_tree(tmp_path, docs)), "admin", "right", on=faults, frozen=True, **options))

    return build


def restart(client: Client) -> None:
    client.post(RESET, {"ResetType": "ForceRestart"})


def test_every_fault_can_be_switched_on_and_off(make: Make) -> None:
    client = make()
    for name in ABOUT:
        client.machine.fault(name)
        client.get(SYSTEM)
        client.machine.fault(name, on=False)
        assert client.get(SYSTEM).status == 200 or name == "unauthorized-mid-look"


def test_an_unknown_fault_is_refused_with_those_that_there_are(make: Make) -> None:
    with pytest.raises(LabError, match="session-leak"):
        make("no-such-fault")


def test_slow_and_trickle_are_told_to_the_server(make: Make) -> None:
    assert make("slow=0.5").get(SYSTEM).delay == 0.5
    assert make("slow").get(SYSTEM).delay == 3
    assert make("trickle=0.2").get(SYSTEM).trickle == 0.2


def test_503_storm_says_when_to_come_back(make: Make) -> None:
    reply = make("503-storm=7").get(SYSTEM)
    assert reply.status == 503 and reply.headers["Retry-After"] == "7"


def test_503_once_passes(make: Make) -> None:
    client = make("503-once=2")
    assert [client.get(SYSTEM).status for _ in range(4)] == [503, 503, 200, 200]


def test_a_connection_reset_after_the_write_leaves_it_done(make: Make) -> None:
    client = make("reset-mid-patch")
    assert client.patch(SYSTEM, {"AssetTag": "new"}).cut == -1
    assert client.json(SYSTEM)["AssetTag"] == "new"
    assert client.machine.log[0].status == 0


def test_a_connection_reset_before_the_write_leaves_it_undone(make: Make) -> None:
    client = make("reset-before-patch")
    assert client.patch(SYSTEM, {"AssetTag": "new"}).cut == -1
    assert client.json(SYSTEM)["AssetTag"] == ""
    assert client.post(SESSIONS, LOGIN).status == 201


def test_answers_break_off_or_end_in_the_middle(make: Make) -> None:
    whole = make().get(SYSTEM).body
    assert 0 < (make("reset-mid-answer").get(SYSTEM).cut or 0) < len(whole)
    short = make("truncated-json").get(SYSTEM)
    assert short.cut is None and whole.startswith(short.body) and len(short.body) < len(whole)


def test_errors_come_as_html(make: Make) -> None:
    reply = make("html-errors").get(f"{ROOT}/nowhere")
    assert reply.status == 404 and reply.headers["Content-Type"] == "text/html" and reply.body.startswith(b"<html>")


def test_wrong_password_refuses_every_login(make: Make) -> None:
    client = make("wrong-password")
    assert client.get(SYSTEM).status == 401 and client.post(SESSIONS, LOGIN).status == 401


def test_sessions_end_in_the_middle_of_a_look(make: Make) -> None:
    client = make("unauthorized-mid-look=2")
    token = client.post(SESSIONS, LOGIN).headers["X-Auth-Token"]
    assert [client.get(SYSTEM, X_Auth_Token=token).status for _ in range(3)] == [200, 401, 401]


def test_a_leaked_session_stays_although_it_was_closed(make: Make) -> None:
    client = make("session-leak")
    where = client.post(SESSIONS, LOGIN).body["@odata.id"]
    assert client.delete(where).status == 204
    assert where in client.machine.sessions


def test_no_session_is_left_for_us(make: Make) -> None:
    assert ids(make("session-limit").post(SESSIONS, LOGIN)) == ["SessionLimitExceeded"]


def test_expand_does_nothing_or_fails_or_forgets(make: Make) -> None:
    path = f"{SYSTEM}/LogServices/SEL/Entries?$expand=."
    assert set(make("expand-broken").json(path)["Members"][0]) == {"@odata.id"}
    assert make("expand-broken=error").get(path).status == 500
    assert len(make("expand-broken=short").json(path)["Members"]) == 1


def test_etags_never_match_or_only_strong_ones_do(make: Make) -> None:
    docs = resources()
    docs[SYSTEM]["@odata.etag"] = 'W/"1"'
    change = {"AssetTag": "a"}
    assert make("etag-mismatch", docs=docs).patch(SYSTEM, change, If_Match='W/"1"').status == 412
    picky = make("etag-mismatch=weak", docs=docs)
    assert picky.patch(SYSTEM, change, If_Match='W/"1"').status == 412
    assert picky.patch(SYSTEM, change, If_Match='"1"').status < 300


def test_if_match_is_demanded_and_etags_withheld(make: Make) -> None:
    assert make("if-match-required").patch(SYSTEM, {"AssetTag": "a"}).status == 428
    assert "ETag" not in make("no-etags").get(SYSTEM).headers


def test_settings_are_locked_in_post(make: Make) -> None:
    client = make("post-lock", post_seconds=60)
    restart(client)
    assert client.patch(SETTINGS, {"Attributes": {"NumCores": 2}}).status == 400
    client.machine.advance(61)
    assert client.patch(SETTINGS, {"Attributes": {"NumCores": 2}}).status < 300


@pytest.mark.parametrize(("fault", "kept"), [
    ("dropped-bios-setting", (8, "Disabled")),
    ("dropped-bios-setting=NumCores", (8, "Enabled")),
    ("unstaged-bios-setting", (8, "Disabled")),
    ("unstaged-bios-setting=NumCores", (8, "Enabled")),
])
def test_bios_settings_are_dropped_in_silence(make: Make, fault: str, kept: tuple[int, str]) -> None:
    client = make(fault)
    assert client.patch(SETTINGS, {"Attributes": {"NumCores": 2, "ProcVirtualization": "Enabled"}}).status < 300
    assert ("NumCores" in client.machine.pending) == fault.startswith("dropped")
    restart(client)
    bios = client.machine.bios
    assert (bios["NumCores"], bios["ProcVirtualization"]) == kept and client.machine.pending == {}


def test_media_stay_in_although_they_were_ejected(make: Make) -> None:
    client = make("stale-media")
    client.post(f"{CD}/Actions/VirtualMedia.InsertMedia", {"Image": "http://a/b.iso"})
    assert client.post(f"{CD}/Actions/VirtualMedia.EjectMedia").status < 300
    assert client.machine.slot("CD").inserted


def test_a_parameter_more_is_demanded(make: Make) -> None:
    client = make("media-needs=TransferProtocolType")
    refused = client.post(f"{CD}/Actions/VirtualMedia.InsertMedia", {"Image": "http://a/b.iso"})
    assert ids(refused) == ["ActionParameterMissing"] and "TransferProtocolType" in str(refused.body)
    told = {"Image": "http://a/b.iso", "TransferProtocolType": "HTTP"}
    assert client.post(f"{CD}/Actions/VirtualMedia.InsertMedia", told).status < 300


def test_an_override_for_once_stays(make: Make) -> None:
    client = make("boot-override-stays")
    client.patch(SYSTEM, {"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Once"}})
    restart(client)
    assert client.machine.boot["BootSourceOverrideEnabled"] == "Once"


def test_power_is_stuck(make: Make) -> None:
    client = make("power-stuck")
    assert client.post(RESET, {"ResetType": "ForceOff"}).status < 300
    assert client.machine.power == "On"


def test_the_clock_jumps_and_comes_back(make: Make) -> None:
    client = make()
    right = client.json(f"{ROOT}/Managers/BMC")["DateTime"]
    client.machine.fault("clock-jump=-31536000")
    assert client.json(f"{ROOT}/Managers/BMC")["DateTime"][:4] < right[:4]
    client.machine.fault("clock-jump", on=False)
    assert client.json(f"{ROOT}/Managers/BMC")["DateTime"] == right


def test_a_new_password_is_not_kept(make: Make) -> None:
    client = make("password-not-kept")
    assert client.patch(f"{ACCOUNTS}/1", {"Password": "another-secret"}).status < 300
    assert Client(client.machine, ("admin", "another-secret")).get(SYSTEM).status == 401
    assert client.get(SYSTEM).status == 200


def test_a_file_switches_faults_while_the_machine_runs(make: Make, tmp_path: Path) -> None:
    client, file = make(), tmp_path / "faults"
    client.machine.follow_faults(file)
    assert client.get(SYSTEM).status == 200
    file.write_text("# trouble\n503-storm=3\nno-such-fault\n\nsession-leak\n")
    assert client.get(SYSTEM).headers["Retry-After"] == "3" and client.machine.on("session-leak")
    file.unlink()
    assert client.get(SYSTEM).status == 200 and not client.machine.faults


def test_a_test_can_answer_in_place_of_the_machine(make: Make) -> None:
    from bpa.lab.recorded import Reply

    client = make()
    client.machine.intercept = lambda request: Reply(418, {"tea": True}) if request.key == SYSTEM.lower() else None
    assert client.get(SYSTEM).status == 418
    assert client.get(f"{ROOT}/Systems").status == 200


def test_the_log_keeps_what_was_asked_and_answered(make: Make) -> None:
    client = make()
    client.patch(SYSTEM, {"AssetTag": "a"})
    client.get(f"{ROOT}/nowhere?x=1")
    first, second = client.machine.log
    assert (first.method, first.path, first.body, first.status) == ("PATCH", SYSTEM, {"AssetTag": "a"}, 200)
    assert (second.path, second.status, second.key) == (f"{ROOT}/nowhere?x=1", 404, f"{ROOT}/nowhere")
    assert json.dumps(dict(first.headers))
