"""Every document in bad/ is refused with exactly the errors written beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpa.documents import DocumentErrors, load

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))


def errors_of(document: Path, tmp_path: Path) -> list[str]:
    """What is wrong with a document beside a good one, one line each, without the directory."""
    (tmp_path / "good.yaml").write_bytes((HERE / "good.yaml").read_bytes())
    (tmp_path / document.name).write_bytes(document.read_bytes())
    with pytest.raises(DocumentErrors) as caught:
        load(tmp_path, environment={})
    return [error.text.replace(f"{tmp_path}/", "") for error in caught.value.errors]


@pytest.mark.parametrize("document", BAD, ids=lambda path: path.stem)
def test_a_bad_document_is_refused_with_every_error_in_its_place(document: Path, tmp_path: Path) -> None:
    expected = document.with_suffix(".expected").read_text("utf-8").splitlines()

    assert errors_of(document, tmp_path) == expected


@pytest.mark.parametrize("document", BAD, ids=lambda path: path.stem)
def test_no_error_repeats_a_secret(document: Path, tmp_path: Path) -> None:
    assert not [line for line in errors_of(document, tmp_path) if "hunter2" in line or "correct-horse" in line]
