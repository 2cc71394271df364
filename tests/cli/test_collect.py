"""bpa host collect: a file that is there is not lost, and no file holds a secret."""

from __future__ import annotations

import json

import pytest

from bpa.cli.exits import Exit


def test_a_file_that_is_there_stays_and_no_machine_is_asked(run, site, tmp_path, drawer):
    file = tmp_path / "drawer.json"
    file.write_text("how it was")
    drawer.fails = [AssertionError("no machine may be asked")]
    ran = run("host", "collect", "drawer", "-s", site, "-o", file)
    assert ran.code == Exit.USAGE and "drawer.json is there already" in ran.err and "--force" in ran.err
    assert file.read_text() == "how it was" and ran.out == ""


def test_force_replaces_it(run, site, tmp_path):
    file = tmp_path / "drawer.json"
    file.write_text("how it was")
    assert run("host", "collect", "drawer", "-s", site, "-o", file, "--force").code == Exit.MET
    assert json.loads(file.read_text())["host"] == "drawer"


def test_the_usual_name_is_not_replaced_either(run, site, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("host", "collect", "drawer", "-s", site).out == "drawer.json\n"
    assert run("host", "collect", "drawer", "-s", site).code == Exit.USAGE
    assert run("host", "collect", "drawer", "--local").code == Exit.USAGE


def test_a_directory_that_is_not_there_is_said_before_a_machine_is_asked(run, site, tmp_path, drawer):
    drawer.fails = [AssertionError("no machine may be asked")]
    ran = run("host", "collect", "drawer", "-s", site, "-o", tmp_path / "nowhere/drawer.json")
    assert ran.code == Exit.USAGE and "nowhere is no directory" in ran.err


@pytest.mark.parametrize("said", ["token=hunter2", "admin with correct-horse was refused", "http://me:hunter2@192.0.2.1"])
def test_no_secret_gets_into_the_file(run, site, tmp_path, drawer, said):
    drawer.uuid = said
    assert run("host", "collect", "drawer", "-s", site, "-o", tmp_path / "drawer.json").code == Exit.MET
    text = (tmp_path / "drawer.json").read_text()
    assert "hunter2" not in text and "correct-horse" not in text and "REDACTED" in text
