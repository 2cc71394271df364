"""Query parameters of a GET: $expand, $select, $filter, $top, $skip, only (DSP0266, 7.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bpa.lab.recorded import filtering
from bpa.lab.recorded.exchange import Doc
from bpa.lab.recorded.tree import ROOT

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

EXPAND = re.compile(r"([.*~])(?:\(\$levels=(\d+)\))?")
WAYS = {".": "NoLinks", "~": "Links", "*": "ExpandAll"}
WORDS = {"only": "OnlyMemberQuery", "excerpt": "ExcerptQuery"}
EXPANDED = 2000
"""Resources in one answer; a service that expands everything to six levels would never come to an end."""


def asked(query: dict[str, str]) -> bool:
    """Whether a query changes what a GET answers."""
    return any(n.startswith("$") or n in ("only", "excerpt") for n in query)


def apply(machine: Machine, doc: Doc, query: dict[str, str]) -> Doc:
    """The resource as the query wants it. Raises Refusal."""
    say = machine.say
    features = (machine.store.get(ROOT) or {}).get("ProtocolFeaturesSupported")
    features = features if isinstance(features, dict) else {}
    for name in query:
        if name.startswith("$") and name not in ("$expand", "$select", "$filter", "$top", "$skip"):
            raise say.refuse("QueryNotSupported")
    for name in ("only", "excerpt"):
        if query.get(name) and features.get(WORDS[name]):
            raise say.refuse("QueryParameterValueFormatError", query[name], name)
    if "only" in query and features.get("OnlyMemberQuery"):
        doc = _only(machine, doc, query)
    if "$filter" in query:
        if not features.get("FilterQuery"):
            raise say.refuse("QueryNotSupported")
        doc = _filtered(machine, doc, query["$filter"])
    if "$top" in query or "$skip" in query:
        doc = _paged(machine, doc, query)
    if "$expand" in query:
        doc = _expanded(machine, doc, query["$expand"], features.get("ExpandQuery"))
    if "$select" in query:
        if not features.get("SelectQuery"):
            raise say.refuse("QueryNotSupported")
        names = {n.strip().split("/")[0] for n in query["$select"].split(",")}
        doc = {n: v for n, v in doc.items() if n in names or n.startswith("@odata.")}
    return doc


def _only(machine: Machine, doc: Doc, query: dict[str, str]) -> Doc:
    if "Members" not in doc or "$expand" in query:
        raise machine.say.refuse("QueryNotSupportedOnResource")
    members = doc["Members"]
    if isinstance(members, list) and len(members) == 1:
        return machine.store.get(machine.store.link(members[0])) or doc
    return doc


def _paged(machine: Machine, doc: Doc, query: dict[str, str]) -> Doc:
    members = doc.get("Members")
    if not isinstance(members, list):
        raise machine.say.refuse("QueryNotSupportedOnResource")
    counts = []
    for name in ("$skip", "$top"):
        text = query.get(name, "0" if name == "$skip" else str(len(members)))
        if not text.isdecimal():
            raise machine.say.refuse("QueryParameterValueFormatError", text, name)
        counts.append(int(text))
    return doc | {"Members": members[counts[0]:counts[0] + counts[1]]}


def _filtered(machine: Machine, doc: Doc, text: str) -> Doc:
    members = doc.get("Members")
    if not isinstance(members, list):
        raise machine.say.refuse("QueryNotSupportedOnResource")
    try:
        wanted = filtering.parse(text)
    except ValueError:
        raise machine.say.refuse("QueryParameterValueFormatError", text, "$filter") from None
    whole = [(m, machine.store.get(machine.store.link(m)) or m if set(m) == {"@odata.id"} else m)
             for m in members if isinstance(m, dict)]
    kept = [m for m, member in whole if wanted(member)]
    return doc | {"Members": kept, "Members@odata.count": len(kept)}


def _expanded(machine: Machine, doc: Doc, text: str, announced: Any) -> Doc:
    match = EXPAND.fullmatch(text or ".")
    announced = announced if isinstance(announced, dict) else {}
    if match is None:
        raise machine.say.refuse("QueryParameterValueFormatError", text, "$expand")
    if not announced.get(WAYS[match[1]]):
        raise machine.say.refuse("QueryNotSupported")
    most = announced.get("MaxLevels") if isinstance(announced.get("MaxLevels"), int) else 1
    levels = int(match[2] or 1)
    if levels > most or levels < 1:
        raise machine.say.refuse("QueryParameterOutOfRange", levels, "$expand")
    broken = machine.told("expand-broken")
    if broken == "error":
        raise machine.say.refuse("InternalError")
    if broken == "":
        return doc
    whole = _Expansion(machine, match[1]).of(doc, levels)
    if broken == "short" and isinstance(whole.get("Members"), list):
        whole["Members"] = whole["Members"][: len(whole["Members"]) // 2]
    return whole


class _Expansion:
    def __init__(self, machine: Machine, way: str) -> None:
        self._machine = machine
        self._way = way
        self._left = EXPANDED

    def of(self, doc: Doc, levels: int) -> Doc:
        return {n: self._value(v, levels, n == "Links") if self._wanted(n) else v for n, v in doc.items()}

    def _wanted(self, name: str) -> bool:
        if "@" in name or name == "Actions":
            return False
        return self._way == "*" or (name == "Links") == (self._way == "~")

    def _value(self, value: Any, levels: int, linked: bool) -> Any:
        if isinstance(value, list):
            return [self._value(v, levels, linked) for v in value]
        if not isinstance(value, dict):
            return value
        path = value.get("@odata.id")
        if set(value) != {"@odata.id"} or not isinstance(path, str) or "#" in path:
            return {n: self._value(v, levels, linked) if n != "Links" or linked or self._way == "*" else v
                    for n, v in value.items()}
        found = self._machine.store.get(path) if self._left > 0 else None
        if found is None:
            return value
        self._left -= 1
        return self.of(found, levels - 1) if levels > 1 else found
