"""Software documents: the packages ICN installed on masters and workers."""

from __future__ import annotations

import re

from bpa.documents.document import Document
from bpa.documents.errors import DocumentError, Path, shortened
from bpa.documents.site import Package, SoftwareWant

# Debian policy 5.6.7 and 5.6.12. ICN put these into a shell command line unchecked.
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{0,127}(:[a-z0-9-]{1,20})?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+:~-]{0,127}")


def read_software(document: Document) -> tuple[SoftwareWant, tuple[DocumentError, ...]]:
    """A Software as check_schema leaves it: each item a name, or `{name: {version: X}}`."""
    problems: list[DocumentError] = []
    want = SoftwareWant(
        document.name,
        document.label("cluster") or "",
        _packages(document, "masterSoftware", problems),
        _packages(document, "workerSoftware", problems),
    )
    return want, tuple(problems)


def _packages(document: Document, field: str, problems: list[DocumentError]) -> tuple[Package, ...]:
    packages: list[Package] = []
    for number, item in enumerate(document.get("spec", field) or ()):
        path: Path = ("spec", field, number)
        entries = item.items() if isinstance(item, dict) and item else [(item, None)]
        for name, body in entries:
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                shown = f'"{shortened(name)}"' if isinstance(name, str) else "this"
                problems.append(document.error(path, f"{shown} is no package", "a name, or a name with its version"))
                continue
            version = _version(document, (*path, name), body, problems)
            packages.append(Package(name, version))
    return tuple(packages)


def _version(document: Document, path: Path, body: object, problems: list[DocumentError]) -> str:
    if body is None or body == {}:
        return ""
    version = body.get("version") if isinstance(body, dict) else None
    if isinstance(body, dict) and isinstance(version, str | int) and not isinstance(version, bool):
        extra = [key for key in body if key != "version"]
        problems.extend(document.error((*path, key), "no such field", "version") for key in extra)
        if _VERSION.fullmatch(str(version)):
            return str(version)
    # 1.10 without quotes is the number 1.1: another version.
    hint = "the version in quotes" if isinstance(version, float) else ""
    problems.append(document.error(path, "this is no version", "version: a version of the package", hint))
    return ""
