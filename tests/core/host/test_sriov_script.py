"""Our script that makes VFs, as POSIX sh runs it, over a kernel in shell text: what is written to sysfs has its effects."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bpa.core.host.sriov.functions import Nic, PciDevice
from bpa.core.host.sriov.match import matches
from bpa.core.host.sriov.script import SCRIPT_PATH, SET_VFS
from bpa.core.host.sriov.unit import argument, arguments_in, mac_of, render_unit
from bpa.core.want import PfMatch, VfSettings, VfWant

PF = "0000:3b:00.0"
# As a write to sysfs: `limit` VFs have room; a QAT driver takes no 0. Everything is told to `log`.
KERNEL = r"""#!/bin/sh
file=$(readlink /proc/$$/fd/1); root=$(cat "$0.root"); value=$1
echo "${file#"$root/"} $value" >>"$root/log"
no() { echo "/bin/echo: write error: $1" >&2; exit 1; }
case $file in
*/sriov_numvfs)
  d=${file%/*}; read -r limit <"$d/limit"; qat=; [ -e "$d/qat/state" ] && qat=yes
  was=$(cat "$d/now")
  [ "$value" -le "$limit" ] || { echo "$was" >"$file"; echo "$was"; no "No space left on device"; }
  if [ "$value" = 0 ]; then
    [ -z "$qat" ] || { echo "$was"; no "Invalid argument"; }
    rm -rf "$d"/virtfn* "$root"/vf*
  fi
  i=0; while [ $i -lt "$value" ]; do mkdir -p "$root/vf$i"; ln -sf "$root/vf$i" "$d/virtfn$i"; i=$((i+1)); done
  echo "$value" >"$d/now";;
*/unbind)
  d=$root/$value; if [ -e "$d/now" ]; then echo 0 >"$d/now"; echo 0 >"$d/sriov_numvfs"; rm -rf "$d"/virtfn*; fi;;
*/drivers_probe)
  v=$root/$value; read -r over <"$v/driver_override" || over=
  mkdir -p "$root/drivers/${over:-iavf}"; ln -sfn "$root/drivers/${over:-iavf}" "$v/driver"
  [ ! -e "$root/nics" ] || { mkdir -p "$v/net/eth0"; /bin/echo 1500 >"$v/net/eth0/mtu"; };;
*/eth0/mtu)  # as udev has it: renamed while somebody writes
  [ ! -e "$root/renames" ] || { d=${file%/eth0/mtu}; rm "$root/renames"; mv "$d/eth0" "$d/ens1f0v0"; echo 1500 >"$d/ens1f0v0/mtu"
    no "No such device"; };;
