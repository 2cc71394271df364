"""The right System, the parts of a machine, and reading on where one part cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
from stub_bmc import ROOT, Reply, Request, StubBmc, error

from bpa.adapters.errors import Busy, Refused, Unreachable, Unsupported
from bpa.adapters.redfish import ALL, QUICK, Bmc, BmcAccess
from bpa.core.facts import Adapter, Dimm, Drive
from bpa.core.secret import Secret

SYSTEMS = f"{ROOT}/Systems"
SYSTEM = f"{SYSTEMS}/1"


def machine(stub: StubBmc, **more: Any) -> Bmc:
    return Bmc(BmcAccess(stub.address, "admin", Secret("right"), **more))


def put(stub: StubBmc, path: str, body: Any) -> dict[str, str]:
    """Serve a resource and return a reference to it."""
    assert isinstance(stub.resources, dict)
    stub.resources[path.lower()] = body
    return {"@odata.id": path}


def put_all(stub: StubBmc, path: str, bodies: list[Any]) -> dict[str, str]:
    return put(stub, path, {"Members": [put(stub, f"{path}/{i}", body) for i, body in enumerate(bodies)]})


def system(stub: StubBmc) -> dict[str, Any]:
    assert isinstance(stub.resources, dict)
    return stub.resources[SYSTEM.lower()]


@pytest.fixture
def four(bmc: StubBmc) -> StubBmc:
    """Four hosts behind one BMC, as on an HPE Cray blade."""
    bodies = []
    for i in range(4):
        nics = put_all(bmc, f"{SYSTEMS}/Node{i}/EthernetInterfaces", [{"MACAddress": f"AA:BB:CC:00:00:0{i}"}])
        bodies.append(put(bmc, f"{SYSTEMS}/Node{i}", {
            "UUID": f"0000-{i}", "SerialNumber": f"SN{i}", "PowerState": "On", "EthernetInterfaces": nics,
        }))
    put(bmc, SYSTEMS, {"Members": bodies})
    return bmc


@pytest.mark.parametrize(
    "identity",
    [{"system": f"{SYSTEMS}/Node2"}, {"system": f"{SYSTEMS}/Node2/"}, {"uuid": "0000-2"}, {"serial": "sn2"},
     {"mac": "AA:bb:CC:00:00:02"}, {"uuid": "unknown", "mac": "aa:bb:cc:00:00:02"}],
    ids=str,
)
def test_among_several_systems_the_identity_decides(four: StubBmc, identity: dict[str, str]) -> None:
    with machine(four, **identity) as m:
        assert m.look(ALL).serial == "SN2"


@pytest.mark.parametrize("identity", [{}, {"serial": "SN9"}, {"mac": "aa:bb:cc:00:00:09"}], ids=str)
def test_among_several_systems_none_is_taken_by_habit(four: StubBmc, identity: dict[str, str]) -> None:
    with machine(four, **identity) as m, pytest.raises(Refused) as caught:
        m.look(ALL)
    assert all(f"Node{i} (serial SN{i}, UUID 0000-{i})" in str(caught.value) for i in range(4))


def test_a_path_that_is_not_there_names_those_that_are(four: StubBmc) -> None:
    with machine(four, system=f"{SYSTEMS}/Node7") as m, pytest.raises(Refused, match="has no System .*Node7; it has .*Node0"):
        m.look(ALL)


def test_the_only_system_is_taken_whatever_the_identity_for_the_core_judges_that(bmc: StubBmc) -> None:
    with machine(bmc, serial="another") as m:
        assert m.look(ALL).serial == "S1"


def test_a_bmc_without_systems_is_unsupported(bmc: StubBmc) -> None:
    put(bmc, SYSTEMS, {"Members": None})
    with machine(bmc) as m, pytest.raises(Unsupported, match="shows no System"):
        m.look(ALL)


def test_a_system_that_moved_is_found_again(bmc: StubBmc) -> None:
    with machine(bmc) as m:
        m.look(ALL)
        put(bmc, SYSTEMS, {"Members": [put(bmc, f"{SYSTEMS}/new", {"SerialNumber": "S2", "PowerState": "Off"})]})
        put(bmc, SYSTEM, None)
        with pytest.raises(Unsupported):
            m.look(ALL)
        assert m.look(ALL).serial == "S2"


def test_one_unreadable_member_leaves_the_others(bmc: StubBmc) -> None:
    system(bmc)["Memory"] = put_all(bmc, f"{SYSTEM}/Memory", [
        {"DeviceLocator": "A1", "CapacityMiB": 16384}, {"DeviceLocator": "A2", "CapacityMiB": 16384},
        {"DeviceLocator": "A3", "Status": {"State": "Absent"}},
    ])
    bmc.fault = lambda stub, r: error(500, "crashed") if r.key == f"{SYSTEM}/memory/1".lower() else None
    with machine(bmc) as m:
        facts = m.look(ALL)
        assert facts.dimms == (Dimm("A1", 16384),)
        assert "crashed" in facts.unread["dimms"]
        assert facts.bios is not None
        bmc.fault = lambda stub, r: None
        facts = m.look(ALL)
    assert facts.memory_mib == 32768
    assert facts.unread == {}


@pytest.mark.parametrize("broken", ["Storage", "Memory", "EthernetInterfaces", "NetworkInterfaces", "Bios"])
def test_one_unreadable_section_leaves_the_others(bmc: StubBmc, broken: str) -> None:
    for name in ("Storage", "Memory", "EthernetInterfaces", "NetworkInterfaces"):
        system(bmc)[name] = put_all(bmc, f"{SYSTEM}/{name}", [])
    bmc.fault = lambda stub, r: Reply(200, b"<html>") if r.key == f"{SYSTEM}/{broken}".lower() else None
    with machine(bmc) as m:
        facts = m.look(ALL)
    assert facts.serial == "S1"
    assert list(facts.unread) == [
        {"Storage": "drives", "Memory": "dimms", "EthernetInterfaces": "macs", "NetworkInterfaces": "adapters",
         "Bios": "bios"}[broken]
    ]


@pytest.mark.parametrize(("reply", "kind"), [(error(503, "restarting"), Busy), (Reply(200, b"x", cut=0), Unreachable)])
def test_a_bmc_that_goes_away_in_mid_look_is_not_mistaken_for_a_poor_machine(
    bmc: StubBmc, reply: Reply, kind: type[Exception]
) -> None:
    system(bmc)["Memory"] = put_all(bmc, f"{SYSTEM}/Memory", [{"CapacityMiB": 1}])
    bmc.fault = lambda stub, r: reply if "memory" in r.key else None
    with machine(bmc) as m, pytest.raises(kind):
        m.look(ALL)


def test_all_pages_of_a_collection_are_read(bmc: StubBmc) -> None:
    one, two = (put(bmc, f"{SYSTEM}/Memory/{i}", {"Id": str(i), "CapacityMiB": 1024}) for i in (1, 2))
    put(bmc, f"{SYSTEM}/Memory", {"Members": [one], "Members@odata.nextLink": f"{SYSTEM}/MemoryPage2"})
    put(bmc, f"{SYSTEM}/MemoryPage2", {"Members": [two, one, "odd", None], "Members@odata.nextLink": 7})
    system(bmc)["Memory"] = {"@odata.id": f"{SYSTEM}/Memory"}
    with machine(bmc) as m:
        facts = m.look(ALL)
    assert [d.slot for d in facts.dimms] == ["1", "2"]


def test_a_collection_that_turns_in_circles_ends(bmc: StubBmc) -> None:
    system(bmc)["Memory"] = put(bmc, f"{SYSTEM}/Memory", {
        "Members": [], "Members@odata.nextLink": f"{SYSTEM}/Memory",
    })
    with machine(bmc) as m:
        assert m.look(ALL).dimms == ()
    assert len([p for p in bmc.asked() if p.endswith("Memory")]) < 50


def test_drives_adapters_and_cpus_are_told_as_they_are(bmc: StubBmc) -> None:
    drives = [put(bmc, "/redfish/v1/Chassis/1/Drives/a", {
        "SerialNumber": " LABDISK0 ", "CapacityBytes": 8589934592, "Model": "QEMU", "MediaType": "HDD", "Name": "sda",
        "Identifiers": [{"DurableNameFormat": "NAA", "DurableName": "50:00:c5:00:a1:b2:c3:d4"}],
    }), put(bmc, "/redfish/v1/Chassis/1/Drives/b", {"Status": {"State": "Absent"}})]
    system(bmc)["Storage"] = put_all(bmc, f"{SYSTEM}/Storage", [{"Drives": drives}])
    system(bmc)["SimpleStorage"] = put_all(bmc, f"{SYSTEM}/SimpleStorage", [{"Devices": [{"CapacityBytes": 1}]}])
    system(bmc)["Processors"] = put_all(bmc, f"{SYSTEM}/Processors", [
        {"ProcessorType": "GPU", "TotalThreads": 9000}, {"ProcessorType": "CPU", "TotalThreads": 8, "TotalCores": 4},
        {"ProcessorType": "CPU", "Status": {"State": "Absent"}, "TotalThreads": 8},
    ])
    functions = put_all(bmc, "/redfish/v1/Chassis/1/NetworkAdapters/x/NetworkDeviceFunctions", [
        {"Ethernet": {"MACAddress": "525400aabbcc", "PermanentMACAddress": None}, "MaxVirtualFunctions": 7},
    ])
    adapter = put(bmc, "/redfish/v1/Chassis/1/NetworkAdapters/x", {
        "Id": "nic1", "Model": "82576", "NetworkDeviceFunctions": functions,
    })
    put(bmc, "/redfish/v1/Chassis/1/NetworkAdapters", {"Members": [adapter]})
    chassis = put(bmc, "/redfish/v1/Chassis/1", {"NetworkAdapters": {"@odata.id": "/redfish/v1/Chassis/1/NetworkAdapters"}})
    system(bmc)["Links"] = {"Chassis": [chassis]}
    with machine(bmc) as m:
        facts = m.look(ALL)
    assert facts.drives == (
        Drive("sda", serial="LABDISK0", size=8589934592, model="QEMU", wwn="0x5000c500a1b2c3d4", rotational=True,
              media="hdd"),
    )
    assert facts.cpus == 8
    assert facts.adapters == (Adapter("nic1 82576", ("52:54:00:aa:bb:cc",), 7),)
    assert facts.macs == ("52:54:00:aa:bb:cc",)


@pytest.mark.parametrize(
    ("body", "dimm"),
    [
        ({"DeviceLocator": "P1", "MemoryType": "NVDIMM_P", "CapacityMiB": 129408}, Dimm("P1", 129408, True)),
        ({"Name": "P2", "MemoryType": "IntelOptane", "CapacityMiB": 1}, Dimm("P2", 1, True)),
        ({"Id": "P3", "MemoryType": "NVDIMM_N", "VolatileSizeMiB": 8192, "NonVolatileSizeMiB": 8192}, Dimm("P3", 16384, True)),
        ({"Id": "D1", "MemoryType": "DRAM", "CapacityMiB": 64.5}, Dimm("D1", 64)),
    ],
)
def test_persistent_memory_is_told_from_dram_and_not_counted_as_memory(bmc: StubBmc, body: Any, dimm: Dimm) -> None:
    system(bmc)["Memory"] = put_all(bmc, f"{SYSTEM}/Memory", [body])
    with machine(bmc) as m:
        facts = m.look(ALL)
    assert facts.dimms == (dimm,)
    assert facts.memory_mib == (0 if dimm.persistent else dimm.mib)


def test_sections_are_kept_until_the_power_changes(bmc: StubBmc) -> None:
    system(bmc)["Memory"] = put_all(bmc, f"{SYSTEM}/Memory", [])
    with machine(bmc) as m:
        m.look(ALL)
        put_all(bmc, f"{SYSTEM}/Memory", [{"Id": "1", "CapacityMiB": 1024}])
        assert m.look(ALL).dimms == ()
        assert m.look(QUICK).dimms == ()
        system(bmc)["PowerState"] = "Off"
        assert m.look(QUICK).dimms == ()
        assert len(m.look(ALL).dimms) == 1
        assert len(m.look(()).dimms) == 1


def test_somebody_presses_the_power_button_between_two_looks(bmc: StubBmc) -> None:
    """Off: what is known of the parts stays known; on again: they are read again, for they may have been changed."""
    drive = put(bmc, f"{ROOT}/Chassis/1/Drives/a", {"SerialNumber": "D1", "CapacityBytes": 10**12})
    system(bmc)["Storage"] = put_all(bmc, f"{SYSTEM}/Storage", [{"Drives": [drive]}])
    with machine(bmc) as m:
        assert m.look(ALL).power == "On"
        system(bmc)["PowerState"] = "Off"
        put_all(bmc, f"{SYSTEM}/Storage", [])  # some BMCs forget the drives of a machine that is off
        facts = m.look(ALL)
        assert (facts.power, [d.serial for d in facts.drives]) == ("Off", ["D1"])
        put_all(bmc, f"{SYSTEM}/Storage", [{"Drives": [put(bmc, f"{ROOT}/Chassis/1/Drives/a", {"SerialNumber": "D2"})]}])
        system(bmc)["PowerState"] = "On"
        assert [d.serial for d in m.look(ALL).drives] == ["D2"]


@pytest.mark.parametrize("part", ["memory", "managers", "chassis"])
def test_a_bmc_that_restarts_in_mid_look_gives_no_half_facts(bmc: StubBmc, part: str) -> None:
    from bpa.adapters.redfish.sections import full_facts

    system(bmc)["Memory"] = put_all(bmc, f"{SYSTEM}/Memory", [{"CapacityMiB": 1024}])
    system(bmc)["Links"] = {"ManagedBy": [put(bmc, f"{ROOT}/Managers/1", {})], "Chassis": [put(bmc, f"{ROOT}/Chassis/1", {})]}
    down: list[str] = []

    def restarts(stub: StubBmc, request: Request) -> Reply | None:
        if part in request.key:
            down.append(request.key)
        return error(503, "restarting") if down else None

    bmc.fault = restarts
    with machine(bmc) as m, pytest.raises(Busy, match="restarting"):
        full_facts(m.target)
    bmc.fault = lambda stub, r: None
    with machine(bmc) as m:
        assert not full_facts(m.target).problems


def test_one_part_that_is_always_busy_leaves_the_others(bmc: StubBmc) -> None:
    from bpa.adapters.redfish.sections import full_facts

    system(bmc)["Memory"] = put_all(bmc, f"{SYSTEM}/Memory", [{"CapacityMiB": 1024}])
    bmc.fault = lambda stub, r: error(503, "counting modules") if "memory" in r.key else None
    with machine(bmc) as m:
        found = full_facts(m.target)
    assert found.problems.keys() == {"memory"} and "counting modules" in found.problems["memory"]
    assert found.identity and found.identity.value.model == "M1"


def test_the_wanted_mac_ends_the_search_for_macs(bmc: StubBmc) -> None:
    system(bmc)["EthernetInterfaces"] = put_all(
        bmc, f"{SYSTEM}/EthernetInterfaces", [{"MACAddress": f"02:00:00:00:00:0{n}"} for n in range(9)])
    with machine(bmc, mac="02:00:00:00:00:01") as m:
        assert m.look().macs == ("02:00:00:00:00:00", "02:00:00:00:00:01")
        assert m.look().unread == {}
    assert len([p for p in bmc.asked() if "EthernetInterfaces/" in p]) == 2


def test_no_mac_is_read_where_none_is_wanted(bmc: StubBmc) -> None:
    system(bmc)["EthernetInterfaces"] = put_all(bmc, f"{SYSTEM}/EthernetInterfaces", [{"MACAddress": "02:00:00:00:00:01"}])
    with machine(bmc) as m:
        assert m.look().macs == ()
        assert m.look(QUICK).macs == ("02:00:00:00:00:01",)


def test_an_unreadable_interface_does_not_make_it_another_machine(bmc: StubBmc) -> None:
    """Without the wanted MAC no MAC is told while one interface could not be read: it may be the one."""
    system(bmc)["EthernetInterfaces"] = put_all(
        bmc, f"{SYSTEM}/EthernetInterfaces", [{"MACAddress": f"02:00:00:00:00:0{n}"} for n in range(3)])
    bmc.fault = lambda stub, r: error(500, "crashed") if r.key.endswith("interfaces/2") else None
    with machine(bmc, mac="02:00:00:00:00:02") as m:
        facts = m.look()
        assert facts.macs == () and "crashed" in facts.unread["macs"]
        bmc.fault = lambda stub, r: None
        facts = m.look()
    assert "02:00:00:00:00:02" in facts.macs and facts.unread == {}
