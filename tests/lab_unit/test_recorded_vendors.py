"""Recorded trees of seven vendors behave as their firmware does. Skipped only where the trees are not at hand."""

from __future__ import annotations

from typing import Any

import pytest
from recorded_tree import ROOT, ids, needs_trees, recorded, reset

from bpa.lab.recorded.registry import rules

DELL = "dell-r750-idrac9-6.00.30.00"
DMTF = "dmtf-public-rackmount1-2022.3"
HPE = "hpe-dl385g10plusv2-ilo5-2.72"
INTEL = "intel-s2600bpb-bmc-1.93"
LENOVO = "lenovo-sr670v2-xcc-2.83"
OPENBMC = "openbmc-stock-2.15"
SUPERMICRO = "supermicro-sys821ge-bmc-11.01.01"
IMAGE = "http://images.example:8080/rescue.iso"


def on_reset(**attributes: Any) -> dict[str, Any]:
    return {"Attributes": attributes, "@Redfish.SettingsApplyTime": {"ApplyTime": "OnReset"}}


@needs_trees
@pytest.mark.parametrize(("tree", "vendor", "base", "attributes", "rules_known"), [
    (DELL, "dell", "Base.1.12", 455, 682),
    (DMTF, "dmtf", "Base.1.5", 10, 0),
    (HPE, "hpe", "Base.1.4", 277, 402),
    (INTEL, "intel", "Base.1.1", 864, 0),
    (LENOVO, "lenovo", "Base.1.12", 348, 348),
    (OPENBMC, "openbmc", "Base.1.16", 0, 0),
    (SUPERMICRO, "supermicro", "Base.v1_10_3", 379, 495),
])
def test_a_tree_is_known_by_what_it_says(
    tree: str, vendor: str, base: str, attributes: int, rules_known: int
) -> None:
    machine = recorded(tree).machine
    assert (machine.ways.name, machine.say.base) == (vendor, base)
    assert (len(machine.bios), len(rules(machine.store.tree))) == (attributes, rules_known)
    assert machine.sessions == {}


@needs_trees
@pytest.mark.parametrize(("tree", "name", "value"), [
    (DMTF, "ProcTurboMode", "Disabled"),
    (HPE, "Sriov", "Disabled"),
    (INTEL, "ProcessorVmxEnable", 1),
    (LENOVO, "Processors_HyperThreading", "Disabled"),
    (SUPERMICRO, "Hyper_Threading_ALL__F27F", "Disable"),
])
def test_a_bios_setting_goes_from_pending_to_now(tree: str, name: str, value: Any) -> None:
    client = recorded(tree)
    machine = client.machine
    before = machine.bios
    etag = client.get(machine.host.settings_path).headers.get("ETag", "*")
    assert client.patch(machine.host.settings_path, {"Attributes": {name: value}}, If_Match=etag).status in (200, 204)
    assert client.json(machine.host.settings_path)["Attributes"][name] == value
    assert machine.bios == before and before[name] != value
    reset(client)
    assert {n: v for n, v in machine.bios.items() if before[n] != v} == {name: value}
    assert machine.pending == {}


@needs_trees
@pytest.mark.parametrize("tree", [DELL, DMTF, HPE, LENOVO, SUPERMICRO])
def test_media_go_in_and_out_in_the_vendors_way(tree: str) -> None:
    client = recorded(tree)
    slot = next(s for s in client.machine.media.values() if not s.inserted) if tree != DMTF else next(
        iter(client.machine.media.values()))
    before = slot.doc
    actions = before.get("Actions", {})
    if "#VirtualMedia.InsertMedia" in actions:
        assert client.post(actions["#VirtualMedia.InsertMedia"]["target"], {"Image": IMAGE}).status in (200, 204)
        assert slot.image == IMAGE and slot.inserted
        eject = slot.doc["Actions"]["#VirtualMedia.EjectMedia"]["target"]
        assert client.post(eject).status in (200, 204)
        assert not slot.inserted and slot.doc["Image"] == before["Image"]
    else:
        client.patch(slot.path, {"Inserted": False}, If_Match="*")
        assert client.patch(slot.path, {"Image": IMAGE, "Inserted": True}, If_Match="*").status == 200
        assert slot.image == IMAGE and slot.inserted
        assert client.patch(slot.path, {"Image": None}, If_Match="*").status == 200
        assert not slot.inserted and not slot.image


@needs_trees
def test_dell_applies_settings_by_a_job() -> None:
    client = recorded(DELL)
    machine, settings = client.machine, client.machine.host.settings_path
    accepted = client.patch(settings, on_reset(LogicalProc="Disabled"))
    task = accepted.headers["Location"]
    assert accepted.status == 202 and "/TaskService/Tasks/JID_" in task
    waiting = client.json(task)
    assert waiting["TaskState"] == "Starting" and waiting["Oem"]["Dell"]["JobState"] == "Scheduled"
    job = f"{machine.tasks.jobs}/{waiting['Id']}"
    assert client.json(job)["JobState"] == "Scheduled"
    refused = client.patch(settings, on_reset(SriovGlobalEnable="Disabled"))
    assert refused.status == 400 and ids(refused) == ["SYS011"]
    reset(client)
    assert machine.bios["LogicalProc"] == "Disabled"
    assert client.json(task)["TaskState"] == client.json(job)["JobState"] == "Completed"
    assert client.json(settings).get("Attributes") in (None, {})


