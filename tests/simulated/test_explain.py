"""`bpa explain HOST` names the right cause first, with evidence and the next thing to do: for each file of troubles/."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from troubled_host import TroubledHost

import bpa.cli
from bpa.core.host import HOST
from bpa.wiring import Wiring

FILES = sorted((Path(__file__).parent / "troubles").glob("*.yaml"))
TROUBLES: dict[str, dict[str, Any]] = {
    f"{file.stem}: {one['trouble']}": one for file in FILES for one in yaml.safe_load_all(file.read_text())}


@pytest.fixture
def ask_why(place, clock, monkeypatch, capsys):
    """ask_why(trouble, *more) -> what `bpa explain` prints of the troubled host."""
    monkeypatch.setenv("BPA_STATE", str(place / "state"))
    monkeypatch.setenv("BPA_LAB_DIR", str(place / "lab"))
    monkeypatch.delenv("BPA_SITE", raising=False)
    monkeypatch.setattr("time.time", clock)
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def ask(trouble: dict[str, Any], *more: str) -> str:
        host = TroubledHost(place / "site", trouble, clock)
        monkeypatch.setattr(Wiring, "wire", lambda self, opened: host.wire(opened))
        with bpa.wiring.open_site(str(host.directory)):
            pass
        host.befall([{"fault": one} for one in trouble.get("faults", ())])
        came_all_the_way = host.apply()
        assert came_all_the_way or trouble.get("faults"), "the host could not be brought up"
        host.befall(trouble.get("then", []))
        if "asks" in trouble:
            host.ask(trouble["asks"])
        if trouble.get("apply"):
            assert not host.apply(trouble.get("consent", True))
        capsys.readouterr()
        assert bpa.cli.run(["explain", "node-0", "--site", str(host.directory), *more]) == 0
        return capsys.readouterr().out

    return ask


@pytest.mark.parametrize("name", TROUBLES)
def test_the_right_cause_is_named_first(ask_why, name):
    due = TROUBLES[name]["why"]
    _, why, advice, *_ = ask_why(TROUBLES[name]).splitlines()
    head = f"why: {due['condition']} {due['state']}: "
    assert why.startswith(head), why
    for words in due["says"]:
        assert words in why.removeprefix(head)
    assert advice.startswith("     try: "), advice
    for words in due["try"]:
        assert words in advice


def test_there_are_many_and_they_are_of_all_parts():
    assert len(TROUBLES) >= 30
    assert {"kernel", "pmem", "qat", "sriov", "system", "virtualization"} <= {file.stem for file in FILES}
    assert {one["why"]["condition"] for one in TROUBLES.values()} <= {one.condition for one in HOST}


def test_the_cause_is_in_the_json_too(ask_why):
    trouble = TROUBLES["virtualization: off in the BIOS"]
    said = json.loads(ask_why(trouble, "--json"))
    assert said["cause"]["condition"] == trouble["why"]["condition"] and said["cause"]["state"] == "stuck"
    assert said["cause"]["advice"] and said["next"].startswith("do what is advised above")


def test_a_host_that_is_as_documented_has_no_cause(ask_why):
    said = ask_why({"profile": {"virtualization": {"nested": "required"}}})
    assert "why:" not in said and "nothing: it is as the documents say" in said
