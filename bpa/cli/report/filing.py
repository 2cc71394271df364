"""Reports and their JSON: written, read again, and checked against the schema."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bpa.core.compliance import KIND, VERSION, Report

Plain = dict[str, Any]


class NoReport(Exception):
    """A file is no report that this BPA can read; the text says why."""


def to_plain(report: Report) -> Plain:
    """The report as what JSON has."""
    said = json.loads(json.dumps(asdict(report), default=str))
    return {"kind": said.pop("kind"), "version": said.pop("version"), **said}


def from_plain(said: Any) -> Report:
    """What `to_plain` gave. Raises NoReport; what a newer BPA has added within the same version is passed over."""
    import cattrs  # only those who read a report wait for these
    import jsonschema

    from bpa.cli.report.schema import schema

    if not isinstance(said, dict) or said.get("kind") != KIND:
        raise NoReport(f"its \"kind\" is not {KIND}")
    version = said.get("version")
    if isinstance(version, int) and version > VERSION:
        raise NoReport(f"it has version {version} of the format, by BPA {said.get('bpa', '?')}; this BPA "
                       f"knows versions up to {VERSION}: use that BPA")
    slip = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema()).iter_errors(said))
    if slip is not None:
        raise NoReport(f"{slip.json_path}: {slip.message[:200]}")
    return cattrs.Converter(forbid_extra_keys=False).structure(said, Report)


def read(file: Path) -> Report:
    """The report in a JSON file. Raises NoReport, with the file's name."""
    try:
        return from_plain(json.loads(file.read_text("utf-8")))
    except OSError as error:
        raise NoReport(f"{file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise NoReport(f"{file} is no report of BPA: it is not JSON ({error})") from None
    except NoReport as error:
        raise NoReport(f"{file} is no report that can be read: {error}") from None
