"""The runs of one cluster's installer, as they lie on disk: <cluster>/.bpa/runs/<number>/{run.json,process,exit}.

run.json is written by us before the start; process and exit by the wrapper. A run without `process` never started.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from bpa.adapters.kud import process

_KEPT = 10


@dataclass(frozen=True, slots=True)
class Run:
    """One start of the installer; mark is the random text that its processes carry."""

    directory: Path
    argv: tuple[str, ...]
    fingerprint: str
    log: str
    mark: str

    @property
    def exit_code(self) -> int | None:
        """What the installer returned, 128 + n after signal n; None while it runs or if it was lost."""
        try:
            return int((self.directory / "exit").read_text())
        except (OSError, ValueError):
            return None

    @property
    def alive(self) -> bool:
        # Asked in this order: it may end between the two questions, and then it has left its exit code.
        return self.exit_code is None and process.running(self.directory, self.mark) and self.exit_code is None


def latest(runs: Path) -> Run | None:
    """The newest run that really started and was not set aside."""
    for directory in reversed(_numbered(runs)):
        if (directory / "process").exists():
            return None if (directory / "set-aside").exists() else _read(directory)
    return None


def create(runs: Path, argv: tuple[str, ...], fingerprint: str, mark: str) -> Run:
    """The record of a run to be started; older ones beyond the last ten are dropped."""
    numbered = _numbered(runs)
    for old in numbered[: -_KEPT or None]:
        shutil.rmtree(old, ignore_errors=True)
    number = int(numbered[-1].name) + 1 if numbered else 1
    directory = runs / f"{number:04d}"
    directory.mkdir(parents=True)
    run = Run(directory, argv, fingerprint, f"installer-{number:04d}.log", mark)
    record = {name: value for name, value in asdict(run).items() if name != "directory"}
    (directory / "run.json").write_text(json.dumps(record, indent=1) + "\n")
    return run


def _read(directory: Path) -> Run | None:
    try:
        record = json.loads((directory / "run.json").read_text())
        return Run(directory, tuple(record["argv"]), record["fingerprint"], record["log"], record["mark"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _numbered(runs: Path) -> list[Path]:
    if not runs.is_dir():
        return []
    return sorted(path for path in runs.iterdir() if path.name.isdigit())
