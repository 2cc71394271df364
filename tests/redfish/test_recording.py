"""`bpa bmc record`: the whole tree, once, gently, without what identifies the machine; killed, it goes on."""

from __future__ import annotations

import json
import random
import stat
from pathlib import Path
from typing import Any

import pytest
from recording_runs import access, files, record_it
from stub_bmc import ROOT, Reply, Request, StubBmc, error, serve, small_machine

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable
from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.recorder import Limits, record
from bpa.adapters.redfish.target import Target
from bpa.cli import run
from bpa.core.secret import Secret


@pytest.mark.parametrize("seed", range(40))
def test_whatever_a_bmc_says_the_result_is_a_recording_or_one_of_the_four_errors(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    machine = json.loads(json.dumps(small_machine()))
    values = [None, "", "/redfish/v1/../x", 0, -1, 1e308, True, [], {}, [[[{"@odata.id": f"{ROOT}/Systems"}]]], "http://x/",
              "é" * 300, {"@odata.id": 7}, {"@odata.id": f"{ROOT}/{'y/' * 90}"}, {"SerialNumber": {"a": 1}}, {"UUID": ["x"]},
              "\ud800"]
    for _ in range(chance.randint(1, 6)):
        body = machine[chance.choice(list(machine))]
        if isinstance(body, dict) and body:
            key = chance.choice([*body, "@odata.id", "Members@odata.nextLink", "Location", "Registry", "SerialNumber"])
            body[key] = chance.choice(values)
    with serve(StubBmc(machine)) as stub:
        try:
            came = record_it(stub, tmp_path / "in" / "tree")
        except AdapterError:
            return
    assert came.resources == len(files(tmp_path / "in" / "tree"))
    assert [f.name for f in tmp_path.iterdir()] == ["in"] and [f.name for f in (tmp_path / "in").iterdir()] == ["tree"]


def test_a_body_nested_beyond_reason_is_not_taken_in(tmp_path: Path) -> None:
    machine = small_machine()
    machine[f"{ROOT}/systems/1"]["Oem"] = {"@odata.id": f"{ROOT}/Deep"}
    machine[f"{ROOT}/deep"] = b'{"a":' * 400 + b"1" + b"}" * 400
    with serve(StubBmc(machine)) as stub:
        came = record_it(stub, tmp_path / "tree")
    assert came.answers[f"{ROOT}/Deep"] == 200


def test_a_resource_that_is_moved_is_recorded_where_it_was_announced(tmp_path: Path) -> None:
    machine = small_machine()
    machine[f"{ROOT}/systems/1"]["Memory"] = {"@odata.id": f"{ROOT}/Systems/1/Memory"}
    machine[f"{ROOT}/systems/1/dimms"] = {"Name": "moved"}

    def moved(bmc: StubBmc, request: Request) -> Reply | None:
        return Reply(301, None, {"Location": f"{ROOT}/Systems/1/Dimms"}) if request.path.endswith("/Memory") else None

    with serve(StubBmc(machine, fault=moved)) as stub:
        record_it(stub, tmp_path / "tree")
    assert files(tmp_path / "tree")[f"{ROOT}/Systems/1/Memory"] == {"Name": "moved"}


def test_the_layout_is_that_of_dmtf_mockups_with_headers(tmp_path: Path) -> None:
    stub = StubBmc(small_machine(), etags={f"{ROOT}/systems/1": 'W/"7"'})
    with serve(stub):
        record_it(stub, tmp_path / "tree")
    system = tmp_path / "tree/redfish/v1/Systems/1"
    assert json.loads((system / "index.json").read_text())["Model"] == "M1"
    assert json.loads((system / "headers.json").read_text()) == {"GET": {"ETag": 'W/"7"'}}
    assert (system / "Bios/index.json").is_file() and not (tmp_path / "tree/.recording").exists()
    assert json.loads((tmp_path / "tree/recording.json").read_text())["format"] == 1


def test_a_complete_recording_is_left_alone(tmp_path: Path) -> None:
    with serve(StubBmc(small_machine())) as stub:
        first = record_it(stub, tmp_path / "tree")
        asked = len(stub.log)
        again = record_it(stub, tmp_path / "tree")
        assert len(stub.log) == asked
    assert again.already and again.resources == first.resources


def test_a_recording_that_was_cut_off_goes_on_without_asking_twice(tmp_path: Path) -> None:
    stub = StubBmc(small_machine())
    seen: list[str] = []

    def cut(bmc: StubBmc, request: Request) -> Reply | None:
        if request.method == "GET" and request.key == f"{ROOT}/systems/1/bios" and not seen:
            return Reply(200, b"x" * 10, {"Content-Length": "99"}, cut=3)
        return None

    stub.fault = cut
    with serve(stub):
        with pytest.raises(KeyboardInterrupt):
            record_it(stub, tmp_path / "tree", sleep=interrupt)
        assert not (tmp_path / "tree/recording.json").exists()
        pages = tmp_path / "tree/.recording/pages"
        assert stat.S_IMODE(pages.stat().st_mode) == 0o600 and stat.S_IMODE(pages.parent.stat().st_mode) == 0o700
        with pages.open("a") as torn:
            torn.write('{"path": "/redfish/v1/Half')
        stub.log.clear()
        stub.fault = lambda bmc, request: None
        came = record_it(stub, tmp_path / "tree")
        asked = [p for p in stub.asked("GET") if "Systems" in p]
    assert f"{ROOT}/Systems/1" not in asked and f"{ROOT}/Systems/1/Bios" in asked
    assert came.requests < came.resources + len(came.answers)
    assert f"{ROOT}/Systems/1/Bios" in files(tmp_path / "tree")


def interrupt(seconds: float) -> None:
    raise KeyboardInterrupt


def test_a_recording_goes_on_only_with_the_bmc_it_was_begun_with(tmp_path: Path) -> None:
    with serve(StubBmc(small_machine(), fault=lambda b, r: error(503, "no") if "Bios" in r.path else None)) as stub:
        with pytest.raises(KeyboardInterrupt):
            record_it(stub, tmp_path / "tree", sleep=interrupt)
    with serve(StubBmc(small_machine())) as other, pytest.raises(Refused, match="is of http"):
        record_it(other, tmp_path / "tree")


def test_a_directory_with_other_things_in_it_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with serve(StubBmc(small_machine())) as stub, pytest.raises(Refused, match="not empty"):
        record_it(stub, tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == ["letter.txt"]


def test_a_busy_bmc_is_given_the_time_it_asks_for(tmp_path: Path) -> None:
    slept: list[float] = []
    times = iter(range(2))

    def busy(bmc: StubBmc, request: Request) -> Reply | None:
        if request.key == f"{ROOT}/systems" and next(times, None) is not None:
            return error(503, "later", Retry_After="7")
        return None

    with serve(StubBmc(small_machine(), fault=busy)) as stub:
        came = record_it(stub, tmp_path / "tree", sleep=slept.append, clock=lambda: 0.0)
    assert [s for s in slept if s >= 7] and came.answers.get(f"{ROOT}/Systems") is None


def test_one_resource_that_is_always_busy_is_recorded_as_that_and_a_bmc_that_stays_busy_ends_it(tmp_path: Path) -> None:
    with serve(StubBmc(small_machine(), fault=lambda b, r: error(503, "no") if r.path.endswith("/Bios") else None)) as stub:
        came = record_it(stub, tmp_path / "one")
    assert came.answers[f"{ROOT}/Systems/1/Bios"] == 503
    def shut(bmc: StubBmc, request: Request) -> Reply | None:
        return error(503, "no") if request.method == "GET" and request.key != ROOT else None

    with serve(StubBmc(small_machine(), fault=shut)) as stub, pytest.raises(Busy):
        record_it(stub, tmp_path / "all")


def test_nothing_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(Unreachable), Target(BmcAccess("http://127.0.0.1:9", "admin", Secret("x"))) as target:
        record(target, tmp_path / "tree", sleep=interrupt)


def test_errors_of_announced_resources_are_kept_for_the_replay(tmp_path: Path) -> None:
    machine = small_machine()
    machine[f"{ROOT}/systems/1"]["Memory"] = {"@odata.id": f"{ROOT}/Systems/1/Memory"}
    machine[f"{ROOT}/systems/1"]["Storage"] = {"@odata.id": f"{ROOT}/Systems/1/Storage"}
    machine[f"{ROOT}/systems/1/storage"] = b"<html>"
    machine[f"{ROOT}/systems/1"]["Processors"] = {"@odata.id": f"{ROOT}/Systems/1/Processors"}

    def broken(bmc: StubBmc, request: Request) -> Reply | None:
        return error(500, "oops") if request.path.endswith("Processors") else None

    with serve(StubBmc(machine, fault=broken)) as stub:
        came = record_it(stub, tmp_path / "tree")
    assert came.answers.items() >= {
        f"{ROOT}/Systems/1/Memory": 404, f"{ROOT}/Systems/1/Storage": 200, f"{ROOT}/Systems/1/Processors": 500}.items()
    assert json.loads((tmp_path / "tree/recording.json").read_text())["answers"] == came.answers


@pytest.mark.parametrize("link", [
    "http://192.0.2.9/redfish/v1/Systems/2", "//elsewhere/redfish/v1", "/redfish/v1/../../../etc/cron.d/x", "/redfish/v1/.git/x",
    "/recording.json", "/redfish/v1/index.json", "/.recording/pages", f"/redfish/v1/{'x' * 300}", "relative",
    "/redfish/v1/\u0000",
])
def test_links_lead_neither_elsewhere_nor_out_of_the_directory(tmp_path: Path, link: str) -> None:
    machine = small_machine()
    machine[f"{ROOT}/systems/1"]["Links"] = {"Chassis": [{"@odata.id": link}]}
    with serve(StubBmc(machine)) as stub:
        came = record_it(stub, tmp_path / "in/tree")
        assert not any("elsewhere" in p or ".." in p or ".git" in p for p in stub.asked())
    assert sum(came.left_out.values()) == 1
    assert {f.name for f in tmp_path.rglob("*") if f.is_file()} == {"index.json", "headers.json", "recording.json"} or not any(
        f.name == "headers.json" for f in tmp_path.rglob("*"))


def many_members(machine: dict[str, Any], path: str, count: int, page: int = 0) -> None:
    links = [{"@odata.id": f"{path}/{n}"} for n in range(count)]
    key = path.lower()
    machine[key] = {"@odata.id": path, "Members": links[:page] if page else links, "Members@odata.count": count}
    if page:
        machine[key]["Members@odata.nextLink"] = f"{path}?$skip={page}"
        machine[f"{key}?$skip={page}"] = {"Members": links[page:]}
    for n in range(count):
        machine[f"{key}/{n}"] = {"@odata.id": f"{path}/{n}", "Name": str(n)}


def test_floods_are_cut_short_and_said(tmp_path: Path) -> None:
    machine = small_machine()
    system = machine[f"{ROOT}/systems/1"]
    log = f"{ROOT}/Systems/1/LogServices/Log1/Entries"
    system["Log"] = {"@odata.id": log}
    many_members(machine, log, 90)
    system["Drives"] = {"@odata.id": f"{ROOT}/Systems/1/Drives"}
    many_members(machine, f"{ROOT}/Systems/1/Drives", 90)
    with serve(StubBmc(machine)) as stub:
        came = record_it(stub, tmp_path / "a", limits=Limits(log_entries=5))
        assert came.left_out == {"log entries": 85}
        assert record_it(stub, tmp_path / "b", limits=Limits(extras=frozenset({"logs"}))).left_out == {}
        few = record_it(stub, tmp_path / "c", limits=Limits(resources=20))
    assert few.resources <= 20 and few.left_out["limit of resources"] > 0


def test_the_pages_of_a_collection_become_one(tmp_path: Path) -> None:
    machine = small_machine()
    machine[f"{ROOT}/systems/1"]["Drives"] = {"@odata.id": f"{ROOT}/Systems/1/Drives"}
    many_members(machine, f"{ROOT}/Systems/1/Drives", 7, page=4)
    stub = StubBmc(machine)
    # The stub finds resources without their query.
    second = machine.pop(f"{ROOT}/systems/1/drives?$skip=4")
    stub.fault = lambda bmc, request: Reply(200, second) if "skip" in request.path else None
    with serve(stub):
        record_it(stub, tmp_path / "tree")
    whole = files(tmp_path / "tree")[f"{ROOT}/Systems/1/Drives"]
    assert len(whole["Members"]) == 7 and "Members@odata.nextLink" not in whole


def test_a_wrong_password_is_tried_once_and_leaves_nothing_half(tmp_path: Path) -> None:
    with serve(StubBmc(small_machine())) as stub:
        with pytest.raises(Refused), Target(access(stub, "wrong")) as target:
            record(target, tmp_path / "tree", sleep=interrupt)
        assert stub.refused == 1


def test_the_password_is_in_no_file_even_where_the_bmc_echoes_it(tmp_path: Path) -> None:
    machine = small_machine()
    machine[f"{ROOT}/systems/1"]["Description"] = "last login with s3cret-pw by admin"
    with serve(StubBmc(machine, password="s3cret-pw")) as stub, Target(access(stub, "s3cret-pw")) as target:
        record(target, tmp_path / "tree", per_second=1e6)
    assert "s3cret-pw" not in "".join(f.read_text() for f in tmp_path.rglob("*") if f.is_file())


def test_requests_are_no_closer_than_asked(tmp_path: Path) -> None:
    now = [0.0]
    with serve(StubBmc(small_machine())) as stub:
        came = record_it(stub, tmp_path / "tree", per_second=2.0, clock=lambda: now[0],
                         sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    assert now[0] >= (came.requests - 1) / 2.0


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPA_BMC_USER", "admin")
    monkeypatch.setenv("BPA_BMC_PASSWORD", "right")


def test_the_command_records_and_says_what_it_took_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], credentials: None
) -> None:
    with serve(StubBmc(small_machine())) as stub:
        assert run(["bmc", "record", stub.address, str(tmp_path / "tree"), "--per-second", "1000"]) == 0
        said = capsys.readouterr().out
        assert "resources" in said and "announced and not served" in said
        assert run(["bmc", "record", stub.address, str(tmp_path / "tree"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["already"] is True


def test_a_kind_that_does_not_exist_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], credentials: None
) -> None:
    assert run(["bmc", "record", "192.0.2.1", str(tmp_path / "tree"), "--keep", "serials,passwords"]) == 64
    assert "passwords" in capsys.readouterr().err
