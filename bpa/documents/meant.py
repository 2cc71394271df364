"""Which field a writer probably meant by a name that its mapping does not have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bpa.documents.document import nearest

MOST_TOLD = 20
"""Fields that a message lists at most."""
_SAY_NOTHING = frozenset((
    "all", "and", "are", "count", "for", "its", "kind", "list", "name", "none", "not", "number", "path", "size", "such", "text",
    "that", "the", "thi", "type", "value", "what", "with",
))
"""Words that descriptions have of any field."""


def field_meant(key: str, known: Mapping[str, Any]) -> tuple[str, str]:
    """What would be accepted instead of `key`, and the field that was meant; each "" = cannot be said.

    known: the schema's properties. Spelling counts first; then one field alone may have the key inside it (hugepages:
    kernel.hugepages), as a word of its name (address: pciAddress) or of its description (numa: node, "the number of the NUMA
    node"). Those are weaker hints, so all fields are told beside them.
    """
    spelt = nearest(key, [*known])
    if spelt:
        return "", spelt
    told = "one of " + ", ".join(known) if len(known) <= MOST_TOLD else ""
    inside = [name for name, part in known.items() if key in part.get("properties", {})]
    if len(inside) == 1:
        return told, f"{inside[0]}.{key}"
    names = {name: set(map(_singular, re.findall("[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name))) for name in known}
    words = {name: set(map(_singular, re.findall(r"\w+", part.get("description", "")))) for name, part in known.items()}
    return told, _only(_singular(key), names) or _only(_singular(key), words)


def _only(word: str, fields: Mapping[str, set[str]]) -> str:
    found = [name for name, words in fields.items() if word in words]
    return found[0] if len(found) == 1 and len(word) > 2 and word not in _SAY_NOTHING else ""


def _singular(word: str) -> str:
    return word.lower().removesuffix("s")
