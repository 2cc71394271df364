"""Tasks and, with Dell's firmware, the jobs behind them (DSP0268: Task; DSP0266: asynchronous operations)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bpa.lab.recorded.exchange import Doc, Reply
from bpa.lab.recorded.tree import ROOT

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

OVER = ("Completed", "Exception", "Cancelled")
JOB_STATES = {"Starting": "Scheduled", "New": "New", "Running": "Running", "Completed": "Completed", "Exception": "Failed",
              "Cancelled": "Failed"}
STANDARD_JOB_STATES = {"Starting": "Pending", "Exception": "Exception"}
SAID = {
    "Starting": ("Task successfully scheduled.", "JCP001"),
    "Completed": ("Job completed successfully.", "PR19"),
    "Exception": ("The job failed.", "PR21"),
}
"""What iDRAC says of its jobs (dell/iDRAC-Redfish-Scripting, issues 313 and 319; its recorded job)."""


class Tasks:
    """The tasks of one machine. jobs: Dell's job queue, "" on other machines. paths: all tasks so far."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._count = 0
        self.paths: list[str] = []
        store, root = machine.store, machine.store.get(ROOT)
        service = store.link(root, "Tasks").rstrip("/")
        listed = store.link(store.get(service) if service else None, "Tasks").rstrip("/")
        self._listed = bool(listed) and store.has(listed)
        self.collection = listed if self._listed else f"{ROOT}/TaskService/Tasks"
        self.jobs = next((p for m in store.members(store.link(root, "Managers"))
                          if store.has(p := f"{m.rstrip('/')}/Oem/Dell/Jobs")), "")
        self._standard = f"{ROOT}/JobService/Jobs" if self.jobs and store.has(f"{ROOT}/JobService/Jobs") else ""

    def start(
        self, name: str, kind: str = "", state: str = "New", target: str = "", operation: str = "POST", body: Doc | None = None
    ) -> str:
        """A new task; its path. target, operation and body: the request that it does."""
        machine = self._machine
        self._count += 1
        # Dell's job numbers are its clock; the others count.
        ident = f"JID_{int(machine.time.now() * 10) % 10**9:09d}{self._count:03d}" if self.jobs else str(self._count)
        path = f"{self.collection}/{ident}"
        doc: Doc = {
            "@odata.id": path, "@odata.type": "#Task.v1_5_0.Task", "Id": ident, "Name": name, "TaskState": state,
            "TaskStatus": "OK", "PercentComplete": 0, "StartTime": machine.time.stamp(), "Messages": [],
            "TaskMonitor": f"{ROOT}/TaskService/TaskMonitors/{ident}",
        }
        if target:
            doc["Payload"] = {"TargetUri": target, "HttpOperation": operation, "JsonBody": json.dumps(body or {}),
                              "HttpHeaders": []}
        if self.jobs:
            doc["Oem"] = {"Dell": self._job(f"{self.jobs}/{ident}", ident, name, kind)}
            machine.store.put(f"{self.jobs}/{ident}", self._job(f"{self.jobs}/{ident}", ident, name, kind))
            machine.store.join(self.jobs, f"{self.jobs}/{ident}")
        if self._standard:
            job = f"{self._standard}/{ident}"
            machine.store.put(job, {"@odata.id": job, "@odata.type": "#Job.v1_0_7.Job", "Id": ident, "Name": name,
                                    "Description": "Represent a job in Redfish", "JobStatus": "OK"})
            machine.store.join(self._standard, job)
        machine.store.put(path, doc)
        self.paths.append(path)
        if self._listed:
            machine.store.join(self.collection, path)
        self.change(path, state)
        return path

    def accepted(self, path: str) -> Reply:
        """202: the answer to what takes its time."""
        doc = self._machine.store.get(path) or {}
        # iDRAC points to the Task itself, the specification to its monitor.
        where = path if self.jobs else str(doc.get("TaskMonitor") or path)
        return Reply(202, None if self.jobs else doc, {"Location": self._machine.location(where)})

    def fails(self) -> bool:
        """Whether tasks fail now, by a fault."""
        return self._machine.told("wrong-task-status") == ""

    def finish(self, path: str) -> None:
        """The task has come to its end; with a fault on, its state and its status disagree."""
        wrong = self._machine.told("wrong-task-status")
        if wrong == "":
            self.change(path, "Exception", "OK", silent=True)
        else:
            self.change(path, "Completed", "Critical" if wrong else "OK")

    def change(self, path: str, state: str, status: str = "OK", silent: bool = False) -> None:
        """Another state, of the task and of the jobs that stand for it. silent: without a message."""
        machine, store = self._machine, self._machine.store
        if not store.has(path):
            return
        over, ident = state in OVER, path.rsplit("/", 1)[-1]
        doc = store.edit(path)
        doc |= {"TaskState": state, "TaskStatus": status, "PercentComplete": 100 if over else 0}
        if over:
            doc["EndTime"] = machine.time.stamp()
        text, code = SAID.get(state, ("", ""))
        if self.jobs:
            message = {"Message": text, "MessageId": f"IDRAC.2.7.{code}", "MessageArgs": []}
            doc["Messages"] = [message] if code and not silent else []
            told = {"JobState": JOB_STATES[state], "PercentComplete": 100 if over else 0, "Message": text, "MessageId": code}
            doc["Oem"]["Dell"].update(told)
            store.edit(f"{self.jobs}/{ident}").update(told)
        elif over and not silent:
            doc["Messages"] = [machine.say.info("Success")]
        if self._standard:
            store.edit(f"{self._standard}/{ident}").update({
                "JobState": STANDARD_JOB_STATES.get(state, state), "PercentComplete": 100 if over else 0,
                "Messages": doc["Messages"]})
        if over and machine.on("task-vanishes"):
            store.remove(path)
            if self._listed:
                store.leave(self.collection, path)

    def delete(self, ident: str) -> None:
        """The task is forgotten, with the jobs that stand for it."""
        for collection in (self.collection if self._listed else "", self.jobs, self._standard):
            path = f"{collection}/{ident}"
            if collection and self._machine.store.has(path):
                self._machine.store.remove(path)
                self._machine.store.leave(collection, path)

    def monitor(self, path: str) -> Reply | None:
        """GET on a task's monitor: 202 while it runs, its result afterwards; None where the path is none."""
        head, _, ident = path.rstrip("/").rpartition("/")
        task = f"{self.collection}/{ident}"
        if not head.endswith("/TaskMonitors") or not self._machine.store.has(task):
            return None
        doc = self._machine.store.get(task) or {}
        if doc.get("TaskState") == "Exception":
            return self._machine.say.error("OperationFailed")
        if doc.get("TaskState") in OVER:
            return Reply(200, doc)
        return Reply(202, doc, {"Location": self._machine.location(path)})

    @staticmethod
    def _job(path: str, ident: str, name: str, kind: str) -> Doc:
        return {"@odata.id": path, "@odata.type": "#DellJob.v1_2_0.DellJob", "Id": ident, "Name": name,
                "Description": "Job Instance", "JobType": kind or "Unknown", "JobState": "New", "PercentComplete": 0,
                "MessageArgs": [], "StartTime": "TIME_NOW", "EndTime": "TIME_NA", "CompletionTime": None,
                "ActualRunningStartTime": None, "ActualRunningStopTime": None, "TargetSettingsURI": None}
