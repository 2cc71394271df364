"""`bpa bmc doctor`: what works and what does not, told from reading alone."""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from stub_bmc import RECORDED, ROOT, Pki, Reply, Request, StubBmc, serve, small_machine

from bpa.adapters.errors import AdapterError, Refused, Unsupported
from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.doctor import diagnose, interop
from bpa.adapters.redfish.doctor.ironic import features
from bpa.adapters.redfish.target import Target
from bpa.cli import run
from bpa.core.diagnosis import Diagnosis
from bpa.core.secret import Secret
from bpa.documents.profile.bios import intent_rules
from bpa.lab import recorded

NOW = datetime(2026, 5, 1, tzinfo=UTC)
needs_recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")

# By hand from the trees, and from what real Ironic 39 did with the same trees (inspection of Intel's and of stock OpenBMC
# failed, of the others it did not; Supermicro's settings got no types; Lenovo's slots have no actions).
MACHINES: dict[str, dict[str, str]] = {
    "dell-r750-idrac9-6.00.30.00": {
        "power": "ok", "boot-network": "ok", "media": "ok", "bios-registry": "ok", "bios-settings": "ok",
        "intent-sriov": "ok", "ironic-inspection": "degraded", "ironic-bios": "ok", "ironic-virtual-media": "ok"},
    "hpe-dl385g10plusv2-ilo5-2.72": {
        "power": "ok", "media": "ok", "intent-virtualization": "no", "intent-iommu": "ok", "health": "degraded",
        "bios-registry": "ok", "ironic-inspection": "ok", "ironic-boot-device": "ok"},
    "lenovo-sr670v2-xcc-2.83": {
        "power": "ok", "media": "degraded", "bios-settings": "ok", "ironic-virtual-media": "degraded", "ironic-inspection": "ok",
        "ironic-boot-device": "degraded", "boot-network": "ok"},
    "supermicro-sys821ge-bmc-11.01.01": {
        "power": "ok", "media": "ok", "bios-registry": "ok", "ironic-bios": "degraded", "ironic-inspection": "ok",
        "intent-virtualization": "ok", "intent-bootMode": "no"},
    "intel-s2600bpb-bmc-1.93": {
        "power": "ok", "media": "no", "ramdisk": "ok", "bios-registry": "degraded", "intent-virtualization": "ok",
        "tasks": "degraded", "ironic-inspection": "no", "facts-storage": "degraded", "ironic-virtual-media": "no"},
    "openbmc-stock-2.15": {
        "power": "ok", "media": "no", "bios": "no", "facts-processors": "degraded", "ironic-inspection": "no",
        "ironic-bios": "no"},
    "dmtf-public-rackmount1-2022.3": {
        "power": "ok", "media": "degraded", "bios-registry": "degraded", "intent-virtualization": "no",
        "ironic-inspection": "ok"},
}


def examined(stub: Any, password: str = "right", **access: Any) -> Diagnosis:
    with Target(BmcAccess(stub.address, "admin", Secret(password), **access)) as target:
        return diagnose(target, intent_rules(), NOW)


def verdict(found: Diagnosis, id: str) -> str:
    check = found.check(id)
    return check.verdict if check else "not checked"


@needs_recorded
@pytest.mark.parametrize("name", MACHINES)
def test_a_recorded_machine_is_diagnosed_as_it_is(name: str) -> None:
    with recorded.serve(RECORDED / name) as bmc:
        found = examined(bmc)
        assert {r.method for r in bmc.log} <= {"GET", "POST", "DELETE"}
        assert all("/Sessions" in r.path for r in bmc.log if r.method != "GET")
    assert {id: verdict(found, id) for id in MACHINES[name]} == MACHINES[name]
    assert found.provisionable
    assert len({c.id for c in found.checks}) == len(found.checks)
    for check in found.checks:
        assert check.evidence or check.verdict == "ok", check
        assert check.by_hand or not (check.needed and check.verdict == "no"), check


def test_a_machine_without_reset_and_boot_cannot_be_provisioned() -> None:
    machine = small_machine()
    del machine[f"{ROOT}/systems/1"]["Actions"], machine[f"{ROOT}/systems/1"]["Boot"]
    with serve(StubBmc(machine)) as stub:
        found = examined(stub)
    assert not found.provisionable
    assert {c.id for c in found.checks if c.needed and c.verdict == "no"} == {"power", "ramdisk", "ironic-power"}


def test_a_small_machine_can_be_provisioned() -> None:
    with serve(StubBmc(small_machine())) as stub:
        found = examined(stub)
    assert found.provisionable and found.maker == "Contoso" and verdict(found, "login") == "ok"
    assert verdict(found, "intent-virtualization") == "ok" and verdict(found, "bios-registry") == "degraded"


def test_basic_authentication_is_told() -> None:
    machine = small_machine()
    del machine[ROOT]["SessionService"], machine[ROOT]["Links"]
    with serve(StubBmc(machine, sessions=False)) as stub:
        assert verdict(examined(stub), "login") == "degraded"


