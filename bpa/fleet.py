"""Many subjects at once: a bounded pool of workers, each taking the tick that is due next."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from bpa.adapters.store import Store
from bpa.core.guards import Memory, Permissions
from bpa.core.history import Event
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.engine import Condition, Outcome, Subject, tick

LOG = logging.getLogger(__name__)
Watch = Callable[[str, Outcome], None]
Pause = Callable[[threading.Condition, float | None, bool], object]


class Fleet:
    """Ticks every subject until it is done or stuck; one failing subject never stops its neighbours.

    outcomes holds the last outcome of each subject by name: clusters read there how far their members are.
    busy holds the seconds each subject spent in ticks, that is, not waiting. `pause` waits on the condition for some
    seconds, or (None) until it is notified, and is told whether every subject is waiting. `now` dates what is recorded;
    `passed` says when something is due: when the clock of this machine is set, what is due in ten seconds still is.
    """

    def __init__(
        self, store: Store, permissions: Callable[[str], Permissions], watch: Watch, run: str, workers: int = 16,
        now: Callable[[], float] = time.time, passed: Callable[[], float] = time.monotonic,
        pause: Pause = lambda ready, seconds, idle: ready.wait(seconds),
    ) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.busy: dict[str, float] = {}
        self.stop = threading.Event()
        self._store, self._permissions, self._watch, self._run = store, permissions, watch, run
        self._workers, self._now, self._passed, self._pause = workers, now, passed, pause
        self._due: list[tuple[float, int, Subject[Any, Any]]] = []
        self._order = itertools.count()
        self._ready = threading.Condition()
        self._left = 0

    def drive(self, subjects: Sequence[Subject[Any, Any]]) -> dict[str, Outcome]:
        """Run to the end, or until `stop` is set; returns the last outcomes."""
        self._left = len(subjects)
        for subject in subjects:
            self._store.remember(subject.name, self._store.memory(subject.name).retried())
            self._store.record(Event(self._run, subject.name, self._now(), "start", "", ""))
            heapq.heappush(self._due, (self._passed(), next(self._order), subject))
        threads = [threading.Thread(target=self._work, name=f"worker-{n}", daemon=True)
                   for n in range(min(self._workers, len(subjects)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.outcomes

    def halt(self) -> None:
        """Let every worker finish the tick it is in, and take no more."""
        self.stop.set()
        with self._ready:
            self._ready.notify_all()

    def _work(self) -> None:
        while (subject := self._next()) is not None:
            outcome = self._tick(subject)
            with self._ready:
                if outcome.again_in is None:
                    self._left -= 1
                else:
                    heapq.heappush(self._due, (self._passed() + outcome.again_in, next(self._order), subject))
                self._ready.notify_all()

    def _next(self) -> Subject[Any, Any] | None:
        with self._ready:
            while not self.stop.is_set() and self._left:
                wait = self._due[0][0] - self._passed() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._pause(self._ready, wait, len(self._due) == self._left)
            return None

    def _tick(self, subject: Subject[Any, Any]) -> Outcome:
        name, memory = subject.name, self._store.memory(subject.name)
        began, saved = self._passed(), memory

        def remember(new: Memory) -> None:
            nonlocal saved
            if new != saved:  # a write waits for the disk, and most ticks of a long wait change nothing
                self._store.remember(name, new)
                saved = new

        try:
            outcome = tick(subject, memory, self._permissions(name), self._now, remember)
        except Exception as error:  # a bug fails its own tick loudly, never its neighbours
            LOG.exception("%s: unexpected %s", name, type(error).__name__)
            verdict = Stuck(f"unexpected {type(error).__name__}: {error}",
                            "this is a bug of BPA: please report it with bpa.log of the site's state directory")
            outcome = Outcome((Condition("Bug", verdict),), None, memory)
        self.outcomes[name] = outcome
        self.busy[name] = self.busy.get(name, 0.0) + self._passed() - began
        self._record(name, outcome)
        self._watch(name, outcome)
        return outcome

    def _record(self, name: str, outcome: Outcome) -> None:
        now = self._now()
        for condition in outcome.conditions:
            state, text = describe(condition.verdict)
            new = self._store.note(name, condition.name, state, text, now)
            if new:
                LOG.info("%s %s %s: %s", name, condition.name, state, text)
            if new and state != "act":
                self._store.record(Event(self._run, name, now, state, condition.name, text))
        if outcome.step is not None:
            LOG.info("%s %s took a step: %s", name, outcome.last.name, outcome.step.text)
            self._store.record(Event(self._run, name, now, "step", outcome.last.name, outcome.step.text))


def describe(verdict: Verdict) -> tuple[str, str]:
    """A verdict in two words for the store and for people: (state, text)."""
    match verdict:
        case Met(evidence):
            return "met", evidence
        case Act():
            return "act", verdict.text
        case Wait(reason):
            return "wait", reason
        case Stuck(reason):
            return "stuck", reason
