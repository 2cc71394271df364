"""Recorded machines with one value changed: what every reader must bear. In memory, without HTTP, for speed.

As a script: python tests/redfish/fuzzing.py --minutes 20 [--seed N] [MACHINE ...]
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from stub_bmc import RECORDED, ROOT, RecordedTree, small_machine

from bpa.adapters.errors import AdapterError
from bpa.adapters.redfish import ALL, Bmc, BmcAccess
from bpa.adapters.redfish.sections import SECTIONS, Name, full_facts
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Faulty, Missing
from bpa.adapters.redfish.transport.wire import Answer
from bpa.cli.bmc.facts import as_json_object
from bpa.cli.bmc.facts_text import lines
from bpa.core.machine import MachineFacts
from bpa.core.secret import Secret

Where = tuple[str | int, ...]
TREES = ("small", *sorted(p.name for p in RECORDED.glob("*") if (p / "redfish").is_dir()))
GONE = object()
LONGEST = 4096
LARGEST = 2**64
REQUESTS = 20_000


def _deep(levels: int) -> Any:
    body: Any = "bottom"
    for level in range(levels):
        body = {"Status": body, "@odata.id": f"{ROOT}/deep"} if level % 2 else [body]
    return body


INSTEAD: Mapping[str, Any] = {
    "gone": GONE, "null": None, "empty text": "", "control characters": "\x00\u202e\x1b[2J", "long text": "x" * 100_000,
    "zero": 0, "minus one": -1, "fraction": 0.5, "huge": 1e308, "huge integer": 10**400, "not a number": float("nan"),
    "infinite": float("inf"), "true": True, "number as text": "16384", "words": "not a number",
    "empty list": [], "mixed list": [None, 1, "a", {}, [[]]],
    "long list": [{"@odata.id": f"{ROOT}/none/{n}"} for n in range(600)],
    "empty object": {}, "link to nothing": {"@odata.id": None}, "link elsewhere": {"@odata.id": "//evil.example/x"},
    "broken link": {"@odata.id": "http://[bad"}, "link to the Systems": {"@odata.id": f"{ROOT}/Systems"},
    "link to the root": {"@odata.id": f"{ROOT}/"}, "list of links to the Systems": [{"@odata.id": f"{ROOT}/Systems"}] * 3,
    "deep": _deep(400), "an error": {"error": {"@Message.ExtendedInfo": [{"Message": 7}]}},
}


@dataclass
class Tree:
    """A machine in memory. reads: section -> the resources that it alone decides, in a look at the unchanged machine."""

    name: str
    source: Mapping[str, Any] | RecordedTree = field(repr=False)
    cache: dict[str, Any] = field(default_factory=dict, repr=False)
    seen: dict[str, None] = field(default_factory=dict, repr=False)
    asked: int = 0
    key: str = ""
    where: Where = ()
    instead: Any = None
    facts: MachineFacts | None = field(default=None, repr=False)
    reads: dict[Name, set[str]] = field(default_factory=dict, repr=False)

    def exchange(self, method: str, path: str, *more: Any, **rest: Any) -> Answer:
        """In place of Wire.exchange."""
        if method != "GET":
            return Answer({}, headers={"X-Auth-Token": "t"}, location=f"{ROOT}/SessionService/Sessions/1", status=201)
        self.asked += 1
        assert self.asked < REQUESTS, "does not come to an end"
        key = path.split("?")[0].rstrip("/").lower()
        if key not in self.cache:
            self.cache[key] = self.source.get(key)
        body = self.cache[key]
        if body is None:
            raise Missing(path)
        self.seen[key] = None
        if key == self.key:
            body = _replaced(body, self.where, self.instead)
        if not isinstance(body, dict):
            raise Faulty(path)
        return Answer(body)

    def target(self) -> Target:
        """Over this tree; one thread, so that the same is read in the same order every time."""
        target = Target(BmcAccess("https://192.0.2.1", "admin", Secret("x"), mac="02:00:00:00:00:01", parallel=1))
        target.link.sleep = lambda seconds: None
        target.link._wire.exchange = self.exchange  # type: ignore[method-assign]
        return target


@dataclass(frozen=True)
class Mutant:
    """One value of one resource of a tree, and what stands in its place."""

    tree: Tree
    key: str
    where: Where
    kind: str

    def __str__(self) -> str:
        return f"{self.tree.name}: {self.key} {list(self.where)} = {self.kind}"


def tree(name: str) -> Tree:
    """A recorded machine by its name, or "small"; looked at once, as it is."""
    found = Tree(name, small_machine() if name == "small" else RecordedTree(RECORDED / name))
    shared: set[str] = set()
    for section in ((), *((one,) for one in SECTIONS)):
        found.seen.clear()
        full_facts(found.target(), section)
        if not section:
            shared = set(found.seen)
        else:
            found.reads[section[0]] = set(found.seen) - shared
    found.seen.clear()
    found.facts = full_facts(found.target())
    _look(found)
    return found


def mutants(of: Tree, seed: int | None = None) -> Iterator[Mutant]:
    """All of them, resource by resource; with a seed an endless random sample, the same for the same seed."""
    if seed is None:
        for key in list(of.seen):
            for where in _nodes(of.cache[key]):
                for kind in INSTEAD:
                    if where or kind != "gone":
                        yield Mutant(of, key, where, kind)
        return
    chance = random.Random(f"{of.name} {seed}")
    keys = list(of.seen)
    while True:
        # By resource first: else the thousands of values of one BIOS would be all that is ever tried.
        key = chance.choice(keys)
        where, kind = chance.choice(list(_nodes(of.cache[key]))), chance.choice(list(INSTEAD))
        if where or kind != "gone":
            yield Mutant(of, key, where, kind)


def check(mutant: Mutant) -> None:
    """Facts with reasons or an adapter error; what does not depend on the value stands. Raises AssertionError."""
    of = mutant.tree
    of.key, of.where, of.instead, of.asked = mutant.key, mutant.where, INSTEAD[mutant.kind], 0
    try:
        try:
            found = full_facts(of.target(), _worth_reading(mutant))
            _sound(found)
            _others_stand(mutant, found)
        except AdapterError as error:
            assert _shown(str(error)) and _shown(error.advice), "an error that cannot be shown"
        with suppress(AdapterError):
            json.dumps(asdict(_look(of)), allow_nan=False)
    except Exception as error:
        raise AssertionError(f"{mutant} leads to {error!r}") from error
    finally:
        of.key, of.where = "", ()


def _worth_reading(mutant: Mutant) -> tuple[Name, ...]:
    """All sections, but BIOS with its registry, by far the largest, only where the value may matter to it."""
    decided = {name for name, keys in mutant.tree.reads.items() if mutant.key in keys}
    return tuple(name for name in SECTIONS if name != "bios" or not decided or "bios" in decided)


def _look(of: Tree) -> Any:
    bmc = Bmc(BmcAccess("https://192.0.2.1", "admin", Secret("x"), mac="02:00:00:00:00:01", parallel=1))
    bmc.target = of.target()
    return bmc.look(ALL)


def _sound(found: MachineFacts) -> None:
    told = as_json_object(found)
    json.dumps(told, allow_nan=False)
    for value in _values(told):
        if isinstance(value, str):
            assert _shown(value), value[:80]
        elif isinstance(value, int):
            assert abs(value) < LARGEST, value
    for line in lines(found):
        assert _shown(line.replace("\x1b", "")), line[:80]


def _shown(text: str) -> bool:
    return len(text) <= LONGEST and (text.isprintable() or not text)


def _others_stand(mutant: Mutant, found: MachineFacts) -> None:
    of = mutant.tree
    assert of.facts is not None
    changed = {name for name, keys in of.reads.items() if mutant.key in keys}
    if not changed:
        return  # root, System, managers and chassis decide over everything
    if "pcie" in changed:
        changed |= {"network", "processors"}
    for name in _worth_reading(mutant):
        assert name in changed or getattr(found, name) == getattr(of.facts, name), f"{name} is not what it was"


def _values(body: Any) -> Iterator[Any]:
    if isinstance(body, dict):
        for key, value in body.items():
            yield from _values(key)
            yield from _values(value)
    elif isinstance(body, list | tuple):
        for value in body:
            yield from _values(value)
    else:
        yield body


def _replaced(body: Any, where: Where, value: Any) -> Any:
    if not where:
        return None if value is GONE else value
    copy = list(body) if isinstance(body, list) else dict(body)
    if len(where) == 1 and value is GONE:
        del copy[where[0]]
    else:
        copy[where[0]] = _replaced(body[where[0]], where[1:], value)
    return copy


def _nodes(body: Any, where: Where = ()) -> Iterator[Where]:
    yield where
    if isinstance(body, dict):
        for key, value in body.items():
            yield from _nodes(value, (*where, key))
    elif isinstance(body, list):
        for index, value in enumerate(body):
            yield from _nodes(value, (*where, index))


def main() -> int:
    """Fuzz for so many minutes, the trees in turn; 1 = something was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("machines", nargs="*", default=TREES)
    given = parser.parse_args()
    endless = [mutants(tree(name), given.seed) for name in given.machines]
    until, tried, found = time.monotonic() + 60 * given.minutes, 0, 0
    while time.monotonic() < until:
        for one in endless:
            tried += 1
            try:
                check(next(one))
            except AssertionError as error:
                found += 1
                print(error)
    print(f"{tried} mutants of {len(endless)} machines, {found} findings")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