@needs_trees
def test_dell_forgets_what_is_staged_with_its_job() -> None:
    client = recorded(DELL)
    task = client.patch(client.machine.host.settings_path, on_reset(LogicalProc="Disabled")).headers["Location"]
    assert client.delete(f"{client.machine.tasks.jobs}/{task.rsplit('/', 1)[-1]}").status in (200, 204)
    assert client.machine.pending == {} and client.get(task).status == 404
    assert client.patch(client.machine.host.settings_path, on_reset(SriovGlobalEnable="Disabled")).status == 202


@needs_trees
def test_dell_stages_without_an_apply_time_and_wants_a_job_made() -> None:
    client = recorded(DELL)
    settings = client.machine.host.settings_path
    assert client.patch(settings, {"Attributes": {"LogicalProc": "Disabled"}}).status == 200
    reset(client)
    assert client.machine.bios["LogicalProc"] == "Enabled" and client.machine.pending
    assert client.post(client.machine.tasks.jobs, {"TargetSettingsURI": settings}).status == 200
    reset(client)
    assert client.machine.bios["LogicalProc"] == "Disabled"


@needs_trees
@pytest.mark.parametrize(("fault", "state", "status", "applied"), [
    ("wrong-task-status", "Exception", "OK", False), ("wrong-task-status=critical", "Completed", "Critical", True)])
def test_state_and_status_of_a_task_disagree(fault: str, state: str, status: str, applied: bool) -> None:
    client = recorded(DELL, on=(fault,))
    task = client.patch(client.machine.host.settings_path, on_reset(LogicalProc="Disabled")).headers["Location"]
    reset(client)
    told = client.json(task)
    assert (told["TaskState"], told["TaskStatus"]) == (state, status)
    assert (client.machine.bios["LogicalProc"] == "Disabled") == applied


@needs_trees
def test_a_finished_task_vanishes() -> None:
    client = recorded(DELL, on=("task-vanishes",))
    task = client.patch(client.machine.host.settings_path, on_reset(LogicalProc="Disabled")).headers["Location"]
    reset(client)
    assert client.get(task).status == 404 and client.machine.bios["LogicalProc"] == "Disabled"


@needs_trees
@pytest.mark.parametrize(("tree", "status", "said"), [
    (DELL, 409, "PSU501"), (HPE, 400, "InvalidOperationForSystemState"), (LENOVO, 204, ""), (INTEL, 204, "")])
def test_on_when_it_is_on(tree: str, status: int, said: str) -> None:
    reply = reset(recorded(tree), "On")
    assert reply.status == status and (not said or ids(reply) == [said])


@needs_trees
def test_openbmc_tells_of_the_way_to_power_on_and_off() -> None:
    client = recorded(OPENBMC, post_seconds=60, shutdown_seconds=30)
    target = f"{client.machine.host.path}/Actions/ComputerSystem.Reset"
    seen = []
    for kind, seconds in (("On", 31), ("", 30), ("GracefulShutdown", 31)):
        if kind:
            client.post(target, {"ResetType": kind})
        seen.append(client.machine.power)
        client.machine.advance(seconds)
        seen.append(client.machine.power)
    assert seen == ["PoweringOn", "On", "On", "On", "PoweringOff", "Off"]


@needs_trees
def test_hpe_locks_settings_and_boot_in_post_until_discovery_is_complete() -> None:
    client = recorded(HPE, post_seconds=120, os_seconds=60)
    state = client.machine.host.doc["Oem"]["Hpe"]["PostState"]
    reset(client)
    locked = client.patch(client.machine.host.settings_path, {"Attributes": {"Sriov": "Disabled"}})
    assert ids(locked) == ["UnableToModifyDuringSystemPOST"]
    once = {"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Once"}}
    assert ids(client.patch(f"{ROOT}/Systems/1", once)) == ["UnableToModifyDuringSystemPOST"]
    client.machine.advance(121)
    assert client.machine.host.doc["Oem"]["Hpe"]["PostState"] == "InPostDiscoveryComplete" != state
    assert client.patch(f"{ROOT}/Systems/1", once).status == 200
    client.machine.advance(60)
    assert client.machine.host.doc["Oem"]["Hpe"]["PostState"] == "FinishedPost"


@needs_trees
def test_hpe_speaks_in_ids_takes_any_case_and_packs_its_registries() -> None:
    client = recorded(HPE)
    assert client.json("/redfish/V1/SYSTEMS/1/bios/Settings/")["Id"] == "settings"
    done = client.patch("/redfish/v1/systems/1/bios/settings/", {"Attributes": {"Sriov": "Disabled"}})
    assert ids(done) == ["SystemResetRequired"] and "Message" not in done.body["error"]["@Message.ExtendedInfo"][0]
    registry = f"{ROOT}/registrystore/registries/en/biosattributeregistrya42.v1_2_60"
    assert client.get(registry, Accept_Encoding="identity").status == 406
    assert client.get(registry, Accept_Encoding="gzip").headers["Content-Encoding"] == "gzip"


