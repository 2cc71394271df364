"""Machines that are not among the recorded ones: small excerpts in our own words and values, of shapes that public sources
show. Each is the test of a rule, not of a model; where the shape is known from stands beside it. What their BIOS calls
things is in test_unseen_bioses.py."""

from __future__ import annotations

from typing import Any

import pytest
from stub_bmc import ROOT, Reply, Request, StubBmc, error, serve, small_machine

from bpa.adapters.errors import AdapterError, Refused, Unsupported
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.bios.attributes import read_bios
from bpa.adapters.redfish.bios.settings import stage_bios
from bpa.adapters.redfish.boot.override import read_boot, send_boot_override, set_boot_order
from bpa.adapters.redfish.media.inserting import slots
from bpa.adapters.redfish.quirks.identity import identify
from bpa.adapters.redfish.sections import full_facts
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.waiting import Waiting
from bpa.adapters.redfish.writing import Writer
from bpa.core.secret import Secret

SYSTEM = f"{ROOT}/systems/1"
BIOS = f"{SYSTEM}/bios"
Tree = dict[str, Any]


def access(bmc: StubBmc, **more: Any) -> BmcAccess:
    return BmcAccess(bmc.address, "admin", Secret("right"), **more)


def members(tree: Tree, owner: str, key: str, path: str, *bodies: dict[str, Any]) -> None:
    """A collection below the resource `owner`, with its members, into the tree."""
    links = [{"@odata.id": f"{path}/{place}"} for place in range(len(bodies))]
    tree[owner][key] = {"@odata.id": path}
    tree[path.lower()] = {"Members": links}
    tree |= {link["@odata.id"].lower(): body for link, body in zip(links, bodies, strict=True)}


# -- where BIOS settings are

def mega_rac() -> Tree:
    """Bios/SD is announced, and only there while something is staged (pubs.lenovo.com/tsm/get_bios_sd)."""
    tree = small_machine()
    tree[BIOS]["@Redfish.Settings"] = {"SettingsObject": {"@odata.id": f"{ROOT}/Systems/1/Bios/SD"}}
    del tree[f"{BIOS}/settings"]
    return tree


def made_by_patch(bmc: StubBmc, request: Request) -> Reply | None:
    """PATCH makes the settings resource; of the Bios resource it is not allowed."""
    if request.method != "PATCH":
        return None
    if not request.key.endswith("/sd"):
        return error(405 if request.key == BIOS else 404, "not here")
    if "If-Match" not in request.headers:
        return error(428, "an If-Match is due", "Base.1.12.PreconditionRequired")
    bmc.resources[request.key] = request.body  # type: ignore[index]
    return Reply(204)


def test_settings_that_are_not_there_yet_are_nothing_pending() -> None:
    with serve(StubBmc(mega_rac())) as bmc, Bmc(access(bmc)) as it:
        facts = it.look()
    assert (facts.unread, facts.pending) == ({}, {})
    assert facts.bios == {"ProcVirtualization": "Disabled", "NumCores": 8}


@pytest.mark.parametrize("announced", [True, False])
def test_settings_that_are_not_there_yet_are_made_by_the_first_patch(announced: bool) -> None:
    tree = mega_rac()
    if not announced:
        del tree[BIOS]["@Redfish.Settings"]
    with serve(StubBmc(tree, fault=made_by_patch)) as bmc, Target(access(bmc)) as target:
        paths = read_bios(target.reader(), target.system().body, None).paths
        staged = stage_bios(Writer(target), paths, {"ProcVirtualization": "Enabled"})
        assert (staged.dropped, staged.unshown) == ({}, ())
        assert bmc.resources[f"{BIOS}/sd"] == {"Attributes": {"ProcVirtualization": "Enabled"}}
        assert read_bios(target.reader(), target.system().body, None).pending == {"ProcVirtualization": "Enabled"}


