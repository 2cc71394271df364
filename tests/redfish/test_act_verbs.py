"""bpa bmc power, boot and log: what a person types and reads, on recorded machines that behave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from stub_bmc import RECORDED

from bpa.cli.bmc import bmc as group
from bpa.lab.recorded import Emulated, serve

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
DMTF, SUPERMICRO = "dmtf-public-rackmount1-2022.3", "supermicro-sys821ge-bmc-11.01.01"
HPE = "hpe-dl385g10plusv2-ilo5-2.72"


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BPA_BMC_USER", "admin")
    monkeypatch.setenv("BPA_BMC_PASSWORD", "right")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def machine() -> Iterator[Emulated]:
    with serve(RECORDED / DMTF) as bmc:
        yield bmc


def run(machine: Emulated, verb: str, *words: str, told: str | None = None) -> Result:
    return CliRunner().invoke(group, [verb, machine.address, *words], input=told)


def written(machine: Emulated) -> list[str]:
    return [f"{r.method} {r.path.rsplit('/', 1)[-1]}" for r in machine.log if r.method != "GET" and "/Session" not in r.path]


def test_power_is_shown_switched_and_left_alone(machine: Emulated) -> None:
    assert run(machine, "power").output == "power On (through POST, OSRunning)\n"
    assert run(machine, "power", "off").stdout == "off: power Off (None)\n"
    assert run(machine, "power", "off").stdout == "already so: power Off (None)\n"
    assert run(machine, "power", "on").stdout.startswith("on: power On")
    assert written(machine) == ["POST ComputerSystem.Reset"] * 2
    assert json.loads(run(machine, "power", "--json").output)["power"] == "On"
    assert machine.machine.sessions == {}


def test_power_tells_what_it_would_send(machine: Emulated) -> None:
    lines = run(machine, "power", "off", "--force", "--dry-run").stdout.splitlines()
    assert lines == ['POST /redfish/v1/Systems/437XR1138R2/Actions/ComputerSystem.Reset {"ResetType": "ForceOff"}',
                     "nothing was sent"]
    told = json.loads(run(machine, "power", "restart", "--force", "--dry-run", "--json").output)
    assert [r["body"] for r in told["requests"]] == [{"ResetType": "ForceRestart"}]
    assert written(machine) == []


def test_power_does_not_wait_where_it_is_told_so(machine: Emulated) -> None:
    machine.fault("power-stuck")
    assert run(machine, "power", "restart", "--timeout", "0").exit_code == 0
    assert written(machine) == ["POST ComputerSystem.Reset"]


def test_boot_is_shown_set_taken_back_and_left_alone(machine: Emulated) -> None:
    assert run(machine, "boot", "none").output == "boots as its boot order says\n"
    assert run(machine, "boot", "none").output == "already so: boots as its boot order says\n"
    assert run(machine, "boot", "disk").output == "boots from Hdd at its next boot\n"
    assert run(machine, "boot", "disk").output == "already so: boots from Hdd at its next boot\n"
    shown = run(machine, "boot").output.splitlines()
    assert shown[0] == "boots from Hdd at its next boot; mode UEFI"
    assert shown[1].startswith("can boot from: None, Pxe")
    dry = run(machine, "boot", "Usb", "--dry-run").output
    assert dry.startswith("PATCH /redfish/v1/Systems/437XR1138R2 ") and '"Usb"' in dry and dry.endswith("nothing was sent\n")
    assert json.loads(run(machine, "boot", "--json").output)["target"] == "Hdd"


def test_boot_tells_what_is_possible(machine: Emulated) -> None:
    refused = run(machine, "boot", "tape")
    assert refused.exit_code != 0
    assert "cannot boot from tape, only from None, Pxe" in str(refused.exception)


@pytest.mark.parametrize("words", [("order",), ("pxe", "Boot0001"), ("pxe", "--uri", "http://192.0.2.1/x")])
def test_boot_is_not_guessed(machine: Emulated, words: tuple[str, ...]) -> None:
    assert run(machine, "boot", *words).exit_code == 2


def test_the_boot_order_is_shown_by_name() -> None:
    with serve(RECORDED / SUPERMICRO) as bmc:
        shown = run(bmc, "boot").output
        assert "ORDER  OPTION" in shown
        assert "1      Boot0019" in shown
        last = run(bmc, "boot", "order", "Boot0018")
        assert last.output.startswith("order Boot0018, Boot0019"), last.exception


def test_http_boot_goes_where_the_machine_keeps_it() -> None:
    with serve(RECORDED / HPE) as bmc:
        assert run(bmc, "boot", "http", "--uri", "http://192.0.2.1/boot.efi").exit_code == 0
        assert bmc.machine.pending == {"UrlBootFile": "http://192.0.2.1/boot.efi"}
        assert bmc.machine.boot["BootSourceOverrideTarget"] == "UefiHttp"


def test_the_log_is_shown_and_emptied(machine: Emulated) -> None:
    shown = run(machine, "log").output.splitlines()
    assert shown[0].split() == ["WHEN", "SEVERITY", "LOG", "MESSAGE"]
    assert shown[1].split()[:2] == ["2012-03-07", "14:45:00"]
    assert run(machine, "log", "--since", "1h").output == "no entries\n"
    assert len(json.loads(run(machine, "log", "--json", "-n", "1").output)["entries"]) == 1
    assert run(machine, "log", "--clear", "--log", "Log1", told="n\n").exit_code == 4
    assert "nothing was sent" in run(machine, "log", "--clear", "--dry-run").output
    assert written(machine) == []
    assert run(machine, "log", "--clear", "--log", "Log1", "--yes").output == "emptied: Systems/437XR1138R2/Log1\n"
    assert written(machine) == ["POST LogService.ClearLog"]


@pytest.mark.parametrize(
    ("text", "when"),
    [("2h", datetime(2026, 5, 1, 10, tzinfo=UTC)), ("3 d", datetime(2026, 4, 28, 12, tzinfo=UTC)),
     ("2026-04-01", datetime(2026, 4, 1, tzinfo=UTC)), ("2026-04-01T10:00+02:00", datetime(2026, 4, 1, 8, tzinfo=UTC))],
)
def test_since_is_a_time_or_an_age(text: str, when: datetime) -> None:
    from bpa.cli.bmc.log import _since

    assert _since(text, datetime(2026, 5, 1, 12, tzinfo=UTC)) - when == timedelta(0)


@pytest.mark.parametrize("text", ["soon", "99999999999d", "2026-13-01"])
def test_another_since_is_wrong_use(machine: Emulated, text: str) -> None:
    assert run(machine, "log", "--since", text).exit_code == 2
