"""docs/profiles/fields.md: every field of the schema, what it may be, and what holds without it, as the code has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bpa import documents
from bpa.core.want import Profile
from bpa.documents.profile_fields import fields_page
from bpa.documents.profile_pages import FIELDS, INDEX, pages
from bpa.documents.schema import crd_texts

ROOT = Path(__file__).parents[2]
PAGES = pages(ROOT / "profiles")
CRD = yaml.safe_load(crd_texts()["hardwareprofile.yaml"])
SPEC = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `(.*?)` \| (.*?) \| (.*?) \| (.*?) \|$", PAGES[FIELDS], re.MULTILINE)}

SHORT = """\
software: {packages: [jq], registries: {docker.io: {mirrors: ["http://192.0.2.1"]}}}
hardening: {}
pmemGoal: {sockets: [{socket: 0}, {socket: 1, memoryMode: 100}], memoryMode: 0}
pmem: [{region: region0, size: 1Gi}]
kata: {required: true}
minimum: {disks: [{class: ssd}], nics: [{speed: 25000}]}
"""
LONG = """\
software: {packages: [jq], imageSources: true, registries: {docker.io: {mirrors: ["http://192.0.2.1"], fallback: true}}}
hardening: {profile: none}
pmemGoal: {sockets: [{socket: 0, memoryMode: 0, interleaved: true}, {socket: 1, memoryMode: 100}], interleaved: true}
pmem: [{region: region0, size: 1Gi, mode: fsdax}]
kata: {required: true, containerd: judged}
minimum: {disks: [{class: ssd, count: 1}], nics: [{speed: 25000, count: 1}]}
"""


def paths(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Every field below a schema that names its fields."""
    if schema.get("type") == "array":
        yield from paths(schema.get("items", {}), f"{path}[]")
    for name, field in schema.get("properties", {}).items():
        below = f"{path}.{name}" if path else name
        yield below
        yield from paths(field, below)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from paths(schema["additionalProperties"], f"{path}.NAME")


def profile_of(tmp_path: Path, spec: str) -> Profile:
    head = "apiVersion: bpa.akraino.org/v1alpha1\nkind: HardwareProfile\nmetadata: {name: edge}\nspec:\n"
    tmp_path.mkdir()
    host = (ROOT / "tests/documents/good.yaml").read_text()
    (tmp_path / "site.yaml").write_text(host.replace("  annotations:\n", "  annotations:\n    bpa.akraino.org/profile: edge\n"))
    (tmp_path / "profile.yaml").write_text(head + "".join(f"  {line}\n" for line in spec.splitlines()))
    return next(iter(documents.load(tmp_path).hosts)).want.profile


def test_every_field_of_the_schema_is_there_once() -> None:
    assert len(ROWS) == PAGES[FIELDS].count("\n| `")
    for path in paths(SPEC):
        if "." in path:
            assert path in ROWS
        else:
            assert f"\n## {path}\n\n" in PAGES[FIELDS]


def test_every_field_has_a_meaning() -> None:
    assert not [path for path, (value, _, meaning) in ROWS.items() if not meaning or not value]
    assert all(field.get("description") for field in SPEC["properties"].values())


def test_a_row_tells_bounds_choices_and_what_must_be_given() -> None:
    assert ROWS["kernel.hugepages[].size"] == ("`2Mi`, `1Gi`", "must be given", "the size of a page")
    assert ROWS["kernel.hugepages[].node"][:2] == ("0 to 1023", "the whole machine")
    assert ROWS["minimum.memory"] == ("a quantity", "", "bytes of main memory, such as 64Gi")
    assert ROWS["software.registries.NAME.fallback"][:2] == ("`true` or `false`", "`true`")


def test_what_is_said_to_hold_where_a_field_is_absent_is_what_the_code_takes(tmp_path: Path) -> None:
    short = profile_of(tmp_path / "short", SHORT)
    assert short.kata and len(short.pmem) == 1 and short == profile_of(tmp_path / "long", LONG)
    for line in ("software.imageSources", "hardening.profile", "pmemGoal.interleaved", "pmemGoal.memoryMode", "pmem[].mode",
                 "pmemGoal.sockets[].memoryMode", "pmemGoal.sockets[].interleaved", "kata.containerd", "minimum.disks[].count",
                 "minimum.nics[].count", "software.registries.NAME.fallback"):
        assert ROWS[line][1].startswith("`"), line


def test_a_pipe_in_a_description_does_not_break_the_table() -> None:
    field = {"type": "string", "description": "c|d"}
    text = fields_page({"properties": {"a": {"description": "x", "properties": {"b": field}}}}, "")
    assert "| `a.b` | text |  | c\\|d |" in text


def test_the_index_leads_to_it() -> None:
    assert f"({FIELDS})" in PAGES[INDEX]
