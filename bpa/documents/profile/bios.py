"""The BIOS part of a HardwareProfile, and the rules that come with BPA of how vendors spell intents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, cast

from bpa.core.bios import MEANINGS, BiosWant, Intent, Meaning, Need, Rule, Rules
from bpa.core.steps import BiosValue
from bpa.documents import errors
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError
from bpa.documents.tree import parse_stream


@cache
def intent_rules() -> Rules:
    """All files of bpa/core/data/bios, in the order of their names."""
    rules: list[Rule] = []
    needs: list[Need] = []
    files = resources.files("bpa.core").joinpath("data", "bios").iterdir()
    for file in sorted((f for f in files if f.name.endswith(".yaml")), key=lambda f: f.name):
        # Read as documents are: YAML 1.1 as PyYAML has it takes the keys on and off for truth values.
        (tree,), _ = parse_stream(file.read_text("utf-8"), file.name)
        data = tree.plain()
        vendors = tuple(data.get("vendors") or ())
        rules += (_rule(entry, tuple(entry.get("vendors") or vendors)) for entry in data.get("rules") or ())
        needs += (Need(tuple(n["attributes"]), dict(n["unless"]), n["source"]) for n in data.get("needs") or ())
    return Rules(tuple(rules), tuple(needs))


def read_bios(document: Document, problems: list[DocumentError]) -> BiosWant:
    """spec.bios of a HardwareProfile as check_schema leaves it; `problems` grows by what is wrong beyond the schema."""
    return BiosWant(
        dict(_intents(document, problems)), dict(_attributes(document, problems)), intent_rules(),
        tuple(name for name in document.get("spec", "bios", "unchecked") or () if name))


def _rule(entry: Mapping[str, Any], vendors: tuple[str, ...]) -> Rule:
    values = {
        str(meaning): tuple(value) if isinstance(value, list) else (value,)
        for meaning, value in (entry.get("values") or {}).items()
    }
    return Rule(cast(Intent, entry["intent"]), entry["source"], entry.get("attribute", ""), entry.get("display", ""),
                values, vendors, entry.get("family", ""), entry.get("group", ""))


def _intents(document: Document, problems: list[DocumentError]) -> Iterator[tuple[Intent, Meaning]]:
    asked: dict[str, Any] = dict(document.get("spec", "bios", "intents") or {})
    numa = asked.pop("numa", None) or {}
    for name, value in asked.items():
        if value is not None:
            yield cast(Intent, name), value
    for name in ("snc", "nps"):
        if name not in numa or numa[name] is None:
            continue
        value = numa[name]
        # Words for on and off are text here and truth values elsewhere; 1 cluster is none.
        said = value if isinstance(value, bool) else str(value)
        meaning = {"on": True, "off": False, "1": False}.get(str(said), said) if name == "snc" else said
        if isinstance(meaning, str) and meaning not in MEANINGS[cast(Intent, name)]:
            path: errors.Path = ("spec", "bios", "intents", "numa", name)
            problems.append(document.error(path, f'"{errors.shortened(str(value))}" is no number of clusters',
                                           "on, off, 2 or 4" if name == "snc" else "1, 2 or 4"))
            continue
        yield cast(Intent, name), meaning


def _attributes(document: Document, problems: list[DocumentError]) -> Iterator[tuple[str, BiosValue]]:
    for name, value in (document.get("spec", "bios", "attributes") or {}).items():
        if isinstance(value, str | int | bool):
            yield name, value
        else:
            problems.append(
                document.error(
                    ("spec", "bios", "attributes", name),
                    "this is no BIOS value",
                    "text, a whole number, or true or false",
                )
            )
