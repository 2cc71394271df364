"""Section minimum of a HardwareProfile as it is read; what is refused is in bad/minimum.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bpa.core.host.hardware.generations import GENERATIONS
from bpa.core.want import DisksWant, Minimum, NicsWant
from bpa.documents.gathering import Findings, gather
from bpa.documents.profiles import read_profile

GIB = 1 << 30
SCHEMA = Path(__file__).parents[2] / "bpa" / "documents" / "schema" / "hardwareprofile.yaml"


def read(tmp_path: Path, spec: str) -> tuple[Minimum, list[str]]:
    (tmp_path / "p.yaml").write_text(
        f"apiVersion: bpa.akraino.org/v1alpha1\nkind: HardwareProfile\nmetadata: {{name: p}}\nspec: {spec}\n")
    findings = Findings()
    profile, problems = read_profile(gather(tmp_path / "p.yaml", findings)[0])
    return profile.minimum, [one.text for one in (*findings.problems, *problems)]


def test_everything_is_read(tmp_path: Path) -> None:
    least, problems = read(tmp_path, """
    minimum:
      cpuGeneration: cascadelake
      sockets: 2
      cores: 40
      cpus: 80
      memory: 384Gi
      persistentMemory: 1512Gi
      disk: 400G
      disks: [{class: nvme, size: 1.6T, count: 2}, {class: ssd}]
      nics: [{device: "8086:158B", count: 2, firmware: "8.15"}, {speed: 1000}, {}]
      bios: U30 v2.36
      bmc: "2.72" """)
    assert not problems
    assert least == Minimum(
        80, 384 * GIB, 400 * 10**9, "cascadelake", 2, 40, 1512 * GIB, (DisksWant("nvme", 1600 * 10**9, 2), DisksWant("ssd")),
        (NicsWant("8086:158b", 0, 2, "8.15"), NicsWant("", 1000), NicsWant()), "U30 v2.36", "2.72")


def test_what_is_not_said_is_not_asked(tmp_path: Path) -> None:
    assert read(tmp_path, "{minimum: {}}") == (Minimum(), [])
    assert read(tmp_path, "{}") == (Minimum(), [])


@pytest.mark.parametrize(("spec", "problem"), [
    ("{minimum: {cores: 16, cpus: 8}}", "16 cores are at least 16 CPUs"),
    ("{minimum: {cores: 16, cpus: 33}}", "16 cores run 32 CPUs at most"),
    ("{minimum: {sockets: 4, cores: 2}}", "4 CPUs have 4 cores at least"),
    ("{minimum: {cores: 16, cpus: 32}, bios: {intents: {hyperthreading: false}}}", "without hyperthreading 16 cores are 16 CPUs"),
    ("{minimum: {cpuGeneration: milan}, kernel: {arguments: [intel_iommu=on]}}", "is for processors of Intel"),
    ("{minimum: {cpuGeneration: icelake}, kernel: {arguments: [amd_iommu=on]}}", "is for processors of AMD"),
])  # fmt: skip
def test_what_contradicts_itself_is_refused(tmp_path: Path, spec: str, problem: str) -> None:
    _, problems = read(tmp_path, spec)
    assert len(problems) == 1 and problem in problems[0], problems


@pytest.mark.parametrize("spec", [
    "{minimum: {cores: 16, cpus: 32}}", "{minimum: {cores: 16, cpus: 16}, bios: {intents: {hyperthreading: false}}}",
    "{minimum: {cpuGeneration: milan}, kernel: {arguments: [amd_iommu=on]}}",
    "{minimum: {cpus: 8, sockets: 2}}",
])  # fmt: skip
def test_what_can_be_is_accepted(tmp_path: Path, spec: str) -> None:
    assert read(tmp_path, spec)[1] == []


def test_the_schema_names_the_generations_that_can_be_judged() -> None:
    schema = yaml.safe_load(SCHEMA.read_text("utf-8"))["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    section = schema["properties"]["spec"]["properties"]["minimum"]["properties"]
    assert section["cpuGeneration"]["enum"] == list(GENERATIONS)


def test_two_minimums_are_met_by_what_meets_both() -> None:
    one, other = Minimum(4, 8 * GIB, generation="rome", disks=(DisksWant("ssd"),)), Minimum(8, 2 * GIB, 1, bios="2.1")
    assert one.larger(other) == Minimum(8, 8 * GIB, 1, "rome", disks=(DisksWant("ssd"),), bios="2.1")
