"""Which parts serve which wants, so that each part serves one: a disk that two wants could have counts once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

W = TypeVar("W")
P = TypeVar("P")


def served(wants: Sequence[tuple[W, int]], parts: Sequence[P], fits: Callable[[W, P], bool]) -> list[int]:
    """How many parts each want gets where as many as possible are served; a want is (what, how many of it).

    Maximum bipartite matching by augmenting paths: a part that was given away is taken back where its want can have
    another one.
    """
    slots = [number for number, (_, count) in enumerate(wants) for _ in range(min(count, len(parts)))]
    taken: dict[int, int] = {}

    def place(slot: int, tried: set[int]) -> bool:
        want = wants[slots[slot]][0]
        for number, part in enumerate(parts):
            if number in tried or not fits(want, part):
                continue
            tried.add(number)
            if number not in taken or place(taken[number], tried):
                taken[number] = slot
                return True
        return False

    for slot in range(len(slots)):
        place(slot, set())
    given = [0] * len(wants)
    for slot in taken.values():
        given[slots[slot]] += 1
    return given
