"""Recorded machines with one value deleted, nulled or of another type: facts with reasons, never a traceback."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from stub_bmc import RECORDED, ROOT, RecordedTree, small_machine

from bpa.adapters.errors import AdapterError
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.answers import Faulty, Missing
from bpa.adapters.redfish.wire import Answer, Wire
from bpa.core.secret import Secret

SAMPLES = int(os.environ.get("BPA_FUZZ", "80"))
INSTEAD: tuple[Any, ...] = (
    None, "", "\x00\u202e", "x" * 5000, 0, -1, 1e308, float("nan"), True, [], [None, 1, "a", {}], {}, {"@odata.id": None},
    {"@odata.id": "//evil.example/x"}, {"@odata.id": "http://[bad"}, {"@odata.id": f"{ROOT}/Systems"}, [[[]]],
)
GONE = object()


class Tree:
    """Serves resources without HTTP; one value at `where` (resource, keys) is replaced."""

    def __init__(self, source: Mapping[str, Any] | RecordedTree) -> None:
        self.source = source
        self.cache: dict[str, Any] = {}
        self.seen: list[str] = []
        self.where: tuple[str, tuple[Any, ...]] = ("", ())
        self.instead: Any = None

    def exchange(self, wire: Wire, method: str, path: str, *more: Any, **rest: Any) -> Answer:
        if method != "GET":
            return Answer({}, headers={"X-Auth-Token": "t"}, location=f"{ROOT}/SessionService/Sessions/1")
        key = path.split("?")[0].rstrip("/").lower()
        if key not in self.cache:
            self.cache[key] = self.source.get(key)
        body = self.cache[key]
        if body is None:
            raise Missing(path)
        if key not in self.seen:
            self.seen.append(key)
        if key == self.where[0]:
            body = _replaced(body, self.where[1], self.instead)
        if not isinstance(body, dict):
            raise Faulty(path)
        return Answer(body)


def _replaced(body: Any, keys: tuple[Any, ...], value: Any) -> Any:
    if not keys:
        return None if value is GONE else value
    copy = list(body) if isinstance(body, list) else dict(body)
    if len(keys) == 1 and value is GONE:
        del copy[keys[0]]
    else:
        copy[keys[0]] = _replaced(body[keys[0]], keys[1:], value)
    return copy


def _nodes(body: Any, keys: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield keys
    if isinstance(body, dict):
        for key, value in body.items():
            yield from _nodes(value, (*keys, key))
    elif isinstance(body, list):
        for index, value in enumerate(body):
            yield from _nodes(value, (*keys, index))


TREES = ["small", *sorted(p.name for p in RECORDED.glob("*") if (p / "redfish").is_dir())]


@pytest.mark.parametrize("name", TREES)
def test_one_odd_value_anywhere_leads_to_facts_or_one_of_the_four_errors(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = Tree(small_machine() if name == "small" else RecordedTree(RECORDED / name))
    monkeypatch.setattr(Wire, "exchange", lambda wire, *args, **rest: tree.exchange(wire, *args, **rest))

    def look() -> None:
        with Bmc(BmcAccess("https://192.0.2.1", "admin", Secret("x"))) as bmc:
            bmc.look()

    look()
    nodes = [(key, keys) for key in tree.seen for keys in _nodes(tree.cache[key])]
    chance = random.Random(name)  # a fixed seed: the same samples every time
    for key, keys in chance.sample(nodes, min(SAMPLES, len(nodes))):
        tree.where, tree.instead = (key, keys), chance.choice((GONE, *INSTEAD))
        try:
            look()
        except AdapterError:
            pass
        except Exception as error:
            raise AssertionError(f"{key} {keys} = {tree.instead!r} leads to {error!r}") from error
