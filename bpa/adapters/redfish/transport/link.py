"""The connection to one BMC, logged in: what is read is asked again where that is harmless, what is written goes out once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from bpa.adapters.errors import AdapterError, Busy, Refused, Unreachable, Unsupported
from bpa.adapters.redfish.access import BmcAccess
from bpa.adapters.redfish.login.logging_in import Login
from bpa.adapters.redfish.transport.answers import Broken, Denied, Faulty, Moved, Unauthorized
from bpa.adapters.redfish.transport.expanding import Expanding
from bpa.adapters.redfish.transport.look import LOOK_SECONDS, Look, key_of
from bpa.adapters.redfish.transport.response import Response
from bpa.adapters.redfish.transport.wire import READ_SECONDS, Answer, Wire

T = TypeVar("T")
ROOT = "/redfish/v1/"
ATTEMPTS = 3
BROKEN_SECONDS = 0.5
PATIENCE = 5.0
"""Seconds that a GET waits, once, where the BMC asks for no more than that; longer waits are the caller's."""


class Link:
    """GETs may come from several threads; everything else from one. Every method raises the four adapter errors only.

    sleep is called with the seconds to wait before a GET is asked again.
    """

    def __init__(self, access: BmcAccess) -> None:
        self._wire = Wire(access)
        self._login = Login(access, self._wire, self.root, lambda seconds: self.sleep(seconds))
        self._root: Mapping[str, Any] | None = None
        self._root_lock = threading.RLock()
        self._look: Look | None = None
        self._workers: ThreadPoolExecutor | None = None
        self._denied: set[str] = set()
        self.sleep = time.sleep
        self.origin = self._wire.origin
        self.path_of = self._wire.path_of
        self.path_made = self._wire.path_made
        self.expanding = Expanding()

    @property
    def refused(self) -> Refused | None:
        """Set for good once the BMC refused the credentials: asking again could lock the account."""
        return self._login.refusal

    @property
    def parallel(self) -> int:
        """GETs that may be under way at once; may be set at any time (a quirk may want 1)."""
        return self._wire.parallel

    @parallel.setter
    def parallel(self, number: int) -> None:
        self._wire.parallel = max(number, 1)

    # -- reading

    def get(self, path: str) -> Answer:
        """GET a resource. Within a look() each is asked for once, and everybody gets the same answer.

        Asked again where the connection breaks, for it changes nothing; and once where the BMC wants but a moment.
        """
        return self._get(path)

    def raw(self, path: str, accept: str = "application/json") -> Response:
        """The same as it comes, JSON or not, never from memory: for what is recorded."""
        return self._again(lambda: self._authorized(
            path, lambda headers: self._wire.fetch("GET", path, None, {**headers, "Accept": accept})))

    def each(self, paths: Sequence[str]) -> Generator[Future[Answer], None, None]:
        """GET all of them, a few at once, a little ahead of who iterates; in order, each with its answer or its error.

        Who iterates fetches too, and others only where the BMC bears more: handing over to a thread and back takes
        longer than a quick answer. Left early it ends what is under way, so that nothing is still asked during what comes
        next: a GET whose session ends by a change of the password would send the old one again.
        """
        if self.parallel < 2 or len(paths) < 2:
            for path in paths:
                yield self._now(path)
            return
        ahead: deque[tuple[str, Future[Answer]]] = deque()
        todo = deque(paths)
        call, reader = self._login.call, threading.get_ident()
        try:
            while todo or ahead:
                mine = "" if ahead else todo.popleft()
                for _ in range(min(len(todo), self._wire.room - bool(mine))):
                    ahead.append((todo[0], self._pool().submit(self._get, todo.popleft(), call)))
                yield self._now(mine) if mine else self._taken(*ahead.popleft())
        except GeneratorExit:
            # Python may end a generator wherever it collects garbage, in a worker too, which must not wait for itself.
            if threading.get_ident() == reader:
                wait([future for _, future in ahead if not future.cancel()], READ_SECONDS)
            raise
        finally:
            for _, future in ahead:
                future.cancel()

    @property
    def looking(self) -> bool:
        """Whether a look() is open."""
        return self._look is not None

    def seed(self, path: str, answer: Answer) -> None:
        """Within a look(): this resource came with another one, and need not be asked for."""
        if self._look is not None:
            self._look.seed(path, answer)

    def expand(self, path: str) -> Answer | None:
        """A collection with its members' bodies, where the BMC can do that and does it right; None where it does not.

        Only within a look(), which keeps the members.
        """
        query = self.expanding.query(self.root()) if self._look is not None else ""
        if not query or "?" in path:
            return None
        try:
            answer = self.get(path + query)
        except (Unsupported, Denied, Faulty, Unreachable) as error:
            if self.refused is not None:
                raise
            self.expanding.fails(error)
            return None
        return answer if self.expanding.judge(answer, lambda member: self._fetch(self.path_of(member)).body) else None

    def root(self) -> Mapping[str, Any]:
        """The service root, read once and without credentials, as the specification wants it served."""
        with self._root_lock:
            if self._root is None:
                root = self._again(self._read_root)
                if not root.body:
                    raise Faulty(f"{self.origin}{ROOT} is empty: not a usable Redfish service root")
                self._root = root.body
            return self._root

    @contextmanager
    def look(self, seconds: float = LOOK_SECONDS) -> Iterator[None]:
        """Everything asked for in here is of one look: no resource is fetched twice, and the whole ends in time.

        What is not read by then fails with Faulty. A look in a look is part of it. Hangs up at the end.
        """
        if self._look is not None:
            yield
            return
        self._look = Look()
        self._wire.deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self._look = None
            self._wire.deadline = None
            self.hang_up()

    # -- writing

    def post(self, path: str, data: Mapping[str, Any], etag: str = "", timeout: float = READ_SECONDS) -> Answer:
        """POST, once, with If-Match where an ETag is given. timeout: seconds until the answer must begin."""
        return self._write("POST", path, data, etag, timeout)

    def patch(self, path: str, data: Mapping[str, Any], etag: str = "", timeout: float = READ_SECONDS) -> Answer:
        """PATCH, once, with If-Match where an ETag is given."""
        return self._write("PATCH", path, data, etag, timeout)

    def delete(self, path: str, etag: str = "", timeout: float = READ_SECONDS) -> Answer:
        """DELETE, once, with If-Match where an ETag is given."""
        return self._write("DELETE", path, None, etag, timeout)

    # -- ending

    def hang_up(self) -> None:
        """Close idle connections; the session stays."""
        self._dismiss()
        self._wire.hang_up()

    def close(self) -> None:
        """Log out and hang up; never raises an adapter error. May be called twice."""
        self._dismiss()
        try:
            self._login.close()
        finally:
            self.hang_up()

    def prove(self) -> None:
        """Log in, and see it accepted: by a session, or by a resource that is not for everybody. Raises Refused if not."""
        if not self._login.grant().session:
            systems = self.root().get("Systems") or self.root().get("Managers")
            try:
                self._fetch(self.path_of(systems))
            except Denied:
                return  # known, and not allowed to see this

    @property
    def session_path(self) -> str:
        """Where our own session is, "" without one; logs in."""
        slip = self._login.grant().slip
        return slip.path if slip else ""

    # -- inside

    def _get(self, path: str, call: int | None = None) -> Answer:
        look = self._look
        return self._fetch(path, call) if look is None else look.get(path, lambda path: self._fetch(path, call))

    def _fetch(self, path: str, call: int | None = None) -> Answer:
        return self._again(lambda: self._authorized(path, lambda headers: self._wire.follow(path, headers), call=call))

    def _taken(self, path: str, future: Future[Answer]) -> Future[Answer]:
        return self._now(path) if future.cancel() else future

    def _now(self, path: str) -> Future[Answer]:
        future: Future[Answer] = Future()
        try:
            future.set_result(self.get(path))
        except AdapterError as error:
            future.set_exception(error)
        return future

    def _pool(self) -> ThreadPoolExecutor:
        with self._root_lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(self.parallel, thread_name_prefix="bmc")
            return self._workers

    def _dismiss(self) -> None:
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.shutdown(wait=False, cancel_futures=True)

    def _again(self, ask: Callable[[], T]) -> T:
        waited = False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return ask()
            except Broken:
                if attempt == ATTEMPTS:
                    raise
                self.sleep(BROKEN_SECONDS)
            except Busy as error:
                if waited or error.retry_after is None or error.retry_after > PATIENCE or attempt == ATTEMPTS:
                    raise
                waited = True
                self.sleep(error.retry_after)
        raise AssertionError("unreachable")

    def _read_root(self) -> Answer:
        try:
            return self._wire.follow(ROOT)
        except Unauthorized:
            # Not as specified, but seen: even the root wants credentials.
            grant = self._login.basic()
            return self._login.prove(grant, lambda: self._wire.follow(ROOT, grant.headers))

    def _write(self, method: str, path: str, data: Mapping[str, Any] | None, etag: str, timeout: float) -> Answer:
        match = {"If-Match": etag} if etag else {}
        answer = self._authorized(
            path, lambda headers: self._wire.exchange(method, path, data, {**headers, **match}, timeout), method)
        if self._look is not None:
            self._look.forget()
        return answer

    def _authorized(
        self, path: str, ask: Callable[[Mapping[str, str]], T], method: str = "GET", call: int | None = None,
    ) -> T:
        try:
            grant = self._login.grant(call)
            try:
                return self._login.prove(grant, lambda: ask(grant.headers))
            except Unauthorized as error:
                if key_of(path) in self._denied:
                    raise self._denial(method, path, error) from None
                # The credentials had been accepted: the session ran out, or the BMC restarted.
                anew = self._login.again(grant, call)
            try:
                return self._login.prove(anew, lambda: ask(anew.headers))
            except Unauthorized as error:
                self._denied.add(key_of(path))
                raise self._denial(method, path, error) from None
        except Moved:
            raise Unsupported(f"{method} {path} is redirected, which Redfish does not know") from None

    def _denial(self, method: str, path: str, error: Unauthorized) -> Denied:
        return Denied(f"{self.origin} denies {method} {path} to this account ({error.said})".replace(" ()", ""))
