"""bpa bmc facts: what a person and a program read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from stub_bmc import ROOT, StubBmc, error

from bpa.cli import bpa
from bpa.cli.bmc import bmc as group

SYSTEM = f"{ROOT}/Systems/1"


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BPA_BMC_USER", "admin")
    monkeypatch.setenv("BPA_BMC_PASSWORD", "right")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def facts(bmc: StubBmc, *words: str) -> Result:
    return CliRunner().invoke(group, ["facts", bmc.address, *words])


def test_all_sections_are_shown_and_what_cannot_be_read_says_why(bmc: StubBmc) -> None:
    assert isinstance(bmc.resources, dict)
    bmc.resources[SYSTEM.lower()]["Memory"] = {"@odata.id": f"{SYSTEM}/Memory"}
    bmc.fault = lambda stub, r: error(500, "modules are being\ncounted\x1b[2J") if r.key.endswith("/memory") else None
    shown = facts(bmc)
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert lines[0] == "identity    Contoso M1"
    assert "bios        2 attributes (all with -o json, or bpa bmc bios)" in shown.output
    assert any(line.startswith("memory      ! not all read:") and "modules are being counted [2J" in line for line in lines)
    assert bmc.tokens == {}


def test_only_the_sections_that_are_asked_for_are_read(bmc: StubBmc) -> None:
    told = json.loads(facts(bmc, "--section", "identity", "--section", "state", "-o", "json").output)
    assert set(told) == {"bmc", "system", "redfish", "product", "identity", "state", "problems"}
    assert told["identity"]["value"]["serial"] == "S1"
    assert told["state"] == {"problem": "", "value": {
        "power": "On", "health": "", "enabled": "", "boot_progress": "", "boot_progress_time": "", "last_reset": "",
        "indicator": "", "resets": ["On", "ForceOff", "ForceRestart"]}}
    assert not [path for path in bmc.asked() if "Bios" in path]


def test_a_section_that_there_is_not_is_refused(bmc: StubBmc) -> None:
    shown = facts(bmc, "--section", "weather")
    assert shown.exit_code and "weather" in shown.output and not bmc.log


def test_the_sections_in_the_help_are_those_that_there_are() -> None:
    from bpa.adapters.redfish.sections import SECTIONS

    shown = CliRunner().invoke(group, ["facts", "--help"]).output
    assert all(section in shown.split() for section in SECTIONS)


@pytest.mark.parametrize("words", [["facts", "--help"], ["bmc", "facts", "--help"]])
def test_help_needs_no_bmc(words: list[str]) -> None:
    assert CliRunner().invoke(bpa, words).exit_code == 0
