"""Compliance reports as files: JSON by its schema, HTML that needs nothing else, JUnit as CI servers read it, compared."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from bpa.adapters.errors import Unreachable
from bpa.cli.exits import Exit
from bpa.cli.report import to_plain
from bpa.cli.report.filing import from_plain
from bpa.cli.report.junit import junit
from bpa.cli.report.page import page
from bpa.cli.report.schema import render, schema
from bpa.cli.report.telling import told
from bpa.core.compliance import ConditionReport, Machine, Report, SubjectReport

ROOT = Path(__file__).parents[2]

JUNIT = {  # element -> attributes it must have, may have, and elements it may hold (xunit-plugin, junit-10.xsd)
    "testsuites": ((), ("name", "time", "tests", "failures", "errors"), ("testsuite",)),
    "testsuite": (("name", "tests", "failures", "errors"),
                  ("group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"),
                  ("testsuite", "properties", "testcase", "system-out", "system-err")),
    "properties": ((), (), ("property",)),
    "property": (("name", "value"), (), ()),
    "testcase": (("name",), ("time", "classname", "group"), ("skipped", "error", "failure", "system-out", "system-err")),
    "failure": ((), ("type", "message"), ()), "error": ((), ("type", "message"), ()), "skipped": ((), ("type", "message"), ()),
    "system-out": ((), (), ()),
}
TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


def valid_junit(text):
    """The root of a JUnit document, every rule of the schema asserted."""
    root = ElementTree.fromstring(text)
    for element in root.iter():
        must, may, inside = JUNIT[element.tag]
        assert set(must) <= element.attrib.keys() <= {*must, *may}, element.tag
        assert {child.tag for child in element} <= set(inside), element.tag
        assert TIME.fullmatch(element.get("time", ""))
    for suite in root.iter("testsuite"):
        assert int(suite.get("tests")) == len(suite.findall("testcase"))
        for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(count)) == len(suite.findall(f"testcase/{tag}"))
        names = [(case.get("classname"), case.get("name")) for case in suite.findall("testcase")]
        assert len(names) == len(set(names))  # GitLab passes over the second of one name
    return root


def condition(name, state="met", **more):
    return ConditionReport(name, f"about {name}", "os", state, **{
        "asked": True, "seen": True, "wanted": {}, "found": f"found {name}", **more})


REPORT = Report("edge.example.org", 1_700_000_000.0, "1.0", False, "abc", (SubjectReport(
    "node1.example.org", False, "A1", Machine("u", "A1", "", "Maker", "R750", "2.1", "boot"), "d" * 64, 1_700_000_000.0, {}, (
        condition("Holds", wanted={"vfs": [{"match": {"device": "8086:1583"}, "vfs": 4}]},
                  evidence=("os pci/devices: 0000:3b:00.0 <64> & 4 \x01",), seconds=1.5, since=1_699_999_000.0),
        condition("Lacks", "act", changed="was \"4\" when last seen"),
        condition("Needs a person", "stuck", advice="<look> & mend it"),
        condition("Unseen", "stuck", seen=False), condition("Waits", "wait"), condition("Unasked", asked=False)),
    unseen={"os": "no answer"}),))


def test_verify_writes_a_report_of_each_kind_and_ends_as_ever(run, site, tmp_path, drawer):
    files = [tmp_path / f"today.{kind}" for kind in ("json", "html", "xml")]
    options = [part for file in files for part in ("--report", file)]
    ran = run("verify", site, *options)
    assert ran.code == Exit.NOT_MET and "ImageDeployed" in ran.out
    value = json.loads(files[0].read_text())
    jsonschema.Draft202012Validator(schema()).validate(value)
    (subject,) = value["subjects"]
    (reachable, deployed) = subject["requirements"]
    assert (value["kind"], value["version"], value["met"]) == ("bpa-report", 1, False)
    assert subject["machine"]["serial"] == "DRAWER" and len(subject["documents"]) == 64
    assert reachable["found"] == "Drawer, serial DRAWER" and reachable["state"] == "met"
    assert reachable["wanted"] == {"bmc": "https://192.0.2.10", "system": "/redfish/v1/Systems/1"}
    assert reachable["evidence"] == [
        "bmc: System /redfish/v1/Systems/1, power On, serial DRAWER, UUID 0f0f0f0f-0000-4000-8000-000000000001"]
    assert deployed["state"] == "act" and deployed["evidence"][0] == "ironic: provision state available"
    assert "Drawer, serial DRAWER" in files[1].read_text()
    assert [case.get("name") for case in valid_junit(files[2].read_text()).iter("testcase")] == ["BmcReachable", "ImageDeployed"]
    drawer.deployed = True
    assert run("verify", site, *options).code == 0
    assert json.loads(files[0].read_text())["met"]
    drawer.fails = [Unreachable("no answer")]
    assert run("verify", site, *options).code == Exit.NOT_SEEN
    value = json.loads(files[0].read_text())
    assert value["subjects"][0]["unseen"] == {"bmc": "no answer", "node": "no answer"}
    assert [one["seen"] for one in value["subjects"][0]["requirements"]] == [False, False]


def test_what_verify_prints_as_json_is_the_report(run, site, tmp_path):
    file = tmp_path / "today.json"
    printed = json.loads(run("verify", site, "--json", "--report", file).out)
    assert printed == json.loads(file.read_text())
    assert to_plain(from_plain(printed)) == printed


def test_a_report_on_a_collected_host_tells_when_it_was_collected(run, site, tmp_path, drawer):
    assert run("host", "collect", "drawer", "--site", site, "-o", tmp_path / "drawer.json").code == 0
    collected = json.loads((tmp_path / "drawer.json").read_text())
    drawer.fails = [AssertionError("no machine may be asked")]
    ran = run("verify", site, "--from", tmp_path / "drawer.json", "--report", tmp_path / "r.json", "--report", tmp_path / "r.xml")
    assert ran.code in (Exit.NOT_MET, Exit.NOT_SEEN)
    (subject,) = json.loads((tmp_path / "r.json").read_text())["subjects"]
    assert subject["looked"] == collected["at"] and subject["machine"]["serial"] == "DRAWER"
    assert {one["since"] for one in subject["requirements"]} == {None}
    valid_junit((tmp_path / "r.xml").read_text())


@pytest.mark.parametrize(("name", "said"), [
    ("today.txt", "neither .json, .html nor .xml"), ("today", "neither .json, .html nor .xml"),
    ("nowhere/today.json", "is no directory"),
])
def test_a_report_that_cannot_be_written_is_wrong_use_before_any_machine_is_asked(run, site, tmp_path, drawer, name, said):
    drawer.fails = [AssertionError("no machine may be asked")]
    ran = run("verify", site, "--report", tmp_path / "good.json", "--report", tmp_path / name)
    assert ran.code == Exit.USAGE and said in ran.err
    assert not (tmp_path / "good.json").exists()


def test_where_the_disk_is_full_the_old_report_stays_whole(run, site, tmp_path, monkeypatch):
    file = tmp_path / "today.json"
    assert run("verify", site, "--report", file).code == Exit.NOT_MET
    before = file.read_text()

    def full(self, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    ran = run("verify", site, "--report", file)
    assert ran.code == Exit.STATE and "No space left" in ran.err
    assert file.read_text() == before and [p.name for p in tmp_path.iterdir() if p.name.endswith(".new")] == []


@pytest.mark.parametrize("words", [["report"], ["report", "make"]])
def test_bpa_report_writes_all_three(run, site, tmp_path, words):
    ran = run(*words, site, "--directory", tmp_path / "out")
    assert ran.code == 0 and ran.out.strip() == str(tmp_path / "out" / "report.html")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["report.html", "report.json", "report.xml"]


def test_no_report_holds_a_password_though_a_machine_told_it(run, site, tmp_path, drawer):
    drawer.uuid = "the password is correct-horse"
    run("report", site, "-d", tmp_path / "out")
    for file in (tmp_path / "out").iterdir():
        assert "correct-horse" not in file.read_text() and "REDACTED" in file.read_text()


def test_the_schema_in_the_documentation_is_that_of_the_code():
    assert (ROOT / "docs" / "report.schema.json").read_text() == render(), "run `make docs`"
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(to_plain(REPORT))


def test_the_page_needs_nothing_else_and_shows_it_all():
    html = page(REPORT)
    assert not re.search(r"<script|<link|<img|@import|url\(|(src|href)=[\"'](?!#)", html)
    summary, host = html.split("<section>")
    assert summary.index("<table>") < summary.index("node1.example.org")
    for shown in ("Maker R750", "serial A1", "about Lacks", "found Holds", "vfs 4", "device 8086:1583", "was &#34;4&#34; when",
                  "&lt;look&gt; &amp; mend it", "0000:3b:00.0 &lt;64&gt; &amp; 4", "no answer", "d" * 64):
        assert shown in html, shown
    assert "<small>sriov:</small> match (device 8086:1583), vfs 4" in html and "Not seen: operating system" in html
    assert "<tr><td>Unasked</td><td class=\"state skipped\">not asked</td>" in host
    assert re.search(r"2023-11-1\d \d\d:\d\d:20 [+-]\d{4}", host)
    assert "prefers-color-scheme: dark" in html and "@media print" in html


@pytest.mark.parametrize(("value", "text"), [
    ([{"match": {"device": "8086:1583"}, "vfs": 4}, {"vfs": "all"}], "match (device 8086:1583), vfs 4; vfs all"),
    (True, "yes"), (False, "no"), (None, "none"), (["a", "b"], "a; b"), ({"a": []}, "a "),
])
def test_wanted_values_read_as_words(value, text):
    assert told(value) == text


def test_junit_has_a_suite_per_host_and_a_case_per_condition():
    root = valid_junit(junit(REPORT))
    (suite,) = root
    assert (suite.get("name"), suite.get("timestamp")) == ("node1.example.org", "2023-11-14T22:13:20")
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    kinds = {name: [child.tag for child in case if child.tag != "system-out"] for name, case in cases.items()}
    assert kinds == {"Holds": [], "Lacks": ["failure"], "Needs a person": ["failure"], "Unseen": ["error"], "Waits": ["error"],
                     "Unasked": ["skipped"]}
    assert cases["Holds"].get("classname") == "edge_example_org.node1_example_org"
    assert cases["Holds"].find("system-out").text == (
        "wanted sriov: match (device 8086:1583), vfs 4\nfound: found Holds\n"
        "os pci/devices: 0000:3b:00.0 <64> & 4 \ufffd")
    failure = cases["Needs a person"].find("failure")
    assert failure.get("message") == "found Needs a person" and "try: <look> & mend it" in failure.text
    assert {p.get("name"): p.get("value") for p in suite.iter("property")}["serial"] == "A1"


@pytest.fixture
def reports(tmp_path):
    """Two files: files(old, new) -> their paths."""
    def files(old, new):
        for name, value in (("old", old), ("new", new)):
            text = value if isinstance(value, str) else json.dumps(to_plain(value) if isinstance(value, Report) else value)
            (tmp_path / f"{name}.json").write_text(text)
        return tmp_path / "old.json", tmp_path / "new.json"

    return files


def with_conditions(*found, **more):
    return replace(REPORT, subjects=(replace(REPORT.subjects[0], requirements=found, **more),))


def test_two_reports_that_say_the_same(run, reports):
    ran = run("report", "compare", *reports(REPORT, replace(REPORT, at=REPORT.at + 60)))
    assert ran.code == 0 and ran.out.splitlines()[-1] == "nothing differs"


def test_what_got_worse_is_told_and_is_the_exit_code(run, reports):
    old = with_conditions(condition("VfsCreated", found="4 VFs", wanted={"vfs": [{"vfs": 4}]}), condition("KataCapable", "stuck"))
    new = with_conditions(condition("VfsCreated", "act", found="0 VFs", wanted={"vfs": [{"vfs": 8}]}), condition("KataCapable"),
                          machine=Machine("u", "B2"), documents="e" * 64)
    files = reports(old, new)
    ran = run("report", "compare", *files)
    assert ran.code == Exit.NOT_MET
    for line in ("node1.example.org: another machine", "node1.example.org: serial number: A1 -> B2",
                 "node1.example.org: the documents ask something else", "node1.example.org VfsCreated worse: met -> act",
                 "    wanted sriov[0].vfs: 4 -> 8", "    found: 4 VFs -> 0 VFs",
                 "node1.example.org KataCapable better: stuck -> met",
                 "1 worse, 1 better, 0 otherwise different"):
        assert line in ran.out.splitlines(), line
    value = json.loads(run("report", "compare", *files, "--json").out)
    assert value["worse"] is True and value["same"] is False
    assert value["subjects"][0]["conditions"][0]["found"] == [{"what": "", "old": "4 VFs", "new": "0 VFs"}]
    assert run("report", "compare", *reversed(files)).code == Exit.NOT_MET  # then the other condition got worse


def test_what_the_documents_ask_otherwise_is_told_in_their_words(run, reports):
    old = condition("KernelStaged", wanted={"kernel_arguments": ["quiet", "iommu=pt"], "kernel.hugepages": [{"size": 1 << 21}]})
    new = condition("KernelStaged", wanted={"kernel_arguments": ["iommu=pt", "intel_iommu=on", "nosmt"],
                                            "kernel.hugepages": [{"size": 1 << 30}]})
    files = reports(with_conditions(old), with_conditions(new))
    ran = run("report", "compare", *files)
    assert ran.out.splitlines()[2:-1] == [
        "node1.example.org KernelStaged different (met)",
        "    wanted kernel.arguments: -quiet, +intel_iommu=on, +nosmt",
        "    wanted kernel.hugepages[0].size: 2 MiB -> 1 GiB"]
    (changed,) = json.loads(run("report", "compare", *files, "--json").out)["subjects"][0]["conditions"]
    assert {"what": "kernel.arguments[]", "old": "quiet", "new": ""} in changed["wanted"]


def test_of_a_long_finding_only_what_changed_is_printed_and_all_of_it_is_in_the_json(run, reports):
    old, new = (f"8 CPUs, {dram} GiB of memory, 504 GiB of persistent memory, 2 disks, 2 network ports of 40000 Mbit/s"
                for dram in (16, 12))
    files = reports(with_conditions(condition("HardwareSeen", found=old)), with_conditions(condition("HardwareSeen", found=new)))
    ran = run("report", "compare", *files)
    assert ran.out.splitlines()[3] == "    found: 16 GiB of memory -> 12 GiB of memory"
    (changed,) = json.loads(run("report", "compare", *files, "--json").out)["subjects"][0]["conditions"]
    assert changed["found"] == [{"what": "", "old": old, "new": new}]


def test_where_the_state_is_another_both_findings_are_told_whole(run, reports):
    old, new = "lacks " + "a=1 " * 30 + "b=2", "running with " + "a=1 " * 30 + "b=2"
    ran = run("report", "compare", *reports(with_conditions(condition("KernelApplied", "act", found=old)),
                                            with_conditions(condition("KernelApplied", found=new))))
    assert all(len(line) <= 120 for line in ran.out.splitlines())
    assert " ".join(ran.out.split()[-len(f"{old} {new}".split()) - 20:]).count("b=2") == 2


def test_hosts_that_came_or_went(run, reports):
    ran = run("report", "compare", *reports(REPORT, replace(REPORT, subjects=())))
    assert ran.code == 0 and "node1.example.org: only in the old report" in ran.out
    ran = run("report", "compare", *reports(replace(REPORT, subjects=()), REPORT))
    assert ran.code == Exit.NOT_MET and "node1.example.org Lacks worse: not there -> act" in ran.out


@pytest.mark.parametrize(("value", "said"), [
    ("no JSON", "is not JSON"), ([1], "its \"kind\" is not bpa-report"), ({"kind": "bpa-collection"}, "is not bpa-report"),
    ({"kind": "bpa-report", "version": 2, "bpa": "9.9"}, "version 2 of the format, by BPA 9.9"),
    ({**to_plain(REPORT), "subjects": [{"name": 1}]}, "$.subjects[0]"),
    ({**to_plain(REPORT), "version": "one"}, "$.version"),
])
def test_a_file_that_is_no_report_is_wrong_use(run, reports, value, said):
    ran = run("report", "compare", *reports(REPORT, value))
    assert ran.code == Exit.USAGE and said in ran.err and "new.json" in ran.err


def test_a_file_that_is_not_there_is_wrong_use(run, tmp_path):
    ran = run("report", "compare", tmp_path / "none.json", tmp_path / "none.json")
    assert ran.code == Exit.USAGE and "No such file" in ran.err


def test_what_a_later_bpa_adds_to_this_version_is_passed_over():
    value = to_plain(REPORT)
    value["weather"] = value["subjects"][0]["weather"] = "fair"
    assert from_plain(value) == REPORT
    del value["subjects"][0]["steps"], value["subjects"][0]["requirements"][0]["advice"]
    assert from_plain(value) == REPORT
