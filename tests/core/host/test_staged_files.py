"""The files and scripts we leave on a host, run by the programs that will run them there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpa.core.host import kernel, modules, mounting, nvdimm, pmem, vfs
from bpa.core.want import NamespaceWant, PfMatch, Profile

ARGUMENTS = st.lists(st.from_regex(r"[a-z][a-z_.-]{0,8}(=[a-z0-9,:@!/.~+-]{1,10})?", fullmatch=True), max_size=5)


@settings(deadline=None)
@given(ARGUMENTS, ARGUMENTS, ARGUMENTS)
def test_the_drop_in_settles_at_once_and_forgets_nothing(first: list[str], second: list[str], third: list[str]) -> None:
    text: str | None = None
    for wanted in (first, second, third):
        text = kernel.render_drop_in(wanted, text)
        assert kernel.render_drop_in(wanted, text) == text
        assert kernel.arguments_in(text) == tuple(dict.fromkeys(wanted))
        assert not set(kernel.retired_in(text)) & set(wanted)
    assert set(kernel.retired_in(text)) == (set(first) | set(second)) - set(third)


@settings(max_examples=25, deadline=None)
@given(ARGUMENTS)
def test_the_shell_adds_our_arguments_after_those_of_others(wanted: list[str]) -> None:
    script = f'GRUB_CMDLINE_LINUX="console=tty0 quiet"\n{kernel.render_drop_in(wanted, None)}printf "%s" "$GRUB_CMDLINE_LINUX"'
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["console=tty0", "quiet", *dict.fromkeys(wanted)]


@given(ARGUMENTS, ARGUMENTS)
def test_what_stands_on_the_line_is_not_lacking(wanted: list[str], others: list[str]) -> None:
    assert kernel.lacking(wanted, [*others, *wanted, *others]) == ()
    assert kernel.overruled(wanted, tuple(wanted)) == ()
    absent = kernel.lacking(wanted, others)
    assert kernel.lacking(absent, others) == absent


@pytest.mark.parametrize(("wanted", "line", "by"), [
    ("intel_iommu=on", "intel_iommu=on intel_iommu=off", "intel_iommu=off"),
    ("intel_iommu=on", "intel_iommu=off intel_iommu=on", None),
    ("console=ttyS0", "console=ttyS0 console=tty1", None),
    ("hugepages=4", "hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=512", None),
    ("iommu=pt", "iommu=pt quiet", None),
    ("foo-bar=1", "foo-bar=1 foo_bar=2", "foo_bar=2"),
])
def test_the_last_of_equal_names_has_the_effect(wanted: str, line: str, by: str | None) -> None:
    assert kernel.overruled((wanted,), tuple(line.split())) == (((wanted, by),) if by else ())


@pytest.mark.parametrize(("nested", "kata", "options", "load"), [
    (None, False, [], []),
    ("indifferent", False, [], ["kvm_amd"]),
    ("required", True, ["options kvm_intel nested=1", "options kvm_amd nested=1"],
     ["kvm_amd", "vhost", "vhost_net", "vhost_vsock"]),
    ("forbidden", False, ["options kvm_intel nested=0", "options kvm_amd nested=0"], ["kvm_amd"]),
])
def test_modprobe_files_say_what_the_profile_says(nested: str, kata: bool, options: list[str], load: list[str]) -> None:
    profile = Profile(nested=nested, kata=kata)  # type: ignore[arg-type]
    assert modules.render_options(profile).splitlines()[1:] == options
    assert modules.render_load(profile, "kvm_amd").splitlines()[1:] == load


def as_systemd_reads(word: str) -> str:
    """A quoted word of ExecStart= after systemd's unquoting and expansion (systemd.service(5), COMMAND LINES)."""
    plain = re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), word)
    return plain.replace("$$", "$").replace("%%", "%")


def test_the_unit_runs_the_very_script_that_we_run() -> None:
    unit = vfs.render_unit({"0000:3b:00.1": 4, "0000:3b:00.0": 8})
    found = re.search(r'^ExecStart=/bin/sh -c "(.*)" sh (.*)$', unit, re.MULTILINE)
    assert found
    assert as_systemd_reads(found[1]) == vfs.SET_VFS
    assert found[2] == "0000:3b:00.0=8 0000:3b:00.1=4"
    assert "DefaultDependencies=no" in unit
    assert "Before=network-pre.target" in unit


