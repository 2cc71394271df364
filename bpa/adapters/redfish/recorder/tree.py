"""The pages of a recording as files: index.json and headers.json per resource, as DMTF's Redfish-Mockup-Creator has it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bpa.adapters.redfish.reading import objects, text
from bpa.adapters.redfish.recorder.frontier import same
from bpa.adapters.redfish.recorder.journal import Page, replace
from bpa.core.redaction import Redactor


@dataclass(slots=True)
class Written:
    """What was written. machine: what kind it is, and nothing that says which."""

    resources: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)


def write_tree(directory: Path, pages: Sequence[Page], redactor: Redactor) -> Written:
    """All pages below directory, redacted. The pages of a collection become one. Raises OSError."""
    for page in pages:
        redactor.learn(page.body, page.path)
        for name, value in page.headers.items():
            redactor.learn({name: value})
    written = Written()
    by_path = {same(page.path): page for page in pages}
    for page in pages:
        path = redactor.text(page.path)
        if page.body is None:
            written.answers[path] = page.status
            continue
        if "?" in page.path:
            continue
        body = redactor.redact(_whole(page.body, by_path))
        folder = directory / path.strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        replace(folder / "index.json", json.dumps(body, indent=4))
        if page.headers:
            headers = {name: redactor.text(value, name) for name, value in page.headers.items()}
            replace(folder / "headers.json", json.dumps({"GET": headers}, indent=4))
        written.resources += 1
        _note(written.machine, page.body)
    return written


def _whole(body: Mapping[str, Any], pages: Mapping[str, Page]) -> Mapping[str, Any]:
    """A collection with the members of all its pages: a static tree has no second page. Links to pages are taken out."""
    if "Members@odata.nextLink" not in body:
        return body
    members, seen, link = [*objects(body, "Members")], set(), body.get("Members@odata.nextLink")
    while isinstance(link, str) and same(link) not in seen:
        seen.add(same(link))
        page = pages.get(same(link))
        more = page.body if page is not None and page.body is not None else {}
        members += objects(more, "Members")
        link = more.get("Members@odata.nextLink")
    whole = {k: v for k, v in body.items() if k != "Members@odata.nextLink"}
    return {**whole, "Members": members}


def _note(machine: dict[str, str], body: Mapping[str, Any]) -> None:
    kind = text(body, "@odata.type")
    told = {
        "#ServiceRoot.": (("RedfishVersion", "redfish"),),
        "#ComputerSystem.": (("Manufacturer", "manufacturer"), ("Model", "model"), ("BiosVersion", "bios")),
        "#Manager.": (("FirmwareVersion", "firmware"),),
    }
    for start, names in told.items():
        if kind.startswith(start):
            for key, name in names:
                machine.setdefault(name, text(body, key))
