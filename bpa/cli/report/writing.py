"""Reports into files, each whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bpa.cli.report.filing import to_plain
from bpa.cli.report.junit import junit
from bpa.cli.report.page import page
from bpa.core.compliance import Report

FORMATS: dict[str, Callable[[Report], str]] = {
    ".json": lambda report: json.dumps(to_plain(report), indent=2) + "\n",
    ".html": page,
    ".xml": junit,
}
"""Suffix -> the text of such a file."""


def write_all(report: Report, files: Sequence[Path]) -> None:
    """Write each file in the format that its suffix names; nothing is written before all of them are made."""
    texts = [(file, FORMATS[file.suffix.lower()](report)) for file in files]
    for file, text in texts:
        _write(file, text)


def write_report(report: Report, where: Path) -> Path:
    """report.html, report.json and report.xml in a directory, which is made if need be; returns the HTML file's path."""
    where.mkdir(parents=True, exist_ok=True)
    write_all(report, [where / f"report{suffix}" for suffix in FORMATS])
    return where / "report.html"


def _write(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        with new.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise
