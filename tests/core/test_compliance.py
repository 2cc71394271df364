"""Compliance reports as values: what counts as asked, which lines prove a verdict, and how two reports compare."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cases import BY_CONDITION, CASES, _Loader, build

from bpa.cli.report.filing import from_plain, to_plain
from bpa.core.bios import BiosWant
from bpa.core.cluster import CLUSTER
from bpa.core.compliance import (
    Comparison,
    ConditionReport,
    Machine,
    Report,
    Restarts,
    StepTaken,
    SubjectReport,
    asked,
    compare,
    evidence_of,
    hidden,
    is_asked,
    wanted_of,
)
from bpa.core.compliance.comparison import ConditionDifference
from bpa.core.compliance.evidence import LONGEST, MOST, cleaned
from bpa.core.compliance.sightings import sightings
from bpa.core.compliance.wanted import SECTIONS
from bpa.core.drift import Drift
from bpa.core.facts import (
    BmcFacts,
    ClusterFacts,
    Dimm,
    Drive,
    Facts,
    InspectedNic,
    InstallerRun,
    Inventory,
    MemberFacts,
    NodeFacts,
    OsFacts,
    Ran,
)
from bpa.core.host import HOST
from bpa.core.requirement import Change, HostRequirement
from bpa.core.verdict import Met, Wait
from bpa.core.want import ClusterWant, GoalWant, HostWant, KernelWant, Profile
from bpa.documents.profile.bios import intent_rules
from bpa.fleet import describe

WANT = HostWant("node1", "https://192.0.2.1", "52:54:00:00:00:01", None)
TEXT = st.text(max_size=12)
TIMES = st.floats(0, 4e9)
JSON = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=5)


def conditions(name: str) -> st.SearchStrategy[ConditionReport]:
    return st.builds(
        ConditionReport, st.just(name), TEXT, st.sampled_from(("bmc", "node", "os", "cluster")),
        st.sampled_from(("met", "act", "wait", "stuck")), st.booleans(), st.booleans(), st.dictionaries(TEXT, JSON, max_size=2),
        TEXT, st.lists(TEXT, max_size=2).map(tuple), TEXT, TEXT,
        st.none() | st.builds(Drift, st.just(name), TEXT, TEXT, TIMES, TIMES, since=st.none() | TIMES,
                              files=st.lists(TEXT, max_size=2).map(tuple)),
        st.none() | TIMES, st.none() | TIMES)


def subjects(name: str) -> st.SearchStrategy[SubjectReport]:
    some = st.lists(st.sampled_from(("A", "B", "C")), unique=True).flatmap(lambda names: st.tuples(*map(conditions, names)))
    return st.builds(
        SubjectReport, st.just(name), st.booleans(), TEXT, st.builds(Machine, TEXT, TEXT, TEXT, TEXT), TEXT, TIMES,
        st.dictionaries(TEXT, JSON, max_size=2), some,
        st.lists(st.builds(Change, TEXT, st.none() | TEXT, TEXT), max_size=2).map(tuple), st.dictionaries(TEXT, TEXT, max_size=2),
        st.builds(Restarts, st.integers(0, 9), st.integers(0, 9)),
        st.lists(st.builds(StepTaken, TIMES, TEXT, TEXT), max_size=2).map(tuple), TIMES, st.none() | TIMES)


REPORTS = st.builds(
    Report, TEXT, TIMES, TEXT, st.booleans(), TEXT,
    st.lists(st.sampled_from(("node1", "node2", "node3")), unique=True).flatmap(lambda names: st.tuples(*map(subjects, names))))


@settings(max_examples=40)
@given(REPORTS)
def test_a_report_that_is_filed_and_read_again_is_the_same(report: Report) -> None:
    assert from_plain(to_plain(report)) == report


@settings(max_examples=40)
@given(REPORTS)
def test_a_report_does_not_differ_from_itself(report: Report) -> None:
    later = replace(report, at=report.at + 60, subjects=tuple(replace(one, looked=one.looked + 60) for one in report.subjects))
    assert compare(report, later) == Comparison((), ())
    assert not compare(report, later).worse


@settings(max_examples=40)
@given(REPORTS, REPORTS)
def test_the_other_way_round_worse_is_better_and_added_is_gone(one: Report, other: Report) -> None:
    there, back = compare(one, other), compare(other, one)
    assert [(c.what, c.new, c.old) for c in there.about] == [(c.what, c.old, c.new) for c in back.about]
    mirrored = {subject.name: subject for subject in back.subjects}
    assert {subject.name for subject in there.subjects} == set(mirrored)
    turned = {"both": "both", "added": "gone", "gone": "added"}
    for subject in there.subjects:
        mirror = mirrored[subject.name]
        assert mirror.presence == turned[subject.presence]
        assert (mirror.another, mirror.documents) == (subject.another, subject.documents)
        # To be asked no more makes nothing better, whichever way round it is the later report that does not ask.
        asked = {c.condition for c in subject.conditions if "not asked" not in (c.old, c.new)}
        for way, back_way in (("worse", "better"), ("better", "worse"), ("same", "same")):
            assert asked & set(subject.names(way)) == asked & set(mirror.names(back_way))  # type: ignore[arg-type]


def condition(name: str = "VfsCreated", state: Any = "met", found: str = "4 VFs", **more: Any) -> ConditionReport:
    said = {"asked": True, "seen": True, "wanted": {"vfs": [{"vfs": 4}]}, **more}
    return ConditionReport(name, "VFs", "os", state, found=found, **said)


def report(*found: ConditionReport, host: str = "node1", bpa: str = "1.0", **more: Any) -> Report:
    said = {"machine": Machine(serial="A1", boot_id="first"), "documents": "d1", **more}
    subject = SubjectReport(host, False, "A1", looked=1.0, wanted={}, requirements=found, **said)
    return Report("edge", 1.0, bpa, False, "p", (subject,))


@pytest.mark.parametrize(("old", "new", "way"), [
    (condition(), condition(state="act", found="0 VFs"), "worse"),
    (condition(state="act"), condition(state="stuck"), "worse"),
    (condition(state="wait"), condition(state="act"), "same"),
    (condition(state="stuck"), condition(), "better"),
    (condition(state="stuck"), condition(state="act"), "better"),
    (condition(), condition(seen=False, state="wait", found="no answer"), "worse"),
    (condition(state="stuck"), condition(seen=False, state="wait"), "same"),
    (condition(asked=False, found="not asked"), condition(), "same"),
    (condition(state="stuck"), condition(asked=False, found="not asked"), "same"),
    (condition(asked=False, found="not asked"), condition(state="stuck"), "worse"),
    (condition(), condition(found="4 VFs on another port"), "same"),
    (condition(), condition(wanted={"vfs": [{"vfs": 8}]}), "same"),
])
def test_a_condition_goes_worse_or_better_by_who_must_mend_it(old: ConditionReport, new: ConditionReport, way: str) -> None:
    ((found,),) = (one.conditions for one in compare(report(old), report(new)).subjects)
    assert found.direction == way
    assert compare(report(old), report(new)).worse is (way == "worse")


def test_wanted_and_found_are_told_apart() -> None:
    new = condition(wanted={"vfs": [{"vfs": 8}]}, state="act", found="4 VFs, 8 are asked")
    ((found,),) = (one.conditions for one in compare(report(condition()), report(new)).subjects)
    assert [(c.what, c.old, c.new) for c in found.wanted] == [("sriov[0].vfs", "4", "8")]
    assert [(c.old, c.new) for c in found.found] == [("4 VFs", "4 VFs, 8 are asked")]


@pytest.mark.parametrize(("old", "new", "told"), [
    (["quiet", "iommu=pt"], ["iommu=pt", "nosmt"], [("kernel.arguments[]", "quiet", ""), ("kernel.arguments[]", "", "nosmt")]),
    (["iommu=pt"], ["iommu=pt", "iommu=pt"], [("kernel.arguments[]", "", "iommu=pt")]),
    (["a", "b"], ["b", "a"], [("kernel.arguments", "a, b", "b, a")]),
])
def test_of_a_list_that_is_wanted_otherwise_each_thing_that_came_or_went(
    old: list[str], new: list[str], told: list[tuple[str, str, str]],
) -> None:
    one, other = (condition(wanted={"kernel_arguments": said}) for said in (old, new))
    ((found,),) = (one.conditions for one in compare(report(one), report(other)).subjects)
    assert [(c.what, c.old, c.new) for c in found.wanted] == told


def test_another_machine_other_documents_and_another_version_are_told_and_are_not_worse() -> None:
    new = report(condition(), bpa="1.1", machine=Machine(serial="B2", boot_id="second"), documents="d2")
    found = compare(report(condition()), new)
    (subject,) = found.subjects
    assert [(c.what, c.old, c.new) for c in found.about] == [("bpa", "1.0", "1.1")]
    assert (subject.another, subject.documents, subject.conditions, found.worse) == (True, True, (), False)
    assert [(c.what, c.old, c.new) for c in subject.machine] == [("serial", "A1", "B2")]


def test_a_restart_alone_and_a_serial_number_that_was_not_told_are_no_other_machine() -> None:
    restarted = report(condition(), machine=Machine(serial="A1", boot_id="second"))
    assert compare(report(condition()), restarted).empty
    (subject,) = compare(report(condition()), report(condition(), machine=Machine(boot_id="first"))).subjects
    assert not subject.another


def test_a_host_that_comes_or_goes_counts_by_what_does_not_hold_on_it() -> None:
    good, bad = report(condition(), host="node2"), report(condition(), condition("KataCapable", "stuck", "no vmx"), host="node2")
    here = report(condition())
    for other, worse in ((good, False), (bad, True)):
        both = replace(here, subjects=(*here.subjects, *other.subjects))
        (added,) = compare(here, both).subjects
        assert (added.name, added.presence, compare(here, both).worse) == ("node2", "added", worse)
        assert [one.presence for one in compare(both, here).subjects] == ["gone"]
        assert not compare(both, here).worse
    assert added.conditions[0].old == "not there" and isinstance(added.conditions[0], ConditionDifference)


@pytest.mark.parametrize(("one", "result"), [
    (condition(), "passed"), (condition(asked=False), "skipped"), (condition(state="act"), "failed"),
    (condition(state="stuck"), "failed"), (condition(state="wait"), "error"), (condition(state="stuck", seen=False), "error"),
    (condition(state="act", asked=False), "failed"),
])
def test_what_was_not_seen_or_waits_proves_nothing(one: ConditionReport, result: str) -> None:
    assert one.result == result


@pytest.mark.parametrize("requirement", [*HOST, *CLUSTER], ids=lambda one: one.condition)
def test_every_condition_names_the_sections_that_it_judges(requirement: Any) -> None:
    assert requirement.condition in SECTIONS, "say in bpa/core/compliance/wanted.py where the documents ask it"
    want: Any = ClusterWant("edge", (), ()) if requirement in CLUSTER else WANT
    for path in SECTIONS[requirement.condition]:
        value = want
        for name in path.split("."):
            value = getattr(value, name)


def test_wanted_is_what_differs_from_the_defaults_without_the_rules_of_vendors() -> None:
    bios = BiosWant({"virtualization": True}, {}, intent_rules())
    want = replace(WANT, profile=Profile("edge", bios, kernel=KernelWant(sysctls={"vm.swappiness": "10"})))
    assert wanted_of("FirmwareStaged", want) == {"bios.intents": {"virtualization": True}}
    assert wanted_of("SysctlsSet", want) == {"kernel.sysctls": {"vm.swappiness": "10"}}
    assert wanted_of("VfsCreated", want) == {}
    assert asked(want.profile) == {"name": "edge", "bios": {"intents": {"virtualization": True}},
                                   "kernel": {"sysctls": {"vm.swappiness": "10"}}}
    assert asked(replace(WANT, profile=Profile(bios=BiosWant(rules=intent_rules())))).keys() == {
        "name", "bmc", "boot_mac", "image"}


def test_one_of_several_is_told_whole_where_all_of_it_is_the_default() -> None:
    assert asked((GoalWant(), GoalWant(memory_percent=25))) == [
        {"memory_percent": 0, "interleaved": True, "socket": None}, {"memory_percent": 25}]


def test_long_text_is_told_by_its_digest_so_that_two_of_them_still_compare() -> None:
    one, other = asked(f"{'x' * 900}1"), asked(f"{'x' * 900}2")
    assert len(one) < 130 and "901 characters" in one and one != other


@pytest.mark.parametrize(("wanted", "found", "counts"), [
    ({}, "not asked", False), ({"vfs": 1}, "not asked", False), ({}, "the profile asks nothing of the BIOS", False),
    ({}, "no kernel arguments asked", False), ({}, "nothing waits for a restart", True), ({"vfs": 1}, "8 VFs, as asked", True),
])
def test_a_condition_that_nobody_asks_proves_nothing(wanted: dict[str, Any], found: str, counts: bool) -> None:
    assert is_asked(wanted, found) is counts


def probing(name: str, text: str = "") -> HostRequirement:
    def check(want: HostWant, have: Facts) -> Met:
        assert have.os is not None
        return Met(have.os.answers[name].stdout and "seen")

    return HostRequirement("Toy", "os", check, "toy")


def host(**answers: str) -> Facts:
    return Facts(os=OsFacts("192.0.2.10", "", {name: Ran(0, text) for name, text in answers.items()}))


def test_evidence_is_from_the_probes_that_the_check_has_read() -> None:
    have = host(pci="@@ devices\n0000:3b:00.0 64 4\n0000:3b:00.1 64 0\n", sysctl="@@ values\n0000:3b:00.0 = not this\n")
    assert evidence_of(probing("pci"), WANT, have, "4 VFs on 0000:3b:00.0", {}) == ("os pci/devices: 0000:3b:00.0 64 4",)


def test_where_no_line_names_what_was_found_the_first_of_each_section_stand() -> None:
    have = host(pci="@@ a\n# Written by BPA\nfirst\nsecond\n@@ b\nthird\n@@ c\n")
    assert evidence_of(probing("pci"), WANT, have, "all is well", {}) == ("os pci/a: first", "os pci/b: third")


def test_that_nothing_is_there_is_evidence_too() -> None:
    assert evidence_of(probing("pci"), WANT, host(pci="@@ devices\n@@ vfs\n"), "no VFs", {}) == (
        "os pci/devices: (nothing)", "os pci/vfs: (nothing)")


def test_evidence_is_short_and_the_words_looked_for_are_in_it() -> None:
    lines = "".join(f"0000:3b:02.{n} vfio-pci\n" for n in range(64))
    have = host(pci=f"@@ vfs\n{lines}@@ kubelet\n{'x' * 900} 0000:3b:02.1 {'y' * 900}\n")
    found = evidence_of(probing("pci"), WANT, have, "", {"vfs": [{"driver": "vfio-pci"}]})
    assert len(found) == MOST
    (long,) = evidence_of(probing("pci"), WANT, host(pci=f"@@ k\n{'x' * 900} 0000:3b:02.1 {'y' * 900}\n"), "0000:3b:02.1", {})
    assert "0000:3b:02.1" in long and len(long) < LONGEST + 20


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_known_situation_has_evidence_that_fits_a_page(file: Path) -> None:
    case = yaml.load(file.read_text(), _Loader)
    requirement = BY_CONDITION[file.parent.name]
    want, have = build(HostWant, case.get("want") or {}), build(Facts, case.get("have") or {})
    found = describe(requirement.check(want, have))[1]
    lines = evidence_of(requirement, want, have, found, wanted_of(requirement.condition, want))
    assert len(lines) <= MOST
    assert all(line.isprintable() and len(line) < LONGEST + 80 for line in lines)
    if have.os and any(ran.stdout.replace("@@", "").strip() for ran in have.os.answers.values()):
        assert lines or found.startswith("not asked") or isinstance(requirement.check(want, have), Wait), found


def test_a_probe_that_failed_is_evidence_by_its_exit_code() -> None:
    have = Facts(os=OsFacts("192.0.2.10", "", {"pci": Ran(127, "", "sh: not found\n")}))
    assert evidence_of(probing("pci"), WANT, have, "", {}) == ("os pci: exit code 127",)


def test_bmc_ironic_and_cluster_are_evidence_too() -> None:
    bmc = BmcFacts("/redfish/v1/Systems/1", "On", serial="A1", bios={"ProcVirtualization": "Enabled", "Other": "x"})
    node = NodeFacts("active", uuid="0ea80653", image_url="http://192.0.2.1/debian.raw")
    toy = HostRequirement("Toy", "bmc", lambda want, have: Met(), "toy")
    assert evidence_of(toy, WANT, Facts(bmc), "ProcVirtualization=Enabled", {}) == ("bmc BIOS: ProcVirtualization = Enabled",)
    (ironic, *_) = evidence_of(replace(toy, needs="node"), WANT, Facts(bmc, node), "debian.raw is deployed", {})
    assert ironic.startswith("ironic: provision state active") and "http://192.0.2.1/debian.raw" in ironic
    run = InstallerRun(("./installer",), "f", False, 2, last_lines=("fatal: no route to 192.0.2.9",))
    have = ClusterFacts({"master-1": MemberFacts(True, "192.0.2.9")}, run=run)
    lines = evidence_of(CLUSTER[2], ClusterWant("edge", (), ()), have, "exit code 2: no route to 192.0.2.9", {})
    assert lines == ("members: master-1 ready 192.0.2.9", "installer's last lines: fatal: no route to 192.0.2.9")


def test_what_bmc_and_ironic_told_has_words_and_units() -> None:
    bmc = BmcFacts("/redfish/v1/Systems/1", "On", memory_mib=16384, dimms=(Dimm("A1", 16384),))
    drive = Drive("/dev/sda", size=1 << 36, rotational=False, by_path="/dev/disk/by-path/x")
    node = NodeFacts("active", inventory=Inventory(8, 16384, drives=(drive,), nics=(InspectedNic("eno1", "52:54:00:00:00:01",
                                                                                               speed=25000),)))
    toy = HostRequirement("Toy", "node", lambda want, have: Met(), "toy")
    seen = {line for lines in sightings(toy, WANT, Facts(bmc, node)).values() for line in lines}
    assert {"System /redfish/v1/Systems/1, power On, memory 16 GiB", "slot A1, size 16 GiB", "CPUs 8, memory 16 GiB",
            "name /dev/sda, size 64 GiB, rotational no, by path /dev/disk/by-path/x",
            "name eno1, MAC 52:54:00:00:00:01, speed 25000 Mbit/s"} <= seen


@pytest.mark.parametrize(("line", "shown"), [
    ("http_proxy=http://me:opensesame@192.0.2.3:3128", "http_proxy=http://192.0.2.3:3128"),
    ("ipmi password: opensesame rest", "ipmi password: REDACTED rest"),
    ('{"apiToken": "opensesame", "a": 1}', '{"apiToken": "REDACTED", "a": 1}'),
    ("passwordauthentication no", "passwordauthentication no"),
    ("PasswordAuthentication: no", "PasswordAuthentication: no"),
    ("kernel.keys.root_maxkeys = 1000000", "kernel.keys.root_maxkeys = 1000000"),
])
def test_evidence_tells_no_secrets(line: str, shown: str) -> None:
    assert cleaned(line) == shown


def test_a_report_holds_none_of_the_documents_secrets_wherever_they_turn_up() -> None:
    told = report(condition(
        found="login root:correct-horse failed", evidence=("correct-horse",), wanted={"a": ["correct-horse"]}))
    clean = hidden(told, ["correct-horse", "root"])
    assert "correct-horse" not in str(clean)
    assert clean.subjects[0].requirements[0].found == "login root:REDACTED failed"
