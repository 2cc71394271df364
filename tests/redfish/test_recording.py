"""`bpa bmc record`: the whole tree, once, gently, without what identifies the machine; killed, it goes on."""

from __future__ import annotations

import json
import random
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from stub_bmc import RECORDED, ROOT, Reply, Request, StubBmc, error, serve, small_machine

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.bmc import ALL
from bpa.adapters.redfish.recorder import Limits, Recording, record
from bpa.adapters.redfish.target import Target
from bpa.cli import run
from bpa.core.secret import Secret
from bpa.lab import recorded as lab

MACHINES: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("recorded.yaml").read_text())
needs_recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")


def access(stub: StubBmc | lab.Emulated, password: str = "right") -> BmcAccess:
    return BmcAccess(stub.address, "admin", Secret(password))


def record_it(stub: StubBmc | lab.Emulated, folder: Path, **options: Any) -> Recording:
    with Target(access(stub)) as target:
        return record(target, folder, **{"per_second": 1e6, "sleep": lambda seconds: None, **options})


def files(folder: Path) -> dict[str, Any]:
    """Path -> body of every index.json."""
    return {f"/{f.parent.relative_to(folder).as_posix()}": json.loads(f.read_text()) for f in folder.rglob("index.json")}


@pytest.fixture(scope="module", params=MACHINES)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, Recording]]:
    folder = tmp_path_factory.mktemp("recording") / "tree"
    with lab.serve(RECORDED / request.param) as bmc:
        came = record_it(bmc, folder)
        assert {r.method for r in bmc.log} <= {"GET", "POST", "DELETE"} and not bmc.machine.sessions
    yield request.param, folder, came


@needs_recorded
def test_a_recording_of_a_recorded_machine_is_the_same_machine(recorded: tuple[str, Path, Recording]) -> None:
    name, folder, came = recorded
    assert came.resources == len(files(folder)) > 100
    with lab.serve(RECORDED / name) as served, Bmc(access(served)) as bmc:
        before = bmc.look(ALL)
    with lab.serve(folder) as served, Bmc(access(served)) as bmc:
        after = bmc.look(ALL)
    for same in ("power", "model", "manufacturer", "cpus", "memory_mib", "boot_progress", "bios_version"):
        assert getattr(after, same) == getattr(before, same), same
    for many in ("drives", "dimms", "adapters", "macs"):
        assert len(getattr(after, many)) == len(getattr(before, many)), many
    assert after.bios is not None and before.bios is not None and len(after.bios) == len(before.bios)
    assert set(after.unread) == set(before.unread)


@needs_recorded
def test_no_identity_of_a_recorded_machine_is_in_its_recording(recorded: tuple[str, Path, Recording]) -> None:
    name, folder, _ = recorded
    written = "\n".join(f.read_text() for f in folder.rglob("*") if f.is_file()).lower()
    written += "\n".join(str(f) for f in folder.rglob("*")).lower()
    due = MACHINES[name]
    for key in ("uuid", "serial", "service_tag", "mac"):
        value = str(due.get(key, "")).lower()
        assert not value or value not in written, key
    for found in identities(RECORDED / name):
        assert found.lower() not in written, found


def identities(tree: Path) -> set[str]:
    """Serials, MACs and UUIDs of a tree, found by another way than the redactor's: plain text search."""
    text = "\n".join(f.read_text() for f in tree.rglob("index.json") if "Sessions" not in f.parts and "Entries" not in f.parts)
    serials = set(re.findall(r'"(?:SerialNumber|ServiceTag)": *"([A-Z0-9]{7,})"', text))
    uuids = set(re.findall(r'"UUID": *"([0-9a-fA-F-]{36})"', text))
    macs = set(re.findall(r'"(?:Permanent)?MACAddress": *"((?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2})"', text))
    known = {s for s in serials if any(c.isdigit() for c in s) and len(set(s)) > 2}
    return {v for v in known | uuids | macs if len(set(v) - set(":-")) > 1}


@needs_recorded
def test_a_recording_holds_the_registry_of_the_bios_and_no_schemas(recorded: tuple[str, Path, Recording]) -> None:
    name, folder, _ = recorded
    paths = [p.lower() for p in files(folder)]
    if name.startswith(("dell", "hpe", "lenovo", "supermicro")):
        bodies = files(folder).values()
        assert any(isinstance(b.get("RegistryEntries"), dict) and b["RegistryEntries"].get("Attributes") for b in bodies)
    assert not any("/jsonschemas/" in p for p in paths)


@needs_recorded
def test_headers_of_a_vendor_are_kept_and_those_of_the_moment_are_not(recorded: tuple[str, Path, Recording]) -> None:
    _, folder, _ = recorded
    headers = json.loads((folder / "redfish/v1/headers.json").read_text())["GET"]
    assert {"content-type", "odata-version"} <= {name.lower() for name in headers}
    assert not {"date", "set-cookie", "x-auth-token", "content-length"} & {name.lower() for name in headers}


@needs_recorded
@pytest.mark.parametrize("trouble", [
    "503-once=3", "unauthorized-mid-look=20", "session-limit", "no-etags", "html-errors", "expand-broken", "clock-jump=86400"])
def test_a_bmc_in_trouble_is_recorded_whole(tmp_path: Path, trouble: str) -> None:
    with lab.serve(RECORDED / "intel-s2600bpb-bmc-1.93") as bmc:
        well = record_it(bmc, tmp_path / "well")
        bmc.fault(trouble)
        ill = record_it(bmc, tmp_path / "ill", parallel=2)
    assert (ill.resources, ill.answers, ill.left_out) == (well.resources, well.answers, well.left_out)


@needs_recorded
def test_a_storm_of_503_is_waited_out_at_its_own_pace(tmp_path: Path) -> None:
    slept: list[float] = []

    with lab.serve(RECORDED / "intel-s2600bpb-bmc-1.93") as bmc:
        def calm(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) > 2:
                bmc.fault("503-storm=9", on=False)

        with Target(access(bmc)) as target:
            target.system()
            bmc.fault("503-storm=9")
            came = record(target, tmp_path / "tree", per_second=1e6, sleep=calm)
    assert came.resources > 90 and max(slept) > 8


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