@pytest.mark.parametrize(("left", "due"), [(0, "ok"), (6, "degraded")])
def test_sessions_left_behind_are_told(left: int, due: str) -> None:
    machine = small_machine()
    sessions = f"{ROOT}/SessionService/Sessions"
    machine[f"{ROOT}/sessionservice"] = {"Sessions": {"@odata.id": sessions}}
    machine[sessions.lower()] = {"Members": [{"@odata.id": f"{sessions}/old{n}"} for n in range(left)]}
    machine |= {f"{sessions}/old{n}".lower(): {"Id": f"old{n}", "UserName": "admin"} for n in range(left)}
    with serve(StubBmc(machine)) as stub:
        check = examined(stub).check("sessions")
    assert check is not None and check.verdict == due and f"{left} open" in check.evidence


@pytest.mark.parametrize(("away", "due"), [(10, "ok"), (-200, "ok"), (4000, "degraded"), (-86400 * 900, "degraded")])
def test_the_clock_of_the_bmc_is_compared(away: int, due: str) -> None:
    date = format_datetime(NOW + timedelta(seconds=away), usegmt=True)

    def dated(bmc: StubBmc, request: Request) -> Reply | None:
        body = bmc.resources.get(request.key)
        return Reply(200, body, {"Date": date}) if request.key == ROOT else None

    with serve(StubBmc(small_machine(), fault=dated)) as stub:
        check = examined(stub).check("clock")
    assert check is not None and check.verdict == due
    assert due == "ok" or ("ahead" if away > 0 else "behind") in check.evidence


def test_a_certificate_that_ends_soon_or_is_not_verified_is_told(pki: Pki) -> None:
    with serve(StubBmc(small_machine()), pki.context()) as stub:
        check = examined(stub, verify=str(pki.ca)).check("certificate")
        # The tests' certificate is good for a month from today.
        assert check is not None and check.verdict in ("ok", "degraded") and check.evidence
        loose = examined(stub, verify=False).check("certificate")
        assert loose is not None and loose.verdict == "degraded"


def dell(firmware: str) -> dict[str, Any]:
    machine = small_machine()
    system = machine[f"{ROOT}/systems/1"]
    system |= {"Manufacturer": "Dell Inc.", "Model": "PowerEdge R650",
               "Links": {"ManagedBy": [{"@odata.id": f"{ROOT}/Managers/1"}]}}
    machine[f"{ROOT}/managers/1"] = {"FirmwareVersion": firmware, "ManagerType": "BMC", "Model": "15G Monolithic", "Id": "1"}
    machine[ROOT] |= {"Vendor": "Dell", "Managers": {"@odata.id": f"{ROOT}/Managers"}}
    machine[f"{ROOT}/managers"] = {"Members": [{"@odata.id": f"{ROOT}/Managers/1"}]}
    return machine


def test_firmware_with_a_known_fault_is_told_with_advice_and_source() -> None:
    with serve(StubBmc(dell("5.10.10.00"))) as stub:
        found = examined(stub)
    bad = [c for c in found.checks if c.id.startswith("firmware-")]
    assert bad and all(c.by_hand and c.source and c.verdict == "degraded" for c in bad)
    assert any(q.kind == "bad" and q.sure for q in found.quirks)
    with serve(StubBmc(dell("7.10.30.00"))) as stub:
        assert verdict(examined(stub), "firmware") == "ok"


def test_the_first_processor_being_a_gpu_is_told_of_ironic() -> None:
    machine = small_machine()
    system = machine[f"{ROOT}/systems/1"]
    system["Processors"] = {"@odata.id": f"{ROOT}/Systems/1/Processors"}
    machine[f"{ROOT}/systems/1/processors"] = {"Members": [{"@odata.id": f"{ROOT}/Systems/1/Processors/{n}"} for n in (1, 2)]}
    machine[f"{ROOT}/systems/1/processors/1"] = {"Id": "1", "ProcessorType": "GPU"}
    machine[f"{ROOT}/systems/1/processors/2"] = {
        "Id": "2", "ProcessorType": "CPU", "ProcessorArchitecture": "x86", "TotalThreads": 8}
    with serve(StubBmc(machine)) as stub:
        check = examined(stub).check("ironic-inspection")
    assert check is not None and check.verdict == "degraded" and "GPU" in check.evidence