def test_a_bios_that_nothing_can_be_written_to_says_what_the_bios_resource_said() -> None:
    tree = mega_rac()
    del tree[BIOS]["@Redfish.Settings"]
    refuse = lambda bmc, request: error(405, "not here") if request.method == "PATCH" else None  # noqa: E731
    with serve(StubBmc(tree, fault=refuse)) as bmc, Target(access(bmc)) as target:
        paths = read_bios(target.reader(), target.system().body, None).paths
        with pytest.raises(Unsupported, match="/Systems/1/Bios was answered 405"):
            stage_bios(Writer(target), paths, {"ProcVirtualization": "Enabled"})


def gen9() -> Tree:
    """iLO 4: attributes beside Id and Name, settings by href, counts where links are due (HPE's iLO 5 adaptation guide)."""
    tree = small_machine()
    flat = {"Id": "Bios", "Name": "BIOS Current Settings", "Type": "HpBios.1.2.0", "AttributeRegistry": "HpBios.1.2.40",
            "ProcVirtualization": "Enabled", "Sriov": "Disabled", "VlanId": 0, "AdminPassword": None,
            "@odata.id": f"{ROOT}/Systems/1/Bios/"}
    tree[BIOS] = {**flat, "links": {"Settings": {"href": "/rest/v1/systems/1/bios/Settings"}}}
    tree[f"{BIOS}/settings"] = {**flat, "Id": "Settings"}
    system = tree[SYSTEM]
    system |= {"Manufacturer": "HP", "Processors": {"Count": 2}, "Memory": {"Status": {"HealthRollUp": "OK"}},
               "ProcessorSummary": {"Count": 2, "Model": "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz"}}
    system["Boot"] = {"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None",
                      "BootSourceOverrideSupported": ["None", "Cd", "Hdd", "Pxe", "UefiTarget"]}
    members(tree, SYSTEM, "EthernetInterfaces", f"{SYSTEM}/nics",
            {"FactoryMacAddress": "3C:A8:2A:00:00:70", "MacAddress": "3C:A8:2A:00:00:70"})
    return tree


def test_attributes_beside_id_and_name_are_read_and_written_so() -> None:
    def keep(bmc: StubBmc, request: Request) -> Reply | None:
        if request.method == "PATCH":
            bmc.resources[request.key] |= request.body
        return None

    with serve(StubBmc(gen9(), fault=keep)) as bmc, Target(access(bmc)) as target:
        bios = read_bios(target.reader(), target.system().body, None)
        assert bios.now == {"ProcVirtualization": "Enabled", "Sriov": "Disabled", "VlanId": 0}
        assert (bios.pending, bios.paths.settings) == ({}, f"{ROOT}/systems/1/bios/Settings")
        assert not stage_bios(Writer(target), bios.paths, {"Sriov": "Enabled"}).unshown
        assert [r.body for r in bmc.log if r.method == "PATCH"] == [{"Sriov": "Enabled"}]
        assert read_bios(target.reader(), target.system().body, None).pending == {"Sriov": "Enabled"}


def test_counts_in_the_place_of_links_are_no_fault_and_no_number_of_threads() -> None:
    with serve(StubBmc(gen9())) as bmc, Target(access(bmc)) as target:
        facts = full_facts(target)
        assert facts.processors is not None and facts.memory is not None
        assert (facts.processors.problem, facts.memory.problem) == ("", "")
        with Bmc(access(bmc, mac="3c:a8:2a:00:00:70")) as it:
            seen = it.look(("cpus", "macs"))
    assert (seen.cpus, seen.macs) == (0, ("3c:a8:2a:00:00:70",))  # two sockets: what they hold is not told


def test_boot_sources_that_are_listed_without_annotation_count() -> None:
    with serve(StubBmc(gen9())) as bmc, Target(access(bmc)) as target:
        assert read_boot(target).targets == ("None", "Cd", "Hdd", "Pxe", "UefiTarget")
        with pytest.raises(Unsupported, match="cannot boot from UefiHttp"):
            send_boot_override(Writer(target), "UefiHttp")


