"""docs/report.schema.json from the classes of a report: `python -m bpa.cli.report.schema > docs/report.schema.json`."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import types
import typing
from collections.abc import Mapping
from typing import Any

import click

from bpa.core.compliance import KIND, VERSION, Report

ID = f"https://bpa.akraino.org/schemas/report-{VERSION}.json"
SIMPLE = {str: "string", bool: "boolean", int: "integer", float: "number"}


@functools.cache
def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12). Members that it does not name are allowed: a later BPA may add some."""
    made = _of(Report)
    made["properties"] |= {"kind": {"const": KIND}, "version": {"const": VERSION}}
    made["required"] = ["kind", "version", *made["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, "title": "Compliance report of BPA", **made}


def _of(kind: Any) -> dict[str, Any]:
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return {"enum": list(inside)}
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [{"type": "null"} if one is type(None) else _of(one) for one in inside]}
    if origin is tuple:
        return {"type": "array", "items": _of(inside[0])}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(inside[1])}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        needed = [one.name for one in dataclasses.fields(kind)
                  if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING]
        return {"type": "object", "description": " ".join(inspect.cleandoc(kind.__doc__ or "").split()),
                "properties": {one.name: _of(hints[one.name]) for one in dataclasses.fields(kind)}, "required": needed}
    return {"type": SIMPLE[kind]} if kind in SIMPLE else {}


def render() -> str:
    """As the file has it."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    click.echo(render(), nl=False)