@pytest.mark.parametrize("seed", range(60))
def test_whatever_a_bmc_says_the_result_is_a_diagnosis_or_one_of_the_four_errors(seed: int) -> None:
    chance = random.Random(seed)
    machine = json.loads(json.dumps(dell("6.10.00.00")))
    values = [None, "", "x\x1b[31m", 0, -1, 1e308, True, [], {}, [None, {}], {"@odata.id": "http://elsewhere/"}, {"@odata.id": 7}]
    for _ in range(chance.randint(1, 6)):
        path = chance.choice([p for p in machine if p != ROOT] * 3 + [ROOT])
        body = machine[path]
        if not isinstance(body, dict) or not body:
            continue
        key = chance.choice(list(body))
        if chance.random() < 0.3:
            del body[key]
        else:
            body[key] = chance.choice(values)
    with serve(StubBmc(machine)) as stub:
        try:
            found = examined(stub)
        except AdapterError:
            return
    for check in found.checks:
        assert "\x1b" not in check.evidence + check.by_hand


def test_what_ironic_needs_is_well_formed() -> None:
    for feature in features():
        assert feature.source and feature.needs and feature.id.startswith("ironic-")
        for need in feature.needs:
            assert all(isinstance(v, str) for v in need.values), "On and Off want quotes in YAML"
            assert need.of in {"root", "system", "bios", "manager", "chassis", "cpu", "interface", "drive", "storage",
                               "secure_boot", "update", "media"}


PROFILE = {
    "SchemaDefinition": "RedfishInteroperabilityProfile.v1_5_1", "ProfileName": "Small", "ProfileVersion": "1.0.0",
    "Purpose": "A test.", "OwningEntity": "BPA", "ContactInfo": "x@example.com", "RequiredProfiles": {},
    "Resources": {
        "ServiceRoot": {"PropertyRequirements": {"Systems": {}}},
        "ComputerSystem": {"PropertyRequirements": {"PowerState": {}, "LastResetTime": {}}},
    },
}


def typed_machine() -> dict[str, Any]:
    machine = small_machine()
    machine[ROOT] |= {"@odata.id": "/redfish/v1/", "@odata.type": "#ServiceRoot.v1_5_0.ServiceRoot", "Id": "R", "Name": "R"}
    machine[f"{ROOT}/systems"] |= {"@odata.id": f"{ROOT}/Systems", "Members@odata.count": 1, "Name": "S",
                                   "@odata.type": "#ComputerSystemCollection.ComputerSystemCollection"}
    machine[f"{ROOT}/systems/1"] |= {"@odata.id": f"{ROOT}/Systems/1", "@odata.type": "#ComputerSystem.v1_5_0.ComputerSystem",
                                     "Id": "1", "Name": "S1"}
    return machine


def test_a_profile_is_judged_by_dmtfs_validator_without_giving_it_the_password(tmp_path: Path) -> None:
    file = tmp_path / "Small.v1_0_0.json"
    file.write_text(json.dumps(PROFILE))
    with serve(StubBmc(typed_machine())) as stub, Target(BmcAccess(stub.address, "admin", Secret("right"))) as target:
        found = interop.judge_profile(target, file)
        agents = {r.headers.get("User-Agent", "") for r in stub.log}
        assert stub.refused == 0
    assert found.profile == "Small" and found.passed >= 2
    assert any("LastResetTime" in f.what and f.uri.endswith("Systems/1") for f in found.failures)
    assert not any("PowerState" in f.what for f in found.failures)
    assert len(agents) == 1, "everything is asked over our own link"


def test_what_is_no_profile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.json"
    file.write_text("{}")
    with Target(BmcAccess("http://127.0.0.1:9", "admin", Secret("x"))) as target:
        monkeypatch.setattr(interop, "available", lambda: True)
        with pytest.raises(Refused, match="no interoperability profile"):
            interop.judge_profile(target, file)
        monkeypatch.setattr(interop, "available", lambda: False)
        with pytest.raises(Unsupported, match="not installed"):
            interop.judge_profile(target, file)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPA_BMC_USER", "admin")
    monkeypatch.setenv("BPA_BMC_PASSWORD", "right")


def test_the_command_ends_with_0_1_or_2(capsys: pytest.CaptureFixture[str], credentials: None) -> None:
    with serve(StubBmc(small_machine())) as stub:
        assert run(["bmc", "doctor", stub.address]) == 0
        assert "can be provisioned" in capsys.readouterr().out
        assert run(["bmc", "doctor", stub.address, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["provisionable"] is True and {"id", "what", "verdict", "evidence", "by_hand"} <= set(told["checks"][0])
    machine = small_machine()
    del machine[f"{ROOT}/systems/1"]["Actions"]
    with serve(StubBmc(machine)) as stub:
        assert run(["bmc", "doctor", stub.address]) == 1
        assert "cannot be provisioned as it is: power" in capsys.readouterr().out
    with serve(StubBmc(small_machine(), password="other")) as stub:
        assert run(["bmc", "doctor", stub.address]) == 2
        assert stub.refused == 1
    assert "refused the credentials" in capsys.readouterr().err


@needs_recorded
def test_the_tables_of_the_hardware_page_are_current() -> None:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    try:
        from tests import hardware
    finally:
        sys.path.pop(0)
    text = hardware.PAGE.read_text()
    assert text == hardware.page(text), "run `make docs`"
