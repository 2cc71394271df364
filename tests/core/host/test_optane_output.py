"""What ipmctl and ndctl print is read: on this machine, as recorded on Optane servers, and in their older and newer forms."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpa.core.host.pmem.ipmctl import PROBES, parse_ipmctl
from bpa.core.host.pmem.ipmctl_output import records, size_of
from bpa.core.host.pmem.nvdimm import PROBES as NVDIMM
from bpa.core.host.pmem.nvdimm import parse_nvdimm
from bpa.core.host.probe import sections

RECORDED = Path(__file__).parents[3] / ".recorded" / "hostfacts" / "daos"
recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded hosts are not unpacked: see .ci/run")


@pytest.mark.parametrize("argv", [PROBES["ipmctl"], NVDIMM["pmem"]])
def test_the_probes_end_well_on_any_machine(argv: tuple[str, ...]) -> None:
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    parse_ipmctl(sections(ran.stdout))


@recorded
def test_modules_of_a_recorded_server() -> None:
    seen = parse_ipmctl({"tool": "/usr/bin/ipmctl", "modules": (RECORDED / "ipmctl_dimm_test.blocks.txt").read_text()})
    assert [(one.id, one.socket, one.uid) for one in seen.modules] == [
        ("0x1001", 1, "8089-a2-1839-00001105"), ("0x1101", 1, "8089-a2-1839-00001112"),
        ("0x0001", 0, "8089-a2-1839-000010ce"), ("0x0101", 0, "8089-a2-1839-000010e7")]
    assert {(one.capacity >> 30, one.health, one.firmware) for one in seen.modules} == {(502, "Healthy", "01.00.00.5127")}


@recorded
def test_regions_of_a_recorded_server() -> None:
    blocks = (RECORDED / "mocks.blocks.txt").read_text().split("=====")
    (one,) = parse_ipmctl({"sets": blocks[0]}).sets
    assert (one.socket, one.kind, one.capacity, len(one.modules)) == (0, "AppDirect", 1008 << 30, 8)
    seen = parse_nvdimm({"ndctl": blocks[1]})
    assert [(region.dev, region.size, region.largest, region.align) for region in seen.regions] == [
        ("region1", 1082331758592, 1082331758592, 16 << 20), ("region0", 1082331758592, 1082331758592, 16 << 20)]
    used = parse_nvdimm({"ndctl": blocks[-1]})
    (namespace,) = used.regions[1].namespaces
    assert (namespace.dev, namespace.mode, namespace.align, used.regions[1].largest) == ("namespace0.0", "fsdax", 2 << 20, 0)


@pytest.mark.parametrize(("text", "size"), [
    ("502.599 GiB", 539661567000), ("126,000 GiB", 126 << 30), ("135744782336 B", 135744782336), ("0.000 GiB", 0), ("0", 0),
    ("N/A", 0), ("1.5 TB", 1_500_000_000_000), ("", 0)])
def test_sizes(text: str, size: int) -> None:
    assert abs(size_of(text) - size) < 1 << 20


def test_modules_by_ndctl_with_health_security_and_flags() -> None:
    said = [{"dev": "nmem0", "id": "8089-a2-1839-000010ce", "handle": "0x1001", "security": "unlocked", "security_frozen": True,
             "flag_failed_save": True, "health": {"health_state": "critical", "new": {}}, "firmware": {"current_version": "0x1"}}]
    for text in (json.dumps(said), json.dumps({"dimms": said}), json.dumps(said[0])):
        (one,) = parse_nvdimm({"ndctl": "[]", "dimms": text}).dimms
        assert (one.module, one.health, one.security, one.frozen, one.flags) == (
            "0x1001", "critical", "unlocked", True, ("failed_save",))


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_output_however_odd_is_a_crash(modules: str, goals: str) -> None:
    parse_ipmctl({"tool": "x", "modules": modules, "goals": goals, "sets": modules, "record": goals})
    list(records(modules + "<Dimm><DimmID>1</DimmID></Dimm>", "Dimm"))
