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
    site = write_site(tmp_path / "site", 1)
    (site / "site.yaml").write_text((site / "site.yaml").read_text().replace("kud: {installer: kud/installer}", "kud: {}"))
    result = plan(site)
    assert result.exit_code == Exit.NOT_MET and "names no KuD installer" in result.stdout
