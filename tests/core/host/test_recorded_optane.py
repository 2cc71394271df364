"""Servers with Optane, by the outputs of ipmctl and ndctl that DAOS recorded: probes, parsers, verdicts. Checked by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from recorded_hosts import RECORDED, RecordedHost, recorded

from bpa.core.host import pmem
from bpa.core.host.pmem import goal
from bpa.core.host.pmem.ipmctl import Ipmctl, look_ipmctl
from bpa.core.host.pmem.nvdimm import look_nvdimm
from bpa.core.host.pmem.persistent import Nvdimm
from bpa.core.steps import RunOnHost
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import GoalWant, HostWant, ModulesWant, NamespaceWant, Profile

pytestmark = recorded
DAOS = RECORDED / "daos"
GIB, MIB = 1 << 30, 1 << 20
# DAOS names the blocks by what they are for: two empty regions, the namespaces of each, ..., one region that is full.
SETS, EMPTY, OF_REGION1, OF_REGION0, _, NEGATIVE, FULL = range(7)
MODULES = ("0x1001", "0x1101", "0x0001", "0x0101")


def block(number: int) -> str:
    return (DAOS / "mocks.blocks.txt").read_text().split("=====")[number]


def regions(number: int, namespaces: dict[str, int] | None = None) -> list[dict[str, Any]]:
    """The recorded regions, with the recorded namespaces in them, as `ndctl list -R -N` nests them."""
    found: list[dict[str, Any]] = json.loads(block(number))
    for region in found:
        if of := (namespaces or {}).get(region["dev"]):
            region["namespaces"] = json.loads(block(of))
            left = region["size"] - sum(one["size"] for one in region["namespaces"])
            # What DAOS leaves free of a region that it divides: less than one more namespace.
            region |= {"available_size": left // (16 * MIB) * 16 * MIB, "max_available_extent": left // (16 * MIB) * 16 * MIB}
    return found


def server(tmp_path: Path, of: list[dict[str, Any]]) -> RecordedHost:
    """ndctl and ipmctl answer what was recorded; sysfs shows the regions and modules that it tells of."""
    host = RecordedHost(tmp_path)
    for number, region in enumerate(of):
        where = f"/sys/bus/nd/devices/{region['dev']}"
        host.put(f"{where}/nstype", "5\n")
        for slot in range(4):
            host.put(f"{where}/mapping{slot}", f"nmem{number * 4 + slot},0,270582939648,{slot}\n")
            host.put(f"/sys/bus/nd/devices/nmem{number * 4 + slot}/devtype", "nvdimm\n")
        for namespace in region.get("namespaces", ()):
            # The usable size is what struct pages and the info block (2 MiB and up) leave of it; sysfs shows it whole.
            raw = region["size"] if len(region["namespaces"]) == 1 else region["size"] // 2
            host.put(f"/sys/bus/nd/devices/{namespace['dev']}/size", f"{raw}\n")
    (tmp_path / "ndctl.json").write_text(json.dumps({"regions": of}))
    host.script("ndctl", f'case $* in *-D*) ;; *) cat "{tmp_path}/ndctl.json";; esac\n')
    host.script("ipmctl", f'case $* in *-dimm*) cat "{DAOS}/ipmctl_dimm_test.blocks.txt";; *-region*) '
                          f'cat "{tmp_path}/sets";; *) echo "There are no goal configs defined in the system.";; esac\n')
    (tmp_path / "sets").write_text(block(SETS))
    host.put("/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n")
    return host


def seen(host: RecordedHost) -> Nvdimm:
    found = look_nvdimm(host.look("pmem"))
    assert isinstance(found, Nvdimm), found
    return found


def judged(host: RecordedHost, *asked: NamespaceWant) -> Verdict:
    return pmem.READY.check(want(pmem=asked), host.look("pmem", "ipmctl"))


def want(**profile: Any) -> HostWant:
    return HostWant("node1", "https://192.0.2.1", "", None, Profile(**profile))


def test_empty_regions_of_two_sockets(tmp_path: Path) -> None:
    found = seen(server(tmp_path, regions(EMPTY)))
    assert [(one.dev, one.size, one.available, one.largest, one.align, one.labelled, one.dimms) for one in found.regions] == [
        ("region1", 1008 * GIB, 1008 * GIB, 1008 * GIB, 16 * MIB, True, ("nmem0", "nmem1", "nmem2", "nmem3")),
        ("region0", 1008 * GIB, 1008 * GIB, 1008 * GIB, 16 * MIB, True, ("nmem4", "nmem5", "nmem6", "nmem7"))]
    assert found.tool and not found.dimms and not found.contents


def test_an_interleave_set_id_may_be_negative(tmp_path: Path) -> None:
    """ndctl prints 64 bits as they come: -1989147235780849392 is 16457596837928702224."""
    assert [one.dev for one in seen(server(tmp_path, regions(NEGATIVE))).regions] == ["region1", "region0"]


def test_two_namespaces_on_each_region(tmp_path: Path) -> None:
    found = seen(server(tmp_path, regions(EMPTY, {"region1": OF_REGION1, "region0": OF_REGION0})))
    told = [(one.dev, one.mode, one.size, one.raw, one.block, one.align, one.sector, one.name)
            for region in found.regions for one in region.namespaces]
    assert told == [
        ("namespace1.0", "fsdax", 532708065280, 504 * GIB, "pmem1", 2 * MIB, 512, ""),
        ("namespace1.1", "fsdax", 532708065280, 504 * GIB, "pmem1.1", 2 * MIB, 512, ""),
        ("namespace0.0", "fsdax", 532708065280, 504 * GIB, "pmem0", 2 * MIB, 512, ""),
        ("namespace0.1", "fsdax", 532708065280, 504 * GIB, "pmem0.1", 2 * MIB, 512, "")]


def test_a_region_of_which_all_is_one_namespace(tmp_path: Path) -> None:
    free, full = seen(server(tmp_path, regions(FULL))).regions
    assert (free.dev, free.available, free.namespaces) == ("region1", 1004 * GIB, ())
    (only,) = full.namespaces
    assert (full.available, full.largest, only.dev, only.raw, only.size) == (
        0, 0, "namespace0.0", 1004 * GIB, 1061190369280)


@pytest.mark.parametrize(("asked", "reason"), [
    (NamespaceWant("region0", name="data"), "region0 has 0 bytes free in one piece, 16 MiB are asked; it holds namespace0.0 "
                                            "(no name) fsdax 1004 GiB"),
    (NamespaceWant("region0", size=GIB), "region0 has 0 bytes free in one piece, 1 GiB are asked"),
    (NamespaceWant("region1", size=1005 * GIB), "region1 has 1004 GiB free in one piece, 1005 GiB are asked; it holds nothing"),
    (NamespaceWant("region1", size=8 * MIB), "8 MiB is no multiple of 16 MiB, in which region1 is divided"),
])
def test_what_does_not_fit_beside_what_is_there(tmp_path: Path, asked: NamespaceWant, reason: str) -> None:
    verdict = judged(server(tmp_path, regions(FULL)), asked)
    assert isinstance(verdict, Stuck) and reason in verdict.reason
    assert "namespace0.0" not in verdict.advice, "nobody is told to destroy it"


def test_all_of_the_free_region_is_taken(tmp_path: Path) -> None:
    verdict = judged(server(tmp_path, regions(FULL)), NamespaceWant("region1", name="data"))
    assert isinstance(verdict, Act) and isinstance(verdict.step, RunOnHost) and not verdict.step.erases
    assert verdict.step.argv[4:] == ("--region", "region1", "--mode", "fsdax", "--size", "1078036791296", "--name", "data")


def test_the_namespace_that_is_there_is_taken_as_it_is(tmp_path: Path) -> None:
    host = server(tmp_path, regions(FULL))
    assert judged(host, NamespaceWant("region0")) == Met("namespace0.0 fsdax 1004 GiB")
    # The look was not told what lies on it, so the step asks once more before it makes a file system.
    verdict = judged(host, NamespaceWant("region0", filesystem="ext4", mount_point="/mnt/pmem0"))
    assert isinstance(verdict, Act) and isinstance(verdict.step, RunOnHost)
    assert "blkid -p" in verdict.step.argv[2] and verdict.step.argv[4] == "/dev/pmem0"


def test_both_halves_of_a_region_are_met(tmp_path: Path) -> None:
    host = server(tmp_path, regions(EMPTY, {"region1": OF_REGION1, "region0": OF_REGION0}))
    half = NamespaceWant("region1", size=504 * GIB)
    assert judged(host, half, half) == Met("namespace1.0 fsdax 504 GiB, namespace1.1 fsdax 504 GiB")
    third = judged(host, half, half, half)
    assert isinstance(third, Stuck) and "it holds namespace1.0 (no name) fsdax 504 GiB, namespace1.1" in third.reason


@pytest.mark.parametrize(("text", "reason"), [
    ('{"dev":"foo\n', "the answer of `ndctl list` is not understood: JSONDecodeError"),
    ("ndctl: command failed\n", "the answer of `ndctl list` is not understood: JSONDecodeError"),
])
def test_broken_json_of_ndctl_is_told(tmp_path: Path, text: str, reason: str) -> None:
    """The first is a block of DAOS' own tests."""
    host = server(tmp_path, regions(EMPTY))
    (tmp_path / "ndctl.json").write_text(text)
    verdict = judged(host, NamespaceWant("region0"))
    assert isinstance(verdict, Stuck) and reason in verdict.reason


