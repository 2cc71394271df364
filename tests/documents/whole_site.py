"""A complete site for the tests of this directory, and ways to change it."""

from __future__ import annotations

from pathlib import Path

from bpa.documents import (
    load,
)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOOD = (HERE / "good.yaml").read_text("utf-8")


def with_good(tmp_path: Path, text: str = "", **changes: str):
    """Loads good.yaml, with some of its text replaced, beside another text."""
    good = GOOD
    for old, new in changes.items():
        assert old in good
        good = good.replace(old, new)
    (tmp_path / "good.yaml").write_text(good)
    (tmp_path / "more.yaml").write_text(text)
    return load(tmp_path, environment={"BMC_USER": "from-environment"})


def site_of(spec: str) -> str:
    return f"apiVersion: bpa.akraino.org/v1alpha1\nkind: Site\nmetadata: {{name: north}}\nspec:\n{spec}"