esac
echo "$value"
"""
TOOL = r"""#!/bin/sh
root=$(cat "$0.root"); echo "${0##*/} $*" >>"$root/log"
case "$*" in
*trust*) [ -e "$root/no-trust" ] && { echo "RTNETLINK answers: Operation not supported" >&2; exit 2; };;
*rate*) [ -e "$root/no-rate" ] && { echo "RTNETLINK answers: Invalid argument" >&2; exit 2; };;
esac
exit 0
"""


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("echo", KERNEL), ("ip", TOOL), ("modprobe", TOOL)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
        (tools / f"{name}.root").write_text(f"{tmp_path}\n")
    return tmp_path


def pci(root: Path, address: str = PF, now: int = 0, limit: int = 64, driver: str = "i40e", total: int = 64) -> Path:
    folder = root / address
    for name in (f"drivers/{driver}", address, f"{address}/net/ens1f0"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, value in (("sriov_numvfs", now), ("sriov_totalvfs", total), ("limit", limit), ("now", now),
                        ("sriov_drivers_autoprobe", 1)):
        (folder / name).write_text(f"{value}\n")
    (folder / "net/ens1f0/address").write_text("3c:fd:fe:aa:00:10\n")
    for name, value in (("mtu", "1500"), ("flags", "0x1003"), ("carrier", "1")):
        (folder / "net/ens1f0" / name).write_text(f"{value}\n")
    (folder / "driver").symlink_to(root / "drivers" / driver)
    return folder


def set_vfs(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = SET_VFS
    for there, here in (("/sys/bus/pci/devices", str(root)), ("/sys/bus/pci/drivers", str(root / "drivers")), ("sleep 1", ":"),
                        ("/sys/bus/pci", str(root)), ("/bin/echo", str(root / "tools/echo")), ("left=20", "left=0"),
                        ("/run/bpa-sriov", str(root / "notes")), ("PATH=$PATH", f"PATH={root / 'tools'}:$PATH")):
        script = script.replace(there, here)
    return subprocess.run(["sh", "-c", script, "sh", *arguments], capture_output=True, text=True, check=False)


def log(root: Path) -> list[str]:
    return (root / "log").read_text().splitlines() if (root / "log").exists() else []


def test_the_unit_names_each_port_and_can_be_read_again() -> None:
    port = PciDevice(PF, "8086:1583", "0x020000", "i40e", 64, 0, (Nic("ens1f0", "3c:fd:fe:aa:00:10"),))
    want = VfWant(PfMatch(), "all", driver="vfio-pci", settings=VfSettings(True, 100, True, False, 10, 1000, "enable", 9000))
    said = argument(port, want)
    assert said == (f"{PF}=64,mac=3e:03/aa:00:10,vlan=100,spoofchk=off,trust=on,state=enable,max=1000,min=10,mtu=9000,"
                    "driver=vfio-pci")
    unit = render_unit([said, "0000:3b:00.1=max"])
    assert f"ExecStart=/bin/sh {SCRIPT_PATH} " in unit and "DefaultDependencies=no" in unit
    assert "Before=network-pre.target" in unit
    assert not re.search(r"[%$\\]", unit), "systemd would expand it"
    assert arguments_in(unit) == {PF: said, "0000:3b:00.1": "0000:3b:00.1=max"}


def test_macs_are_local_and_never_meet() -> None:
    assert mac_of("3C:FD:FE:AA:00:10", 3) == "3e:03:03:aa:00:10"
    assert mac_of("52:54:00:b0:a1:00", 0) == "56:54:00:b0:a1:00"  # not its port's own
    made = {mac_of(f"3c:fd:fe:aa:00:{port:02x}", index) for port in range(0x10, 0x14) for index in range(64)}
    assert len(made) == 4 * 64 and all(int(mac[:2], 16) & 3 == 2 for mac in made)


def test_numbers_are_set_and_those_that_fit_are_left_alone(kernel: Path) -> None:
    for number, now in ((1, 0), (2, 4), (3, 7), (4, 2)):
        pci(kernel, f"0000:0{number}:00.0", now)
    ran = set_vfs(kernel, "0000:01:00.0=4", "0000:02:00.0=4", "0000:03:00.0=3", "0000:04:00.0=0")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [(kernel / f"0000:0{n}:00.0/sriov_numvfs").read_text().strip() for n in (1, 2, 3, 4)] == ["4", "4", "3", "0"]
    assert log(kernel) == ["0000:01:00.0/sriov_numvfs 4", "0000:03:00.0/sriov_numvfs 0", "0000:03:00.0/sriov_numvfs 3",
                           "0000:04:00.0/sriov_numvfs 0"]


def test_a_device_that_fails_does_not_keep_the_next_from_its_vfs(kernel: Path) -> None:
    pci(kernel, "0000:02:00.0")
    ran = set_vfs(kernel, "0000:01:00.0=4", "0000:02:00.0=2")
    assert ran.returncode == 1
    assert "0000:01:00.0: has no SR-IOV" in ran.stderr
    assert (kernel / "0000:02:00.0/sriov_numvfs").read_text() == "2\n"


def test_vfs_are_set_up_before_any_driver_takes_them(kernel: Path) -> None:
    pci(kernel)
    ran = set_vfs(kernel, f"{PF}=2,mac=3e:03/aa:00:10,vlan=100,spoofchk=off,trust=on,state=auto,max=1000,min=10,driver=vfio-pci")
    assert (ran.returncode, ran.stderr) == (0, "")
    said = log(kernel)
    assert said[:2] == [f"{PF}/sriov_drivers_autoprobe 0", f"{PF}/sriov_numvfs 2"]
    first = said[2:said.index("drivers_probe vf0") + 1]
    assert first == [f"ip link set dev ens1f0 vf 0 {what}" for what in (
        "mac 3e:03:00:aa:00:10", "vlan 100", "spoofchk off", "trust on", "state auto", "max_tx_rate 1000", "min_tx_rate 10",
    )] + ["modprobe vfio-pci", "vf0/driver_override vfio-pci", f"{PF}/sriov_drivers_autoprobe 1", "drivers_probe vf0"]
    assert (kernel / "vf1/driver").resolve().name == "vfio-pci"


@pytest.mark.parametrize(("flags", "brought_up"), [("0x1002", True), ("0x1003", False)])
def test_for_a_rate_the_port_needs_a_link_and_is_brought_up(kernel: Path, flags: str, brought_up: bool) -> None:
    (pci(kernel) / "net/ens1f0/flags").write_text(f"{flags}\n")
    assert set_vfs(kernel, f"{PF}=1,vlan=4,max=100").returncode == 0
    said = [line for line in log(kernel) if line.startswith("ip ")]
    assert said == ["ip link set dev ens1f0 up"] * brought_up + [
        "ip link set dev ens1f0 vf 0 vlan 4", "ip link set dev ens1f0 vf 0 max_tx_rate 100"]


def test_a_rate_that_is_refused_for_want_of_a_link_says_so(kernel: Path) -> None:
    (pci(kernel) / "net/ens1f0/carrier").write_text("0\n")
    (kernel / "no-rate").touch()
    ran = set_vfs(kernel, f"{PF}=1,vlan=4,max=100")
    assert ran.returncode == 1 and "VF 0: max_tx_rate 100: Invalid argument (ens1f0 has no link)" in ran.stderr


@pytest.mark.parametrize("renamed", [False, True], ids=["quiet", "renamed meanwhile"])
def test_the_vfs_interfaces_get_the_mtu_whatever_their_names_become(kernel: Path, renamed: bool) -> None:
    pci(kernel)
    (kernel / "nics").touch()
    if renamed:
        (kernel / "renames").touch()
    ran = set_vfs(kernel, f"{PF}=2,mtu=2000")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "ip link set dev ens1f0 mtu 2000" in log(kernel)
    names = ["ens1f0v0" if renamed else "eth0", "eth0"]
    assert [(kernel / f"vf{i}/net/{name}/mtu").read_text() for i, name in enumerate(names)] == ["2000\n", "2000\n"]


def test_a_vf_without_an_interface_keeps_nobody_waiting_for_ever(kernel: Path) -> None:
    pci(kernel)
    assert set_vfs(kernel, f"{PF}=64,mtu=2000").returncode == 0


def test_a_second_run_changes_no_driver_and_no_number(kernel: Path) -> None:
    pci(kernel)
    set_vfs(kernel, f"{PF}=2,driver=vfio-pci")
    before = len(log(kernel))
    assert set_vfs(kernel, f"{PF}=2,driver=vfio-pci").returncode == 0
    assert log(kernel)[before:] == []


def test_only_the_named_vfs_are_set_up_and_bound_back(kernel: Path) -> None:
    pci(kernel)
    set_vfs(kernel, f"{PF}=12,driver=vfio-pci")
    before = len(log(kernel))
    assert set_vfs(kernel, f"{PF}=12,vlan=7,driver=netdev,only=1+10").returncode == 0
    touched = [line for line in log(kernel)[before:] if line.startswith("ip ") or "drivers_probe" in line]
    assert touched == ["ip link set dev ens1f0 vf 1 vlan 7", "drivers_probe vf1",
                       "ip link set dev ens1f0 vf 10 vlan 7", "drivers_probe vf10"]
    drivers = [(kernel / f"vf{index}/driver").resolve().name for index in (0, 1, 10)]
    assert drivers == ["vfio-pci", "iavf", "iavf"]


def test_as_many_as_there_is_room_for_are_made_once(kernel: Path) -> None:
    pci(kernel, limit=5, total=8)
    assert set_vfs(kernel, f"{PF}=max").returncode == 0
    assert (kernel / PF / "sriov_numvfs").read_text() == "5\n"
    assert (kernel / f"notes/{PF}.reached").read_text() == "5\n"
    before = len(log(kernel))
    assert set_vfs(kernel, f"{PF}=max").returncode == 0 and log(kernel)[before:] == []


def test_why_it_failed_is_noted_for_the_next_look(kernel: Path) -> None:
    pci(kernel, limit=5)
    ran = set_vfs(kernel, f"{PF}=8,vlan=4")
    assert ran.returncode == 1 and "No space left on device" in ran.stderr
    assert re.fullmatch(rf"{PF}=8,vlan=4 i40e \d+ number: No space left on device\n", (kernel / f"notes/{PF}.failed").read_text())
    assert (kernel / PF / "sriov_drivers_autoprobe").read_text() == "1\n", "others that make VFs get drivers again"
    assert set_vfs(kernel, f"{PF}=4,vlan=4").returncode == 0
    assert not (kernel / f"notes/{PF}.failed").exists()


def test_the_setting_that_the_driver_refuses_is_named(kernel: Path) -> None:
    pci(kernel)
    (kernel / "no-trust").touch()
    ran = set_vfs(kernel, f"{PF}=1,vlan=4,trust=on")
    assert ran.returncode == 1 and "VF 0: trust on: Operation not supported" in ran.stderr
    assert "drivers_probe vf0" in log(kernel), "the VF gets its driver all the same"


def test_the_vfs_of_a_qat_device_end_with_its_driver_alone_and_its_services_are_set_while_it_is_down(kernel: Path) -> None:
    folder = pci(kernel, now=16, driver="4xxx", total=16, limit=16)
    (folder / "qat").mkdir()
    (folder / "qat/state").write_text("up\n")
    (folder / "qat/cfg_services").write_text("sym;asym\n")
    ran = set_vfs(kernel, f"{PF}=0")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert log(kernel) == [f"{PF}/sriov_numvfs 0", f"drivers/4xxx/unbind {PF}", f"drivers/4xxx/bind {PF}"]
    (kernel / "log").unlink()
    assert set_vfs(kernel, f"{PF}=16,services=sym+dc").returncode == 0
    said = log(kernel)
    assert [line for line in said if "services" in line or "qat/state" in line or "numvfs" in line] == [
        f"{PF}/qat/state down", f"{PF}/qat/cfg_services sym;dc", f"{PF}/qat/state up", f"{PF}/sriov_numvfs 16"]
    (kernel / "log").unlink()
    assert set_vfs(kernel, f"{PF}=16,services=sym+dc").returncode == 0 and log(kernel) == []
    assert set_vfs(kernel, f"{PF}=16,services=dc").returncode == 0
    assert [line for line in log(kernel) if "qat" in line or "bind" in line or "numvfs" in line] == [
        f"{PF}/sriov_numvfs 0", f"drivers/4xxx/unbind {PF}", f"drivers/4xxx/bind {PF}", f"{PF}/qat/state down",
        f"{PF}/qat/cfg_services dc", f"{PF}/qat/state up", f"{PF}/sriov_numvfs 16"]


@pytest.mark.parametrize(("match", "agrees"), [
    (PfMatch(device="8086:1583"), True), (PfMatch(device="8086:158A"), False), (PfMatch(pci_address="3b:00.0"), True),
    (PfMatch(pci_address="0000:3B:00.0"), True), (PfMatch(pci_address="0001:3b:00.0"), False),
    (PfMatch(driver="i40e"), True), (PfMatch(driver="ice"), False), (PfMatch(mac="3C:FD:FE:00:00:01"), True),
    (PfMatch(interface="ens*"), True), (PfMatch(interface="ens1"), False), (PfMatch(numa_node=1), True),
    (PfMatch(numa_node=0), False), (PfMatch(link="up"), True), (PfMatch(link="down"), False),
    (PfMatch(device="8086:1583", driver="ice"), False), (PfMatch(), True),
])
def test_every_given_field_must_agree(match: PfMatch, agrees: bool) -> None:
    device = PciDevice(PF, "8086:1583", "0x020000", "i40e", 64, 0, (Nic("ens1f0", "3c:fd:fe:00:00:01", "up"),), 1)
    assert matches(match, device) is agrees