@pytest.mark.parametrize("others, cleared", [({}, True), ({"BootMode": "Uefi"}, False)])
def test_an_idrac_that_makes_no_job_keeps_nothing_that_looks_staged(others: dict[str, Any], cleared: bool) -> None:
    """iDRAC 8: what is pending without a job never takes effect, and would be taken for staged by the next look."""
    tree = small_machine()
    manager, clear = f"{ROOT}/Managers/iDRAC.Embedded.1", f"{ROOT}/Systems/1/Bios/Settings/Actions/Oem/DellManager.ClearPending"
    tree[BIOS]["@Redfish.Settings"] = {"SettingsObject": {"@odata.id": f"{ROOT}/Systems/1/Bios/Settings"}}
    tree[f"{BIOS}/settings"] = {
        "Attributes": others, "Oem": {"Dell": {"Jobs": {"@odata.id": f"{manager}/Jobs"}}},
        "Actions": {"Oem": {"DellManager.v1_0_0#DellManager.ClearPending": {"target": clear}}}}
    tree[clear.lower()] = {}

    def busy(bmc: StubBmc, request: Request) -> Reply | None:
        return error(503, "the iDRAC is not ready", "IDRAC.2.1.SYS518") if request.key.endswith("/jobs") else None

    with serve(StubBmc(tree, fault=busy)) as bmc, Target(access(bmc)) as target:
        paths = read_bios(target.reader(), target.system().body, None).paths
        with pytest.raises(AdapterError, match="not ready"):
            stage_bios(Writer(target, patience=Waiting(0.0)), paths, {"ProcVirtualization": "Enabled"})
        assert (clear in bmc.asked("POST")) is cleared


# -- which System

def two(first: str, second: dict[str, Any]) -> Tree:
    tree = small_machine()
    tree[f"{ROOT}/systems"]["Members"].insert(0, {"@odata.id": first})
    tree[first.lower()] = second
    return tree


def test_what_is_no_system_among_the_systems_is_none() -> None:
    """A DGX H100 lists a log service there (NVIDIA/nv-redfish bmc_quirks.rs, filter_computer_system_odata_ids)."""
    tree = two(f"{ROOT}/Systems/HGX/LogServices/FDR", {"@odata.type": "#LogService.v1_2_0.LogService", "Id": "FDR"})
    with serve(StubBmc(tree)) as bmc, Bmc(access(bmc)) as it:
        assert it.look().serial == "S1"


def test_two_real_systems_are_still_ambiguous() -> None:
    tree = two(f"{ROOT}/Systems/HGX", {"@odata.type": "#ComputerSystem.v1_17_0.ComputerSystem", "SerialNumber": "X"})
    with serve(StubBmc(tree)) as bmc, Bmc(access(bmc)) as it, pytest.raises(Refused, match="shows 2 Systems"):
        it.look()


def test_a_service_root_without_links_is_asked_for_its_systems_all_the_same() -> None:
    """AMI's BMC serves it so while it starts (nv-redfish: bug_missing_root_nav_properties)."""
    tree = small_machine()
    del tree[ROOT]["Systems"]
    with serve(StubBmc(tree)) as bmc, Bmc(access(bmc)) as it:
        assert it.look().serial == "S1"


def test_a_chassis_manager_without_systems_says_so() -> None:
    tree = small_machine()
    del tree[ROOT]["Systems"], tree[f"{ROOT}/systems"]
    with serve(StubBmc(tree)) as bmc, Bmc(access(bmc)) as it, pytest.raises(Unsupported, match="shows no System"):
        it.look()


@pytest.mark.parametrize("managers, controller", [
    ([{"ManagerType": "EnclosureManager", "FirmwareVersion": "nc.1.9", "Model": "BMC"}], "BMC"),
    ([{"ManagerType": "ManagementController", "FirmwareVersion": "4.1(3d)", "Model": "S3260"},
      {"ManagerType": "BMC", "FirmwareVersion": "4.2(2a)", "Model": "CIMC"}], "CIMC"),
    ([{"ManagerType": "EnclosureManager", "Model": "CMC"}], ""),
])
def test_a_manager_of_another_type_tells_the_firmware_where_no_bmc_does(managers: list[Any], controller: str) -> None:
    assert identify({}, {"Manufacturer": "HPE"}, managers).controller == controller


# -- facts

