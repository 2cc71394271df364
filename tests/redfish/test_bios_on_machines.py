"""BIOS intents on every recorded machine that behaves: planned, staged, restarted, compared; by the engine and by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from stub_bmc import RECORDED, StubBmc, small_machine
from stub_bmc import serve as serve_stub

from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.bios.looking import look_after_restart
from bpa.adapters.redfish.bios.registry_files import RegistryFiles
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.waiting import Waiting
from bpa.cli.bmc import bmc as group
from bpa.core.bios import BiosWant
from bpa.core.facts import BmcFacts, Facts
from bpa.core.guards import Consent, Memory, Permissions, guard
from bpa.core.host.firmware import APPLIED, STAGED
from bpa.core.secret import Secret
from bpa.core.steps import Reset, StageBios
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant, Profile
from bpa.documents.profile.bios import intent_rules
from bpa.lab.recorded import Emulated, serve

recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
DELL, HPE, LENOVO = "dell-r750-idrac9-6.00.30.00", "hpe-dl385g10plusv2-ilo5-2.72", "lenovo-sr670v2-xcc-2.83"
SUPERMICRO, INTEL = "supermicro-sys821ge-bmc-11.01.01", "intel-s2600bpb-bmc-1.93"
DMTF, OPENBMC = "dmtf-public-rackmount1-2022.3", "openbmc-stock-2.15"
ASKED: dict[str, tuple[BiosWant, dict[str, Any]]] = {
    DELL: (BiosWant({"virtualization": False, "sriov": False}, {"ProcTurboMode": "Disabled"}, intent_rules()),
           {"ProcVirtualization": "Disabled", "SriovGlobalEnable": "Disabled", "SysProfile": "Custom",
            "ProcTurboMode": "Disabled"}),
    HPE: (BiosWant({"sriov": False, "nps": "2", "powerProfile": "custom"}, {}, intent_rules()),
          {"Sriov": "Disabled", "NumaMemoryDomainsPerSocket": "TwoMemoryDomainsPerSocket", "WorkloadProfile": "Custom"}),
    LENOVO: (BiosWant({"iommu": False, "snc": True}, {"Processors_CStates": "Disabled"}, intent_rules()),
             {"DevicesandIOPorts_IntelVTforDirectedIOVTd": "Disabled", "Processors_SNC": "Enabled",
              "OperatingModes_ChooseOperatingMode": "CustomMode", "Processors_CStates": "Disabled"}),
    SUPERMICRO: (BiosWant({"virtualization": False, "snc": "2"}, {}, intent_rules()),
                 {"IntelVirtualizationTechnology_3C6F": "Disable", "SNC_F300": "Enable SNC2 (2-clusters)"}),
    INTEL: (BiosWant({"virtualization": True, "iommu": True, "hyperthreading": True}, {}, intent_rules()),
            {"ProcessorVmxEnable": 1, "VTdSupport": 1, "ProcessorHyperThreadingDisable": 0}),
    DMTF: (BiosWant({"powerProfile": "balanced"}, {"NicBoot1": "Disabled"}, intent_rules()),
           {"PowerProfile": "BalancedPowerPerf", "NicBoot1": "Disabled"}),
}


# -- by the engine

class Run:
    """The two requirements about firmware, guarded, on an emulated machine whose clock we move."""

    def __init__(self, emulated: Emulated, bmc: Bmc, bios: BiosWant) -> None:
        self.machine, self.bmc = emulated.machine, bmc
        self.want = HostWant("node1", emulated.address, "", None, Profile(bios=bios))
        self.memory, self.staged = Memory(), 0
        self.resets = 0

    def go(self) -> Verdict:
        for _ in range(100):
            have = Facts(bmc=self.bmc.look(()))
            for requirement in (STAGED, APPLIED):
                verdict = requirement.check(self.want, have)
                if not isinstance(verdict, Met):
                    break
            verdict = guard(verdict, requirement.condition, requirement.patience, self.memory, Permissions(Consent("", ("*",))),
                            "", self.machine.time.now())
            if isinstance(verdict, Act):
                self.memory = self.memory.after(requirement.condition, verdict.step, self.machine.time.now())
                self._perform(verdict.step)
            elif isinstance(verdict, Met | Stuck):
                return verdict
            self.machine.advance(max(verdict.seconds, 20.0) if isinstance(verdict, Wait) else 1.0)
        raise AssertionError(f"no end: {verdict}")

    def _perform(self, step: object) -> None:
        if isinstance(step, StageBios):
            self.staged += 1
            self.bmc.stage_bios(step.attributes)
        else:
            assert isinstance(step, Reset)
            self.resets += 1
            self.bmc.reset(step.reset_type)


@contextmanager
def running(name: str, tmp_path: Path, *faults: str, bios: BiosWant | None = None) -> Iterator[Run]:
    with serve(RECORDED / name, faults=faults, post_seconds=100.0, frozen=True) as emulated:
        with Bmc(BmcAccess(emulated.address, "admin", Secret("right")), RegistryFiles(tmp_path)) as bmc:
            yield Run(emulated, bmc, bios or ASKED[name][0])


@recorded
@pytest.mark.parametrize("name", ASKED)
def test_intents_are_effective_after_one_restart_and_asking_again_does_nothing(name: str, tmp_path: Path) -> None:
    with running(name, tmp_path) as run:
        assert isinstance(run.go(), Met)
        assert ASKED[name][1].items() <= run.machine.bios.items()
        assert (run.staged, run.resets) == (1, 1)
        assert isinstance(run.go(), Met)
        assert (run.staged, run.resets) == (1, 1)


@recorded
@pytest.mark.parametrize("name", ASKED)
def test_a_setting_that_the_bios_drops_is_named_after_two_restarts_and_no_other(name: str, tmp_path: Path) -> None:
    dropped = next(iter(ASKED[name][1]))
    with running(name, tmp_path, f"dropped-bios-setting={dropped}") as run:
        verdict = run.go()
        assert isinstance(verdict, Stuck), verdict
        assert f"the BIOS dropped {dropped} at 2 restarts" in verdict.reason
        assert run.resets == 2
        others = {n: v for n, v in ASKED[name][1].items() if n != dropped}
        assert others.items() <= run.machine.bios.items()


@recorded
@pytest.mark.parametrize("name", [HPE, DMTF, OPENBMC])
def test_where_the_machine_has_no_such_attribute_nothing_is_sent(name: str, tmp_path: Path) -> None:
    with running(name, tmp_path, bios=BiosWant({"virtualization": True}, {}, intent_rules())) as run:
        verdict = run.go()
        assert isinstance(verdict, Stuck) and "no rule knows what virtualization is called" in verdict.reason
        assert run.staged == run.resets == 0
    if name == HPE:
        assert "ProcAmdIoVt" in verdict.advice and "a rule knows it as iommu" in verdict.advice


@recorded
def test_facts_with_a_registry_are_plain_data(tmp_path: Path) -> None:
    from dataclasses import asdict

    with running(DELL, tmp_path) as run:
        facts = run.bmc.look(())
    assert facts.registry is not None and len(facts.registry) == 682
    assert asdict(facts)["registry"] is facts.registry
    assert json.loads(json.dumps(asdict(facts), default=str))["registry"] == str(facts.registry)
    assert "registry" not in repr(facts)
    assert facts == BmcFacts(**{**{f: getattr(facts, f) for f in facts.__slots__}, "registry": None})


# -- by hand

@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BPA_BMC_USER", "admin")
    monkeypatch.setenv("BPA_BMC_PASSWORD", "right")
    monkeypatch.setenv("BPA_STATE", str(tmp_path / "state"))


def verb(address: str, *words: str) -> Result:
    result = CliRunner().invoke(group, ["bios", address, *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@recorded
@pytest.mark.parametrize("name, line", [
    (DELL, "SriovGlobalEnable Enabled Enabled | Disabled SR-IOV Global Enable"),
    (HPE, "Sriov Enabled Enabled | Disabled SR-IOV"),
    (LENOVO, "DevicesandIOPorts_SRIOV Enabled Disabled | Enabled SRIOV"),
    (SUPERMICRO, "SR_IOVSupport_0047 Enabled Disabled | Enabled SR-IOV Support"),
    (INTEL, "SRIOVEnable 1"),
    (DMTF, "ProcTurboMode Enabled Disabled"),
])
def test_an_attribute_is_shown_with_what_it_may_be(name: str, line: str) -> None:
    with serve(RECORDED / name) as bmc:
        attribute = line.split()[0]
        shown = verb(bmc.address, "get", attribute)
        assert shown.exit_code == 0 and " ".join(shown.output.splitlines()[-1].split()) == line
        (data,) = json.loads(verb(bmc.address, "get", attribute, "--json").output)["attributes"]
        assert data["name"] == attribute and str(data["value"]) == line.split()[1]


@recorded
@pytest.mark.parametrize("name", ASKED)
def test_a_plan_says_what_why_and_by_whose_word_and_sends_nothing(name: str) -> None:
    want, due = ASKED[name]
    words = [f"{i}={m if isinstance(m, str) else 'on' if m else 'off'}" for i, m in want.intents.items()]
    words += [f"{n}={v}" for n, v in want.attributes.items()]
    with serve(RECORDED / name) as bmc:
        plan = json.loads(verb(bmc.address, "plan", *words, "--json").output)
        assert {s["attribute"]: s["value"] for s in plan["settings"]} == due
        assert all(s["why"] for s in plan["settings"])
        assert all(s["source"] for s in plan["settings"] if s["intent"])
        text = verb(bmc.address, "plan", *words).output
        assert all(f"~ {n}: " in text for n in due)
        assert [r for r in bmc.log if r.method == "PATCH"] == []


@recorded
@pytest.mark.parametrize("name", ASKED)
def test_set_stages_once_and_says_so_the_second_time(name: str) -> None:
    due = ASKED[name][1]
    words = [f"{n}={v}" for n, v in due.items()]
    with serve(RECORDED / name) as bmc:
        dry = verb(bmc.address, "set", *words, "--dry-run")
        assert dry.output.splitlines()[-1] == "nothing was sent" and "PATCH " in dry.output
        assert bmc.machine.pending == {} or name == DMTF
        assert verb(bmc.address, "set", *words).exit_code == 0
        assert due.items() <= {**bmc.machine.bios, **bmc.machine.pending}.items()
        again = verb(bmc.address, "set", *words)
        assert again.exit_code == 0
        assert len([r for r in bmc.log if r.method == "PATCH"]) == (2 if name == INTEL and "staged," in again.output else 1)


@recorded
@pytest.mark.parametrize("fault, code", [("", 0), ("dropped-bios-setting=SR_IOVSupport_0047", 1)])
def test_applied_at_once_it_is_compared_attribute_by_attribute(fault: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(RECORDED / SUPERMICRO, faults=[fault] if fault else (), post_seconds=60.0, frozen=True) as bmc:
        init, time = Waiting.__init__, bmc.machine.time
        monkeypatch.setattr(Waiting, "__init__", lambda self, seconds=120.0, every=2.0, **clock: init(
            self, seconds, every, time.now, bmc.machine.advance))
        done = verb(bmc.address, "set", "sriov=off", "hyperthreading=off", "--apply-now")
        assert done.exit_code == code
        assert bmc.machine.bios["Hyper_Threading_ALL__F27F"] == "Disable"
        if code:
            assert "the BIOS dropped SR_IOVSupport_0047 (still Enabled)" in done.output
        else:
            assert "effective: Hyper_Threading_ALL__F27F, SR_IOVSupport_0047" in done.output
            again = verb(bmc.address, "set", "sriov=off", "--apply-now").output
            assert again.startswith("already so: SR_IOVSupport_0047=Disabled")


@recorded
@pytest.mark.parametrize("words, code, said", [
    (("get", "NoSuchThing"), 1, "the BIOS has no attribute NoSuchThing"),
    (("get", "ProcVirtualisation"), 1, "but ProcVirtualization"),
    (("plan",), 64, "nothing is asked"),
    (("plan", "x"), 64, "'x' is not NAME=VALUE"),
    (("plan", "=x"), 64, "is not NAME=VALUE"),
    (("plan", "bootMode=both"), 64, "bootMode is one of uefi, legacy, not both"),
    (("plan", "nps=2"), 1, "no rule knows what nps is called"),
    (("plan", "ProcTurboMode=Maybe"), 1, "it may be 'Enabled', 'Disabled'"),
    (("plan", "AcPwrRcvryUserDelay=5"), 1, "within 120..600"),
    (("plan", "AcPwrRcvryUserDelay=x"), 1, "is a number"),
    (("plan", "virtualization=on", "iommu=off"), 1, "one BIOS attribute"),
    (("set", "SystemServiceTag=X"), 1, "read-only"),
    (("set", "SystemServiceTag=X", "--unchecked", "SystemServiceTag", "--dry-run"), 0, '"SystemServiceTag": "X"'),
])
def test_what_cannot_be_is_said_in_one_line_with_a_code(words: tuple[str, ...], code: int, said: str) -> None:
    with serve(RECORDED / DELL) as bmc:
        result = verb(bmc.address, *words)
    assert (result.exit_code, said in result.output) == (code, True), result.output
    assert "Traceback" not in result.output


def test_attributes_that_are_objects_are_read_by_their_current_value() -> None:
    machine = small_machine()
    machine["/redfish/v1/systems/1/bios"]["Attributes"] = {
        "HT Control": {"current_value": "All", "AllowableValues": ["All", "Single"], "reset_type": "Cold"}, "Odd": {"x": 1}}
    with serve_stub(StubBmc(machine)) as bmc:
        assert json.loads(verb(bmc.address, "get", "--json").output)["attributes"] == [{"name": "HT Control", "value": "All"}]
        assert "on: HT Control=All" in verb(bmc.address, "get", "hyperthreading").output


def test_after_a_restart_a_bmc_that_is_late_is_asked_again() -> None:
    machine = small_machine()
    looks = 0

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            machine["/redfish/v1/systems/1/bios"]["Attributes"]["ProcVirtualization"] = "Enabled"

    with serve_stub(StubBmc(machine)) as bmc, Target(BmcAccess(bmc.address, "admin", Secret("right"))) as target:
        wait = Waiting(60, 1, clock=lambda: float(looks), sleep=sleep)
        kept = look_after_restart(target, {"ProcVirtualization": "Enabled", "NumCores": 8}, wait)
        assert kept.whole and set(kept.effective) == {"ProcVirtualization", "NumCores"}
        machine["/redfish/v1/systems/1/bios/settings"]["Attributes"] = {"NumCores": 9}
        kept = look_after_restart(target, {"ProcVirtualization": "Disabled", "NumCores": 9}, Waiting(0))
        assert (kept.dropped, kept.pending) == ({"ProcVirtualization": "Enabled"}, ("NumCores",))
