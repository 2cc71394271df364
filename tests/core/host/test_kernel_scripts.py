"""The scripts that set sysctls and huge pages, run over directories that they take for /proc/sys and /sys."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bpa.core.facts import Facts, OsFacts, Ran
from bpa.core.host import cpus, hugepages, kernel, module_files, module_state, modules, sysctl
from bpa.core.host.hardening import ready
from bpa.core.host.probe import sections
from bpa.core.requirement import HostRequirement
from bpa.core.verdict import Act, Met, Stuck, Wait
from bpa.core.want import HardeningWant, HostWant, HugepagesWant, KernelWant, Profile

CHECKED = (kernel.STAGED, kernel.APPLIED, module_files.STAGED, module_state.UP, cpus.ISOLATED, hugepages.RESERVED, sysctl.SYSCTLS,
           ready.APPLIED)
PROBES = {name: argv for module in (kernel, modules, cpus, hugepages, sysctl, ready) for name, argv in module.PROBES.items()}
WANT = HostWant("node1", "https://192.0.2.1", "", None, Profile(
    kernel_arguments=("iommu=pt",), hardening=HardeningWant("icn"), kernel=KernelWant(
        ("vfio_pci",), ("floppy",), {"ixgbe": ("max_vfs=0",)}, {"vm.swappiness": "10"}, (HugepagesWant(2 << 20, 4, 0),), "1")))
SCRIPTS = [sysctl.SET, hugepages.SET, hugepages.TAKE_BACK, ready.RELOAD_SSHD]


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_posix_shell(script: str) -> None:
    assert subprocess.run(["sh", "-n", "-c", script], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_ends_well_and_in_silence_on_any_machine(probe: str) -> None:
    ran = subprocess.run(PROBES[probe], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_machine_that_runs_the_tests_can_be_judged() -> None:
    texts = {name: subprocess.run(argv, capture_output=True, text=True, check=False).stdout for name, argv in PROBES.items()}
    have = Facts(os=OsFacts("192.0.2.10", answers={name: Ran(0, text) for name, text in texts.items()}))
    for requirement in CHECKED:
        assert isinstance(requirement.check(WANT, have), Met | Act | Wait | Stuck)
        requirement.changes(WANT, have)


@pytest.mark.parametrize("answer", [Ran(0), Ran(0, "\0\xff@@\n@@ \n= = =\n"), Ran(1, "", "no"), Ran(None)])
@pytest.mark.parametrize("requirement", CHECKED, ids=lambda one: one.condition)
def test_no_answer_however_odd_is_a_crash(requirement: HostRequirement, answer: Ran) -> None:
    have = Facts(os=OsFacts("192.0.2.10", answers=dict.fromkeys(PROBES, answer)))
    assert isinstance(requirement.check(WANT, have), Met | Act | Wait | Stuck)
    requirement.changes(WANT, have)


class Sys:
    """A kernel's settings as files, and the two files of ours."""

    def __init__(self, root: Path) -> None:
        self.root, self.record = root, root / "bpa" / "sysctl.before"
        self.files = (root / "90-bpa.conf", root / "zz.conf")

    def has(self, key: str, value: str) -> Path:
        path = self.root / "proc" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value + "\n")
        return path

    def is_now(self, key: str) -> str:
        return (self.root / "proc" / key).read_text().strip()

    def asked(self, *texts: dict[str, str]) -> subprocess.CompletedProcess[str]:
        for path, wanted in zip(self.files, texts, strict=False):
            path.write_text(sysctl.render(wanted)) if wanted else path.unlink(missing_ok=True)
        script = sysctl.SET.replace("/proc/sys", str(self.root / "proc"))
        return subprocess.run(["sh", "-c", script, "sh", str(self.record), *map(str, self.files)],
                              capture_output=True, text=True, check=False)

    def seen(self) -> sysctl.Sysctls:
        script = sysctl.PROBES["sysctl"][2].replace("/proc/sys", str(self.root / "proc"))
        script = script.replace("/etc/sysctl.d/90-bpa.conf", str(self.files[0])).replace(
            "/etc/sysctl.d/zz-bpa-hardening.conf", str(self.files[1])).replace("/var/lib/bpa/sysctl.before", str(self.record))
        ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, "")
        return sysctl.parse_sysctls(sections(ran.stdout))


@pytest.fixture
def settings(tmp_path: Path) -> Sys:
    found = Sys(tmp_path)
    found.has("vm/swappiness", "60")
    found.has("net/ipv4/tcp_rmem", "4096\t131072\t6291456")
    found.has("net/ipv4/conf/eth0.100/rp_filter", "2")
    found.has("fs/protected_fifos", "1")
    return found


