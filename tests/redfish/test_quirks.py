"""Which rules apply to which machine; versions as vendors count them; each rule is needed by a test that names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stub_bmc import RECORDED, ROOT, StubBmc, serve, small_machine

from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.quirks import Identity, Quirks, firmware_decides, identify, quirks_of
from bpa.adapters.redfish.quirks.rules import PARAMETERS, all_rules
from bpa.adapters.redfish.quirks.versions import Range, Version, bound, parse
from bpa.adapters.redfish.target import Target
from bpa.core.secret import Secret


@pytest.mark.parametrize(
    ("maker", "controller", "told", "version"),
    [
        ("Dell", "15G Monolithic", "6.00.30.00", Version("iDRAC9", (6, 0, 30, 0))),
        ("Dell", "17G Monolithic", "1.20.25.00", Version("iDRAC10", (1, 20, 25, 0))),
        ("Dell", "13G Monolithic", "2.86.86.86", Version("iDRAC8", (2, 86, 86, 86))),
        ("Dell", "", "7.10.30.00", Version("iDRAC9", (7, 10, 30, 0))),
        ("Dell", "", "1.20.25.00", None),
        ("Dell", "", "2.86.86.86", None),
        ("HPE", "iLO 5", "iLO 5 v2.72", Version("iLO 5", (2, 72))),
        ("HPE", "iLO 6", "iLO 6 v1.05 Oct 01 2022", Version("iLO 6", (1, 5))),
        ("Lenovo", "", "TGBT42S 2.83 2023-07-05", Version("XCC TGBT", (2, 83))),
        ("Lenovo", "", "CDI3A0I-9.40", Version("XCC CDI3", (9, 40))),
        ("Lenovo", "", "2.83", None),
        ("Supermicro", "ASPEED", "01.01.10", Version("Supermicro", (1, 1, 10))),
        ("Supermicro", "", "3.80", Version("Supermicro", (3, 80))),
        ("OpenBMC", "OpenBmc", "2.15.0-dev-686-g100c36de90", Version("OpenBMC", (2, 15, 0, 0, 686))),
        ("OpenBMC", "OpenBmc", "v2.14.0", Version("OpenBMC", (2, 14, 0, 1, 0))),
        ("OpenBMC", "OpenBmc", "GB200Nvl-25.02-D", None),
        ("Intel", "", "1.93.870cf4f0", Version("Intel BMC", (1, 93))),
        ("AMI", "", "12.61.17", Version("MegaRAC", (12, 61, 17))),
        ("Cisco", "", "4.2(2a)", Version("CIMC", (4, 2, 2, 1))),
        ("Contoso", "", "1.0", None),
        ("Dell", "15G Monolithic", "", None),
    ],
)
def test_a_version_is_read_as_its_vendor_counts(maker: str, controller: str, told: str, version: Version | None) -> None:
    assert parse(maker, controller, told) == version


def test_versions_of_different_schemes_are_never_compared() -> None:
    before_six = Range("iDRAC9", end=bound("iDRAC9", "6.00.00.00"))
    assert before_six.holds(Version("iDRAC9", (5, 10, 50, 0)))
    assert not before_six.holds(Version("iDRAC9", (6, 0, 0, 0)))
    assert not before_six.holds(Version("iDRAC10", (1, 20, 25, 0))), "1.20 is newer, not older"
    assert bound("OpenBMC", "2.15.0-dev") < bound("OpenBMC", "2.15.0") < bound("OpenBMC", "2.15.0-3-gabcdef")
    assert bound("CIMC", "4.2(2)") < bound("CIMC", "4.2(2a)") < bound("CIMC", "4.2(10a)")
    with pytest.raises(ValueError, match="no version"):
        bound("iLO 5", "two")


@pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("dell-r750-idrac9-6.00.30.00", ("Dell", "PowerEdge R750", "6.00.30.00", "Dell", "15G Monolithic")),
        ("hpe-dl385g10plusv2-ilo5-2.72", ("HPE", "ProLiant DL385 Gen10 Plus v2", "iLO 5 v2.72", "HPE", "iLO 5")),
        ("lenovo-sr670v2-xcc-2.83",
         ("Lenovo", "ThinkSystem SR670 V2", "TGBT42S 2.83 2023-07-05", "Lenovo", "Lenovo XClarity Controller")),
        ("supermicro-sys821ge-bmc-11.01.01", ("Supermicro", "SYS-821GE-TNHR", "11.01.01", "Supermicro", "ASPEED")),
        ("intel-s2600bpb-bmc-1.93", ("Intel", "S2600BPB", "1.93.870cf4f0", "Intel", "S2600BPB")),
        ("openbmc-stock-2.15", ("OpenBMC", "", "2.15.0-dev-686-g100c36de90", "OpenBMC", "OpenBmc")),
        ("dmtf-public-rackmount1-2022.3", ("", "3500", "1.45.455b66-rev4", "", "Joo Janta 200")),
    ],
)
def test_a_recorded_machine_is_known_by_what_it_shows(name: str, who: tuple[str, ...]) -> None:
    base = RECORDED / name / "redfish" / "v1"

    def read(file: Path) -> Any:
        return json.loads(file.read_text())

    root, system = read(base / "index.json"), read(next(base.glob("Systems/*/index.json")))
    managers = [read(f) for f in base.glob("Managers/*/index.json")]
    assert identify(root, system, managers) == Identity(*who)


@pytest.mark.parametrize(
    ("root", "system", "vendor", "service"),
    [
        ({"Vendor": "AMI"}, {"Manufacturer": "GIGABYTE"}, "Gigabyte", "AMI"),
        ({"Vendor": "AMI"}, {"Manufacturer": "NVIDIA"}, "NVIDIA", "AMI"),
        ({"Oem": {"Ami": {}}}, {"Manufacturer": "Lenovo"}, "Lenovo", "AMI"),
        ({"Vendor": "Hewlett Packard Enterprise"}, {"Manufacturer": "HPE"}, "HPE", "HPE"),
        ({}, {"Manufacturer": "Dell Inc."}, "Dell", "Dell"),
        ({}, {"Manufacturer": "Super Micro Computer"}, "Supermicro", "Supermicro"),
        ({"Vendor": 7}, {"Manufacturer": None}, "", ""),
        ({}, {"Manufacturer": "Amity Systems"}, "", ""),
    ],
)
def test_who_made_the_machine_and_who_made_its_bmc_are_two_things(
    root: dict[str, Any], system: dict[str, Any], vendor: str, service: str
) -> None:
    who = identify(root, system)
    assert (who.vendor, who.service) == (vendor, service)


def dell(firmware: str, controller: str = "15G Monolithic", model: str = "PowerEdge R750") -> Identity:
    return Identity("Dell", model, firmware, "Dell", controller)


def hpe(controller: str, firmware: str, model: str = "ProLiant DL360 Gen10") -> Identity:
    return Identity("HPE", model, firmware, "HPE", controller)


APPLIES: list[tuple[str, Identity, dict[str, Any]]] = [
    ("dell-idrac9-before-6-virtual-cd", dell("5.10.50.00"), {"virtual_cd": "dell-attributes"}),
    ("dell-idrac10-virtual-cd", dell("1.20.25.00", "17G Monolithic"), {"virtual_cd": "dell-attributes"}),
    ("dell-idrac8-virtual-cd", dell("2.86.86.86", "13G Monolithic"), {"virtual_cd": "dell-attributes"}),
    ("dell-idrac9-4.40.00.00-ehtml5", dell("4.40.00.00"), {}),
    ("dell-idrac9-5.10.10.00-media", dell("5.10.10.00", model="PowerEdge R650"), {}),
    ("dell-idrac9-5.10.10.05-power", dell("5.10.10.05", model="PowerEdge R650"), {}),
    ("hpe-ilo5-boot-mode-in-bios", hpe("iLO 5", "iLO 5 v2.72"), {"boot_mode": "bios"}),
    ("hpe-ilo4-one-request-at-a-time", hpe("iLO 4", "iLO 4 v2.80"), {"parallel": 1}),
    ("hpe-ilo4-before-2.31-lock-up", hpe("iLO 4", "iLO 4 v2.30"), {}),
    ("hpe-ilo6-boot-override-refused", hpe("iLO 6", "iLO 6 v1.58", "ProLiant DL380a Gen11"), {}),
    ("supermicro-virtual-media-is-usbcd", Identity("Supermicro", "SYS-821GE-TNHR"), {"cd_target": "UsbCd"}),
    ("supermicro-whole-boot-request", Identity("Supermicro", "X11"), {"boot_request": "all"}),
    ("supermicro-ars-121l-boot-order", Identity("Supermicro", "ARS-121L-DNR", "01.03.50", "Supermicro"), {}),
    ("ami-whole-boot-request", Identity("Gigabyte", "R282", service="AMI"), {"boot_request": "all"}),
    ("asrockrack-whole-boot-request", Identity("ASRockRack", "1U"), {"boot_request": "all"}),
    ("nvidia-ami-expand-drops-properties", Identity("NVIDIA", "DGXH100", service="AMI"), {"expand": False}),
    ("lenovo-sr650-v4-restart-cuts-dpu", Identity("Lenovo", "ThinkSystem SR650 V4"), {}),
]


@pytest.mark.parametrize(("rule", "who", "sets"), APPLIES)
def test_a_rule_applies_where_it_should_and_nothing_else_does_what_it_does(
    rule: str, who: Identity, sets: dict[str, Any]
) -> None:
    with_it = quirks_of(who)
    without = quirks_of(who, tuple(r for r in all_rules() if r.told.id != rule))
    assert rule in [a.id for a in with_it.applied]
    assert rule not in [a.id for a in without.applied]
    for name, value in sets.items():
        assert getattr(with_it, name) == value
        assert getattr(without, name) == getattr(Quirks(), name), "a rule that changes nothing is not needed"


def test_an_ilo_tells_its_version_in_the_root_and_no_manager_is_asked() -> None:
    root = {"Vendor": "HPE", "Oem": {"Hpe": {"Manager": [{"ManagerType": "iLO 5", "ManagerFirmwareVersion": "2.72"}]}}}
    who = identify(root, {"Manufacturer": "HPE"})
    assert (who.controller, who.firmware) == ("iLO 5", "iLO 5 v2.72")
    assert not firmware_decides(who)


@pytest.mark.parametrize(
    ("root", "system", "parallel", "expand"),
    [
        ({"Oem": {"Hpe": {"Manager": [{"ManagerType": "iLO 4", "ManagerFirmwareVersion": "2.80"}]}}}, "HPE", 1, True),
        ({"Vendor": "AMI"}, "NVIDIA", 2, False),
        ({}, "Contoso", 2, True),
    ],
)
def test_a_bmc_is_read_as_it_bears_it(root: dict[str, Any], system: str, parallel: int, expand: bool) -> None:
    resources = small_machine()
    resources[ROOT] |= root
    resources[f"{ROOT}/systems/1"]["Manufacturer"] = system
    with serve(StubBmc(resources)) as stub, Target(BmcAccess(stub.address, "admin", Secret("right"))) as target:
        target.system()
        asked = len(stub.log)
        assert (target.link.parallel, target.link.expanding.wanted) == (parallel, expand)
        assert len(stub.log) == asked


def test_every_rule_has_such_a_test() -> None:
    assert {rule for rule, _, _ in APPLIES} == {rule.told.id for rule in all_rules()}


@pytest.mark.parametrize(
    ("who", "not_rule"),
    [
        (dell("6.00.30.00"), "dell-idrac9-before-6-virtual-cd"),
        (dell("1.20.25.00", "17G Monolithic"), "dell-idrac9-before-6-virtual-cd"),
        (dell("5.10.30.00", model="PowerEdge R650"), "dell-idrac9-5.10.10.05-power"),
        (dell("4.40.10.00"), "dell-idrac9-4.40.00.00-ehtml5"),
        (hpe("iLO 4", "iLO 4 v2.31"), "hpe-ilo4-before-2.31-lock-up"),
        (hpe("iLO 6", "iLO 6 v1.73", "ProLiant DL380a Gen11"), "hpe-ilo6-boot-override-refused"),
        (Identity("Supermicro", "ARS-121L-DNR", "01.03.51", "Supermicro"), "supermicro-ars-121l-boot-order"),
        (Identity("NVIDIA", "GB200", service="OpenBMC"), "nvidia-ami-expand-drops-properties"),
        (Identity("Lenovo", "ThinkSystem SR650 V3"), "lenovo-sr650-v4-restart-cuts-dpu"),
    ],
)
def test_a_rule_does_not_reach_beyond_its_range(who: Identity, not_rule: str) -> None:
    assert not_rule not in [a.id for a in quirks_of(who).applied]


def test_a_version_that_is_not_understood_fits_no_range_and_that_is_told() -> None:
    quirks = quirks_of(dell("Kraken"))
    assert quirks.virtual_cd == "override"
    assert "dell-idrac9-before-6-virtual-cd" in [a.id for a in quirks.unsure]


def test_the_manager_is_only_worth_a_request_where_firmware_decides() -> None:
    assert firmware_decides(Identity("Dell", "PowerEdge R750", service="Dell"))
    assert firmware_decides(Identity("HPE", "ProLiant", service="HPE"))
    assert not firmware_decides(Identity("Contoso", "3500"))
    assert not firmware_decides(Identity("Supermicro", "SYS-821GE-TNHR", service="Supermicro"))


@pytest.mark.parametrize("rule", all_rules(), ids=lambda r: r.told.id)
def test_every_rule_says_where_it_is_known_from(rule: Any) -> None:
    assert len(rule.told.about) > 20 and len(rule.told.source) > 10
    assert rule.told.advice or rule.set
    assert set(rule.set) <= set(PARAMETERS)


def test_every_parameter_is_set_by_some_rule() -> None:
    assert {name for rule in all_rules() for name in rule.set} == set(PARAMETERS)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"set": {"nonsense": 1}}, "no parameter nonsense"),
        ({"set": {"parallel": "one"}}, "parallel cannot be 'one'"),
        ({"set": {"cd_target": "Tape"}}, "cd_target cannot be 'Tape'"),
        ({"set": {}}, "sets something"),
        ({"kind": "bad"}, "has advice"),
        ({"set": {"parallel": 1}, "colour": "red"}, "unknown keys colour"),
        ({"set": {"parallel": 1}, "when": {"firmware": {"scheme": "iLO 5", "below": "x"}}}, "no version"),
    ],
)
def test_a_wrong_rule_is_refused(entry: dict[str, Any], why: str) -> None:
    from bpa.adapters.redfish.quirks.rules import _read

    with pytest.raises(ValueError, match=f"a.yaml: x: .*{why}"):
        list(_read("a.yaml", [{"id": "x", "when": {}, "about": "about", "source": "source", **entry}]))
