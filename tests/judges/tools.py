"""DMTF's validators as their users run them; what they found, read from their own reports."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
from machines import PASSWORD, USER

BIN = Path(sys.executable).parent
PROFILE = Path(__file__).parents[2] / ".recorded" / "metal3" / "OpenStackIronicProfile.v1_2_0.json"
PATIENCE = 900.0
# requests lets a CA bundle in the environment win over "do not verify", and proxies over loopback.
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.upper().endswith(("_CA_BUNDLE", "_PROXY"))}
USE_CASES = ("AccountManagement", "PowerControl", "BootOverride", "ManagerEthernetInterfaces", "QueryParameters")


@dataclass(frozen=True)
class Failure:
    """where: the assertion, property or use case. subject: the URI or operation it was seen at. said: its message."""

    where: str
    subject: str
    said: str

    def __str__(self) -> str:
        return f"{self.where} | {self.subject} | {self.said}"


@dataclass(frozen=True)
class Result:
    """What one tool says of one service."""

    passed: int
    warned: int
    untested: int
    failures: tuple[Failure, ...]
    seconds: float = field(compare=False, default=0.0)


class NoReport(AssertionError):
    """The tool ended without a report."""


def interop(address: str) -> Result:
    """Ironic's interoperability profile by DMTF's rf_interop_validator."""
    with _reports() as folder:
        seconds = _run(["rf_interop_validator", *_access(address), "--logdir", str(folder), str(PROFILE)], folder)
        rows = list(_sheet(folder, "Results"))
        missing = list(_sheet(folder, "Resources"))
    verdicts = [row["Result"] for row in (*rows, *missing)]
    failures = tuple(Failure(f"{row['Resource Type'].split()[0]}.{_no_index(row['Property'])}", row["URI"], row["Message"])
                     for row in rows if row["Result"] == "FAIL")
    failures += tuple(Failure(str(row["Resource Type"]), "", row["Message"]) for row in missing if row["Result"] == "FAIL")
    return _result(verdicts, failures, seconds)


def protocol(address: str) -> Result:
    """DMTF's rf_protocol_validator."""
    with _reports() as folder:
        seconds = _run(["rf_protocol_validator", *_access(address), "--avoid-http-redirect", "--no-cert-check",
                        "--report-type", "tsv", "--report-dir", str(folder)], folder)
        with _one(folder, "*.tsv").open(newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    failures = tuple(Failure(row["Assertion"], f"{row['Method']} {row['URI']} {row['Status code']}".strip(), row["Message"])
                     for row in rows if row["Result"] == "FAIL")
    return _result([row["Result"] for row in rows], failures, seconds)


def use_case(address: str, name: str) -> Result:
    """One of DMTF's use case checkers."""
    with _reports() as folder:
        seconds = _run(["rf_use_case_checkers", *_access(address), "--report-dir", str(folder), "--test-list", name], folder)
        rows = [row for row in _sheet(folder, "Results") if row["Operation"] != "No testing performed" or row["Result"] == "FAIL"]
    failures = tuple(Failure(f"{row['Category']}: {row['Test Name']}", row["Operation"], row["Message"])
                     for row in rows if row["Result"] == "FAIL")
    return _result([row["Result"] for row in rows], failures, seconds)


def client(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of redfish-utilities, or badfish, to its end; stdout and stderr together."""
    return subprocess.run([str(BIN / name), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=PATIENCE, check=False, env=ENVIRONMENT)


def _access(address: str) -> list[str]:
    return ["--user", USER, "--password", PASSWORD, "--rhost", address]


def _run(command: list[str], folder: Path) -> float:
    began = time.monotonic()
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=False, env=ENVIRONMENT)
    if not list(folder.rglob("*.xlsx")) + list(folder.rglob("*.tsv")):
        raise NoReport(f"{command[0]} ended with {done.returncode} and no report: {done.stdout[-2000:]}")
    return time.monotonic() - began


def _sheet(folder: Path, name: str) -> Iterator[dict[str, str]]:
    head, *rows = openpyxl.load_workbook(_one(folder, "*.xlsx"), read_only=True)[name].iter_rows(values_only=True)
    for row in rows:
        yield {str(key): "" if value is None else str(value) for key, value in zip(head, row, strict=False)}


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.rglob(pattern))
    if len(found) != 1:
        raise NoReport(f"not one report but {len(found)} {pattern}")
    return found[0]


def _result(verdicts: list[str], failures: tuple[Failure, ...], seconds: float) -> Result:
    def count(*names: str) -> int:
        return sum(1 for one in verdicts if one in names)

    return Result(count("PASS"), count("WARN"), count("SKIP", "NOT_TESTED", "NOT TESTED"), failures, seconds)


def _no_index(property_path: str) -> str:
    return re.sub(r"/\d+(?=/|$)", "/N", property_path)


class _reports:
    """A directory for one run's reports."""

    def __enter__(self) -> Path:
        self._folder = tempfile.TemporaryDirectory(prefix="bpa-judges-")
        return Path(self._folder.name)

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()
