"""The files and scripts we leave on a host, run by the programs that will run them there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpa.core import sizes
from bpa.core.host import cmdline, grub, modprobe
from bpa.core.host.pmem import erasure, goal, lvm, mounting, ready, removal
from bpa.core.host.sriov.removal import REMOVE
from bpa.core.host.sriov.script import SET_VFS
from bpa.core.want import NamespaceWant, Profile

ARGUMENTS = st.lists(st.from_regex(r"[a-z][a-z_.-]{0,8}(=[a-z0-9,:@!/.~+-]{1,10})?", fullmatch=True), max_size=5)


@settings(deadline=None)
@given(ARGUMENTS, ARGUMENTS, ARGUMENTS)
def test_the_drop_in_settles_at_once_and_forgets_nothing(first: list[str], second: list[str], third: list[str]) -> None:
    text: str | None = None
    for wanted in (first, second, third):
        text = grub.render_drop_in(wanted, text)
        assert grub.render_drop_in(wanted, text) == text
        assert grub.arguments_in(text) == tuple(dict.fromkeys(wanted))
        assert not set(cmdline.retired_in(text)) & set(wanted)
    assert set(cmdline.retired_in(text)) == (set(first) | set(second)) - set(third)


@settings(max_examples=25, deadline=None)
@given(ARGUMENTS)
def test_the_shell_adds_our_arguments_after_those_of_others(wanted: list[str]) -> None:
    script = f'GRUB_CMDLINE_LINUX="console=tty0 quiet"\n{grub.render_drop_in(wanted, None)}printf "%s" "$GRUB_CMDLINE_LINUX"'
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["console=tty0", "quiet", *dict.fromkeys(wanted)]


@given(ARGUMENTS, ARGUMENTS)
def test_what_stands_on_the_line_is_not_lacking(wanted: list[str], others: list[str]) -> None:
    assert cmdline.lacking(wanted, [*others, *wanted, *others]) == ()
    assert cmdline.overruled(wanted, tuple(wanted)) == ()
    absent = cmdline.lacking(wanted, others)
    assert cmdline.lacking(absent, others) == absent


@pytest.mark.parametrize(("wanted", "line", "by"), [
    ("intel_iommu=on", "intel_iommu=on intel_iommu=off", "intel_iommu=off"),
    ("intel_iommu=on", "intel_iommu=off intel_iommu=on", None),
    ("console=ttyS0", "console=ttyS0 console=tty1", None),
    ("hugepages=4", "hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=512", None),
    ("iommu=pt", "iommu=pt quiet", None),
    ("foo-bar=1", "foo-bar=1 foo_bar=2", "foo_bar=2"),
])
def test_the_last_of_equal_names_has_the_effect(wanted: str, line: str, by: str | None) -> None:
    assert cmdline.overruled((wanted,), tuple(line.split())) == (((wanted, by),) if by else ())


@pytest.mark.parametrize(("nested", "kata", "options", "load"), [
    (None, False, [], []),
    ("indifferent", False, [], ["kvm_amd"]),
    ("required", True, ["options kvm_intel nested=1", "options kvm_amd nested=1"],
     ["kvm_amd", "vhost", "vhost_net", "vhost_vsock"]),
    ("forbidden", False, ["options kvm_intel nested=0", "options kvm_amd nested=0"], ["kvm_amd"]),
])
def test_modprobe_files_say_what_the_profile_says(nested: str, kata: bool, options: list[str], load: list[str]) -> None:
    profile = Profile(nested=nested, kata=kata)  # type: ignore[arg-type]
    assert modprobe.render_options(profile).splitlines()[1:] == options
    assert modprobe.render_load(profile, "kvm_amd").splitlines()[1:] == load


def as_systemd_reads(word: str) -> str:
    """A quoted word of ExecStart= after systemd's unquoting and expansion (systemd.service(5), COMMAND LINES)."""
    plain = re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), word)
    return plain.replace("$$", "$").replace("%%", "%")


