"""The probe for our own files, run by a real shell on a made-up tree, and what is told of each of them."""

from __future__ import annotations

import hashlib
import os
import subprocess

import pytest

from bpa.core.facts import Facts, OsFacts, Ran
from bpa.core.host import OWNED, PROBES
from bpa.core.host.belongings import belongings
from bpa.core.host.owned import Owned, OwnedFile, OwnedLook, look_owned, owner_of, removal
from bpa.core.want import HostWant

MOUNT = r"/etc/systemd/system/mnt-pmem\x2d0.mount"
SYSCTL = "/etc/sysctl.d/90-bpa.conf"
HEADER = "# Written by BPA from the HardwareProfile; changes made here are lost.\n"


def asked(root) -> Facts:
    """A look at the tree below `root`."""
    script = PROBES["owned"][2].replace(" /etc/", f" {root}/etc/").replace(" /var/", f" {root}/var/").replace(
        " /usr/", f" {root}/usr/").replace(" /run/", f" {root}/run/")
    ran = subprocess.run(["sh", "-c", script, "sh"], capture_output=True, text=True, check=True,
                         env={**os.environ, "LC_ALL": "C"})
    assert not ran.stderr
    return Facts(os=OsFacts("192.0.2.1", "b", {"owned": Ran(0, ran.stdout.replace(str(root), ""))}))


def test_files_of_ours_are_found_with_size_time_and_sum_and_no_others(tmp_path):
    for path, text in ((SYSCTL, HEADER), (MOUNT, HEADER), ("/etc/systemd/system/theirs.mount", "[Mount]\n"),
                       ("/usr/local/share/ca-certificates/bpa-site.crt", HEADER), ("/etc/sysctl.d/50-theirs.conf", "a = 1\n")):
        file = tmp_path / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (1_700_000_000, 1_700_000_000))
    (tmp_path / "run/bpa-sriov").mkdir(parents=True)
    look = look_owned(asked(tmp_path))
    assert set(look.files) == {SYSCTL, MOUNT, "/usr/local/share/ca-certificates/bpa-site.crt", "/run/bpa-sriov"}
    sum_ = hashlib.sha256(HEADER.encode()).hexdigest()
    assert look.files[MOUNT] == look.files[SYSCTL] == OwnedFile(1_700_000_000, len(HEADER), sum_)
    assert look.files["/run/bpa-sriov"].sum == "" and look.now > 1_700_000_000 and look.uptime > 0


def test_a_host_without_anything_of_ours_says_so(tmp_path):
    look = look_owned(asked(tmp_path))
    assert look.files == {} and look.now


def test_a_host_that_does_not_answer_owns_nothing_that_we_know():
    assert look_owned(Facts()) == OwnedLook()


@pytest.mark.parametrize(("path", "condition"), [
    (SYSCTL, "SysctlsSet"), (MOUNT, "PmemReady"), ("/etc/systemd/system/local-fs.target.wants/a.mount", "PmemReady"),
    ("/usr/local/share/ca-certificates/bpa-site.crt", "SourcesReady"), ("/etc/sysctl.d/50-theirs.conf", None),
    ("/etc/systemd/system/deeper/a.mount", None), ("/etc/ssl/certs/bpa.pem", None),
])
def test_a_path_has_one_owner(path, condition):
    one = owner_of(path, OWNED)
    assert (one.condition if one else None) == condition


@pytest.mark.parametrize(("met", "written", "state"), [
    (True, None, "as written"), (False, None, "not as asked"), (False, "same", "as written"), (False, "other", "changed"),
    (True, "other", "changed"),
])
def test_a_file_is_judged_by_its_sum_and_else_by_the_condition_that_reads_it(met, written, state):
    look = f"@@ clock\n2000\n50\n@@ files\n1500 71 {SYSCTL}\n@@ sums\nsame  - {SYSCTL}\n"
    have = Facts(os=OsFacts("192.0.2.1", "b", {"owned": Ran(0, look)}))
    owned = (Owned(SYSCTL, "kernel settings", "kernel.sysctls", "SysctlsSet"), Owned("/etc/other", "x", "y", "SysctlsSet"))
    before = {SYSCTL: written} if written else {}
    one, absent = belongings(HostWant("n", "b", "m", None), have, owned, {"SysctlsSet": met}, before, at=12000.0)
    assert (one.name, one.size, one.changed, one.state) == (SYSCTL, 71, 11500.0, state)
    assert (absent.name, absent.state, absent.found) == ("/etc/other", "absent", "")


def test_a_file_that_was_there_and_is_gone_is_told():
    have = Facts(os=OsFacts("192.0.2.1", "b", {"owned": Ran(0, "@@ clock\n2000\n50\n@@ files\n@@ sums\n")}))
    (gone, *rest) = belongings(HostWant("n", "b", "m", None), have, OWNED, {}, {SYSCTL: "aa"}, 0.0)
    assert (gone.name, gone.state) == (SYSCTL, "absent") and gone.found
    assert SYSCTL not in {one.name for one in rest}


def test_what_a_cut_off_write_left_is_listed(tmp_path):
    for path in ("etc/sysctl.d/.bpa.Ab3dEf9h", "etc/hostname.d/.bpa.Ab3dEf9h"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("half")
    (path,) = look_owned(asked(tmp_path)).files
    one = owner_of(path, OWNED)
    assert path == "/etc/sysctl.d/.bpa.Ab3dEf9h" and one is not None and "cut off" in one.about
    assert owner_of("/etc/hostname.d/.bpa.Ab3dEf9h", OWNED) is None


def test_a_removal_takes_our_own_directories_too_once_they_are_empty(tmp_path):
    paths = [tmp_path / path for path in ("etc/bpa/packages", "etc/bpa/pmem-erased", "etc/modprobe.d/bpa.conf")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    for removed, left in (((paths[0],), True), (paths[1:], False)):
        step = removal("remove", *map(str, removed))
        subprocess.run(step.argv, check=True)
        subprocess.run(step.argv, check=True)  # again, as after a kill -9
        assert paths[0].parent.exists() is left and not any(path.exists() for path in removed)
    assert paths[2].parent.exists()