def pci(tmp_path: Path, address: str, vfs_now: int, driver: bool = True) -> Path:
    folder = tmp_path / address
    folder.mkdir()
    (folder / "sriov_numvfs").write_text(f"{vfs_now}\n")
    if driver:
        (folder / "driver").mkdir()
    return folder


def set_vfs(tmp_path: Path, *pairs: str) -> subprocess.CompletedProcess[str]:
    script = vfs.SET_VFS.replace("/sys/bus/pci/devices", str(tmp_path)).replace("left=20", "left=0")
    return subprocess.run(["sh", "-c", script, "sh", *pairs], capture_output=True, text=True, check=False)


def test_numbers_are_set_and_those_that_fit_are_left_alone(tmp_path: Path) -> None:
    for address, now in (("0000:01:00.0", 0), ("0000:02:00.0", 4), ("0000:03:00.0", 7), ("0000:04:00.0", 2)):
        pci(tmp_path, address, now)
    same = tmp_path / "0000:02:00.0" / "sriov_numvfs"
    before = same.stat().st_mtime_ns
    ran = set_vfs(tmp_path, "0000:01:00.0=4", "0000:02:00.0=4", "0000:03:00.0=3", "0000:04:00.0=0")
    assert (ran.returncode, ran.stderr) == (0, "")
    found = [(tmp_path / f"0000:0{n}:00.0" / "sriov_numvfs").read_text().strip() for n in (1, 2, 3, 4)]
    assert found == ["4", "4", "3", "0"]
    assert same.stat().st_mtime_ns == before


def test_a_device_that_fails_does_not_keep_the_next_from_its_vfs(tmp_path: Path) -> None:
    pci(tmp_path, "0000:02:00.0", 0)
    ran = set_vfs(tmp_path, "0000:01:00.0=4", "0000:02:00.0=2")
    assert ran.returncode == 1
    assert "0000:01:00.0 has no SR-IOV" in ran.stderr
    assert (tmp_path / "0000:02:00.0" / "sriov_numvfs").read_text() == "2\n"


@pytest.mark.parametrize(("match", "agrees"), [
    (PfMatch(device="8086:1583"), True), (PfMatch(device="8086:158A"), False), (PfMatch(pci_address="3b:00.0"), True),
    (PfMatch(pci_address="0000:3B:00.0"), True), (PfMatch(pci_address="0001:3b:00.0"), False),
    (PfMatch(driver="i40e"), True), (PfMatch(driver="ice"), False), (PfMatch(mac="3C:FD:FE:00:00:01"), True),
    (PfMatch(interface="ens*"), True), (PfMatch(interface="ens1"), False),
    (PfMatch(device="8086:1583", driver="ice"), False), (PfMatch(), True),
])
def test_every_given_field_must_agree(match: PfMatch, agrees: bool) -> None:
    device = vfs.PciDevice("0000:3b:00.0", "8086:1583", "0x020000", "i40e", 64, 0, (vfs.Nic("ens1f0", "3c:fd:fe:00:00:01"),))
    assert vfs.matches(match, device) is agrees


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


@pytest.mark.parametrize("script", [vfs.SET_VFS, mounting.FORMAT, pmem.CREATE, pmem.LABEL, pmem.UNMOUNT_AND_DESTROY])
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
    ran = subprocess.run(["sh", "-c", f"PATH={folder}:$PATH\n{pmem.CREATE}", "sh", "--region", "region0"],
                         capture_output=True, text=True, check=False)
    assert ran.returncode == code
    log = folder / "wiped"
    assert (log.read_text() if log.exists() else "") == wiped


@pytest.mark.parametrize(("size", "text"), [(0, "0 bytes"), (1 << 30, "1 GiB"), (512 << 20, "512 MiB"), (3 << 10, "3 KiB"),
                                            (500_000_000, "500000000 bytes")])
def test_sizes_are_said_exactly(size: int, text: str) -> None:
    assert nvdimm.human(size) == text
