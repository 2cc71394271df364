"""One look at a machine: each resource is fetched once, however many sections ask for it, from however many threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from bpa.adapters.redfish.transport.wire import Answer

LOOK_SECONDS = 300.0
"""For a whole look. The slowest BMC measured in public takes 90 s for a full inventory."""


class Look:
    """Answers and errors of this look by path, without regard to case and trailing slash."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, Future[Answer]] = {}

    def get(self, path: str, fetch: Callable[[str], Answer]) -> Answer:
        """The answer, fetched by whoever asks first; the others wait for it. Raises what fetch raised."""
        key = key_of(path)
        with self._lock:
            future = self._asked.get(key)
            first = future is None
            if future is None:
                future = self._asked[key] = Future()
        if first:
            try:
                future.set_result(fetch(path))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()

    def seed(self, path: str, answer: Answer) -> None:
        """The answer is known already."""
        future: Future[Answer] = Future()
        future.set_result(answer)
        with self._lock:
            self._asked.setdefault(key_of(path), future)

    def forget(self) -> None:
        """Something was changed: what was read before may be wrong."""
        with self._lock:
            self._asked.clear()


def key_of(path: str) -> str:
    """What two spellings of one path have in common: iLO 5 writes it with and without the slash, in both cases."""
    place, mark, query = path.partition("?")
    return place.lower().rstrip("/") + mark + query
