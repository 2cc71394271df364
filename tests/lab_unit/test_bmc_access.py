"""Who the lab's BMC lets in."""

from __future__ import annotations

from pathlib import Path

from bmc_in_memory import PASSWORD, Bmc

from bpa.lab import bmc_config, faults
from bpa.lab.bmc_access import SESSIONS, Sessions


def test_the_service_root_is_open_and_nothing_else_is(bmc: Bmc) -> None:
    root = bmc.ask("GET", "/redfish/v1/", password=None)
    assert root.status_code == 200
    assert root.get_json()["Links"]["Sessions"]["@odata.id"] == SESSIONS
    for path in (bmc.system, SESSIONS, "/redfish/v1/SessionService", "/redfish/v1/Systems"):
        assert bmc.ask("GET", path, password=None).status_code == 401


def test_basic_authentication(bmc: Bmc) -> None:
    assert bmc.ask("GET", bmc.system).status_code == 200
    assert bmc.ask("GET", bmc.system, password="wrong").status_code == 401
    assert bmc.ask("GET", bmc.system, password=None, Authorization="Basic ???").status_code == 401
    assert bmc.ask("GET", bmc.system, password=None, Authorization="Bearer x").status_code == 401


def test_a_redfish_session_from_log_in_to_log_out(bmc: Bmc) -> None:
    made = bmc.ask("POST", SESSIONS, {"UserName": "admin", "Password": PASSWORD}, password=None)
    assert made.status_code == 201
    token, location = made.headers["X-Auth-Token"], made.headers["Location"]
    assert bmc.ask("GET", bmc.system, password=None, X_Auth_Token=token).status_code == 200
    members = bmc.ask("GET", SESSIONS, password=None, X_Auth_Token=token).get_json()["Members"]
    assert {"@odata.id": location} in members
    assert bmc.ask("GET", location).get_json()["UserName"] == "admin"
    assert bmc.ask("DELETE", location, password=None, X_Auth_Token=token).status_code == 204
    assert bmc.ask("GET", bmc.system, password=None, X_Auth_Token=token).status_code == 401
    assert bmc.ask("DELETE", location).status_code == 404


def test_a_wrong_log_in_is_401_and_a_broken_one_400(bmc: Bmc) -> None:
    assert bmc.ask("POST", SESSIONS, {"UserName": "admin", "Password": "x"}, password=None).status_code == 401
    assert bmc.ask("POST", SESSIONS, {"UserName": "admin"}, password=None).status_code == 400


def test_a_wrong_token_is_not_saved_by_a_right_password(bmc: Bmc) -> None:
    assert bmc.ask("GET", bmc.system, X_Auth_Token="made up").status_code == 401


def test_the_fault_of_the_wrong_password_holds_for_both_ways_in(bmc: Bmc) -> None:
    faults.switch(bmc.faults, "wrong-password")
    assert bmc.ask("GET", bmc.system).status_code == 401
    assert bmc.ask("POST", SESSIONS, {"UserName": "admin", "Password": PASSWORD}, password=None).status_code == 401


def test_a_session_ends_when_it_is_not_used() -> None:
    now = [0.0]
    sessions = Sessions(clock=lambda: now[0])
    _, token = sessions.open("admin")
    now[0] = 1700
    assert sessions.valid(token)
    now[0] = 3400
    assert sessions.valid(token)
    now[0] = 5300
    assert not sessions.valid(token)
    assert sessions.users() == {}


def test_the_configuration_survives_the_file_and_the_file_is_private(bmc: Bmc, tmp_path: Path) -> None:
    bmc_config.write(bmc.config, tmp_path / "config.json")
    assert bmc_config.read(tmp_path / "config.json") == bmc.config
    assert (tmp_path / "config.json").stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in repr(bmc.config)
