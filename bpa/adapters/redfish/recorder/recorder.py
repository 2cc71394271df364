"""Read all of a BMC, gently, and write it down redacted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable, Unsupported
from bpa.adapters.redfish.recorder.frontier import START, Frontier, Limits, same
from bpa.adapters.redfish.recorder.journal import MANIFEST, Journal, Page, finished, replace
from bpa.adapters.redfish.recorder.tree import write_tree
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Faulty, Missing, parse_object
from bpa.core.redaction import Kind, Redactor, without_secrets

BUSY_SECONDS = (2.0, 4.0, 8.0, 15.0, 30.0)
"""How long a resource rests that the BMC has no time for, where it does not say itself."""
DEPTH = 64
PASSING = frozenset({
    "connection", "content-length", "content-encoding", "date", "expires", "keep-alive", "location", "set-cookie",
    "transfer-encoding", "www-authenticate", "x-auth-token", "last-modified",
})
"""Headers of the moment, or that open the machine."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a recording came to. answers: path -> HTTP status, of announced resources that were not served: 200 = not as
    JSON, 0 = the connection broke each time.


    redacted: kind -> how many different values; left_out: why -> how many resources. already: nothing was to be done.
    """

    directory: str
    resources: int
    answers: Mapping[str, int] = field(default_factory=dict)
    redacted: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    requests: int = 0
    already: bool = False


def record(
    target: Target,
    directory: Path,
    *,
    keep: Collection[Kind] = (),
    limits: Limits | None = None,
    per_second: float = 20.0,
    parallel: int = 1,
    progress: Callable[[int, int], None] = lambda done, known: None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Recording:
    """The whole tree of a BMC into directory; goes on with one that was begun, does nothing with one that is complete.

    keep: kinds of identity that stay. per_second: requests at most; parallel: at once. progress gets how many
    resources are read and how many are known. Raises the adapter errors; what was read until then is kept.
    """
    done = _finished(directory)
    if done is not None:
        return done
    pace = _Pace(per_second, sleep, clock)
    frontier = Frontier(limits or Limits())
    try:
        with Journal(directory, target.origin) as journal:
            pages = {same(page.path): page for page in journal.pages()}
            before = len(pages)
            _walk(target, journal, frontier, pages, pace, max(parallel, 1), progress)
            redactor = _redactor(target, journal.key, keep)
            found = write_tree(directory, list(pages.values()), redactor)
            result = Recording(
                str(directory), found.resources, found.answers,
                {kind: n for kind, n in redactor.found.items() if n}, dict(frontier.left_out), len(pages) - before,
            )
            _write_manifest(directory, result, found.machine, keep)
            journal.done()
    except OSError as error:
        raise Refused(f"the recording cannot be written: {error}", "make room or give rights, then run it again") from None
    return result


def _walk(
    target: Target, journal: Journal, frontier: Frontier, pages: dict[str, Page], pace: _Pace, parallel: int,
    progress: Callable[[int, int], None],
) -> None:
    for path in START:
        frontier.add(path, 0)
    with ThreadPoolExecutor(parallel, thread_name_prefix="record") as pool:
        # One at a time is done in this thread, so that an interrupt need not wait for it.
        several: Callable[..., Iterable[Page]] = pool.map if parallel > 1 else map
        try:
            while batch := _batch(frontier, pages, parallel):
                missing = [path for path, _ in batch if same(path) not in pages]
                for page in several(lambda path: _fetch(target, path, pace), missing):
                    journal.add(page)
                    pages[same(page.path)] = page
                for path, depth in batch:
                    body = pages[same(path)].body
                    if body is not None:
                        frontier.read(path, body, depth, target.link.path_of)
                progress(len(pages), max(frontier.known, len(pages)))
        finally:
            pace.over = True


def _batch(frontier: Frontier, pages: Mapping[str, Page], parallel: int) -> list[tuple[str, int]]:
    """The next resources, with as many among them that must be asked for as are asked at once."""
    batch: list[tuple[str, int]] = []
    asked = 0
    while asked < parallel and (item := frontier.next()) is not None:
        batch.append(item)
        asked += same(item[0]) not in pages
    return batch


def _fetch(target: Target, path: str, pace: _Pace) -> Page:
    for seconds in (*BUSY_SECONDS, None):
        pace.wait()
        begun = pace.clock()
        if pace.over:
            break
        try:
            body, told = _read(target, path)
        except Faulty as error:
            pace.served, pace.stuck = True, 0
            return Page(path, error.status or 200, error=str(error))
        except (Busy, Unreachable) as error:
            # A BMC that never answered is not there; one that did may be restarting.
            if isinstance(error, Unreachable) and not pace.served:
                raise
            if seconds is not None:
                pace.rest(error.retry_after or seconds)
                continue
            pace.stuck += 1
            if pace.stuck > 1:
                raise
            return Page(path, error.status, error=str(error))
        except AdapterError as error:
            if target.link.refused is not None:
                raise
            pace.served, pace.stuck = True, 0
            return Page(path, error.status or (404 if isinstance(error, Missing) else 403), error=str(error))
        else:
            pace.served, pace.stuck = True, 0
            if _deep(body):
                return Page(path, 200, error=f"{path} is nested more than {DEPTH} deep")
            headers = {n: v[:1024] for n, v in list(told.items())[:48] if n.lower() not in PASSING}
            return Page(path, 200, without_secrets(dict(body)), headers, seconds=round(pace.clock() - begun, 3))
    raise Busy("the recording was interrupted", "run it again to go on")


def _read(target: Target, path: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Body and headers as they are served now: what is known from before has the headers of a 304."""
    try:
        response = target.link.raw(path)
    except Unsupported as error:
        if error.status:
            raise
        # A redirect, which only a reading GET follows.
        answer = target.link.get(path)
        return answer.body, answer.headers
    return parse_object(target.origin, response), response.headers


