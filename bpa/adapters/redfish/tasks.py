"""Tasks, task monitors and vendors' jobs: followed until they come to an end, or wait for a restart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from bpa.adapters.errors import Busy, Refused, Unsupported
from bpa.adapters.redfish.reading import Json, inner, number, objects, text
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.answers import Missing
from bpa.adapters.redfish.transport.wire import Answer
from bpa.adapters.redfish.waiting import Waiting

Outcome = Literal["working", "waiting", "done", "failed", "gone"]
"""waiting: for a restart, a time or a person. gone: the BMC has forgotten it; only its effect can tell."""

# TaskState (Task.v1_7), JobState (Job.v1_2, DellJob, recorded and in bmclib's fixtures), in lower case without blanks.
_OUTCOMES: Mapping[str, Outcome] = {
    **dict.fromkeys(("starting", "running", "stopping", "cancelling", "continue", "downloading", "downloaded"), "working"),
    **dict.fromkeys(("new", "pending", "scheduled", "suspended", "interrupted", "service", "userintervention", "paused",
                     "waiting", "readyforexecution", "rebootpending", "pendingactivation", "scheduling"), "waiting"),
    **dict.fromkeys(("completed", "complete", "success", "succeeded", "rebootcompleted"), "done"),
    **dict.fromkeys(("exception", "killed", "cancelled", "canceled", "failed", "completedwitherrors", "rebootfailed",
                     "invalid", "aborted"), "failed"),
}
_TASK = re.compile(r"/(Tasks?|TaskMonitors?|Monitor|Jobs)/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Task:
    """state as served; percent 0-100; messages without empty ones. note: why the outcome is not what the state says."""

    path: str
    name: str = ""
    state: str = ""
    outcome: Outcome = "working"
    percent: int = 0
    messages: tuple[str, ...] = ()
    note: str = ""

    @property
    def text(self) -> str:
        """For a person."""
        said = "; ".join(self.messages) or self.note
        done = f" ({self.percent}%)" if self.percent and self.outcome == "working" else ""
        return f"{self.name or self.path} is {self.state or self.outcome}{done}" + (f": {said}" if said else "")

    def checked(self, origin: str) -> Task:
        """Itself; raises Refused where it failed."""
        if self.outcome == "failed":
            raise Refused(f"{origin}: {self.text}", "see the BMC's event log: `bpa bmc log`")
        return self


def task_of(path: str, body: Json) -> Task | None:
    """The task or job in a body; None where it is none.

    The state decides. TaskStatus may say OK of a failed task (Supermicro); where it says Critical of a completed one
    (iDRAC, after a job that failed), the messages decide, for then one of the two is wrong.
    """
    # iDRAC says Starting of a job that waits for a restart, and beside it what it really is.
    state = text(inner(body, "Oem", "Dell"), "JobState") or text(body, "TaskState", "JobState")
    if not state:
        return None
    outcome = _OUTCOMES.get(state.lower().replace(" ", ""), "working")
    messages = tuple(dict.fromkeys(said for m in objects(body, "Messages") if (said := text(m, "Message"))))
    if not messages and text(body, "Message"):
        messages = (text(body, "Message"),)
    status, note = text(body, "TaskStatus", "JobStatus"), ""
    if outcome == "done" and status == "Critical" and any("success" not in m.lower() for m in messages):
        outcome, note = "failed", "it says Completed, but its status is Critical"
    return Task(path, text(body, "Name", "Id"), state, outcome, min(number(body, "PercentComplete"), 100), messages, note)


def started(target: Target, answer: Answer) -> Task | None:
    """The task that an accepted request started; None where it started none."""
    at_once = task_of(_own_path(target, answer.body), answer.body)
    if at_once is not None and at_once.path:
        return at_once
    try:
        path = target.link.path_made(answer) if answer.location else ""
    except Unsupported:
        return None
    # Location also tells of resources that were made; 202 is always a task.
    return look(target, path) if path and (answer.status == 202 or _TASK.search(path)) else None


def look(target: Target, path: str) -> Task:
    """The task behind the path of a task, a job or a task monitor, now. Raises the adapter errors."""
    try:
        answer = target.reader().resource(path)
    except Missing:
        # A monitor ends with its task, and some BMCs drop both as soon as they are done.
        return Task(path, outcome="gone")
    found = task_of(_own_path(target, answer.body) or path, answer.body)
    if found is not None:
        return found
    # A monitor answers 202 while it works, and with the result of the operation when that is done.
    return Task(path, outcome="working" if answer.status == 202 else "done")


def follow(target: Target, task: Task, wait: Waiting, *, through_waiting: bool = False) -> Task:
    """The task when it is done, failed or gone; or waiting, unless through_waiting.

    Raises Busy where it is still at work at the deadline, and the adapter errors where the BMC refuses to tell.
    """
    for turn, _ in enumerate(wait.looks()):
        if turn:
            with suppress(Busy):  # the BMC itself may be busy with the task
                task = look(target, task.path)
        if task.outcome in ("done", "failed", "gone") or (task.outcome == "waiting" and not through_waiting):
            return task
    raise Busy(f"{target.origin}: {task.text}, after {wait.seconds:.0f} s", "wait; it goes on without us")


def _own_path(target: Target, body: Mapping[str, Any]) -> str:
    try:
        return target.link.path_of(body["@odata.id"]) if body.get("@odata.id") else ""
    except Unsupported:
        return ""