@pytest.mark.parametrize("told, mib", [
    (59.604672, 64 * 1024), (178.814016, 192 * 1024),  # iDRAC 8 and 9: of 10^9 bytes
    (244.140625, 256 * 1024),  # AMI on a Gigabyte: of 10^6 KiB
    (191.75, 196352), (64, 65536), (62.5, 64000), (0, 0), (None, 0), ("no", 0), (-3, 0), (1e300, 0),
])
def test_memory_in_all_is_real_gib_whatever_unit_it_was_summed_in(told: Any, mib: int) -> None:
    tree = small_machine()
    tree[SYSTEM]["MemorySummary"] = {"TotalSystemMemoryGiB": told}
    with serve(StubBmc(tree)) as bmc, Bmc(access(bmc)) as it:
        assert it.look(()).memory_mib == mib


def test_persistent_memory_in_the_sum_is_no_memory_once_the_modules_are_read() -> None:
    """OpenBMC adds up all modules that it has."""
    tree = small_machine()
    tree[SYSTEM]["MemorySummary"] = {"TotalSystemMemoryGiB": 158.375}
    members(tree, SYSTEM, "Memory", f"{SYSTEM}/memory", {"CapacityMiB": 32768, "MemoryType": "DRAM"},
            {"CapacityMiB": 129408, "MemoryType": "DRAM", "PartNumber": "NMB1XXD128GPS"})
    with serve(StubBmc(tree)) as bmc, Bmc(access(bmc)) as it:
        assert it.look(("dimms",)).memory_mib == 32768


def test_a_boot_order_with_names_in_it_is_that_of_the_options() -> None:
    """NVIDIA Vera Rubin: "Boot0002: UEFI HTTPv4" in BootOrder, Boot0002 in the option (nv-redfish bmc_quirks.rs)."""
    tree = small_machine()
    boot = tree[SYSTEM]["Boot"]
    boot["BootOrder"] = ["Boot0002: UEFI HTTPv4", "Boot0000: Ubuntu"]
    members(tree, SYSTEM, "x", f"{SYSTEM}/bootoptions",
            {"BootOptionReference": "Boot0000", "DisplayName": "Ubuntu"},
            {"BootOptionReference": "Boot0002", "DisplayName": "UEFI HTTPv4"})
    boot["BootOptions"] = tree[SYSTEM].pop("x")
    with serve(StubBmc(tree)) as bmc, Target(access(bmc)) as target:
        assert [o.name for o in read_boot(target).options] == ["UEFI HTTPv4", "Ubuntu"]
        facts = full_facts(target, ("boot",))
        assert facts.boot is not None
        assert [o.name for o in facts.boot.value.order] == ["UEFI HTTPv4", "Ubuntu"]
        for wanted in ("Boot0000", "ubuntu"):
            writer = Writer(target, dry_run=True)
            assert set_boot_order(writer, [wanted]).order == ("Boot0000: Ubuntu", "Boot0002: UEFI HTTPv4")
            assert [r.body for r in writer.sent] == [{"Boot": {"BootOrder": ["Boot0000: Ubuntu", "Boot0002: UEFI HTTPv4"]}}]


def test_where_only_sticks_can_be_inserted_that_way_is_told() -> None:
    """GB200's BMC has USB1 and USB2, both for sticks."""
    from bpa.adapters.redfish.media.inserting import plan_insert
    from bpa.adapters.redfish.media.ways import Medium

    tree = small_machine()
    stick = {"MediaTypes": ["USBStick"], "Inserted": False, "Actions": {
        "#VirtualMedia.InsertMedia": {"target": f"{ROOT}/insert"}, "#VirtualMedia.EjectMedia": {"target": f"{ROOT}/eject"}}}
    members(tree, SYSTEM, "VirtualMedia", f"{SYSTEM}/virtualmedia", {"Id": "USB1", **stick})
    with serve(StubBmc(tree)) as bmc, Target(access(bmc)) as target:
        assert len(slots(target)) == 1
        with pytest.raises(Unsupported) as told:
            plan_insert(target, Medium("http://192.0.2.1/a.iso"))
    assert "--kind usb" in told.value.advice