def test_settings_come_and_go_with_what_they_were_before(settings: Sys) -> None:
    asked = {"vm.swappiness": "10", "net.ipv4.tcp_rmem": "4096 131072 6291456", "net/ipv4/conf/eth0.100/rp_filter": "1"}
    assert settings.asked(asked, {"fs.protected_fifos": "2"}).returncode == 0
    seen = settings.seen()
    assert seen.values == {**asked, "fs.protected_fifos": "2"}
    assert seen.before == {"vm.swappiness": "60", "net/ipv4/conf/eth0.100/rp_filter": "2", "fs.protected_fifos": "1"}
    assert settings.asked({"vm.swappiness": "20"}, {}).returncode == 0
    assert (settings.is_now("vm/swappiness"), settings.is_now("fs/protected_fifos")) == ("20", "1")
    assert settings.is_now("net/ipv4/conf/eth0.100/rp_filter") == "2"
    assert settings.seen().before == {"vm.swappiness": "60"}
    assert settings.asked({}, {}).returncode == 0
    assert settings.is_now("vm/swappiness") == "60" and not settings.record.exists()
    assert settings.seen() == sysctl.Sysctls()


def test_a_setting_that_the_kernel_has_not_is_named_and_does_not_keep_others_from_theirs(settings: Sys) -> None:
    ran = settings.asked({"net.bridge.bridge-nf-call-iptables": "1", "vm.swappiness": "10"})
    assert ran.returncode == 1 and ran.stderr == "the kernel has no sysctl net.bridge.bridge-nf-call-iptables\n"
    assert settings.is_now("vm/swappiness") == "10"
    assert "net.bridge.bridge-nf-call-iptables" not in settings.seen().values


def test_what_the_kernel_has_not_needs_no_hardening(settings: Sys) -> None:
    assert settings.asked({}, {"net.ipv6.conf.all.accept_redirects": "0", "fs.protected_fifos": "2"}).returncode == 0
    assert settings.is_now("fs/protected_fifos") == "2"


def test_later_files_of_others_are_read_in_the_order_in_which_they_count() -> None:
    read = sysctl.parse_sysctls({"others": """/etc/sysctl.d/99-a.conf:vm.swappiness = 1
/usr/lib/sysctl.d/99-a.conf:vm.swappiness=2
/etc/sysctl.conf:-vm/swappiness=3
/usr/lib/sysctl.d/protect.conf:fs.a = 1
/etc/sysctl.d/90-bpa.conf:vm.swappiness = 4
"""}).others
    assert read == (("/etc/sysctl.d/99-a.conf", "vm.swappiness", "1"), ("/usr/lib/sysctl.d/protect.conf", "fs.a", "1"),
                    ("/etc/sysctl.conf", "vm.swappiness", "3"))


def pool(tmp_path: Path, name: str, pages: int) -> Path:
    path = tmp_path / name / "nr_hugepages"
    path.parent.mkdir()
    path.write_text(f"{pages}\n")
    return path


def test_pages_are_reserved_and_given_back(tmp_path: Path) -> None:
    one, two, file = pool(tmp_path, "a", 0), pool(tmp_path, "b", 3), tmp_path / "ours.conf"
    file.write_text("")
    ran = subprocess.run(["sh", "-c", hugepages.SET, "sh", f"{one}=512", f"{two}=0"], capture_output=True, text=True, check=False)
    assert (ran.returncode, one.read_text(), two.read_text()) == (0, "512\n", "0\n")
    back = ["sh", "-c", hugepages.TAKE_BACK, "sh", str(file), f"{one}=0", f"{two}=3", f"{tmp_path}/gone/nr_hugepages=1"]
    assert subprocess.run(back, check=False).returncode == 0
    assert (one.read_text(), two.read_text(), file.exists()) == ("0\n", "3\n", False)


def test_too_few_pages_are_said_with_their_number(tmp_path: Path) -> None:
    one = pool(tmp_path, "node0", 0)
    script = "read() { there=480; }\n" + hugepages.SET.replace("/proc/sys/vm", str(tmp_path))
    ran = subprocess.run(["sh", "-c", script, "sh", f"{one}=512"], capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and f"not enough contiguous memory: 480 of 512 pages in {one.parent}" in ran.stderr


def test_what_the_pools_held_before_us_is_kept_through_every_change() -> None:
    seen = hugepages.Hugepages({(None, 2048): (16, 16), (0, 2048): (16, 16)})
    first = hugepages.render(hugepages.pools_wanted((HugepagesWant(2 << 20, 512),), seen), seen)
    later = hugepages.Hugepages({(None, 2048): (512, 512)}, file=first)
    second = hugepages.render(hugepages.pools_wanted((HugepagesWant(2 << 20, 256),), later), later)
    assert "# Before: /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages=16\n" in second
    assert second.endswith("w /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages - - - - 256\n")
