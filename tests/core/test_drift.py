"""What changed since a condition was last seen met, and since when; what a change of the documents is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bpa.core.cost import cost_of
from bpa.core.drift import Baseline, Look, compare, drift_of, remembered
from bpa.core.host.owned import Owned, OwnedFile, OwnedLook
from bpa.core.requirement import Change
from bpa.core.steps import RestartHost, RunOnHost, WriteFile

FILE = "/etc/sysctl.d/90-bpa.conf"
OWNED = (Owned(FILE, "kernel settings", "kernel.sysctls", "SysctlsSet"),
         Owned("/etc/modprobe.d/bpa.conf", "options", "kernel.modules", "ModulesStaged"))
SEEN = Baseline("2 set", 1000.0, "boot-1", "docs-1", {FILE: "aaaa"})
"""As it was at 1000."""


def look(at=2000.0, documents="docs-1", boot="boot-1", sum="aaaa", changed=900, skew=0, uptime=5000, files=(FILE,)):
    owned = OwnedLook(int(at) + skew, uptime, {path: OwnedFile(changed + skew, 40, sum) for path in files})
    return Look(at, documents, boot, True, owned)


def drifted(now, met=False, text="vm.swappiness is 60, not 1", before=SEEN):
    found = drift_of("SysctlsSet", before, met, text, now, OWNED)
    assert found is not None
    return found


def test_what_is_as_it_was_or_never_was_is_no_drift():
    assert drift_of("SysctlsSet", SEEN, True, "2 set", look(), OWNED) is None
    assert drift_of("SysctlsSet", None, False, "vm.swappiness is 60, not 1", look(), OWNED) is None


def test_it_is_told_what_it_was_when_that_was_and_what_it_is():
    found = drifted(look())
    assert (found.was, found.seen, found.now, found.found) == ("2 set", 1000.0, "vm.swappiness is 60, not 1", 2000.0)
    assert found.cause == "machine" and not found.files and found.since is None and not found.met


@pytest.mark.parametrize(("before", "boot", "restarted", "started"), [
    ("boot-1", "boot-1", False, None), ("boot-1", "boot-2", True, 1700.0), ("", "boot-2", None, None), ("boot-1", "", None, None),
])
def test_the_boot_id_tells_whether_the_host_was_restarted_and_its_uptime_when(before, boot, restarted, started):
    found = drifted(look(boot=boot, uptime=300), before=replace(SEEN, boot=before))
    assert (found.restarted, found.started) == (restarted, started)


@pytest.mark.parametrize("skew", [0, 86400, -86400])
def test_the_time_of_a_file_of_ours_dates_the_change_whatever_the_host_s_clock_shows(skew):
    found = drifted(look(sum="bbbb", changed=1500, skew=skew))
    assert found.files == (f"{FILE} was changed",) and found.since == 1500.0


@pytest.mark.parametrize(("given", "said"), [
    ({"files": ()}, (f"{FILE} is gone",)),
    ({"sum": "bbbb", "changed": 500}, (f"{FILE} was changed",)),
])
def test_a_file_that_is_gone_or_was_moved_here_dates_nothing(given, said):
    found = drifted(look(**given))
    assert found.files == said and found.since is None


def test_a_file_of_another_condition_is_not_its_matter():
    other = look(files=(FILE, "/etc/modprobe.d/bpa.conf"))
    assert drifted(other).files == () and other.files_of("ModulesStaged", OWNED) == {"/etc/modprobe.d/bpa.conf": "aaaa"}


def test_other_documents_are_no_drift_of_the_machine():
    assert drifted(look(documents="docs-2")).cause == "documents"


def test_when_it_was_first_seen_otherwise_stays_whatever_later_looks_see():
    first = remembered("SysctlsSet", SEEN, False, "1 of 2", look(at=2000.0), OWNED, accept=False)
    assert first is not None and first.found == 2000.0
    second = remembered("SysctlsSet", first, False, "0 of 2", look(at=3000.0), OWNED, accept=True)
    assert second is not None and (second.found, second.now, second.at, second.text) == (2000.0, "0 of 2", 1000.0, "2 set")
    assert drifted(look(at=3000.0), before=second).found == 2000.0


def test_what_is_met_by_something_else_is_told_until_people_know():
    found = drifted(look(), met=True, text="3 set")
    assert found.met and not found.files
    kept = remembered("SysctlsSet", SEEN, True, "3 set", look(), OWNED, accept=False)
    assert kept == SEEN
    taken = remembered("SysctlsSet", SEEN, True, "3 set", look(), OWNED, accept=True)
    assert taken is not None and (taken.text, taken.at) == ("3 set", 2000.0)


def test_a_look_that_finds_the_same_is_the_last_time_it_was_seen_so():
    kept = remembered("SysctlsSet", replace(SEEN, found=1500.0, now="was off"), True, "2 set", look(boot="boot-2"), OWNED, False)
    assert kept == Baseline("2 set", 2000.0, "boot-2", "docs-1", {FILE: "aaaa"})


@pytest.mark.parametrize(("then", "now", "same"), [
    ("in step with 192.0.2.1, 12 µs behind (chronyd)", "in step with 192.0.2.1, 3 ms ahead (chronyd)", True),
    ("in step with 192.0.2.1, 12 µs behind (chronyd)", "in step with 192.0.2.9, 12 µs behind (chronyd)", False),
    ("Linux 6.1.0-37-amd64", "Linux 6.1.0-40-amd64", False), ("4 VFs on 0000:3b:00.0", "8 VFs on 0000:3b:00.0", False),
])
def test_what_is_measured_anew_at_each_look_is_no_change(then, now, same):
    before = replace(SEEN, text=then)
    assert (drift_of("TimeInStep", before, True, now, look(), OWNED) is None) is same
    kept = remembered("TimeInStep", before, True, now, look(), OWNED, accept=False)
    assert kept is not None and (kept.text == now) is same


def test_what_was_never_met_is_not_remembered():
    assert remembered("SysctlsSet", None, False, "0 of 2", look(), OWNED, accept=True) is None


def test_a_whole_look_is_compared_at_once():
    drifts, seen = compare({"SysctlsSet": SEEN}, [("SysctlsSet", False, "off"), ("KernelApplied", True, "well")], look(), OWNED,
                           accept=False)
    assert list(drifts) == ["SysctlsSet"] and seen["SysctlsSet"].found == 2000.0 and seen["KernelApplied"].text == "well"


@pytest.mark.parametrize(("step", "changes", "said"), [
    (WriteFile("/etc/x", "", "write"), (), "at once"),
    (RestartHost("for arguments"), (), "with a kernel restart"),
    (WriteFile("/etc/x", "", "stage"), (Change("kernel arguments", "", "a", "kernel"),), "with a kernel restart"),
    (RunOnHost(("ndctl",), "destroy", erases="namespace0.0"), (), "with consent: it destroys namespace0.0"),
    (RunOnHost(("sh",), "VFs", erases="the use of VFs", disrupts="the use of VFs"), (),
     "with consent: it takes away the use of VFs"),
    (RunOnHost(("systemctl",), "restart", disrupts="kubectl exec"), (), "it disrupts kubectl exec"),
    (None, (Change("image", None, "new", destroys="disk D1"), Change("BIOS", "a", "b", "firmware")),
     "with a firmware restart; with consent: it destroys disk D1"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_mending_costs_is_told_of_the_step_and_all_that_follows(step, changes, said):
    cost = cost_of(step, changes)
    assert cost.text == said
