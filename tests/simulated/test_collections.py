"""A file of what was seen of a host is judged as the host itself would be, and shows what was changed since."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from driving import QUICK, all_of, drive, new_host, subject
from site_of_many import write_site

import bpa.cli
from bpa import documents
from bpa.adapters.errors import Refused, Unsupported
from bpa.collection import COLLECTED_HERE, CollectedWorld, Collection, collect_here, load, save
from bpa.core.facts import Facts
from bpa.core.host import HOST, PROBES
from bpa.engine import survey


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("BPA_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("BPA_LAB_DIR", str(tmp_path / "lab"))
    return write_site(tmp_path / "site", 1)


@pytest.fixture
def filed(site, clock, store, tmp_path) -> Path:
    """A collection of the site's host, which has come all the way."""
    (host,) = documents.load(site).hosts
    want = replace(host.want, hostname=host.hostname)
    world = new_host(want, clock, durations=QUICK)
    assert drive(subject(want, world), store, clock, all_of(world)).done
    save(Collection(want.name, clock(), survey(subject(want, world)).have, {}), tmp_path / "host.json")
    return tmp_path / "host.json"


def test_what_is_read_back_is_what_was_seen(filed):
    collected = load(filed)
    assert collected.unseen == {} and collected.facts.os is not None
    assert collected.facts.os.answers.keys() == PROBES.keys()
    save(collected, filed.with_name("again.json"))
    assert load(filed.with_name("again.json")).facts == collected.facts


def test_only_its_owner_may_read_it(filed):
    assert filed.stat().st_mode & 0o777 == 0o600


def test_a_host_that_is_as_documented_verifies_from_its_file(run_bpa, site, filed):
    assert run_bpa("verify", site, "--from", filed)[0] == 0


def test_a_change_in_the_file_is_drift_and_explained_by_name(run_bpa, site, filed):
    said = json.loads(filed.read_text())
    said["facts"]["bmc"]["bios"]["ProcVirtualization"] = "Disabled"
    filed.write_text(json.dumps(said))
    code, out = run_bpa("verify", site, "--from", filed)
    assert code == 1 and "FirmwareStaged" in out and "ProcVirtualization" in out
    code, out = run_bpa("explain", said["host"], "--site", site, "--from", filed)
    assert "ProcVirtualization is Disabled" in out


def test_what_is_not_in_the_file_was_not_seen(run_bpa, site, filed):
    collected = load(filed)
    save(replace(collected, facts=replace(collected.facts, bmc=None), unseen={"bmc": "it did not answer"}), filed)
    code, out = run_bpa("verify", site, "--from", filed)
    assert code == 2 and "not in the file: it did not answer" in out


@pytest.mark.parametrize(("why", "condition"), [
    ("it was collected on the host itself", "AccessGranted"),
    ("192.0.2.11 cannot be reached", "BmcReachable"),
])
def test_a_bmc_that_was_not_to_be_asked_is_no_cause(run_bpa, site, filed, why, condition):
    said = json.loads(filed.read_text())
    said["unseen"] = {"bmc": why, "node": why}
    answer = said["facts"]["os"]["answers"]["access"]
    answer["stdout"] = answer["stdout"].replace("@@ hostname\n", "@@ hostname\nelsewhere-", 1)
    filed.write_text(json.dumps(said))
    assert f"why: {condition} " in run_bpa("explain", said["host"], "-s", site, "--from", filed)[1]


@pytest.fixture
def filed_here(filed) -> Path:
    """The same, as the host collects it on itself."""
    collected = load(filed)
    facts = replace(collected.facts, bmc=None, node=None)
    save(replace(collected, facts=facts, unseen={"bmc": COLLECTED_HERE, "node": COLLECTED_HERE}), filed)
    return filed


def test_a_host_that_was_collected_on_itself_is_judged_without_its_bmc(run_bpa, site, filed_here, tmp_path):
    report = tmp_path / "report.json"
    code, out = run_bpa("verify", site, "--from", filed_here, "--report", report)
    _, row, left_out, *rest = out.splitlines()
    asked = [one for one in HOST if one.needs not in ("bmc", "node")]
    assert row.split()[:4] == ["node-0", f"{len(asked)}/{len(asked)}", "-", "met"] and not rest
    assert left_out.startswith(f"node-0 not asked, since {COLLECTED_HERE}: BmcReachable, ") and "AccessGranted" not in left_out
    assert code == 2  # it may be otherwise where nobody looked
    seen = {one["condition"]: one["seen"] for one in json.loads(report.read_text())["subjects"][0]["requirements"]}
    assert seen == {one.condition: one in asked for one in HOST}
    code, out = run_bpa("explain", "node-0", "--site", site, "--from", filed_here)
    assert "wait" not in out and left_out.removeprefix("node-0 ") in out and "next: nothing" in out


