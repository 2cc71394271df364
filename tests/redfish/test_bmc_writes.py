"""What is sent to a BMC: judged by the requests it received."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from keeping_bmc import KeepingBmc
from stub_bmc import ROOT, Reply, Request, StubBmc, error, serve, small_machine

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.core.secret import Secret

SYSTEM = f"{ROOT}/systems/1"
BIOS = f"{SYSTEM}/bios"
SETTINGS = f"{BIOS}/settings"


@pytest.fixture
def bmc() -> Iterator[StubBmc]:
    with serve(KeepingBmc(small_machine())) as stub:
        yield stub


def machine(stub: StubBmc) -> Bmc:
    return Bmc(BmcAccess(stub.address, "admin", Secret("right")))


def resource(stub: StubBmc, key: str) -> dict[str, Any]:
    assert isinstance(stub.resources, dict)
    return stub.resources[key]


def sent(stub: StubBmc, method: str) -> list[Request]:
    return [r for r in stub.log if r.method == method and "Session" not in r.path]


def test_bios_is_staged_in_one_patch_of_the_settings_object_for_the_next_reset(bmc: StubBmc) -> None:
    with machine(bmc) as m:
        m.look()
        m.stage_bios({"ProcVirtualization": "Enabled", "NumCores": 4})
    (patch,) = sent(bmc, "PATCH")
    assert patch.key == SETTINGS
    assert patch.body["Attributes"] == {"ProcVirtualization": "Enabled", "NumCores": 4}
    assert patch.body["@Redfish.SettingsApplyTime"]["ApplyTime"] == "OnReset"
    assert "If-Match" not in patch.headers


def test_no_apply_time_is_sent_where_none_is_supported(bmc: StubBmc) -> None:
    del resource(bmc, BIOS)["@Redfish.Settings"]["SupportedApplyTimes"]
    with machine(bmc) as m:
        m.stage_bios({"ProcVirtualization": "Enabled"})
    (patch,) = sent(bmc, "PATCH")
    assert patch.body == {"Attributes": {"ProcVirtualization": "Enabled"}}


def test_the_etag_served_is_sent_back(bmc: StubBmc) -> None:
    bmc.etags[SETTINGS] = '"abc"'
    with machine(bmc) as m:
        m.stage_bios({"ProcVirtualization": "Enabled"})
    assert [p.headers.get("If-Match") for p in sent(bmc, "PATCH")] == ['"abc"']


def test_a_weak_etag_that_is_not_taken_is_made_strong(bmc: StubBmc) -> None:
    resource(bmc, SETTINGS)["@odata.etag"] = 'W/"abc"'
    bmc.fault = lambda stub, r: (
        error(412, "etag") if r.method == "PATCH" and r.headers.get("If-Match") != '"abc"' else None
    )
    with machine(bmc) as m:
        m.stage_bios({"ProcVirtualization": "Enabled"})
    assert [p.headers.get("If-Match") for p in sent(bmc, "PATCH")] == ['W/"abc"', '"abc"']


def test_a_bmc_that_demands_if_match_without_serving_etags_gets_a_star(bmc: StubBmc) -> None:
    bmc.fault = lambda stub, r: error(428, "etag") if r.method == "PATCH" and "If-Match" not in r.headers else None
    with machine(bmc) as m:
        m.stage_bios({"ProcVirtualization": "Enabled"})
    assert [p.headers.get("If-Match") for p in sent(bmc, "PATCH")] == [None, "*"]


def test_a_refused_attribute_tells_the_words_of_the_bmc_and_is_not_sent_again(bmc: StubBmc) -> None:
    bmc.fault = lambda stub, r: (
        error(400, "The value Maybe is not in the list.", "Base.1.8.PropertyValueNotInList")
        if r.method == "PATCH" else None
    )
    with machine(bmc) as m, pytest.raises(Refused, match="The value Maybe is not in the list"):
        m.stage_bios({"ProcVirtualization": "Maybe"})
    assert len(sent(bmc, "PATCH")) == 1


@pytest.mark.parametrize("name", ["Settings", "SD", "Pending"])
def test_settings_that_are_not_announced_are_found_where_vendors_keep_them(bmc: StubBmc, name: str) -> None:
    assert isinstance(bmc.resources, dict)
    del resource(bmc, BIOS)["@Redfish.Settings"]
    del bmc.resources[SETTINGS]
    bmc.resources[f"{BIOS}/{name.lower()}"] = {"Attributes": {"ProcVirtualization": "Enabled"}}
    with machine(bmc) as m:
        assert m.look().pending == {"ProcVirtualization": "Enabled"}
        asked = len(bmc.log)
        m.look()
        assert len(bmc.log) - asked == 3, "found once is known"
        m.stage_bios({"NumCores": 4})
    assert [p.path for p in sent(bmc, "PATCH")] == [f"{ROOT}/Systems/1/Bios/{name}"]


def test_without_any_settings_bios_itself_is_patched(bmc: StubBmc) -> None:
    assert isinstance(bmc.resources, dict)
    del resource(bmc, BIOS)["@Redfish.Settings"]
    del bmc.resources[SETTINGS]
    with machine(bmc) as m:
        assert m.look().pending == {}
        m.stage_bios({"NumCores": 4})
    assert [p.path for p in sent(bmc, "PATCH")] == [f"{ROOT}/Systems/1/Bios"]


def test_pending_is_what_differs_from_now_and_passwords_are_no_facts(bmc: StubBmc) -> None:
    resource(bmc, SETTINGS)["Attributes"] = {
        "ProcVirtualization": "Enabled", "NumCores": 8, "AdminPassword": "new", "New": True, "Null": None, "Odd": {},
    }
    with machine(bmc) as m:
        facts = m.look()
    assert facts.bios == {"ProcVirtualization": "Disabled", "NumCores": 8}
    assert facts.pending == {"ProcVirtualization": "Enabled", "New": True}


@pytest.mark.parametrize(
    ("power", "asked", "allowed", "done"),
    [
        ("On", "ForceRestart", ["On", "ForceOff", "ForceRestart"], ["ForceRestart"]),
        ("On", "ForceRestart", ["On", "ForceOff", "PowerCycle"], ["PowerCycle"]),
        ("Off", "ForceRestart", ["On", "ForceOff", "ForceRestart"], ["On"]),
        ("Off", "On", ["ForceOn", "ForceOff"], ["ForceOn"]),
        ("On", "GracefulRestart", ["ForceRestart"], ["ForceRestart"]),
        ("On", "On", ["On"], []),
        ("Off", "ForceOff", ["ForceOff"], []),
        ("Off", "GracefulShutdown", ["ForceOff"], []),
        ("On", "ForceOff", [], ["ForceOff"]),
    ],
)
def test_a_reset_is_the_nearest_that_is_allowed(
    bmc: StubBmc, power: str, asked: Any, allowed: list[str], done: list[str]
) -> None:
    system = resource(bmc, SYSTEM)
    system["PowerState"] = power
    system["Actions"]["#ComputerSystem.Reset"]["ResetType@Redfish.AllowableValues"] = allowed
    with machine(bmc) as m:
        m.reset(asked)
    assert [p.body["ResetType"] for p in sent(bmc, "POST")] == done


def test_allowed_resets_are_read_from_the_action_info(bmc: StubBmc) -> None:
    assert isinstance(bmc.resources, dict)
    action = resource(bmc, SYSTEM)["Actions"]["#ComputerSystem.Reset"]
    del action["ResetType@Redfish.AllowableValues"]
    action["@Redfish.ActionInfo"] = f"{ROOT}/Systems/1/ResetActionInfo"
    bmc.resources[f"{SYSTEM}/resetactioninfo"] = {
        "Parameters": [{"Name": "ResetType", "AllowableValues": ["PowerCycle", "On"]}]
    }
    with machine(bmc) as m:
        m.reset("ForceRestart")
    assert [p.body["ResetType"] for p in sent(bmc, "POST")] == ["PowerCycle"]


def test_a_reset_that_is_not_possible_says_what_is(bmc: StubBmc) -> None:
    action = resource(bmc, SYSTEM)["Actions"]["#ComputerSystem.Reset"]
    action["ResetType@Redfish.AllowableValues"] = ["On", "Nmi"]
    with machine(bmc) as m, pytest.raises(Unsupported, match="allows no ForceOff, only On, Nmi"):
        m.reset("ForceOff")
    del resource(bmc, SYSTEM)["Actions"]
    with machine(bmc) as m, pytest.raises(Unsupported, match=r"offers no ComputerSystem\.Reset"):
        m.reset("ForceOff")
    assert sent(bmc, "POST") == []


def test_boot_override_is_chosen_from_what_is_allowed(bmc: StubBmc) -> None:
    with machine(bmc) as m:
        m.set_boot_override("Cd", "Continuous")
        with pytest.raises(Unsupported, match="cannot boot from UefiHttp, only from None, Pxe, Cd"):
            m.set_boot_override("UefiHttp")
    (patch,) = sent(bmc, "PATCH")
    assert patch.key == SYSTEM
    assert patch.body == {"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Once"}}


def test_an_accepted_write_with_an_odd_answer_is_accepted(bmc: StubBmc) -> None:
    bmc.fault = lambda stub, r: Reply(200, b"Success") if r.method in ("PATCH", "POST") and "Reset" in r.path else None
    with machine(bmc) as m:
        m.reset("ForceRestart")


def test_a_write_is_sent_on_a_fresh_connection_so_that_it_is_never_lost_on_an_old_one(bmc: StubBmc) -> None:
    with machine(bmc) as m:
        m.look()
        m.stage_bios({"NumCores": 4})
        m.reset("ForceRestart")
    assert len(sent(bmc, "PATCH")) == 1
    assert len(sent(bmc, "POST")) == 1
