"""What all sections of one machine stand on: its System, its managers and its chassis, each read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from bpa.adapters.errors import Busy, Unreachable, Unsupported
from bpa.adapters.redfish.reading import NOT_THERE, Json, Reader
from bpa.adapters.redfish.sections.tree import each, members, paths, references, same
from bpa.adapters.redfish.target import Target

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Ground:
    """managers and chassis: path -> body, those of this System only. The problems are why some are missing."""

    target: Target
    path: str
    system: Json
    root: Json
    managers: Mapping[str, Json]
    chassis: Mapping[str, Json]
    managers_problem: str = ""
    chassis_problem: str = ""
    interrupted: bool = False


def survey(target: Target) -> Ground:
    """Raises the adapter errors where root, login or System cannot be read; nothing else stops it.

    interrupted: the BMC was busy, or gone, at one of the others; whether for good, the System will tell.
    """
    system = target.system().body
    root, path = target.link.root(), target.system_path()

    def of(read: Callable[[Reader, Json, str, Json], dict[str, Json]]) -> tuple[dict[str, Json], str, bool]:
        reader, interrupted = target.reader(), False
        try:
            found = read(reader, root, path, system)
        except (*NOT_THERE, Busy, Unreachable) as error:
            found, interrupted = {}, not isinstance(error, NOT_THERE)
            reader.note(error)
        return found, reader.problem, interrupted

    (managers, no_managers, gone), (chassis, no_chassis, away) = side_by_side(target, of, (managers_of, chassis_of))
    return Ground(target, path, system, root, managers, chassis, no_managers, no_chassis, gone or away)


def side_by_side(target: Target, read: Callable[[A], B], what: Sequence[A]) -> list[B]:
    """read(each), as many at once as the BMC bears GETs; where one of them leaves room, the link fetches ahead."""
    if target.link.parallel < 2:
        return [read(one) for one in what]
    with ThreadPoolExecutor(target.link.parallel, thread_name_prefix="section") as workers:
        return list(workers.map(read, what))


def managers_of(reader: Reader, root: Json, path: str, system: Json) -> dict[str, Json]:
    """Those that the System names; else those that name it; else the only ones there are, if they name nobody."""
    named = dict(each(reader, references(system, "Links", "ManagedBy")))
    return named or _of_this(reader, root, path, "Managers", "ManagerForServers")


def chassis_of(reader: Reader, root: Json, path: str, system: Json) -> dict[str, Json]:
    """Path and body of the chassis that the System names; of those that name it where none of these can be read."""
    # Intel's S2600 names a chassis that is not there; its boards, in the collection, name the System.
    named = dict(each(reader, references(system, "Links", "Chassis")))
    return named or _of_this(reader, root, path, "Chassis", "ComputerSystems")


def _of_this(reader: Reader, root: Json, path: str, collection: str, key: str) -> dict[str, Json]:
    """Those of the collection that name the System; where none names any and there is only one System, all."""
    found = dict(members(reader, root, collection))
    named = {p: paths(reader, references(body, "Links", key)) for p, body in found.items()}
    mine = {p: body for p, body in found.items() if same(path) in named[p]}
    if mine or any(named.values()):
        return mine
    if found and len(reader.links(root, "Systems")) > 1:
        reader.note(Unsupported(f"which {collection} belong to {path} is not told"))
        return {}
    return found
