"""A recorded machine acts: power, POST, BIOS settings, boot, media, accounts, tasks, events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recorded_tree import ACCOUNTS, CD, RESET, ROOT, SETTINGS, SYSTEM, Client, ids, resources, write_tree

from bpa.lab.recorded import Machine
from bpa.lab.recorded.tree import open_tree

Make = Callable[..., Client]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(docs: dict[str, Any] | None = None, **options: Any) -> Client:
        return Client(Machine(open_tree(write_tree(tmp_path, docs)), "admin", "right", frozen=True, **options))

    return build


def stage(client: Client, **attributes: Any) -> Any:
    return client.patch(SETTINGS, {"Attributes": attributes})


def test_staged_settings_become_effective_at_the_end_of_the_next_post(make: Make) -> None:
    client = make(post_seconds=60)
    assert stage(client, ProcVirtualization="Enabled", NumCores=4).status < 300
    machine = client.machine
    assert machine.pending == {"ProcVirtualization": "Enabled", "NumCores": 4}
    assert client.json(SETTINGS)["Attributes"] == machine.pending
    client.post(RESET, {"ResetType": "ForceRestart"})
    machine.advance(59)
    assert machine.bios["ProcVirtualization"] == "Disabled"
    machine.advance(2)
    assert (machine.bios["ProcVirtualization"], machine.bios["NumCores"]) == ("Enabled", 4)
    assert machine.pending == {} and client.json(SETTINGS)["Attributes"] == {}


@pytest.mark.parametrize(("name", "value", "said"), [
    ("ProcVirtualization", "Perhaps", "PropertyValueNotInList"),
    ("ProcVirtualization", True, "PropertyValueTypeError"),
    ("NumCores", 17, "PropertyValueOutOfRange"),
    ("NumCores", "4", "PropertyValueTypeError"),
    ("Serial", "Y", "PropertyNotWritable"),
    ("Free", "too long", "PropertyValueFormatError"),
    ("Unknown", 1, "PropertyUnknown"),
])
def test_settings_are_checked_by_the_registry_and_none_is_staged(make: Make, name: str, value: Any, said: str) -> None:
    client = make()
    reply = stage(client, ProcVirtualization="Enabled", **{name: value}) if name != "ProcVirtualization" else stage(
        client, ProcVirtualization=value)
    assert reply.status == 400 and ids(reply) == [said]
    assert f"#/Attributes/{name}" in str(reply.body)
    assert client.machine.pending == {}


def test_a_value_name_is_kept_in_the_spelling_of_the_machine(make: Make) -> None:
    client = make()
    stage(client, Sriov="1")
    assert client.machine.pending == {"Sriov": "Enabled"}


def test_an_apply_time_must_be_one_that_is_announced(make: Make) -> None:
    client = make()
    refused = client.patch(SETTINGS, {"Attributes": {"NumCores": 2}, "@Redfish.SettingsApplyTime": {"ApplyTime": "Never"}})
    assert ids(refused) == ["PropertyValueNotInList"]
    now = {"Attributes": {"NumCores": 2}, "@Redfish.SettingsApplyTime": {"ApplyTime": "Immediate"}}
    assert client.patch(SETTINGS, now).status < 300
    assert client.machine.bios["NumCores"] == 2


def test_without_a_settings_object_the_bios_itself_takes_them(make: Make) -> None:
    docs = resources()
    del docs[SETTINGS], docs[f"{SYSTEM}/Bios"]["@Redfish.Settings"]
    client = make(docs)
    assert client.patch(f"{SYSTEM}/Bios", {"Attributes": {"NumCores": 2}}).status < 300
    assert client.machine.bios["NumCores"] == 8
    client.post(RESET, {"ResetType": "ForceRestart"})
    assert client.machine.bios["NumCores"] == 2


def test_with_one_the_bios_itself_refuses_them(make: Make) -> None:
    assert make().patch(f"{SYSTEM}/Bios", {"Attributes": {"NumCores": 2}}).status == 405


def test_settings_found_where_vendors_keep_them_unannounced(make: Make) -> None:
    docs = resources()
    docs[f"{SYSTEM}/Bios/SD"] = docs.pop(SETTINGS) | {"@odata.id": f"{SYSTEM}/Bios/SD"}
    del docs[f"{SYSTEM}/Bios"]["@Redfish.Settings"]
    client = make(docs)
    assert client.patch(f"{SYSTEM}/Bios/SD", {"Attributes": {"NumCores": 2}}).status < 300
    assert client.machine.pending == {"NumCores": 2}


def test_reset_bios_stages_the_defaults(make: Make) -> None:
    client = make()
    client.post(f"{SYSTEM}/Bios/Actions/Bios.ResetBios")
    assert client.machine.pending == {"ProcVirtualization": "Enabled"}


@pytest.mark.parametrize(("before", "reset", "after", "boots"), [
    ("On", "ForceOff", "Off", 0),
    ("On", "GracefulShutdown", "Off", 0),
    ("On", "PushPowerButton", "Off", 0),
    ("On", "ForceRestart", "On", 1),
    ("On", "GracefulRestart", "On", 1),
    ("On", "On", "On", 0),
    ("On", "Nmi", "On", 0),
    ("Off", "On", "On", 1),
    ("Off", "PushPowerButton", "On", 1),
    ("Off", "ForceOff", "Off", 0),
])
def test_every_reset_type_does_what_it_says(make: Make, before: str, reset: str, after: str, boots: int) -> None:
    docs = resources()
    docs[SYSTEM]["PowerState"] = before
    client = make(docs)
    assert client.post(RESET, {"ResetType": reset}).status < 300
    assert (client.machine.power, len(client.machine.host.boots)) == (after, boots)


def test_a_reset_type_that_is_not_announced_is_refused(make: Make) -> None:
    assert ids(make().post(RESET, {"ResetType": "Suspend"})) == ["ActionParameterValueNotInList"]


def test_a_graceful_shutdown_takes_its_time_and_power_off_cuts_it_short(make: Make) -> None:
    client = make(shutdown_seconds=90)
    client.post(RESET, {"ResetType": "GracefulShutdown"})
    client.machine.advance(89)
    assert client.machine.power == "On"
    client.post(RESET, {"ResetType": "ForceOff"})
    assert client.machine.power == "Off"
    client.post(RESET, {"ResetType": "On"})
    client.machine.advance(10)
    assert client.machine.power == "On"


def test_boot_progress_moves_through_post_to_a_running_system(make: Make) -> None:
    client = make(post_seconds=60, os_seconds=30)
    client.post(RESET, {"ResetType": "ForceRestart"})
    seen = []
    for _ in range(10):
        state = client.json(SYSTEM)["BootProgress"]["LastState"]
        seen += [state] if state not in seen else []
        client.machine.advance(10)
    assert seen == ["PrimaryProcessorInitializationStarted", "SystemHardwareInitializationComplete", "OSBootStarted", "OSRunning"]
    assert client.json(SYSTEM)["LastResetTime"] > "2025"


def test_power_cut_in_post_leaves_settings_pending(make: Make) -> None:
    client = make(post_seconds=60)
    stage(client, NumCores=2)
    client.post(RESET, {"ResetType": "ForceRestart"})
    client.machine.power = "Off"
    client.machine.advance(600)
    assert client.machine.bios["NumCores"] == 8 and client.machine.pending == {"NumCores": 2}


def test_a_boot_override_for_once_is_used_up(make: Make) -> None:
    client = make()
    client.patch(SYSTEM, {"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Once"}})
    client.post(RESET, {"ResetType": "ForceRestart"})
    client.post(RESET, {"ResetType": "ForceRestart"})
    assert [b.source for b in client.machine.host.boots] == ["Cd", ""]
    assert client.machine.boot["BootSourceOverrideEnabled"] == "Disabled"


def test_a_continuous_override_stays(make: Make) -> None:
    client = make()
    client.patch(SYSTEM, {"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Continuous"}})
    client.post(RESET, {"ResetType": "ForceRestart"})
    client.post(RESET, {"ResetType": "ForceRestart"})
    assert [b.source for b in client.machine.host.boots] == ["Pxe", "Pxe"]


@pytest.mark.parametrize(("change", "said"), [
    ({"Boot": {"BootSourceOverrideTarget": "Tape"}}, "PropertyValueNotInList"),
    ({"Boot": {"BootOrder": ["Boot0009"]}}, "PropertyValueNotInList"),
    ({"Boot": {"BootNothing": 1}}, "PropertyUnknown"),
    ({"Model": "M2"}, "PropertyNotWritable"),
    ({"Nothing": 1}, "PropertyUnknown"),
    ({"AssetTag": 7}, "PropertyValueTypeError"),
    ({}, "NoOperation"),
    ([], "UnrecognizedRequestBody"),
])
def test_what_cannot_be_written_is_named(make: Make, change: Any, said: str) -> None:
    reply = make().patch(SYSTEM, change)
    assert reply.status == 400 and ids(reply) == [said]


def test_of_a_mixed_patch_the_good_part_is_done_and_the_other_named_beside_it(make: Make) -> None:
    reply = make().patch(SYSTEM, {"AssetTag": "new", "Model": "M2"})
    assert reply.status == 200 and reply.body["AssetTag"] == "new" and reply.body["Model"] == "M1"
    assert reply.body["Model@Message.ExtendedInfo"][0]["MessageId"].endswith("PropertyNotWritable")


def test_a_broken_body_is_400_and_another_type_415(make: Make) -> None:
    client = make()
    assert ids(client.patch(SYSTEM, b'{"AssetTag":')) == ["MalformedJSON"]
    assert client.patch(SYSTEM, b"<a/>", Content_Type="application/xml").status == 415


def test_media_are_inserted_and_ejected(make: Make) -> None:
    client = make()
    image = "http://images.example:8080/rescue.iso"
    assert client.post(f"{CD}/Actions/VirtualMedia.InsertMedia", {"Image": image}).status < 300
    slot = client.machine.slot("CD")
    assert slot.inserted and slot.image == image and slot.doc["ImageName"] == "rescue.iso"
    assert client.post(f"{CD}/Actions/VirtualMedia.InsertMedia", {"Image": image}).status == 400
    client.post(RESET, {"ResetType": "ForceRestart"})
    assert client.machine.host.boots[0].images == (image,)
    assert client.post(f"{CD}/Actions/VirtualMedia.EjectMedia").status < 300
    assert not slot.inserted and slot.doc["Image"] is None and slot.doc["ConnectedVia"] == "NotConnected"
    assert client.post(f"{CD}/Actions/VirtualMedia.EjectMedia").status == 400


@pytest.mark.parametrize(("body", "said"), [
    ({}, "ActionParameterMissing"),
    ({"Image": 7}, "ActionParameterValueTypeError"),
    ({"Image": "no uri"}, "ActionParameterValueFormatError"),
    ({"Image": "http://a/b", "Inserted": "yes"}, "ActionParameterValueTypeError"),
    ({"Image": "http://a/b", "Flavour": "mild"}, "ActionParameterUnknown"),
])
def test_what_is_wrong_with_an_image_is_told(make: Make, body: Any, said: str) -> None:
    assert ids(make().post(f"{CD}/Actions/VirtualMedia.InsertMedia", body)) == [said]


def test_a_slot_without_actions_is_used_by_patch(make: Make) -> None:
    docs = resources()
    del docs[CD]["Actions"]
    client = make(docs)
    assert "PATCH" in client.get(CD).headers["Allow"]
    assert client.patch(CD, {"Image": "http://a/b.iso", "Inserted": True}).status < 300
    assert client.machine.slot("CD").inserted
    client.patch(CD, {"Image": None})
    assert not client.machine.slot("CD").inserted


def test_accounts_are_made_changed_and_removed(make: Make) -> None:
    client = make()
    made = client.post(ACCOUNTS, {"UserName": "new", "Password": "secretsecret", "RoleId": "Operator"})
    where = made.body["@odata.id"]
    assert made.status == 201 and Client(client.machine, ("new", "secretsecret")).get(SYSTEM).status == 200
    assert client.patch(where, {"Password": "short"}).status == 400
    assert client.patch(where, {"Password": "another-secret"}).status < 300
    assert Client(client.machine, ("new", "secretsecret")).get(SYSTEM).status == 401
    assert client.patch(where, {"Enabled": False}).status < 300
    assert Client(client.machine, ("new", "another-secret")).get(SYSTEM).status == 401
    assert client.delete(where).status == 204
    assert client.get(where).status == 404


def test_slots_for_accounts_are_filled_by_patch(make: Make) -> None:
    docs = resources()
    docs[f"{ACCOUNTS}/2"] = docs[f"{ACCOUNTS}/1"] | {"@odata.id": f"{ACCOUNTS}/2", "UserName": "", "Enabled": False}
    docs[ACCOUNTS]["Members"].append({"@odata.id": f"{ACCOUNTS}/2"})
    client = make(docs)
    assert client.post(ACCOUNTS, {"UserName": "new", "Password": "secretsecret", "RoleId": "Operator"}).status == 405
    filled = {"UserName": "new", "Password": "secretsecret", "RoleId": "Operator", "Enabled": True}
    assert client.patch(f"{ACCOUNTS}/2", filled).status < 300
    assert Client(client.machine, ("new", "secretsecret")).get(SYSTEM).status == 200


def test_a_password_that_is_due_lets_nothing_else_be_done(make: Make) -> None:
    client = make()
    client.post(ACCOUNTS, {"UserName": "new", "Password": "secretsecret", "RoleId": "Operator", "PasswordChangeRequired": True})
    new = Client(client.machine, ("new", "secretsecret"))
    assert new.get(SYSTEM).status == 403
    assert new.patch(f"{ACCOUNTS}/new", {"Password": "another-secret"}).status == 200
    assert Client(client.machine, ("new", "another-secret")).get(SYSTEM).status == 200


def test_the_administrator_of_the_tree_takes_the_name_that_is_asked_for(make: Make) -> None:
    assert make().json(f"{ACCOUNTS}/1")["UserName"] == "admin"


def test_a_bmc_that_restarts_is_gone_and_comes_back_without_sessions(make: Make) -> None:
    client = make(bmc_seconds=60)
    client.post(f"{ROOT}/SessionService/Sessions", {"UserName": "admin", "Password": "right"})
    client.post(f"{ROOT}/Managers/BMC/Actions/Manager.Reset", {"ResetType": "ForceRestart"})
    assert client.get(ROOT).cut == -1
    client.machine.advance(61)
    assert client.get(ROOT).status == 200 and client.machine.sessions == {}


def test_a_log_is_cleared(make: Make) -> None:
    client = make()
    client.post(f"{SYSTEM}/LogServices/SEL/Actions/LogService.ClearLog")
    assert client.json(f"{SYSTEM}/LogServices/SEL/Entries")["Members"] == []


def test_secure_boot_is_effective_after_the_next_boot(make: Make) -> None:
    client = make()
    client.patch(f"{SYSTEM}/SecureBoot", {"SecureBootEnable": True})
    assert client.json(f"{SYSTEM}/SecureBoot")["SecureBootCurrentBoot"] == "Disabled"
    client.post(RESET, {"ResetType": "ForceRestart"})
    assert client.json(f"{SYSTEM}/SecureBoot")["SecureBootCurrentBoot"] == "Enabled"


def test_events_are_told_and_subscriptions_kept(make: Make) -> None:
    client = make()
    told = {"Destination": "https://listener.example/events", "Protocol": "Redfish", "Context": "me"}
    made = client.post(f"{ROOT}/EventService/Subscriptions", told)
    assert made.status == 201 and client.json(made.body["@odata.id"])["Context"] == "me"
    assert client.post(f"{ROOT}/EventService/Subscriptions", told | {"Protocol": "FTP"}).status == 400
    client.post(RESET, {"ResetType": "ForceOff"})
    assert client.machine.events.told[-1]["Events"][0]["MessageId"].endswith("ResourcePoweredOff")
    assert client.delete(made.body["@odata.id"]).status == 204


def test_an_action_that_is_announced_but_not_acted_out_says_so(make: Make) -> None:
    docs = resources()
    docs[SYSTEM]["Actions"]["#ComputerSystem.AddResourceBlock"] = {"target": f"{SYSTEM}/Actions/ComputerSystem.AddResourceBlock"}
    assert make(docs).post(f"{SYSTEM}/Actions/ComputerSystem.AddResourceBlock").status == 501
    assert make(docs).post(f"{SYSTEM}/Actions/ComputerSystem.Fly").status == 404
