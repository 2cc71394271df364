"""The page of all fields that a HardwareProfile may have, from its schema: path, value, what holds where it is absent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

TITLE = "Fields of a HardwareProfile"
_INTRODUCTION = """All fields below `spec`, as the schema has them
([CRD](../../manifests/crds/bpa.akraino.org_hardwareprofile.yaml)). No field must be there unless "must be given" says so, and
then only where what it belongs to is there. Where nothing is said of a field's absence, nothing is asked then: what the
machine has stays as it is.

`[]` is each entry of a list, `NAME` a name of your own choice. A quantity is a number of bytes, or text such as 512Mi, 4Gi
(powers of 1024), 900G (powers of 1000)."""
_ABSENT = re.compile(r"[;:,]? *\babsent = (?P<what>.+?)(?=; |\. |$)")
_TYPES = {"string": "text", "boolean": "`true` or `false`", "object": "a mapping", "array": "a list"}


def fields_page(spec: Mapping[str, Any], mark: str) -> str:
    """The page as Markdown; spec: the schema of `spec`, mark: the line that says where the page comes from."""
    parts = [f"# {TITLE}", mark, _INTRODUCTION]
    for name, schema in spec["properties"].items():
        meaning, _ = _split(schema)
        rows = list(_rows(name, schema, False))
        parts += [f"## {name}", _sentence(meaning)]
        if len(rows) > 1:
            parts.append("| Field | Value | Where absent | Meaning |\n|---|---|---|---|\n" + "\n".join(
                f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows[1:]))
    return "\n\n".join(parts) + "\n"


def _rows(path: str, schema: Mapping[str, Any], required: bool) -> Iterator[tuple[str, str, str, str]]:
    """A field, and then what is in it."""
    meaning, absent = _split(schema)
    yield f"`{path}`", _value(schema), "must be given" if required else absent, meaning
    inside, below = schema, path
    while inside.get("type") == "array":
        inside, below = inside.get("items", {}), below + "[]"
    for name, field in inside.get("properties", {}).items():
        yield from _rows(f"{below}.{name}", field, name in inside.get("required", ()))
    each = inside.get("additionalProperties")
    if isinstance(each, dict) and each:
        if "properties" in each:
            for name, field in each["properties"].items():
                yield from _rows(f"{below}.NAME.{name}", field, name in each.get("required", ()))
        else:
            said, _ = _split(each.get("items", each))
            yield f"`{below}.NAME`", _value(each), "", said


def _value(schema: Mapping[str, Any]) -> str:
    """What may stand there."""
    kind = schema.get("type")
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if kind == "array":
        items = schema.get("items", {})
        entry = "mappings" if "properties" in items else _split(items)[0] or "text"
        return f"a list: {entry}"
    if kind == "integer":
        low, high = schema.get("minimum"), schema.get("maximum")
        return "a whole number" if low is None else f"{low} or more" if high is None else f"{low} to {high}"
    if schema.get("x-kubernetes-int-or-string"):
        return "a quantity" if str(schema.get("description", "")).startswith("bytes") else "a whole number or text"
    return _TYPES.get(str(kind), "text, a whole number, `true` or `false`")


def _split(schema: Mapping[str, Any]) -> tuple[str, str]:
    """What a field means, and what holds where it is absent, "" = nothing is asked."""
    said = " ".join(str(schema.get("description", "")).split())
    found = _ABSENT.search(said)
    default = str(schema.get("default", ""))
    if found is None:
        return said, f"`{default}`" if default else ""
    what = found["what"]
    # A lone word is a value that could be given.
    return said[: found.start()] + said[found.end():], f"`{what}`" if " " not in what else what


def _cell(text: str) -> str:
    return re.sub(r"\bdocs/(guides/[\w-]+\.md)", r"[docs/\1](../\1)", text.replace("|", "\\|"))


def _sentence(text: str) -> str:
    text = _cell(text)
    return text[0].upper() + text[1:] + ("" if text.endswith((".", ":", "?")) else ".")
