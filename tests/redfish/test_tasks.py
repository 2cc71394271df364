"""Tasks, jobs and monitors are followed to their end, whatever the BMC calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from keeping_bmc import FakeTime, KeepingBmc, put
from stub_bmc import RECORDED, ROOT, Reply, StubBmc, error, serve, small_machine

from bpa.adapters.errors import Busy, Refused
from bpa.adapters.redfish import BmcAccess, tasks
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.wire import Answer
from bpa.core.secret import Secret

TASK = f"{ROOT}/TaskService/Tasks/1"
MONITOR = f"{ROOT}/TaskService/TaskMonitors/1"


@pytest.fixture
def bmc() -> Iterator[StubBmc]:
    with serve(KeepingBmc(small_machine())) as stub:
        yield stub


@pytest.fixture
def target(bmc: StubBmc) -> Iterator[Target]:
    with Target(BmcAccess(bmc.address, "admin", Secret("right"))) as one:
        yield one


@pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
@pytest.mark.parametrize(
    ("fixture", "outcome"),
    [
        ("completed", "done"), ("failed", "failed"), ("pending", "waiting"), ("running", "working"),
        ("scheduled", "waiting"), ("starting", "working"), ("unknown", "working"),
    ],
)
def test_a_supermicro_task_is_judged_by_its_state_not_by_its_status(fixture: str, outcome: str) -> None:
    body = json.loads((RECORDED / "bmclib-fixtures" / "redfishwrapper" / "tasks" / f"tasks_1_{fixture}.json").read_text())
    assert body["TaskStatus"] == "OK"
    found = tasks.task_of(TASK, body)
    assert found is not None
    assert found.outcome == outcome
    assert found.messages == (), "empty messages say nothing"


@pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
def test_recorded_jobs_of_dell_and_lenovo() -> None:
    base = RECORDED / "dell-r750-idrac9-6.00.30.00" / "redfish" / "v1"
    for folder in ("JobService/Jobs", "Managers/iDRAC.Embedded.1/Oem/Dell/Jobs"):
        job = tasks.task_of(TASK, json.loads((base / folder / "JID_102241909559" / "index.json").read_text()))
        assert job is not None
        assert (job.outcome, job.percent, job.messages) == ("done", 100, ("Job completed successfully.",))
    lenovo = json.loads((RECORDED / "bmclib-fixtures" / "lenovo-sr650-xcc" / "v1" / "job.restart.json").read_text())
    waiting = tasks.task_of(TASK, lenovo)
    assert waiting is not None and waiting.outcome == "waiting"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"TaskState": "Completed", "TaskStatus": "Critical", "Messages": [{"Message": "No progress was made."}]}, "failed"),
        ({"TaskState": "Completed", "TaskStatus": "Critical", "Messages": [{"Message": "Job completed successfully."}]}, "done"),
        ({"TaskState": "Completed", "TaskStatus": "Critical"}, "done"),
        ({"TaskState": "Exception", "TaskStatus": "OK"}, "failed"),
        ({"TaskState": "Killed"}, "failed"),
        ({"JobState": "CompletedWithErrors"}, "failed"),
        ({"JobState": "Completed With Errors"}, "failed"),
        ({"TaskState": "Interrupted"}, "waiting"),
        ({"TaskState": "Starting", "Oem": {"Dell": {"JobState": "Scheduled"}}}, "waiting"),
        ({"TaskState": "Suspended", "PercentComplete": "many", "Messages": "none"}, "waiting"),
    ],
)
def test_state_status_and_messages_make_one_outcome(body: dict[str, Any], outcome: str) -> None:
    found = tasks.task_of(TASK, body)
    assert found is not None and found.outcome == outcome


def test_a_body_without_a_state_is_no_task() -> None:
    assert tasks.task_of(TASK, {"Id": "1", "TaskState": None}) is None


def test_a_task_is_followed_until_it_is_done(bmc: StubBmc, target: Target) -> None:
    def state(name: str, percent: int) -> Any:
        return lambda: put(bmc, TASK, {"Name": "Update", "TaskState": name, "PercentComplete": percent})

    state("Running", 5)()
    time = FakeTime((10, state("Running", 50)), (20, state("Completed", 100)))
    done = tasks.follow(target, tasks.look(target, TASK), time.waiting())
    assert (done.outcome, done.percent) == ("done", 100)
    assert 20 <= time.now < 25


def test_a_task_that_fails_says_why(bmc: StubBmc, target: Target) -> None:
    put(bmc, TASK, {"Name": "Update", "TaskState": "Exception", "Messages": [{"Message": "Bad image."}, {"Message": ""}]})
    with pytest.raises(Refused, match=r"Update is Exception: Bad image\."):
        tasks.follow(target, tasks.look(target, TASK), FakeTime().waiting()).checked(target.origin)


def test_a_task_at_work_at_the_deadline_is_told_with_its_progress(bmc: StubBmc, target: Target) -> None:
    put(bmc, TASK, {"Name": "Update", "TaskState": "Running", "PercentComplete": 40})
    time = FakeTime()
    with pytest.raises(Busy, match=r"Update is Running \(40%\), after 60 s"):
        tasks.follow(target, tasks.look(target, TASK), time.waiting(60))
    assert 58 <= time.now <= 62


def test_a_task_that_waits_for_a_restart_is_not_waited_for_unless_told(bmc: StubBmc, target: Target) -> None:
    put(bmc, TASK, {"TaskState": "Scheduled"})
    task = tasks.look(target, TASK)
    time = FakeTime((30, lambda: put(bmc, TASK, {"TaskState": "Completed"})))
    assert tasks.follow(target, task, time.waiting()).outcome == "waiting"
    assert time.now == 0
    assert tasks.follow(target, task, time.waiting(), through_waiting=True).outcome == "done"


def test_a_task_that_vanishes_is_gone_and_not_an_error(bmc: StubBmc, target: Target) -> None:
    put(bmc, TASK, {"TaskState": "Running"})
    assert isinstance(bmc.resources, dict)
    resources = bmc.resources
    time = FakeTime((5, lambda: resources.pop(TASK.lower())))
    assert tasks.follow(target, tasks.look(target, TASK), time.waiting()).outcome == "gone"


def test_a_bmc_that_is_busy_with_its_task_is_asked_again(bmc: StubBmc, target: Target) -> None:
    put(bmc, TASK, {"TaskState": "Running"})
    task = tasks.look(target, TASK)
    bmc.fault = lambda stub, r: error(503, "busy") if "tasks/1" in r.key else None

    def free() -> None:
        bmc.fault = lambda stub, r: None
        put(bmc, TASK, {"TaskState": "Completed"})

    assert tasks.follow(target, task, FakeTime((10, free)).waiting()).outcome == "done"


def test_a_monitor_is_202_while_it_works_and_then_the_result(bmc: StubBmc, target: Target) -> None:
    replies = [Reply(202), Reply(202, {"TaskState": "Running", "@odata.id": MONITOR}), Reply(200, {"Id": "result"})]
    bmc.fault = lambda stub, r: replies.pop(0) if r.key == MONITOR.lower() else None
    task = tasks.look(target, MONITOR)
    assert task.outcome == "working"
    assert tasks.follow(target, task, FakeTime().waiting()).outcome == "done"


@pytest.mark.parametrize(
    ("answer", "path"),
    [
        (Answer({"@odata.id": TASK, "TaskState": "New"}, location=MONITOR, status=202), TASK),
        (Answer({}, location=TASK, status=202), TASK),
        (Answer({}, location=TASK), TASK),
        (Answer({}, location=f"{ROOT}/Systems/1", status=200), None),
        (Answer({}, location=f"https://its-own-name.example{TASK}", status=202), TASK),
        (Answer({}, location="no path", status=202), None),
        (Answer({}), None),
    ],
)
def test_what_an_accepted_request_has_started(bmc: StubBmc, target: Target, answer: Answer, path: str | None) -> None:
    put(bmc, TASK, {"TaskState": "Running"})
    task = tasks.started(target, answer)
    assert (task.path if task else None) == path
