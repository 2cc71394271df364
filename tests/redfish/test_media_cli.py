"""bpa bmc media: what a person types and reads, and what the BMC was asked meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from media_stub import IMAGE, Box, with_media
from stub_bmc import ROOT, StubBmc, serve

from bpa.cli.bmc import bmc as group

OTHER = "http://192.0.2.9/other.iso"


@pytest.fixture
def boxes() -> list[Box]:
    return [Box("CD"), Box("USB", types=["USBStick"], image=OTHER)]


@pytest.fixture
def stub(boxes: list[Box]) -> Iterator[StubBmc]:
    with serve(with_media(*boxes)) as one:
        yield one


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BPA_BMC_USER", "admin")
    monkeypatch.setenv("BPA_BMC_PASSWORD", "right")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def run(stub: StubBmc, *words: str) -> Result:
    return CliRunner().invoke(group, ["media", stub.address, *words], catch_exceptions=True)


def test_the_slots_are_shown(stub: StubBmc) -> None:
    shown = run(stub).output.splitlines()
    assert shown[0].split() == ["SLOT", "OF", "TYPES", "HOLDS", "FILLED", "BY"]
    assert shown[1].split()[:5] == ["CD", "Manager", "CD,", "DVD", "nothing"]
    assert OTHER in shown[2]
    assert [s["id"] for s in json.loads(run(stub, "--json").output)["slots"]] == ["CD", "USB"]


def test_an_image_is_inserted_once_and_ejected_once(stub: StubBmc, boxes: list[Box]) -> None:
    assert run(stub, "insert", IMAGE).output == f"CD: inserted {IMAGE}\n"
    assert run(stub, "insert", IMAGE).output == f"CD: already so: it holds {IMAGE}\n"
    assert len(boxes[0].sent) == 1
    assert run(stub, "eject", "CD").output == f"CD: ejected {IMAGE}\n"
    again = run(stub, "eject", "CD")
    assert (again.exit_code, again.output) == (0, "already so: nothing is in\n")
    assert json.loads(run(stub, "eject", "-o", "json").output)["ejected"][0]["image"] == OTHER


def test_dry_run_shows_the_requests_and_sends_none(stub: StubBmc, boxes: list[Box], tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    credentials = ("--image-user", "u", "--image-password-file", str(file))
    text = run(stub, "insert", IMAGE, "--slot", "USB", "--replace", "--dry-run", *credentials).output
    assert text.splitlines()[0].endswith("VirtualMedia.EjectMedia {}")
    assert '"Password": "***"' in text
    assert "s3cret" not in text
    boot = run(stub, "boot", IMAGE, "--restart", "--dry-run").output
    assert [line.split()[0] for line in boot.splitlines()] == ["POST", "PATCH", "POST", "nothing"]
    assert run(stub, "eject", "--dry-run", "--json").output.count("EjectMedia") == 1
    assert boxes[0].sent == boxes[1].sent == []
    assert not [r for r in stub.log if r.method == "PATCH"]


def test_booting_inserts_anew_sets_the_boot_source_and_restarts(stub: StubBmc, boxes: list[Box]) -> None:
    boxes[0].image = IMAGE
    ran = run(stub, "boot", IMAGE, "--restart")
    assert ran.exit_code == 0, ran.output
    assert [body for _, body in boxes[0].sent] == [{}, {"Image": IMAGE}]
    (patch,) = [r for r in stub.log if r.method == "PATCH"]
    assert patch.body["Boot"]["BootSourceOverrideTarget"] == "Cd"
    assert any(r.body == {"ResetType": "ForceRestart"} for r in stub.log)
    assert "eject it afterwards" in ran.output


def test_a_machine_that_cannot_boot_from_it_is_left_without_it(stub: StubBmc, boxes: list[Box]) -> None:
    assert isinstance(stub.resources, dict)
    boot = stub.resources[f"{ROOT}/systems/1"]["Boot"]
    boot["BootSourceOverrideTarget@Redfish.AllowableValues"] = ["None", "Pxe"]
    ran = run(stub, "boot", IMAGE)
    assert "cannot boot from Cd" in str(ran.exception)
    assert boxes[0].image is None


@pytest.mark.parametrize("words", [("insert",), ("show", IMAGE), ("boot",)])
def test_wrong_use_is_told(stub: StubBmc, words: tuple[str, ...]) -> None:
    ran = run(stub, *words)
    assert ran.exit_code == 2
    assert "IMAGE" in ran.output
