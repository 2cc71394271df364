"""Packages as documents name them, and which of them a host gets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bpa.core.want import Package
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError, Path, shortened

# Debian policy 5.6.7 and 5.6.12. ICN put these into a shell command line unchecked. apt-get(8) takes "name-" for the wish
# to remove a package.
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{0,126}[a-z0-9+.](:[a-z0-9-]{0,20}[a-z0-9])?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+:~-]{0,127}")


def read_packages(document: Document, path: Path, problems: list[DocumentError]) -> tuple[Package, ...]:
    """A list whose items are names, or mappings of a name to nothing or to {version: X}. A package twice is there once."""
    packages: list[Package] = []
    for number, item in enumerate(document.get(*path) or ()):
        here: Path = (*path, number)
        entries = item.items() if isinstance(item, dict) and item else [(item, None)]
        for name, body in entries:
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                shown = f'"{shortened(name)}"' if isinstance(name, str) else "this"
                problems.append(document.error(here, f"{shown} is no package", "a name, or a name with its version"))
                continue
            packages.append(Package(name, _version(document, (*here, name), body, problems)))
    return tuple(packages)


def merged(lists: Iterable[Sequence[Package]]) -> tuple[tuple[Package, ...], tuple[tuple[Package, Package], ...]]:
    """Each package once, one with a version before one without; and the pairs whose versions contradict each other."""
    found: dict[str, Package] = {}
    contradictions = []
    for packages in lists:
        for package in packages:
            first = found.setdefault(package.name, package)
            if package.version and first.version and package.version != first.version:
                contradictions.append((first, package))
            elif package.version:
                found[package.name] = package
    return tuple(found.values()), tuple(contradictions)


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
