"""Every probe leaves a host as it found it, and ends well on one that has next to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_hosts import RecordedHost

from bpa.core.host import PROBES

FILES = {
    "/proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t: vmx lm\n\n", "/proc/cmdline": "ro quiet\n",
    "/proc/meminfo": "MemTotal: 1024 kB\n", "/proc/uptime": "10.0 5.0\n", "/proc/self/mounts": "/dev/vda / ext4 rw 0 0\n",
    "/proc/sys/kernel/random/boot_id": "8f1b6b1c\n", "/proc/sys/kernel/hostname": "node1\n",
    "/proc/sys/kernel/osrelease": "6.1.0\n", "/proc/sys/vm/swappiness": "60\n",
    "/etc/sysctl.d/90-bpa.conf": "vm.swappiness = 10\n", "/etc/default/grub.d/90-bpa.cfg": "# ours\n",
    "/boot/grub/grub.cfg": "\tlinux /vmlinuz ro\n", "/etc/modprobe.d/bpa.conf": "options kvm_intel nested=1\n",
    "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x8086\n", "/sys/bus/pci/devices/0000:01:00.0/device": "0x10c9\n",
    "/sys/bus/pci/devices/0000:01:00.0/class": "0x020000\n", "/sys/bus/nd/devices/region0/nstype": "5\n",
    "/sys/bus/nd/devices/nmem0/devtype": "nvdimm\n", "/dev/kvm": "",
    "/etc/systemd/system/mnt-pmem0.mount": "Description=Persistent memory data0\n",
}


def tree(host: RecordedHost) -> dict[str, tuple[str, float]]:
    return {str(path): (path.read_text(), path.stat().st_mtime) for path in host.root.rglob("*") if path.is_file()}


@pytest.fixture
def host(tmp_path: Path) -> RecordedHost:
    made = RecordedHost(tmp_path)
    for path, content in FILES.items():
        made.put(path, content)
    return made


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_changes_nothing(host: RecordedHost, probe: str) -> None:
    before = tree(host)
    assert host.ask(probe).exit_code == 0
    assert tree(host) == before


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_ends_well_where_nothing_is(tmp_path: Path, probe: str) -> None:
    ran = RecordedHost(tmp_path).ask(probe)
    assert ran.exit_code == 0 or probe == "boot_id"
