"""`bpa plan --simulate`: a plan without any network, the same every time, that leaves nothing behind."""

import json
from dataclasses import dataclass

import pytest
from site_of_many import write_site

from bpa.cli import run
from bpa.cli.exits import Exit


@dataclass
class Result:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self):
        return self.stdout + self.stderr


@pytest.fixture
def plan(tmp_path, monkeypatch, capsys):
    """bpa plan --simulate with these arguments, where nothing may be connected to."""
    monkeypatch.setenv("BPA_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("BPA_LAB_DIR", str(tmp_path / "no-lab"))
    monkeypatch.delenv("BPA_SITE", raising=False)
    monkeypatch.chdir(tmp_path)

    def connect(*given):
        raise AssertionError("a simulated plan must not use the network")

    monkeypatch.setattr("socket.socket.connect", connect)

    def plan(*arguments):
        code = run(["plan", "--simulate", *map(str, arguments)])
        return Result(code, *capsys.readouterr())

    return plan


def test_a_plan_names_what_every_host_needs(plan, tmp_path):
    result = plan(write_site(tmp_path / "site", 3))
    assert result.exit_code == 0, result.output
    for words in ("BIOS ProcVirtualization: Disabled -> Enabled  [firmware restart]", "kernel arguments",
                  "SR-IOV VFs on device 8086:10c9", "! destroys disk DISK2 (64.0 GiB)", "2 restarts"):
        assert words in result.output
    assert result.output.count("! destroys") == 3


def test_the_same_documents_give_the_same_plan(plan, tmp_path):
    site = write_site(tmp_path / "site", 3)
    first, second = (json.loads(plan(site, "-o", "json").stdout) for _ in range(2))
    assert first == second and len(first["hash"]) == 12
    assert [s["restarts"] for s in first["subjects"]] == [2, 2, 2, 0]


def test_other_documents_give_another_hash(plan, tmp_path):
    one = json.loads(plan(write_site(tmp_path / "one", 2), "--json").stdout)
    two = json.loads(plan(write_site(tmp_path / "two", 3), "--json").stdout)
    assert one["hash"] != two["hash"]


def test_nothing_is_left_behind(plan, tmp_path):
    plan(write_site(tmp_path / "site", 2))
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("profile", ["lab", "xeon-kata-edge", "minimal"])
def test_every_profile_of_ours_can_be_planned(plan, tmp_path, profile):
    result = plan(write_site(tmp_path / "site", 2, profile))
    assert result.exit_code == 0, result.output


def test_a_site_that_is_not_there_is_said_so(plan, tmp_path):
    result = plan(tmp_path / "nowhere")
    assert result.exit_code == Exit.DOCUMENTS and "nowhere" in result.stderr and result.stdout == ""


def test_no_site_at_all_says_how_to_name_one(plan):
    result = plan()
    assert result.exit_code != Exit.MET and "BPA_SITE" in result.stderr and result.stdout == ""


def test_what_cannot_be_is_told_although_the_machine_is_simulated(plan, tmp_path):
    site = write_site(tmp_path / "site", 2)
    first, second = (site / "hosts.yaml").read_text().split("---\n")
    (site / "hosts.yaml").write_text(f"{first}---\n{second.replace('online: true', 'online: false')}")
    result = plan(site)
    assert result.exit_code == Exit.NOT_MET and "no host of this site that is online is behind node-1" in result.stdout


def test_a_site_without_an_installer_plans_none_and_says_so(plan, tmp_path):
    site = write_site(tmp_path / "site", 1)
    assert "KuD installer: not run -> ./installer" in plan(site).stdout
    (site / "site.yaml").write_text((site / "site.yaml").read_text().replace("kud: {installer: kud/installer}", "kud: {}"))
    result = plan(site)
    assert result.exit_code == Exit.MET and "KuD installer" not in result.stdout and "hosts.ini" in result.stdout
    assert "cluster many gets KuD's files and is not installed" in result.stderr


HARDENED = """\
apiVersion: bpa.akraino.org/v1alpha1
kind: HardwareProfile
metadata: {name: hardened}
spec:
  kernel: {sysctls: {vm.max_map_count: 262144, vm.swappiness: 10, kernel.panic: 10, kernel.panic_on_oops: 1}}
  hardening: {profile: icn}
"""


def test_the_sysctls_of_the_hardening_rules_are_one_line_unless_all_are_asked_for(plan, tmp_path):
    site = write_site(tmp_path / "site", 1, profile="hardened")
    (site / "profile.yaml").write_text(HARDENED)
    short, whole = plan(site).stdout, plan(site, "--all").stdout
    own = ("~ sysctl kernel.panic: (not known yet) -> 10", "~ sysctl vm.max_map_count: (not known yet) -> 262144")
    ours = [one["what"] for one in json.loads(plan(site, "--json").stdout)["subjects"][0]["changes"] if one["part_of"]]
    assert len(ours) > 10 and all(f"~ {what}: " in whole and f"~ {what}: " not in short for what in ours)
    assert all(line in text for line in own for text in (short, whole))
    (line,) = [one for one in short.splitlines() if "hardening:" in one]
    assert line == (f"  ~ hardening: {len(ours)} of {len(ours)} sysctls are to be set: dev.tty.ldisc_autoload, "
                    f"fs.protected_fifos, fs.suid_dumpable and {len(ours) - 3} more (each: bpa plan --all)")
