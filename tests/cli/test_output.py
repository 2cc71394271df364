"""What is printed: JSON that parses, an HTML report that needs nothing else, help with examples, completion, a closed pipe."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import click
import pytest

from bpa.cli.exits import MEANING, Exit
from bpa.cli.reference import commands
from bpa.core.requirement import Source

ROOT = Path(__file__).parents[2]
BPA = Path(sys.executable).parent / "bpa"
COMMANDS = dict(commands())
LEAVES = {path: command for path, command in COMMANDS.items() if not isinstance(command, click.Group)}


@pytest.mark.parametrize("arguments", [
    ["plan", "SITE"], ["status", "SITE"], ["verify", "SITE"], ["report", "SITE"], ["explain", "drawer", "--site", "SITE"],
    ["apply", "SITE", "--yes"], ["ironic", "status", "SITE"],
])
def test_json_is_one_document_on_standard_output(run, site, arguments):
    filled = [str(site) if a == "SITE" else a for a in arguments]
    for spelling in (["--json"], ["-o", "json"]):
        assert isinstance(json.loads(run(*filled, *spelling).out), dict)


def test_facts_are_json_and_can_be_narrowed(run, site):
    whole = json.loads(run("facts", "drawer", "--site", site).out)
    assert whole["bmc"]["serial"] == "DRAWER"
    assert json.loads(run("facts", "drawer", "--site", site, "--source", "node").out) == whole["node"]


@pytest.mark.parametrize("source", [one for one in get_args(Source) if one != "cluster"])
def test_each_source_of_a_host_can_be_asked_alone(run, site, source):
    assert json.loads(run("facts", "drawer", "--site", site, "--source", source).out) == {
        **json.loads(run("facts", "drawer", "--site", site).out)}[source]


def test_neither_output_nor_state_holds_a_password(run, site, state):
    for command in ("plan", "verify", "report", "status", "apply"):
        ran = run("-v", command, site, "--json")
        assert "correct-horse" not in ran.out + ran.err
    for path in state.rglob("*"):
        assert path.is_dir() or b"correct-horse" not in path.read_bytes()


def test_the_report_is_one_html_file_and_its_json(run, site, tmp_path):
    assert run("apply", site, "--yes").code == 0
    run("report", site, "--directory", tmp_path / "out")
    html = (tmp_path / "out" / "report.html").read_text()
    assert "debian.raw is deployed" in html
    assert not re.search(r"""(src|href)=["']https?:|<script src|@import|<link """, html)
    value = json.loads((tmp_path / "out" / "report.json").read_text())
    assert value["met"] and value["subjects"][0]["name"] == "drawer"


def test_explain_tells_evidence_the_last_step_and_what_to_type_next(run, site, drawer):
    before = run("explain", "drawer", "--site", site).out
    assert "next: bpa apply" in before and "write debian.raw to disk DRAWER1" in before
    run("apply", site, "--yes")
    after = run("explain", "drawer", "--site", site).out
    assert "debian.raw is deployed" in after and "last step" in after and "next: nothing" in after


def test_a_simulated_plan_needs_no_machine_and_leaves_no_state(run, site, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGE_BMC_USERNAME", "admin")
    monkeypatch.setenv("EDGE_BMC_PASSWORD", "correct-horse")
    ran = run("plan", "--simulate", ROOT / "manifests" / "examples" / "edge-site", "--json")
    hosts = {s["name"]: s for s in json.loads(ran.out)["subjects"]}
    assert hosts["edge-1"]["restarts"] == hosts["edge-2"]["restarts"] == 2
    assert "S4YPNE0N800123" in hosts["edge-2"]["destroys"][0]
    assert not [one for one in hosts["cluster/edge"]["changes"] if one["what"] == "KuD installer"]
    assert hosts["cluster/edge"]["problems"] == [] and ran.code == Exit.MET
    assert not (tmp_path / "state").exists()


def test_a_plan_of_something_met_says_so_in_one_line(run, site, drawer):
    drawer.deployed = True
    assert "nothing to do" in run("plan", site).out


def test_without_a_terminal_there_are_no_colours(run, site):
    assert "\x1b" not in run("plan", site).out + run("apply", site, "--yes").out


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_helps_with_an_example_of_itself(run, path):
    words = path.split()[1:]
    ran = run(*words, "--help")
    assert ran.code == 0
    assert "Example:" in ran.out
    assert re.search(rf"^ +{path}\b", ran.out, re.MULTILINE)


def test_help_tells_every_exit_code(run):
    text = run("--help").out
    for code, meaning in MEANING.items():
        assert re.search(rf"^ *{code.value} +{re.escape(meaning)}", text, re.MULTILINE)


def test_the_version_is_the_package_s(run):
    from importlib.metadata import version

    assert run("--version").out.strip().endswith(version("bpa"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_for_this_command(run, shell):
    text = run("completion", shell).out
    assert "_BPA_COMPLETE" in text and "bpa" in text


def test_completion_knows_the_commands():
    ran = subprocess.run(
        [BPA], capture_output=True, text=True, check=False,
        env={**os.environ, "_BPA_COMPLETE": "bash_complete", "COMP_WORDS": "bpa pl", "COMP_CWORD": "1"})
    assert "plan" in ran.stdout


def test_a_closed_pipe_is_no_failure_and_no_noise():
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run([BPA, "--help"], stdout=writing,
                         stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, "")
