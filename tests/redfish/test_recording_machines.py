"""`bpa bmc record` of the recorded machines: what comes out is the same machine, and nobody can tell which it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from recording_runs import access, files, record_it
from stub_bmc import RECORDED

from bpa.adapters.redfish import Bmc
from bpa.adapters.redfish.bmc import ALL
from bpa.adapters.redfish.recorder import Recording, record
from bpa.adapters.redfish.target import Target
from bpa.lab import recorded as lab

MACHINES: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("recorded.yaml").read_text())
needs_recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")


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
