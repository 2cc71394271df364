"""Sections `pmemGoal` and `pmemModules`."""

from __future__ import annotations

from collections.abc import Iterator

from bpa.core.want import EraseWant, GoalWant, ModulesWant
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError


def read_goals(document: Document, problems: list[DocumentError]) -> Iterator[GoalWant]:
    """One goal for each socket that is named, and one for the rest; what is wrong with them goes to `problems`."""
    said = document.get("spec", "pmemGoal")
    if said is None:
        return
    sockets = said.get("sockets")
    memory, interleaved = said.get("memoryMode"), said.get("interleaved")
    seen: dict[int, int] = {}
    for number, entry in enumerate(sockets or ()):
        if not entry or entry.get("socket") is None:
            continue
        path = ("spec", "pmemGoal", "sockets", number)
        if seen.setdefault(entry["socket"], number) != number:
            problems.append(document.error((*path, "socket"),
                                           f"socket {entry['socket']} is in sockets[{seen[entry['socket']]}] too"))
            continue
        own = entry.get("memoryMode")
        goal = GoalWant((memory or 0) if own is None else own,
                        _said(entry.get("interleaved"), interleaved), entry["socket"])
        if entry.get("interleaved") is not None and goal.memory_percent == 100:
            problems.append(document.error((*path, "interleaved"), "Memory Mode leaves nothing to interleave",
                                           "memoryMode below 100, or no interleaved"))
        yield goal
    if memory == 100 and interleaved is not None and not sockets:
        problems.append(document.error(("spec", "pmemGoal", "interleaved"), "Memory Mode leaves nothing to interleave",
                                       "memoryMode below 100, or no interleaved"))
    if memory is not None or interleaved is not None:
        yield GoalWant(memory or 0, _said(interleaved))


def read_modules(document: Document) -> ModulesWant:
    """What the modules must be."""
    said = document.get("spec", "pmemModules") or {}
    erase = said.get("erase") or {}
    wanted = EraseWant(erase["id"], erase.get("method") or "crypto-erase") if erase.get("id") else None
    return ModulesWant(said.get("firmware") or "", wanted)


def _said(*values: bool | None) -> bool:
    """The first that is said; App Direct is interleaved by default, as for ipmctl."""
    return next((value for value in values if value is not None), True)