def test_modules_and_interleave_set(tmp_path: Path) -> None:
    found = look_ipmctl(server(tmp_path, regions(EMPTY)).look("ipmctl"))
    assert isinstance(found, Ipmctl) and found.tool and found.present
    assert [(one.id, one.socket, one.uid, one.health, one.firmware, round(one.capacity / GIB, 3)) for one in found.modules] == [
        ("0x1001", 1, "8089-a2-1839-00001105", "Healthy", "01.00.00.5127", 502.599),
        ("0x1101", 1, "8089-a2-1839-00001112", "Healthy", "01.00.00.5127", 502.599),
        ("0x0001", 0, "8089-a2-1839-000010ce", "Healthy", "01.00.00.5127", 502.599),
        ("0x0101", 0, "8089-a2-1839-000010e7", "Healthy", "01.00.00.5127", 502.599)]
    (one,) = found.sets
    assert (one.socket, one.kind, one.capacity, one.health) == (0, "AppDirect", 1008 * GIB, "Healthy")
    assert one.modules == ("0x0001", "0x0011", "0x0101", "0x0111", "0x0201", "0x0211", "0x0301", "0x0311")
    assert not found.waiting and found.record is None


@pytest.mark.parametrize(("least", "old"), [
    ("01.00.00.5127", ()), ("01.00.00.5126", ()), ("01.02.00.5446", MODULES), ("02.00.00.0000", MODULES)])
