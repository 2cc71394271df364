"""Writes docs/profiles/, a page for each profile from its own comments, and one of all fields from the schema:
`python -m bpa.documents.profile_pages`.

Where a field has no comment, the schema's description stands in for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bpa.documents.profile_comments import CommentedProfile, Section, parse_profile
from bpa.documents.profile_fields import fields_page
from bpa.documents.schema import crd_texts

INDEX, FIELDS = "README.md", "fields.md"
_DO_NOT_EDIT = "<!-- Written by `make docs` from {}. Change it there. -->"
_INTRODUCTION = """Profiles to start from: a HardwareProfile says what a machine must be, a host or a cluster names it.
Copy one into your site and change what differs. Each page is made from the comments in the file itself.

All fields, with what they mean, their bounds and what is taken where they are absent, are on [a page of their
own](fields.md); the rules of `hardening` are in [a guide](../guides/hardening.md). Try a profile without any machine:
`bpa plan --simulate site/` names what is wrong with it, with file and line, and shows all that it would set on machines as
new from the factory.
"""


def pages(profiles: Path) -> dict[str, str]:
    """File name in docs/profiles -> its text: for each profile in a directory, of all fields, and an index."""
    files = sorted(profiles.glob("*.yaml"))
    found = {f"{file.stem}.md": _page(file) for file in files}
    rows = ((parse_profile(file.read_text("utf-8")), file) for file in files)
    lines = "".join(f"- [{file.stem}]({file.stem}.md): {_first_sentence(one)}\n" for one, file in rows)
    index = f"# Profiles\n\n{_DO_NOT_EDIT.format('profiles/')}\n\n{_INTRODUCTION}\n{lines}"
    fields = fields_page(_schema(), _DO_NOT_EDIT.format("bpa/documents/schema/hardwareprofile.yaml"))
    return {INDEX: index, FIELDS: fields, **found}


def write_pages(profiles: Path, into: Path) -> None:
    """Write all pages; those of profiles that are gone go too."""
    into.mkdir(parents=True, exist_ok=True)
    now = pages(profiles)
    for old in into.glob("*.md"):
        if old.name not in now:
            old.unlink()
    for name, text in now.items():
        (into / name).write_text(text, "utf-8")


def _first_sentence(one: CommentedProfile) -> str:
    return one.introduction[0].split(". ")[0].rstrip(".") + "." if one.introduction else one.name


def _page(file: Path) -> str:
    text = file.read_text("utf-8")
    one = parse_profile(text)
    parts = [f"# Profile {one.name}", _DO_NOT_EDIT.format(f"profiles/{file.name}"), *one.introduction]
    for section in one.sections:
        parts += _section(section)
    parts += ["## The file", f"```yaml\n{text.rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> Iterator[str]:
    schema = _schema()["properties"].get(section.name, {})
    yield f"## {section.name}"
    if said := section.comment or _meaning(schema, ()):
        yield _sentence(said)
    rows = []
    for field in section.fields:
        name = field.path or section.name
        rows.append((f"`{name}`", f"`{field.value}`", field.comment or _meaning(schema, field.plain)))
    if rows:
        body = "".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |\n" for row in rows)
        yield f"| Field | Value | Meaning |\n|---|---|---|\n{body}".rstrip()


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text.endswith((".", ":", "?")) else ".")


def _schema() -> Mapping[str, Any]:
    crd = yaml.safe_load(crd_texts()["hardwareprofile.yaml"])
    spec: Mapping[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def _meaning(schema: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """The description of a field below a section, "" = the schema has none. Lists are passed through."""
    while schema.get("type") == "array":
        if not path:
            break
        schema = schema.get("items", {})
    if not path:
        return " ".join(str(schema.get("description", "")).split())
    below = schema.get("properties", {}).get(path[0]) or schema.get("additionalProperties")
    return _meaning(below, path[1:]) if isinstance(below, dict) else ""


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    write_pages(*(given if len(given) == 2 else (Path("profiles"), Path("docs/profiles"))))