def test_what_drifted_on_a_host_that_was_collected_on_itself_is_what_it_is_at(run_bpa, site, filed_here):
    said = json.loads(filed_here.read_text())
    kernel = said["facts"]["os"]["answers"]["kernel"]
    kernel["stdout"] = kernel["stdout"].replace("iommu=pt", "")
    filed_here.write_text(json.dumps(said))
    code, out = run_bpa("verify", site, "--from", filed_here)
    assert code == 1 and out.splitlines()[1].split()[2] == "KernelStaged"
    assert "wait" not in out and out.count("the running kernel lacks iommu=pt") == 1
    asked = json.loads(run_bpa("explain", "node-0", "--site", site, "--from", filed_here, "--json")[1])
    assert "BmcReachable" in asked["not_asked"] and asked["cause"]["condition"] == "KernelStaged"


SECRETIVE = """\
apiVersion: bpa.akraino.org/v1alpha1
kind: HardwareProfile
metadata: {name: secretive}
spec:
  kernel:
    arguments: [rd.iscsi.password=hunter2, quiet, "s=http://me:hunter2@192.0.2.7/"]
    modules: {options: {vhost_net: [psk=hunter2]}}
    sysctls: {net.ipv4.tcp_fastopen_key: 1-2-3-hunter2}
"""


def test_secrets_are_not_in_the_file_and_it_is_judged_without_them(run_bpa, tmp_path, clock, store, monkeypatch):
    monkeypatch.setenv("BPA_STATE", str(tmp_path / "state"))
    site = write_site(tmp_path / "site", 1, profile="secretive")
    (site / "profile.yaml").write_text(SECRETIVE)
    (host,) = documents.load(site).hosts
    want = replace(host.want, hostname=host.hostname)
    world = new_host(want, clock, durations=QUICK)
    assert drive(subject(want, world), store, clock, all_of(world)).done
    seen = survey(subject(want, world)).have
    assert "hunter2" in repr(seen)
    file = tmp_path / "host.json"
    save(Collection(want.name, clock(), seen, {}), file)
    assert "hunter2" not in file.read_text()
    assert run_bpa("verify", site, "--from", file)[0] == 0
    file.write_text(file.read_text().replace(" quiet", " loud"))
    code, out = run_bpa("verify", site, "--from", file)
    assert code == 1 and "KernelApplied" in out and "quiet" in out


def test_a_file_with_secrets_of_an_older_version_is_judged_as_well(run_bpa, site, filed):
    said = json.loads(filed.read_text())
    said["facts"]["os"]["answers"]["kernel"]["stderr"] = "password=hunter2"
    filed.write_text(json.dumps(said))
    assert "hunter2" not in repr(load(filed))
    assert run_bpa("verify", site, "--from", filed)[0] == 0


def test_a_file_of_another_host_is_said_so(run_bpa, site, filed):
    collected = load(filed)
    save(replace(collected, host="stranger"), filed)
    code, out = run_bpa("verify", site, "--from", filed)
    assert code == 64 and "is of host stranger" in out


@pytest.mark.parametrize(("text", "said"), [
    ("{", "it is not JSON"),
    ("[]", "its kind is not"),
    ('{"kind": "bpa-collection", "version": 99, "bpa": "9.9"}', "written by a newer BPA"),
    ('{"kind": "bpa-collection", "version": 1, "host": "h", "at": 0, "unseen": {}}', "is damaged"),
    ('{"kind": "bpa-collection", "version": 1, "host": "h", "at": 0, "unseen": {}, "facts": {"bmc": 7}}', "is damaged"),
])
def test_a_file_that_is_none_is_refused_with_the_reason(tmp_path, text, said):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(Refused, match=said):
        load(tmp_path / "x.json")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Refused, match="cannot be read"):
        load(tmp_path / "none.json")


def test_the_machine_at_hand_answers_every_probe(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    collected = collect_here("here")
    assert collected.facts.os is not None
    assert collected.facts.os.answers.keys() == PROBES.keys()
    assert set(collected.unseen) == {"bmc", "node"}


def test_the_machine_at_hand_is_asked_by_root_only(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(Unsupported, match="needs root"):
        collect_here("here")


def test_a_collected_host_cannot_be_changed():
    from bpa.core.steps import RestartHost

    with pytest.raises(Refused):
        CollectedWorld(Collection("h", 0.0, Facts(), {})).perform(RestartHost("why"))


@pytest.fixture
def run_bpa(capsys):
    def run(*arguments):
        capsys.readouterr()
        code = bpa.cli.run([str(a) for a in arguments])
        said = capsys.readouterr()
        return code, said.out + said.err
    return run