@needs_trees
def test_lenovo_wants_an_etag_for_media_and_shows_one_slot_twice() -> None:
    client = recorded(LENOVO)
    path = f"{ROOT}/Systems/1/VirtualMedia/EXT1"
    assert client.patch(path, {"Image": IMAGE}).status == 428
    assert client.patch(path, {"Image": IMAGE}, If_Match=client.get(path).headers["ETag"]).status == 200
    assert client.json(f"{ROOT}/Managers/1/VirtualMedia/EXT1")["Image"] == IMAGE


@needs_trees
def test_lenovo_keeps_a_boot_order_until_the_restart_and_says_how_far_it_is() -> None:
    client = recorded(LENOVO, post_seconds=60)
    order = client.machine.boot["BootOrder"][::-1]
    assert client.patch(f"{ROOT}/Systems/1/Pending", {"Boot": {"BootOrder": order}}).status == 200
    assert client.machine.boot["BootOrder"] == order[::-1]
    reboots = client.machine.host.doc["Oem"]["Lenovo"]["NumberOfReboots"]
    reset(client)
    assert client.machine.host.doc["Oem"]["Lenovo"]["SystemStatus"] == "SystemOn_StartingUEFI"
    client.machine.advance(61)
    told = client.machine.host.doc["Oem"]["Lenovo"]
    assert (told["SystemStatus"], told["NumberOfReboots"]) == ("OSBooted", reboots + 1)
    assert client.machine.boot["BootOrder"] == order


@needs_trees
def test_hpe_takes_a_boot_order_by_structure_and_shows_it_by_number_after_the_restart() -> None:
    client = recorded(HPE)
    settings = f"{ROOT}/systems/1/bios/oem/hpe/boot/settings/"
    order = client.json(settings)["PersistentBootConfigOrder"]
    before = client.machine.boot["BootOrder"]
    assert client.patch(settings, {"PersistentBootConfigOrder": order[3:4] + order[:3] + order[4:]}).status == 200
    assert client.patch(settings, {"PersistentBootConfigOrder": "first"}).status == 400
    assert client.patch(settings, {"Nothing": 1}).status == 400
    assert client.machine.boot["BootOrder"] == before
    reset(client)
    after = client.machine.boot["BootOrder"]
    assert after[:4] == [before[3], *before[:3]] and sorted(after) == sorted(before)


@needs_trees
def test_dell_boots_from_what_its_own_attributes_name_and_only_once() -> None:
    client = recorded(DELL)
    manager = f"{ROOT}/Managers/iDRAC.Embedded.1"
    one, other = f"{manager}/Attributes", f"{manager}/Oem/Dell/DellAttributes/iDRAC.Embedded.1"
    chosen_once = {"ServerBoot.1.FirstBootDevice": "VCD-DVD", "ServerBoot.1.BootOnce": "Enabled"}
    assert client.patch(other, {"Attributes": {"ServerBoot.1.Nothing": "x"}}).status == 400
    assert client.patch(other, {"Attributes": chosen_once}).status == 200
    assert client.json(one)["Attributes"]["ServerBoot.1.FirstBootDevice"] == "VCD-DVD"
    reset(client)
    reset(client)
    assert [b.source for b in client.machine.host.boots] == ["VCD-DVD", ""]
    assert client.json(other)["Attributes"]["ServerBoot.1.FirstBootDevice"] == "Normal"


@needs_trees
def test_supermicro_shows_eject_only_while_media_is_in_and_keeps_the_name() -> None:
    client = recorded(SUPERMICRO)
    slot = client.machine.slot("VirtualMedia1")
    insert, eject = f"{slot.path}/Actions/VirtualMedia.InsertMedia", f"{slot.path}/Actions/VirtualMedia.EjectMedia"
    assert "#VirtualMedia.EjectMedia" not in slot.doc["Actions"] and client.post(eject).status == 404
    refused = client.post(insert, {"Image": IMAGE, "Inserted": True, "WriteProtected": True})
    assert refused.status == 400 and "Inserted" in str(refused.body)
    assert client.post(insert, {"Image": IMAGE}).body["Success"]["code"] == "Base.v1_10_3.Success"
    assert client.post(eject).status == 200
    assert slot.doc["ImageName"] == "rescue.iso" and slot.doc["ConnectedVia"] == "NotConnected"


@needs_trees
@pytest.mark.parametrize("tree", [INTEL, OPENBMC])
def test_machines_without_media_or_settings_stay_so(tree: str) -> None:
    client = recorded(tree)
    assert client.machine.media == {}
    assert reset(client, "ForceOff").status in (200, 204)
    assert client.machine.power == "Off"
