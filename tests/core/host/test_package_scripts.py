"""The probe and the scripts of packages as sh runs them, with programs that stand for apt and dpkg."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bpa.core.host.probe import sections, shell
from bpa.core.host.software import PROBES
from bpa.core.host.software.reading import LIST, RECORD, parse_packages
from bpa.core.host.software.scripts import INSTALL, REMOVE

BIN = "/usr/bin:/bin:/usr/sbin:/sbin"


@pytest.fixture
def programs(tmp_path: Path):
    """Makes a program of this name and text."""
    (tmp_path / "bin").mkdir()

    def make(name: str, text: str) -> None:
        path = tmp_path / "bin" / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    return make


def run(tmp_path: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False, env={"PATH": f"{tmp_path / 'bin'}:{BIN}"})


def test_the_probe_finds_what_dpkg_says_and_who_holds_the_lock(tmp_path: Path, programs) -> None:
    (tmp_path / "list").write_text("# ours\njq 1.6\nawk\nlibc6:i386\n")
    programs("dpkg-query", r"printf '%s\n' 'ii |jq|amd64|1.6|' 'ii |mawk|amd64|1.3|x-awk (= 1), awk' 'ii |vim|amd64|9|editor' "
             r"'iU |half|amd64|2|' 'iHR|broken|amd64|3|' 'ii |libc6|i386|2.36|' 'rc |gone|amd64|1|'")
    script = PROBES["packages"][2].replace(LIST, str(tmp_path / "list")).replace(RECORD, str(tmp_path / "record"))
    locked = tmp_path / "lock"
    script = script.replace("/var/lib/dpkg/lock-frontend", str(locked)).replace("/var/lib/dpkg/updates", str(tmp_path / "none"))
    holding = "import fcntl,sys; f=open(sys.argv[1],'w'); fcntl.lockf(f,fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(("python3", "-c", holding, str(locked)), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        ran = run(tmp_path, *shell(script))
        holder.communicate()
    assert ran.returncode == 0 and not ran.stderr
    seen = parse_packages(sections(ran.stdout))
    assert [one.name for one in seen.packages] == ["jq", "mawk", "half", "broken", "libc6"]
    assert seen.provided("awk") and seen.of("libc6:i386") and not seen.of("libc6:amd64")
    assert [one.error for one in seen.packages if one.name == "broken"] == ["R"]
    # A file system whose files tell another device than their locks (overlay, btrfs) hides who holds it.
    assert seen.lock is None or seen.lock[:2] == (str(locked), str(holder.pid))


@pytest.mark.parametrize(("said", "cause"), [
    ("E: Unable to locate package jq", "no package source has it"),
    ("E: Version '9' for 'jq' was not found", "no package source has it"),
    ("E: You don't have enough free space in /var/cache/apt/archives/.", "the disk is full"),
    ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)", "holds the lock"),
    ("E: Packages need to be removed but remove is disabled.", "other packages would be removed"),
    ("E: Held packages were changed and -y was used without --allow-change-held-packages.", "held package"),
    ("E: Failed to fetch http://192.0.2.1/jq.deb  404  Not Found", "cannot be reached"),
    ("E: Sub-process /usr/bin/dpkg returned an error code (1)", "the script of a package failed"),
    ("E: dpkg was interrupted, you must manually run 'dpkg --configure -a'", "dpkg was interrupted"),
    ("E: Write error - write (30: Read-only file system)", "read-only"),
    ("The following packages will be REMOVED:\n  ntp systemd-timesyncd\n0 upgraded\nE: Packages need to be removed but remove is "
     "disabled.", "would be removed: ntp systemd-timesyncd (remove them yourself"),
    ("E: Unmet dependencies. Try 'apt --fix-broken install' with no packages (or specify a solution).", "--fix-broken install"),
    ("dpkg: error: parsing file '/var/lib/dpkg/status' near line 4711:\n missing package name", "damaged"),
    ("E: The package lists or status file could not be parsed or opened.", "damaged"),
])  # fmt: skip
def test_a_failure_of_apt_is_named_in_the_last_line(tmp_path: Path, programs, said: str, cause: str) -> None:
    programs("apt-get", f'case "$*" in *update*) exit 0 ;; esac\necho "{said}" >&2\nexit 100\n')
    ran = run(tmp_path, *shell(INSTALL), str(tmp_path / "record"), "jq", "", "jq=9")
    shown = [line for line in said.splitlines() if line.startswith(("E:", "dpkg:"))]
    assert ran.returncode == 1 and cause in ran.stderr.splitlines()[-1] and all(line in ran.stderr for line in shown)
    assert (tmp_path / "record").read_text() == "jq\n"


@pytest.mark.parametrize(("said", "cause"), [
    ("E: Release file for http://192.0.2.1/dists/bpa/InRelease is not valid yet (invalid for another 3h 2min 1s).", "clock"),
    ("E: Release file for http://192.0.2.1/dists/bpa/InRelease is expired (invalid since 3d).", "expired"),
    ("Err:1 https://192.0.2.1 bpa InRelease\n  Certificate verification failed: The certificate is NOT trusted.", "not trusted"),
    ("W: GPG error: http://192.0.2.1 bpa InRelease: NO_PUBKEY 7FAE3AD4", "key of a package source is missing"),
    ("W: Failed to fetch http://192.0.2.1/dists/bpa/InRelease  Could not connect", "cannot be reached"),
])  # fmt: skip
def test_why_no_source_has_a_package_is_told_by_the_update_before(tmp_path: Path, programs, said: str, cause: str) -> None:
    programs("apt-get", f'case "$*" in *update*) echo "{said}" >&2; exit 0 ;; esac\n'
                        'echo "E: Unable to locate package jq"\nexit 100\n')
    ran = run(tmp_path, *shell(INSTALL), str(tmp_path / "record"), "jq", "", "jq")
    assert ran.returncode == 1 and cause in ran.stderr.splitlines()[-1]


def test_names_reach_apt_as_arguments_and_nothing_asks_a_question(tmp_path: Path, programs) -> None:
    programs("apt-get", f'for one; do echo "$one"; done >>{tmp_path}/said; echo "$DEBIAN_FRONTEND" >>{tmp_path}/said\n')
    ran = run(tmp_path, *shell(INSTALL), str(tmp_path / "lib/record"), "$(touch${IFS}pwned)", "", "a b", "$(touch pwned)")
    assert ran.returncode == 0, ran.stderr
    said = (tmp_path / "said").read_text().splitlines()
    assert said[-4:] == ["--", "a b", "$(touch pwned)", "noninteractive"] and "--no-remove" in said
    assert not Path("pwned").exists() and not (tmp_path / "pwned").exists()


def test_apt_speaks_english_whatever_the_locale_of_the_host(tmp_path: Path, programs) -> None:
    programs("apt-get", f'echo "$LC_ALL" >>{tmp_path}/said\n')
    ran = subprocess.run((*shell(INSTALL), str(tmp_path / "record"), "", "", "jq"), check=False, env={
        "PATH": f"{tmp_path / 'bin'}:{BIN}", "LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"})
    assert ran.returncode == 0 and set((tmp_path / "said").read_text().split()) == {"C.UTF-8"}


def test_what_others_depend_on_stays(tmp_path: Path, programs) -> None:
    (tmp_path / "record").write_text("jq\nlibx\nkeep\n")
    programs("dpkg", f'echo "$3" >>{tmp_path}/said; [ "$3" != libx ] || {{ echo dpkg: dependency problems prevent it; exit 1; }}')
    programs("apt-mark", f'echo mark "$@" >>{tmp_path}/said')
    ran = run(tmp_path, *shell(REMOVE), str(tmp_path / "record"), "list", "jq", "libx")
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "said").read_text().splitlines() == ["jq", "libx", "mark auto -- libx"]
    assert (tmp_path / "record").read_text() == "keep\n"


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_ends_well_on_any_machine(tmp_path: Path, probe: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "list").write_text("bash\n")
    ran = run(tmp_path, *shell(PROBES[probe][2].replace(LIST, str(tmp_path / "list"))))
    assert ran.returncode == 0 and not ran.stderr
