"""Where secrets come from, and what is said when they cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest
from whole_site import GOOD, with_good

from bpa.documents import (
    DocumentErrors,
    load,
)


def test_nothing_prints_a_secret(tmp_path: Path) -> None:
    assert "correct-horse" not in repr(with_good(tmp_path))


def test_secrets_come_from_the_document_the_environment_and_files(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private/password").write_text(" with spaces \n")
    (tmp_path / "private/password").chmod(0o600)
    text = GOOD.replace(
        "  name: good-bmc-secret\n",
        """  name: good-bmc-secret
  annotations:
    bpa.akraino.org/from-env: username=BMC_USER
    bpa.akraino.org/from-file: password = private/password
""",
        1,
    )
    (tmp_path / "good.yaml").write_text(text)

    site = load(tmp_path, environment={"BMC_USER": "from-environment"})

    assert site.hosts[0].bmc_username.reveal() == "from-environment"
    assert site.hosts[0].bmc_password.reveal() == " with spaces "
    assert site.notes == ()


def test_a_secret_file_that_others_may_read_is_noted(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("x")
    (tmp_path / "password").chmod(0o644)
    text = GOOD.replace(
        "  name: good-bmc-secret\n", "  name: good-bmc-secret\n  annotations: {bpa.akraino.org/from-file: password=password}\n", 1
    )
    (tmp_path / "good.yaml").write_text(text)

    (note,) = load(tmp_path).notes

    assert "other users may read it" in note


@pytest.mark.parametrize("where", ["nowhere", ".", "not-utf-8", "a\\0b"])
def test_a_secret_file_that_cannot_be_read_is_an_error(tmp_path: Path, where: str) -> None:
    (tmp_path / "not-utf-8").write_bytes(b"\xff\xfe\xff")
    text = GOOD.replace(
        "  name: good-bmc-secret\n",
        f'  name: good-bmc-secret\n  annotations: {{bpa.akraino.org/from-file: "password={where}"}}\n',
        1,
    )
    (tmp_path / "good.yaml").write_text(text)

    with pytest.raises(DocumentErrors) as refusal:
        load(tmp_path)

    (error,) = refusal.value.errors
    assert error.field == 'metadata.annotations["bpa.akraino.org/from-file"]'
    assert "password: " in error.message


def test_an_empty_password_is_refused(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD.replace("password: correct-horse", 'password: ""'))

    with pytest.raises(DocumentErrors, match="password in Secret good-bmc-secret is empty"):
        load(tmp_path)
