"""The documentation says what is: links lead somewhere, commands exist, the site of the README is accepted."""

import re
from pathlib import Path

import pytest
import yaml

from bpa import documents
from bpa.cli.exits import MEANING
from bpa.cli.reference import ENVIRONMENT, commands, render
from bpa.core.cluster import CLUSTER
from bpa.core.host import HOST
from bpa.lab import faults

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
COMMANDS = dict(commands())


def test_the_reference_is_current():
    assert (ROOT / "docs" / "cli.md").read_text() == render(), "run `make docs`"


def test_the_reference_names_every_variable_that_is_read():
    read = set()
    for path in (ROOT / "bpa").rglob("*.py"):
        read |= set(re.findall(r"""environ(?:\.get)?[\[(]["'](BPA_[A-Z_]+)""", path.read_text()))
    assert read - set(ENVIRONMENT) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_on_a_page_exist(page):
    known = {path.removeprefix("bpa ") for path in COMMANDS}
    first = {path.split()[0] for path in known}
    for found in re.findall(r"^    (?:\$ |sudo )?bpa ([^\n]+)|`bpa ([a-z][^`]*)`", page.read_text(), re.MULTILINE):
        words = "".join(found).split()
        assert words[0].startswith(("-", "[")) or words[0] in first or words[0].isupper(), words
        if words[0] in ("lab", "images", "ironic") and len(words) > 1:
            assert f"{words[0]} {words[1]}" in known, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_on_a_page_lead_somewhere(page):
    for target, mark in re.findall(r"\]\(([^)#\s]*)(#[^)\s]+)?\)", page.read_text()):
        if "://" in target:
            continue
        there = page.parent / target if target else page
        assert there.exists(), target
        if mark:
            marks = {"#" + re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
                     for heading in re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)}
            assert mark in marks, f"{target}{mark}"


def test_the_small_site_of_the_readme_is_accepted(tmp_path):
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(list(yaml.safe_load_all(block))) == 5
    (tmp_path / "site.yaml").write_text(block)
    for directory in ("images", "kud/containerized", "private"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "kud/containerized/installer.sh").touch(mode=0o755)
    secret = tmp_path / "private" / "edge-1.password"
    secret.touch(mode=0o600)
    secret.write_text("correct-horse\n")
    site = documents.load(tmp_path)
    assert [h.want.name for h in site.hosts] == ["edge-1"]
    assert site.hosts[0].want.profile.name == "edge"
    assert site.hosts[0].bmc_password.reveal() == "correct-horse"
    assert site.clusters[0].masters[0].host == "edge-1"
    assert site.notes == ()


def test_the_sites_in_the_guide_to_your_own_ironic_are_accepted(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "guides" / "own-ironic.md").read_text(), re.DOTALL)
    host = (ROOT / "tests" / "documents" / "good.yaml").read_text()
    (tmp_path / "ironic-ca.pem").touch()
    head = "apiVersion: bpa.akraino.org/v1alpha1\nkind: Site\nmetadata: {name: edge}\nspec:\n"
    for block in blocks:
        text = block if block.startswith("apiVersion") else head + block
        (tmp_path / "site.yaml").write_text(host + "---\n" + text)
        assert documents.load(tmp_path, environment={"IRONIC_PASSWORD": "x"}).name == "edge"


def test_concepts_names_every_requirement_in_its_order():
    text = (ROOT / "docs" / "concepts.md").read_text()
    places = [text.find(f"`{r.condition}`") for r in (*HOST, *CLUSTER)]
    assert -1 not in places
    assert places == sorted(places)


def test_the_lab_guide_names_every_fault():
    text = (ROOT / "docs" / "guides" / "lab.md").read_text()
    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) == set(faults.NAMES)


def test_the_readme_names_every_exit_code():
    text = (ROOT / "README.md").read_text()
    assert set(re.findall(r"^\| (\d+) \|", text, re.MULTILINE)) == {str(code.value) for code in MEANING}


def test_every_decision_is_listed_and_has_its_three_parts():
    pages = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text()
    for page in pages:
        assert page.name in listed
        for part in ("**Context.**", "**Decision.**", "**Consequence.**"):
            assert part in page.read_text(), f"{page.name}: {part}"