def test_firmware_of_the_modules_is_compared_by_its_numbers(tmp_path: Path, least: str, old: tuple[str, ...]) -> None:
    verdict = pmem.FIT.check(want(pmem_modules=ModulesWant(least)), server(tmp_path, regions(EMPTY)).look("pmem", "ipmctl"))
    if not old:
        assert isinstance(verdict, Met)
    else:
        assert isinstance(verdict, Stuck) and verdict.reason == (
            f"firmware of persistent-memory modules is older than {least}: "
            + ", ".join(f"{module} 01.00.00.5127" for module in old))


@pytest.mark.parametrize("output", ["", "<DimmList>\n</DimmList>\n", '<?xml version="1.0"?>\n <RegionList>\n'])
def test_sets_that_ipmctl_does_not_tell_are_none(tmp_path: Path, output: str) -> None:
    host = server(tmp_path, regions(EMPTY))
    (tmp_path / "sets").write_text(output)
    found = look_ipmctl(host.look("ipmctl"))
    assert isinstance(found, Ipmctl) and found.sets == () and len(found.modules) == 4


def test_a_goal_for_a_socket_that_has_no_modules(tmp_path: Path) -> None:
    host = server(tmp_path, regions(EMPTY))
    verdict = goal.STAGED.check(want(pmem_goals=(GoalWant(socket=2),)), host.look())
    assert isinstance(verdict, Stuck)
    assert verdict.reason == "socket 2 has no persistent-memory modules; sockets with some: 0, 1"
