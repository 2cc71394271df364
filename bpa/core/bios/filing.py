"""A registry as plain data and back, for files of what was seen of a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from bpa.core.bios.registry import Attribute, Choice, Dependency, Registry, Term


def to_plain(registry: Registry) -> dict[str, Any]:
    """Lists, mappings, texts, numbers and truth values; what is as usual is left out."""
    usual = {field.name: field.default for field in fields(Attribute)}
    attributes = []
    for attribute in registry.attributes():
        told = {name: value for name, value in asdict(attribute).items() if value != usual[name] and name != "choices"}
        if attribute.choices:
            told["choices"] = [[choice.name, choice.display] for choice in attribute.choices]
        attributes.append(told)
    dependencies = [
        {"to": [d.attribute, d.property, d.value], "from": [[t.attribute, t.property, t.condition, t.value] for t in d.terms],
         "joints": [list(joint) for joint in d.joints]} for d in registry.dependencies
    ]
    return {"id": registry.id, "attributes": attributes, "dependencies": dependencies}


def from_plain(said: Mapping[str, Any]) -> Registry:
    """The registry that to_plain made this of. Raises KeyError, TypeError or ValueError where it is something else."""
    attributes = [
        Attribute(**{**entry, "choices": tuple(Choice(str(name), str(display)) for name, display in entry.get("choices", ()))})
        for entry in said["attributes"]
    ]
    dependencies = [
        Dependency(str(attribute), str(property), value, tuple(Term(*term) for term in entry["from"]),
                   tuple(tuple(joint) for joint in entry["joints"]))
        for entry in said["dependencies"]
        for attribute, property, value in (entry["to"],)
    ]
    if any(len(d.joints) != max(len(d.terms) - 1, 0) for d in dependencies):
        raise ValueError("a dependency has not one operator between each two terms")
    return Registry(str(said["id"]), attributes, dependencies)