def _deep(value: Any) -> bool:
    """Whether a body is nested as no resource is, and as no code after this should have to bear."""
    level = [value]
    for _ in range(DEPTH):
        level = [inside for one in level for inside in (one.values() if isinstance(one, Mapping) else one)
                 if isinstance(inside, Mapping | list)]
        if not level:
            return False
    return True


class _Pace:
    """Requests at most so often. For several threads: who comes while another rests, rests too.

    served: the BMC has answered. stuck: resources in a row for which it never had time. over: nothing is asked any more.
    """

    def __init__(self, per_second: float, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._gap = 1.0 / per_second if per_second > 0 else 0.0
        self._sleep, self.clock = sleep, clock
        self._next = clock()
        self.served = False
        self.stuck = 0
        self.over = False

    def wait(self) -> None:
        now = self.clock()
        self._next, due = max(self._next, now) + self._gap, self._next
        if due > now:
            self._sleep(due - now)

    def rest(self, seconds: float) -> None:
        self._next = max(self._next, self.clock() + seconds)


def _redactor(target: Target, key: bytes, keep: Collection[Kind]) -> Redactor:
    redactor = Redactor(key, keep)
    host = urlsplit(target.origin).hostname or ""
    redactor.know("addresses" if host.replace(".", "").isdigit() or ":" in host else "names", host)
    redactor.know("users", target.access.username)
    redactor.know_secret(target.access.password.reveal())
    return redactor


def _write_manifest(directory: Path, result: Recording, machine: Mapping[str, str], keep: Collection[Kind]) -> None:
    known = asdict(result)
    for name in ("directory", "already"):
        del known[name]
    replace(directory / MANIFEST, json.dumps({"format": 1, "machine": dict(machine), "kept": sorted(keep), **known}, indent=2))


def _finished(directory: Path) -> Recording | None:
    try:
        known: Any = finished(directory)
    except (OSError, ValueError) as error:
        raise Refused(f"{directory / MANIFEST} cannot be read: {error}", "name a new directory") from None
    if known is None:
        return None
    parts: dict[str, dict[str, int]] = {}
    for name in ("answers", "redacted", "left_out"):
        part = known.get(name)
        parts[name] = part if isinstance(part, dict) else {}
    return Recording(
        str(directory), int(known.get("resources") or 0), parts["answers"], parts["redacted"], parts["left_out"], already=True
    )
