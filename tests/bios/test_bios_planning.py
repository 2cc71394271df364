"""What a plan adds, orders and refuses: on recorded machines, changed where the situation wants it, and on small ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_bios import recorded

from bpa.core.bios import Attribute, BiosPlan, BiosWant, Choice, Dependency, Machine, Registry, Term, plan_bios
from bpa.core.bios.dependencies import AND, OR, locks
from bpa.core.bios.validation import check_value
from bpa.core.verdict import Stuck
from bpa.documents.profile.bios import intent_rules

RULES = intent_rules()
R750, DL385, SR670, SYS821 = (
    "dell-r750-idrac9-6.00.30.00", "hpe-dl385g10plusv2-ilo5-2.72", "lenovo-sr670v2-xcc-2.83", "supermicro-sys821ge-bmc-11.01.01")


def plan(machine: Machine, intents: object = None, unchecked: tuple[str, ...] = (), **attributes: object) -> BiosPlan | Stuck:
    return plan_bios(BiosWant(intents or {}, attributes, RULES, unchecked), machine)  # type: ignore[arg-type]


def in_order(found: BiosPlan | Stuck) -> list[tuple[str, object]]:
    assert isinstance(found, BiosPlan), found
    return list(found.values.items())


def said(found: BiosPlan | Stuck) -> str:
    assert isinstance(found, Stuck), found
    return f"{found.reason} | {found.advice}"


# -- on recorded machines

def test_dell_what_the_system_profile_governs_needs_the_custom_one_first():
    found = plan(recorded(R750), ProcTurboMode="Disabled")
    assert in_order(found) == [("SysProfile", "Custom"), ("ProcTurboMode", "Disabled")]
    setting = found.of("SysProfile")
    assert setting.needed_for == "ProcTurboMode" and "SysProfile is not Custom" in setting.why


def test_dell_what_is_so_already_needs_nothing():
    assert in_order(plan(recorded(R750), ProcTurboMode="Enabled")) == [("ProcTurboMode", "Enabled")]


def test_dell_a_profile_that_locks_what_is_wanted_is_a_contradiction():
    text = said(plan(recorded(R750), ProcTurboMode="Disabled", SysProfile="PerfPerWattOptimizedOs"))
    assert "read-only while SysProfile is not Custom" in text and "SysProfile PerfPerWattOptimizedOs" in text


def test_dell_leaving_the_custom_profile_with_a_value_of_ones_own_is_a_contradiction():
    machine = recorded(R750, SysProfile="Custom", ProcTurboMode="Enabled")
    text = said(plan(machine, ProcTurboMode="Disabled", SysProfile="PerfOptimized"))
    assert "makes ProcTurboMode Enabled while SysProfile is PerfOptimized" in text and "leave out" in text


def test_dell_secure_boot_is_never_switched_off_as_a_by_product():
    machine = recorded(R750, SecureBoot="Enabled")
    text = said(plan(machine, {"bootMode": "legacy"}))
    assert "read-only while SecureBoot is Enabled" in text and "does not change SecureBoot by itself" in text


def test_dell_secure_boot_goes_first_where_the_profile_asks_for_it():
    machine = recorded(R750, SecureBoot="Enabled")
    assert in_order(plan(machine, {"bootMode": "legacy"}, SecureBoot="Disabled")) == [
        ("SecureBoot", "Disabled"), ("BootMode", "Bios")]


def test_dell_what_else_the_bios_will_change_is_told():
    found = plan(recorded(R750), {"powerProfile": "balanced"})
    assert "this BIOS will itself make ProcC1E Enabled, because SysProfile is PerfPerWattOptimizedDapc" in found.notes


def test_dell_a_hidden_attribute_says_what_hides_it():
    assert "does not show SgxQos while IntelSgx is Off" in said(plan(recorded(R750), SgxQos="Enabled"))


def test_dell_a_value_by_its_display_name_is_written_by_its_name():
    assert in_order(plan(recorded(R750), WorkloadProfile="Telco Optimized Profile")) == [
        ("WorkloadProfile", "TelcoOptimizedProfile")]


def test_dell_what_the_machine_is_cannot_be_set_unless_a_person_says_that_the_registry_is_wrong():
    assert "SystemServiceTag is read-only" in said(plan(recorded(R750), SystemServiceTag="X"))
    assert in_order(plan(recorded(R750), None, ("SystemServiceTag",), SystemServiceTag="X")) == [("SystemServiceTag", "X")]


def test_hpe_what_a_workload_profile_locks_needs_the_one_that_governs_nothing():
    machine = recorded(DL385, WorkloadProfile="Virtualization-MaxPerformance")
    assert in_order(plan(machine, {"sriov": False})) == [("WorkloadProfile", "Custom"), ("Sriov", "Disabled")]


def test_hpe_a_profile_of_the_users_own_that_frees_it_will_do():
    machine = recorded(DL385, WorkloadProfile="Virtualization-MaxPerformance")
    found = plan(machine, {"sriov": False, "powerProfile": "performance"})
    assert in_order(found) == [("WorkloadProfile", "GeneralPeakFrequencyCompute"), ("Sriov", "Disabled")]


def test_hpe_a_lock_that_comes_only_with_the_plan_comes_last():
    machine = recorded(DL385, Sriov="Disabled")
    found = plan(machine, {"sriov": True}, WorkloadProfile="Virtualization-MaxPerformance")
    assert in_order(found) == [("Sriov", "Enabled"), ("WorkloadProfile", "Virtualization-MaxPerformance")]


def test_hpe_what_is_grayed_out_may_be_tried_and_is_told():
    machine = recorded(DL385, WorkloadProfile="Custom", AMDPerformanceWorkloadProfile="JavaThroughput")
    found = plan(machine, {"iommu": False})
    assert in_order(found) == [("ProcAmdIoVt", "Disabled")]
    assert "ProcAmdIoVt is grayed out while AMDPerformanceWorkloadProfile is JavaThroughput: it may have no effect" in found.notes


def test_lenovo_what_the_operating_mode_sets_needs_custom_mode_though_the_registry_does_not_say_so():
    found = plan(recorded(SR670), Processors_CStates="Disabled")
    assert in_order(found)[0] == ("OperatingModes_ChooseOperatingMode", "CustomMode")
    assert "python-redfish-lenovo#174" in found.of("OperatingModes_ChooseOperatingMode").why
    assert "can only be changed while OperatingModes_ChooseOperatingMode is CustomMode" in said(
        plan(recorded(SR670), {"powerProfile": "performance"}, Processors_CStates="Disabled"))
    custom = recorded(SR670, OperatingModes_ChooseOperatingMode="CustomMode")
    assert in_order(plan(custom, Processors_CStates="Disabled")) == [("Processors_CStates", "Disabled")]


def test_supermicro_a_value_name_is_written_as_the_display_name():
    assert in_order(plan(recorded(SYS821), SNC_F300="4")) == [("SNC_F300", "Enable SNC4 (4-clusters)")]


def test_two_intents_with_one_attribute_must_agree():
    text = said(plan(recorded(R750), {"virtualization": True, "iommu": False}))
    assert "iommu and virtualization are one BIOS attribute here, ProcVirtualization" in text
    assert in_order(plan(recorded(R750), {"virtualization": True, "iommu": True})) == [("ProcVirtualization", "Enabled")]


def test_what_the_bmc_shows_as_pending_it_has_accepted_whatever_the_registry_says():
    locked = Registry("R", [Attribute("A", "Enumeration", choices=(Choice("x", "x"), Choice("y", "y")), read_only=True)])
    assert "read-only" in said(plan(Machine({"A": "x"}, locked), A="y"))
    assert in_order(plan(Machine({"A": "x"}, locked, pending={"A": "y"}), A="y")) == [("A", "y")]


# -- on small ones

def choices(*values: str) -> tuple[Choice, ...]:
    return tuple(Choice(v, v) for v in values)


def read_only(attribute: str, *terms: Term, joint: tuple[str, ...] = OR) -> Dependency:
    return Dependency(attribute, "ReadOnly", True, terms, (joint,) * (len(terms) - 1))


def is_(attribute: str, value: object, condition: str = "EQU") -> Term:
    return Term(attribute, "CurrentValue", condition, value)  # type: ignore[arg-type]


def enumeration(name: str, *values: str) -> Attribute:
    return Attribute(name, "Enumeration", name, choices(*values))


def test_a_chain_of_locks_is_opened_from_its_end():
    registry = Registry("R", [enumeration("A", "x", "y"), enumeration("B", "on", "off"), enumeration("C", "on", "off")], [
        read_only("A", is_("B", "on")), read_only("B", is_("C", "on"))])
    assert in_order(plan(Machine({"A": "x", "B": "on", "C": "on"}, registry), A="y")) == [("C", "off"), ("B", "off"), ("A", "y")]


def test_several_ways_to_open_a_lock_are_a_persons_choice():
    registry = Registry("R", [enumeration("A", "x", "y"), enumeration("B", "one", "two", "three")], [
        read_only("A", is_("B", "one"))])
    text = said(plan(Machine({"A": "x", "B": "one"}, registry), A="y"))
    assert "set one of these too" in text and "B=two, B=three" in text


def test_of_several_ways_the_one_that_changes_nothing_else_is_taken():
    registry = Registry(
        "R", [enumeration("A", "x", "y"), enumeration("B", "one", "two", "three"), enumeration("C", "on", "off")],
        [read_only("A", is_("B", "one")), Dependency("C", "CurrentValue", "off", (is_("B", "two"),))])
    assert in_order(plan(Machine({"A": "x", "B": "one", "C": "on"}, registry), A="y")) == [("B", "three"), ("A", "y")]


def test_a_way_that_would_take_back_what_is_wanted_is_none():
    registry = Registry(
        "R", [enumeration("A", "x", "y"), enumeration("B", "one", "two"), enumeration("C", "on", "off")],
        [read_only("A", is_("B", "one")), Dependency("C", "CurrentValue", "off", (is_("B", "two"),))])
    text = said(plan(Machine({"A": "x", "B": "one", "C": "on"}, registry), A="y", C="on"))
    assert "A is read-only while B is one" in text


def test_two_locks_on_two_attributes_are_both_opened():
    registry = Registry("R", [enumeration("A", "x", "y"), enumeration("B", "on", "off"), enumeration("C", "on", "off")], [
        read_only("A", is_("B", "on")), read_only("A", is_("C", "on"))])
    found = in_order(plan(Machine({"A": "x", "B": "on", "C": "on"}, registry), A="y"))
    assert dict(found) == {"A": "y", "B": "off", "C": "off"} and found[-1] == ("A", "y")


def test_a_lock_with_two_keys_of_which_either_opens_it_is_a_persons_choice():
    registry = Registry("R", [enumeration("A", "x", "y"), enumeration("B", "on", "off"), enumeration("C", "on", "off")], [
        read_only("A", is_("B", "on"), is_("C", "on"), joint=AND)])
    assert "set one of these too" in said(plan(Machine({"A": "x", "B": "on", "C": "on"}, registry), A="y"))


def test_a_lock_that_nothing_opens_says_so():
    registry = Registry("R", [enumeration("A", "x", "y"), Attribute("B", "String")], [read_only("A", is_("B", "z", "NEQ"))])
    assert "nothing that its registry lists would change that" in said(plan(Machine({"A": "x", "B": "q"}, registry), A="y"))


def test_a_key_that_is_read_only_itself_is_named():
    key = Attribute("B", "Enumeration", choices=choices("on", "off"), read_only=True)
    registry = Registry("R", [enumeration("A", "x", "y"), key], [read_only("A", is_("B", "on"))])
    text = said(plan(Machine({"A": "x", "B": "on"}, registry), A="y"))
    assert "A needs B to be off, and: BIOS attribute B is read-only" in text


def test_locks_that_hold_each_other_end():
    registry = Registry("R", [enumeration("A", "x", "y"), enumeration("B", "on", "off")], [
        read_only("A", is_("B", "on")), read_only("B", is_("A", "x"))])
    assert isinstance(plan(Machine({"A": "x", "B": "on"}, registry), A="y"), Stuck | BiosPlan)


def test_a_lock_of_which_the_registry_does_not_say_whether_it_holds_is_tried():
    registry = Registry("R", [enumeration("A", "x", "y")], [read_only("A", is_("Unknown", "on"))])
    assert in_order(plan(Machine({"A": "x"}, registry), A="y")) == [("A", "y")]


@pytest.mark.parametrize("name", ["SecureBoot", "SecureBootStatus", "TpmVisibility", "ServerConfigLockStatus", "AdminPassword",
                                  "Secure_Boot", "TCG003", "SystemLockdown", "TrustedExecution"])
def test_what_guards_a_machine_is_left_to_a_person(name):
    registry = Registry("R", [enumeration("A", "x", "y"), enumeration(name, "on", "off")], [read_only("A", is_(name, "on"))])
    assert f"does not change {name} by itself" in said(plan(Machine({"A": "x", name: "on"}, registry), A="y"))


def test_a_password_is_never_set():
    registry = Registry("R", [Attribute("Secret", "Password")])
    assert "is a password" in said(plan(Machine({"Secret": ""}, registry), Secret="x"))


# -- anything at all

NAMES = "ABCD"
VALUES = ("on", "off", "auto")
TERMS = st.builds(is_, st.sampled_from(NAMES), st.sampled_from(VALUES), st.sampled_from(["EQU", "NEQ"]))
DEPENDENCIES = st.builds(
    lambda attribute, prop, value, terms, joint: Dependency(
        attribute, prop, value if prop == "CurrentValue" else True, tuple(terms), (joint,) * (len(terms) - 1)),
    st.sampled_from(NAMES), st.sampled_from(["ReadOnly", "CurrentValue", "Hidden", "GrayOut"]), st.sampled_from(VALUES),
    st.lists(TERMS, min_size=1, max_size=3), st.sampled_from([AND, OR, ("AND", "OR")]))
MACHINES = st.builds(
    lambda now, dependencies: Machine(now, Registry("R", [enumeration(n, *VALUES) for n in NAMES], dependencies)),
    st.fixed_dictionaries({n: st.sampled_from(VALUES) for n in NAMES}), st.lists(DEPENDENCIES, max_size=8))


@given(MACHINES, st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), min_size=1))
def test_a_plan_keeps_what_is_wanted_and_sends_each_attribute_when_it_can_be_written(machine, wanted):
    found = plan(machine, **wanted)
    if isinstance(found, Stuck):
        assert found.reason and found.advice
        return
    assert wanted.items() <= found.values.items()
    values = dict(machine.now)
    for setting in found.settings:
        assert check_value(setting.attribute, setting.value, machine) is None
        if setting.changes and _acyclic(machine, found):
            assert not locks(machine.registry, setting.attribute, "ReadOnly", values, "name"), (setting, found)
        values[setting.attribute] = setting.value


def _acyclic(machine: Machine, found: BiosPlan) -> bool:
    """Whether no two attributes of the plan lock each other: then an order exists, and the plan must have it."""
    names = [s.attribute for s in found.settings if s.changes]
    governs = {(t.attribute, d.attribute) for d in machine.registry.dependencies if d.property == "ReadOnly" for t in d.terms
               if t.attribute in names and d.attribute in names}
    return len(names) <= 2 and not any((b, a) in governs or a == b for a, b in governs)
