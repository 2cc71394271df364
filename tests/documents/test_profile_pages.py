"""docs/profiles/: a page for each profile, made from its own comments, and current."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bpa import documents
from bpa.documents.profile_comments import parse_profile
from bpa.documents.profile_pages import FIELDS, INDEX, pages, write_pages

ROOT = Path(__file__).parents[2]
PROFILES = sorted((ROOT / "profiles").glob("*.yaml"))
NOW = pages(ROOT / "profiles")

COMMENTED = """\
# What it is
# for. And more.
#
# A second paragraph.
apiVersion: bpa.akraino.org/v1alpha1
kind: HardwareProfile
metadata:
  name: edge
spec:
  # What KVM
  # must do.
  virtualization:
    nested: required            # as asked
  kernel:
    # They are added.
    arguments:
      - quiet
      - 'opt="a #b"'            # of quotes
    hugepages:
      # Of the first node.
      - {size: 2Mi, count: 32}  # for one guest
      - size: 1Gi
        # Two.
        count: 2
"""


def test_the_pages_are_current() -> None:
    there = {path.name: path.read_text("utf-8") for path in (ROOT / "docs/profiles").glob("*.md")}
    assert there == NOW, "run `make docs`"


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_page_has_the_whole_profile_and_each_of_its_values(profile: Path) -> None:
    page, spec = NOW[f"{profile.stem}.md"], yaml.safe_load(profile.read_text())["spec"]
    assert profile.read_text().strip() in page
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == [*spec, "The file"]
    rows = [line for line in page.splitlines() if line.startswith("| `")]

    def leaves(value: object) -> int:
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 1 if inside is None else sum(map(leaves, inside))

    assert len(rows) == leaves(spec)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_every_value_of_a_profile_is_explained(profile: Path) -> None:
    unexplained = [line for line in NOW[f"{profile.stem}.md"].splitlines() if line.endswith("|  |")]
    assert not unexplained, "write a comment beside it"


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_profile_is_accepted_as_it_stands(profile: Path, tmp_path: Path) -> None:
    host = (ROOT / "tests/documents/good.yaml").read_text()
    (tmp_path / "site.yaml").write_text(host)
    (tmp_path / "profile.yaml").write_text(profile.read_text())
    assert documents.load(tmp_path).hosts


def test_the_index_names_each_profile_by_its_first_sentence() -> None:
    listed = re.findall(r"^- \[(.*)\]\((.*)\.md\): .+\.$", NOW[INDEX], re.MULTILINE)
    assert listed == [(path.stem, path.stem) for path in PROFILES]


def test_comments_belong_to_the_key_that_they_stand_at() -> None:
    one = parse_profile(COMMENTED)
    assert (one.name, one.introduction) == ("edge", ("What it is for. And more.", "A second paragraph."))
    assert [(section.name, section.comment) for section in one.sections] == [
        ("virtualization", "What KVM must do."), ("kernel", "")]
    assert [(field.path, field.value, field.comment) for section in one.sections for field in section.fields] == [
        ("nested", "required", "as asked"),
        ("arguments", "quiet", "They are added."), ("arguments", 'opt="a #b"', "of quotes"),
        ("hugepages[0].size", "2Mi", "Of the first node. for one guest"), ("hugepages[0].count", "32", ""),
        ("hugepages[1].size", "1Gi", ""), ("hugepages[1].count", "2", "Two.")]


def test_a_page_takes_the_schemas_words_where_there_is_no_comment(tmp_path: Path) -> None:
    (tmp_path / "edge.yaml").write_text(COMMENTED)
    page = pages(tmp_path)["edge.md"]
    assert "| `hugepages[0].count` | `32` | how many pages |" in page
    assert "| `nested` | `required` | as asked |" in page


def test_pages_of_profiles_that_are_gone_go_too(tmp_path: Path) -> None:
    (tmp_path / "edge.yaml").write_text(COMMENTED)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/old.md").write_text("")
    write_pages(tmp_path, tmp_path / "docs")
    assert sorted(path.name for path in (tmp_path / "docs").iterdir()) == [INDEX, "edge.md", FIELDS]