@pytest.mark.parametrize(("path", "name"), [
    ("/mnt/pmem0", "mnt-pmem0.mount"), ("/srv/pm-x y", r"srv-pm\x2dx\x20y.mount"), ("/a/.b/ü", r"a-.b-\xc3\xbc.mount"),
    ("/", "-.mount"), ("/x.y_z:1/", "x.y_z:1.mount"), ("/.hidden", r"\x2ehidden.mount"), ("//a//b/", "a-b.mount"),
])
def test_mount_units_are_named_as_systemd_escape_names_them(path: str, name: str) -> None:
    assert mounting.unit_name(path) == name


def test_the_mount_unit_mounts_by_uuid_with_dax() -> None:
    wanted = NamespaceWant("region0", "fsdax", None, "data0", "ext4", "/mnt/100%")
    unit = mounting.render_mount(wanted, "1234-abcd")
    assert "What=/dev/disk/by-uuid/1234-abcd\nWhere=/mnt/100%%\nType=ext4\nOptions=dax\n" in unit


@pytest.fixture
def device(tmp_path: Path) -> Path:
    path = tmp_path / "pmem0"
    with path.open("wb") as file:
        file.truncate(32 << 20)
    return path


def formatted(device: Path, *make: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", f"PATH=$PATH:/usr/sbin:/sbin\n{mounting.FORMAT}", "sh", device, *make],
                          capture_output=True, text=True, check=False)


def test_a_file_system_is_made_once_and_never_over_another(device: Path) -> None:
    first = formatted(device, *mounting.MAKE["ext4"])
    assert first.returncode == 0, first.stderr
    with device.open("rb") as file:
        file.seek(1024 + 24)
        assert int.from_bytes(file.read(4), "little") == 2, "ext4's s_log_block_size: 2 is 4096 bytes"
    again = formatted(device, *mounting.MAKE["ext4"])
    assert again.returncode == 1
    assert "not formatted" in again.stderr


def test_a_partition_table_is_not_formatted_over(device: Path) -> None:
    with device.open("r+b") as file:
        file.seek(510)
        file.write(b"\x55\xaa")
        file.seek(446)
        file.write(bytes.fromhex("0000020083000a00") + (8).to_bytes(4, "little") + (64).to_bytes(4, "little"))
    assert formatted(device, *mounting.MAKE["ext4"]).returncode == 1


@pytest.mark.parametrize("script", [SET_VFS, REMOVE, mounting.FORMAT, ready.CREATE, ready.LABEL, removal.UNMOUNT_AND_DESTROY,
                                    removal.REMOVE_UNIT, lvm.ADD_TO_GROUP, goal.SET_GOAL, goal.WITHDRAW, erasure.ERASE])
def test_scripts_are_posix_shell(script: str) -> None:
    assert subprocess.run(["sh", "-n", "-c", script], capture_output=True, check=False).returncode == 0


def ndctl(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, body in (("ndctl", text), ("wipefs", 'echo "$@" >>"$(dirname "$0")/wiped"')):
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(("answer", "code", "wiped"), [
    ("""echo '{ "dev":"namespace0.1", "mode":"fsdax", "blockdev":"pmem0.1", "name":"a" }'""", 0, "-q -a /dev/pmem0.1\n"),
    ("""echo '{ "dev":"namespace0.1", "mode":"devdax", "chardev":"dax0.1" }'""", 0, ""),
    ("echo 'failed to create namespace: No space left on device' >&2; exit 1", 1, ""),
])
def test_a_new_namespace_is_wiped_of_what_lay_there_before(tmp_path: Path, answer: str, code: int, wiped: str) -> None:
    folder = ndctl(tmp_path, answer)
    ran = subprocess.run(["sh", "-c", f"PATH={folder}:$PATH\n{ready.CREATE}", "sh", "--region", "region0"],
                         capture_output=True, text=True, check=False)
    assert ran.returncode == code
    log = folder / "wiped"
    assert (log.read_text() if log.exists() else "") == wiped


@pytest.mark.parametrize(("size", "text"), [(0, "0 bytes"), (1 << 30, "1 GiB"), (512 << 20, "512 MiB"), (3 << 10, "3 KiB"),
                                            (500_000_000, "500000000 bytes")])
def test_sizes_are_said_exactly(size: int, text: str) -> None:
    assert sizes.exact(size) == text
