"""What `bpa verify`, `status`, `explain` and `host owned` say of a host that somebody, or a restart, changed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from troubled_host import TroubledHost

import bpa.cli
from bpa.cli.exits import Exit
from bpa.core.host.sysctl import FILE
from bpa.wiring import Wiring

SPEC = {"kernel": {"sysctls": {"vm.max_map_count": "262144"}, "arguments": ["iommu=pt"]},
        "sriov": [{"match": {"device": "8086:1583"}, "vfs": 4}]}
UNIT = "bpa-sriov.service"


@pytest.fixture
def site(place, clock, monkeypatch, capsys):
    """A site whose only host came all the way and was seen so once: site.run("verify") -> (code, text); site.os, .clock."""
    monkeypatch.setenv("BPA_STATE", str(place / "state"))
    monkeypatch.setenv("BPA_LAB_DIR", str(place / "lab"))
    monkeypatch.delenv("BPA_SITE", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr("time.time", clock)
    host = TroubledHost(place / "site", {"profile": SPEC}, clock)
    monkeypatch.setattr(Wiring, "wire", lambda self, opened: host.wire(opened))

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = bpa.cli.run([*arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out + said.err

    assert host.apply()
    where = str(host.directory)
    found = SimpleNamespace(
        host=host, clock=clock, machine=host.world.machine, verify=lambda *more: run("verify", where, *more),
        status=lambda *more: run("status", where, *more), explain=lambda *more: run("explain", "node-0", "--site", where, *more),
        owned=lambda *more: run("host", "owned", "node-0", "--site", where, *more), plan=lambda *more: run("plan", where, *more))
    assert found.verify()[0] == Exit.MET
    yield found
    monkeypatch.undo()
    time.tzset()


def at(clock) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(clock()))


def test_a_manual_change_is_named_with_what_it_was_and_since_when(site):
    seen = at(site.clock)
    site.clock.advance(600)
    site.machine.os.settings.sysctls["vm.max_map_count"] = "1"
    site.clock.advance(300)
    code, said = site.verify()
    assert code == Exit.NOT_MET
    assert (f'changed: was "1 set" when last seen at {seen}, otherwise at {at(site.clock)}; the host was not restarted'
            in said), said
    assert "`bpa apply` mends it at once" in said and "vm.max_map_count is 1, not 262144" in said


def test_when_it_was_first_found_stays_and_an_apply_ends_it(site):
    site.clock.advance(600)
    site.machine.os.settings.sysctls["vm.max_map_count"] = "1"
    site.verify()
    found = at(site.clock)
    site.clock.advance(600)
    assert f"otherwise at {found}" in site.verify()[1]
    code, said = site.status()
    assert code == Exit.MET and "drift" in said and found in said and 'was "1 set"' in said
    assert site.host.apply()
    assert site.verify()[0] == Exit.MET
    assert "drift" not in site.status()[1] and json.loads(site.status("--json")[1])["node-0"]["drift"] == {}


def test_a_file_of_ours_dates_the_change(site):
    site.clock.advance(600)
    site.machine.os.installed.files[FILE] += "vm.swappiness = 1\n"
    when = at(site.clock)
    site.clock.advance(600)
    assert f"{FILE} was changed at {when}" in site.verify()[1]
    del site.machine.os.installed.files[FILE]
    assert f"{FILE} is gone" in site.verify()[1]


def test_a_restart_in_between_is_told_with_its_time(site):
    site.machine.os.installed.enabled.discard(UNIT)
    site.clock.advance(600)
    site.machine.restart()
    site.clock.advance(600)
    _, said = site.verify()
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(site.machine.os.started))
    assert f"the host was restarted in between, at {started}" in said
    assert 'VfsCreated act' in said and 'was "4 VFs on 0000:3b:00.0"' in said


def test_what_the_documents_ask_anew_is_no_drift_of_the_machine(site):
    site.clock.advance(600)
    site.host.ask({**SPEC, "kernel": {"sysctls": {"vm.max_map_count": "500000"}, "arguments": ["iommu=pt", "quiet"]}})
    code, said = site.verify()
    assert code == Exit.NOT_MET and "the documents changed since then" in said and "restarted" not in said
    assert "`bpa apply` mends it with a kernel restart" in said


def test_what_is_met_by_something_else_is_told_once(site):
    site.clock.advance(600)
    site.machine.shown["access"] = {"release": "6.1.0-40-amd64"}
    code, said = site.verify()
    assert code == Exit.MET
    (line,) = [line for line in said.splitlines() if "but not as before" in line]
    assert "AccessGranted" in line and "6.1.0-37-amd64" in line and "6.1.0-40-amd64" in line
    assert "but not as before" not in site.verify()[1]


def test_a_plan_does_not_take_what_it_sees_for_normal(site):
    site.clock.advance(600)
    site.machine.shown["access"] = {"release": "6.1.0-40-amd64"}
    site.plan()
    assert "but not as before" in site.verify()[1]


def test_a_host_that_does_not_answer_has_not_drifted(site):
    site.host.world.fault("ssh silent")
    code, said = site.verify()
    assert code == Exit.NOT_MET and "changed:" not in said
    assert json.loads(site.status("--json")[1])["node-0"]["drift"] == {}


def test_programs_get_the_same(site):
    before = site.clock()
    site.clock.advance(600)
    site.machine.os.settings.sysctls["vm.max_map_count"] = "1"
    explained = {row["condition"]: row["drift"] for row in json.loads(site.explain("--json")[1])["requirements"]}
    drift = explained.pop("SysctlsSet")
    assert not any(explained.values())
    assert (drift["was"], drift["seen"], drift["found"], drift["restarted"], drift["cause"]) == (
        "1 set", before, site.clock(), False, "machine")
    report = json.loads(site.verify("--json")[1])
    (changed,) = [one["changed"] for one in report["subjects"][0]["requirements"] if one["changed"]]
    assert changed == drift["text"]
    filed = json.loads(site.status("--json")[1])["node-0"]["drift"]["SysctlsSet"]
    assert (filed["was"], filed["seen"], filed["found"]) == ("1 set", before, site.clock())


def test_owned_lists_all_that_is_ours_and_what_became_of_it(site):
    code, said = site.owned()
    assert code == Exit.MET, said
    for words in (FILE, "kernel.sysctls", "/etc/bpa/sriov.sh", "VFs of 0000:3b:00.0", "4 VFs", "kernel argument iommu=pt",
                  "running", "sysctl vm.max_map_count", "262144, before 60"):
        assert words in said
    site.machine.os.installed.files[FILE] += "# by hand\n"
    del site.machine.os.installed.files["/etc/bpa/sriov.sh"]
    code, said = site.owned("--json")
    owned = {one["name"]: one for one in json.loads(said)["owned"]}
    assert code == Exit.NOT_MET and owned[FILE]["state"] == "changed" and owned[FILE]["changed"] == site.clock()
    assert owned["/etc/bpa/sriov.sh"]["state"] == "absent"
    assert "/etc/bpa/pmem-goal" not in owned and "/etc/bpa/pmem-goal" in site.owned("--all")[1]


def test_owned_of_a_host_that_does_not_answer_says_so(site):
    site.host.world.fault("ssh silent")
    code, said = site.owned()
    assert code == Exit.NOT_SEEN and "node-0 was not seen" in said and "connection refused" in said


def test_owned_of_a_host_that_has_nothing_of_ours_says_so(site):
    site.host.ask({})
    assert site.host.apply()
    assert site.owned() == (Exit.MET, "nothing on node-0 is BPA's\n")
    assert not [path for path in site.machine.os.installed.files if Path(path).name.find("bpa") >= 0]


def test_a_plan_notes_what_somebody_changed_and_not_what_the_documents_ask_anew(site):
    site.machine.os.settings.sysctls["vm.max_map_count"] = "1"
    assert 'note: node-0 SysctlsSet has changed: was "1 set"' in site.plan()[1]
    site.host.ask({"kernel": {"sysctls": {"vm.max_map_count": "500000"}}})
    assert "has changed" not in site.plan()[1]


def test_a_plan_tells_what_is_done_at_once_and_what_needs_more(site):
    site.host.ask({**SPEC, "kernel": {"sysctls": {"vm.max_map_count": "500000"}, "arguments": ["iommu=pt", "quiet"]}})
    _, said = site.plan()
    assert "sysctl vm.max_map_count: 262144 -> 500000  [at once]" in said
    (line,) = [line for line in said.splitlines() if "kernel arguments" in line]
    assert line.endswith("[kernel restart]")


def test_vfs_in_use_are_no_data_and_are_taken_away_with_consent_only(site):
    def asked(number):
        return {"sriov": [{"match": {"device": "8086:1583"}, "vfs": number, "driver": "vfio-pci"}]}

    site.host.ask(asked(4))
    assert site.host.apply()
    site.machine.shown["pci"] = {"vfio users": "116 812 qemu-system-x86"}
    site.host.ask(asked(8))
    lost = "the use of VFs of 0000:3b:00.0 by who has them now"
    _, said = site.plan()
    assert f"! takes away {lost}" in said and "! destroys" not in said and "with consent" in said
    plan = json.loads(site.plan("--json")[1])["subjects"][0]
    assert plan["takes"] == plan["destroys"] == [lost]
    assert f"`bpa apply` mends it with consent: it takes away {lost}" in site.verify()[1]
    assert not site.host.apply(consent=False)
    assert f"would take away {lost}; there is no consent for it" in site.explain()[1]
    assert site.host.apply()
