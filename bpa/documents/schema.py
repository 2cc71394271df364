"""Documents against their schemas: our CRDs strictly, foreign kinds as far as BPA reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import jsonschema

from bpa.documents.document import Document, nearest
from bpa.documents.errors import DocumentError, Path, shortened
from bpa.documents.meant import field_meant
from bpa.documents.tree import parse_stream

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
# Where, what is wrong, what would be right, what was meant.
_Finding = tuple[Path, str, str, str]
MEMBER_FIELDS = ("mac-address", "cpu", "memory", "sriov", "qat")
_TOP = ("apiVersion", "kind", "metadata", "spec", "status")


def crd_texts() -> Mapping[str, str]:
    """Our CustomResourceDefinitions as text, by file name, as `kubectl apply` takes them."""
    folder = resources.files("bpa.documents").joinpath("schema")
    return {
        item.name: item.read_text("utf-8")
        for item in sorted(folder.iterdir(), key=lambda item: item.name)
        if item.name.endswith(".yaml")
    }


@cache
def _crd_schemas() -> Mapping[str, Any]:
    """Kind -> its openAPIV3Schema."""
    crds = [_load(text) for text in crd_texts().values()]
    return {crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for crd in crds}


def _load(text: str) -> Any:
    (tree,), _ = parse_stream(text, "schema")
    return tree.plain()


def _foreign(name: str) -> Any:
    return _load(resources.files("bpa.documents").joinpath("foreign", f"{name}.yaml").read_text("utf-8"))


@cache
def _validator(kind: str) -> Any:
    ours = _crd_schemas().get(kind)
    schema = _strict(ours) if ours is not None else _json_schema(_foreign(kind.lower()), strict=False)
    return jsonschema.Draft202012Validator(schema)


@cache
def _metadata_validator(strict: bool) -> Any:
    return jsonschema.Draft202012Validator(_json_schema(_foreign("metadata"), strict))


def _strict(schema: Any) -> Any:
    return _json_schema(schema, strict=True)


def _json_schema(schema: Any, strict: bool) -> Any:
    """OpenAPI v3 as Kubernetes uses it -> JSON Schema.

    `nullable` and `x-kubernetes-int-or-string` become types; strict closes mappings that name their fields, unless the
    schema says `x-kubernetes-preserve-unknown-fields`.
    """
    out = dict(schema)
    if "properties" in out:
        out["properties"] = {name: _json_schema(part, strict) for name, part in out["properties"].items()}
        if strict and "additionalProperties" not in out and not out.get("x-kubernetes-preserve-unknown-fields"):
            out["additionalProperties"] = False
    if isinstance(out.get("additionalProperties"), dict):
        out["additionalProperties"] = _json_schema(out["additionalProperties"], strict)
    if "items" in out:
        out["items"] = _json_schema(out["items"], strict)
    if out.pop("x-kubernetes-int-or-string", False):
        out["type"] = ["integer", "string"]
    if out.get("nullable") and "type" in out:
        types = out["type"] if isinstance(out["type"], list) else [out["type"]]
        out["type"] = [*types, "null"]
    out.pop("format", None)
    return out


@dataclass(frozen=True, slots=True)
class Checked:
    """A document without the values its schema refuses, what was said about them, and the fields not to speak of again.

    So that one wrong field does not hide what is wrong in others. Required fields may be missing from the document.
    """

    document: Document
    errors: tuple[DocumentError, ...] = ()
    told: frozenset[str] = frozenset()


def check_schema(document: Document) -> Checked:
    """Everything about this document that its schema does not accept, and what is left to be read."""
    findings = [*_metadata_findings(document), *_body_findings(document)]
    if not findings:
        return Checked(document)
    problems = tuple(document.error(path, *rest) for path, *rest in findings)
    body = deepcopy(document.body)
    for path, *_ in findings:
        _remove(body, path)
    return Checked(replace(document, body=body), problems, frozenset(problem.field for problem in problems))


def _remove(body: Any, path: Path) -> None:
    """Take away the value at `path`; in a list it becomes None, so that the others keep their numbers."""
    *way, last = path or ("",)
    for part in way:
        known = isinstance(body, list) and isinstance(part, int) and part < len(body)
        body = body[part] if known or (isinstance(body, dict) and part in body) else None
    if isinstance(body, list) and isinstance(last, int):
        body[last] = None
    elif isinstance(body, dict):
        body.pop(last, None)


def _metadata_findings(document: Document) -> Iterator[_Finding]:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        message = "metadata is missing" if metadata is None else "metadata is no mapping"
        yield ("metadata",), message, "metadata with a name", _misspelt("metadata", document.body, _TOP)
        return
    yield from _findings(_metadata_validator(document.kind in _crd_schemas()), metadata, ("metadata",))


def _body_findings(document: Document) -> Iterator[_Finding]:
    body = {key: value for key, value in document.body.items() if key != "metadata"}
    for finding in _findings(_validator(document.kind), body, ()):
        yield _dedented(document, finding) if document.kind == "Provisioning" else finding


def _dedented(document: Document, finding: _Finding) -> _Finding:
    """A field of a member that stands beside its label instead of below it, said as what it is."""
    path = finding[0]
    if len(path) != 4 or path[:2] not in (("spec", "masters"), ("spec", "workers")) or path[3] not in MEMBER_FIELDS:
        return finding
    field = path[3]
    label = next((shortened(name) for name in document.get(*path[:3]) if name not in MEMBER_FIELDS), "")
    if label:
        return path, f"{field} stands beside {label}: indent {field} under {label}", "", ""
    return path, f"{field} has no label above it", f'a label such as "master-1:", and {field} indented under it', ""


def _findings(validator: Any, value: Any, prefix: Path) -> Iterator[_Finding]:
    found = list(validator.iter_errors(value))
    wrong_type = {tuple(error.absolute_path) for error in found if error.validator == "type"}
    for error in found:
        if error.validator == "type" or tuple(error.absolute_path) not in wrong_type:
            yield from _explain(error, prefix)


def _misspelt(name: str, present: Mapping[str, Any], known: tuple[str, ...] | Mapping[str, Any]) -> str:
    """ "mac-address instead of mac-adress" where a key that nobody knows looks like the missing one."""
    near = nearest(name, {key for key in present if key not in known}, 0.7)
    return f"{name} instead of {shortened(near)}" if near else ""


def _explain(error: Any, prefix: Path) -> Iterator[_Finding]:
    path: Path = (*prefix, *error.absolute_path)
    schema = error.schema if isinstance(error.schema, dict) else {}
    explain = _EXPLANATIONS.get(str(error.validator), _other)
    for at, message, expected, suggestion in explain(error.instance, error.validator_value, schema):
        yield (*path, *at), message, expected, suggestion


def _type(value: Any, wanted: Any, schema: Mapping[str, Any]) -> Iterator[_Finding]:
    types = wanted if isinstance(wanted, list) else [wanted]
    names = [_TYPES[name] for name in types if name != "null"]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    seen = (
        "nothing"
        if value is None
        else "a truth value"
        if isinstance(value, bool)
        else "a number"
        if number
        else _TYPES["object" if isinstance(value, dict) else "array" if isinstance(value, list) else "string"]
    )
    hint = "the value in quotes" if "string" in types and isinstance(value, bool | int | float) else ""
    about = schema.get("description", "").partition(". ")[0]
    if "enum" in schema:
        yield (), f"this is {seen}", "one of " + ", ".join(map(str, schema["enum"])), ""
        return
    yield (), f"this is {seen}", " or ".join(names) + (f" ({about})" if about else ""), hint


def _additional(value: Any, _: Any, schema: Mapping[str, Any]) -> Iterator[_Finding]:
    known = schema.get("properties", {})
    for key in value:
        if key not in known:
            yield (key,), "no such field", *field_meant(key, known)


def _required(value: Any, wanted: Any, schema: Mapping[str, Any]) -> Iterator[_Finding]:
    known = schema.get("properties", {})
    for name in wanted:
        if name not in value:
            about = known.get(name, {}).get("description", "")
            yield (name,), f"{name} is missing", about, _misspelt(name, value, known)


def _enum(value: Any, wanted: Any, _: Mapping[str, Any]) -> Iterator[_Finding]:
    text = value if isinstance(value, str) else ""
    yield (
        (),
        f"{_shown(value)} is not known",
        "one of " + ", ".join(map(str, wanted)),
        nearest(text, [*map(str, wanted)]),
    )


def _pattern(value: Any, wanted: Any, schema: Mapping[str, Any]) -> Iterator[_Finding]:
    yield (), f"{_shown(value)} is not accepted", schema.get("description", f"text like {wanted}"), ""


def _limit(value: Any, wanted: Any, schema: Mapping[str, Any]) -> Iterator[_Finding]:
    low, high = schema.get("minimum"), schema.get("maximum")
    expected = f"{low} to {high}" if low is not None and high is not None else f"{low} or more"
    yield (), f"{_shown(value)} is out of range", expected, ""


def _size(value: Any, wanted: Any, schema: Mapping[str, Any]) -> Iterator[_Finding]:
    about = schema.get("description", "")
    if isinstance(value, dict) and len(value) > 1:
        yield (), f"{', '.join(value)} are given together", about or "one of them", ""
    elif isinstance(value, dict | list | str) and not value:
        yield (), "this is empty", about or "a value", ""
    else:
        yield (), f"{_shown(value)} is too long", about, ""


def _other(value: Any, wanted: Any, schema: Mapping[str, Any]) -> Iterator[_Finding]:
    yield (), f"{_shown(value)} is not accepted", schema.get("description", ""), ""


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "this"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{shortened(value)}"' if isinstance(value, str) else str(value)


_EXPLANATIONS: Mapping[str, Callable[[Any, Any, Mapping[str, Any]], Iterator[_Finding]]] = {
    "type": _type,
    "additionalProperties": _additional,
    "required": _required,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _limit,
    "maximum": _limit,
    "minProperties": _size,
    "maxProperties": _size,
    "minLength": _size,
    "maxLength": _size,
    "minItems": _size,
}


def unknown_fields(document: Document, path: Path, known: tuple[str, ...]) -> tuple[list[DocumentError], list[str]]:
    """Fields of an open mapping that nobody reads: errors for those that look misspelt, names of the others.

    ICN never validated its documents, so a field that is near to nothing has to be let through.
    """
    errors: list[DocumentError] = []
    others: list[str] = []
    value = document.get(*path)
    for key in value if isinstance(value, dict) else ():
        if key in known:
            continue
        meant = nearest(key, known, 0.75)
        if meant:
            errors.append(document.error((*path, key), "no such field", "", meant))
        else:
            others.append(key)
    return errors, others
