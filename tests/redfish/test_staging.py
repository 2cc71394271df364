"""Staging BIOS attributes: what is sent, what a BMC makes of it, and what is told where it makes something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from keeping_bmc import FakeTime, KeepingBmc, collection, merge, put, sent
from stub_bmc import ROOT, Reply, Request, StubBmc, error, serve, small_machine

from bpa.adapters.errors import Busy, Refused, Unreachable
from bpa.adapters.redfish import BmcAccess, tasks
from bpa.adapters.redfish.bios.attributes import BiosPaths
from bpa.adapters.redfish.bios.settings import Staged, said_after_restart, stage_bios
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.writing import Writer, if_match
from bpa.core.secret import Secret

BIOS = f"{ROOT}/Systems/1/Bios"
SETTINGS = f"{BIOS}/Settings"
JOBS = f"{ROOT}/Managers/1/Oem/Dell/Jobs"
PATHS = BiosPaths(BIOS, SETTINGS, True)


@pytest.fixture
def bmc() -> Iterator[StubBmc]:
    with serve(KeepingBmc(small_machine())) as stub:
        yield stub


def stage(
    stub: StubBmc, attributes: dict[str, Any], paths: BiosPaths = PATHS, time: FakeTime | None = None, seconds: float = 60.0,
    dry_run: bool = False,
) -> Staged:
    with Target(BmcAccess(stub.address, "admin", Secret("right"))) as target:
        return stage_bios(Writer(target, dry_run, (time or FakeTime()).waiting(seconds)), paths, attributes)


def res(stub: StubBmc, path: str) -> dict[str, Any]:
    assert isinstance(stub.resources, dict)
    found: dict[str, Any] = stub.resources[path.lower()]
    return found


def patches(stub: StubBmc) -> list[Request]:
    return sent(stub, "PATCH")


def test_what_is_kept_is_neither_dropped_nor_unshown(bmc: StubBmc) -> None:
    assert stage(bmc, {"ProcVirtualization": "Enabled"}) == Staged({})


def test_nothing_is_sent_in_a_dry_run(bmc: StubBmc) -> None:
    stage(bmc, {"NumCores": 4}, dry_run=True)
    assert sent(bmc) == []


def test_an_attribute_that_is_accepted_and_not_kept_is_named_with_what_it_still_is(bmc: StubBmc) -> None:
    bmc.keeps = False  # type: ignore[attr-defined]
    staged = stage(bmc, {"ProcVirtualization": "Enabled", "NumCores": 4})
    assert staged.dropped == {"ProcVirtualization": "Disabled", "NumCores": 8}
    with pytest.raises(Refused, match=r"did not keep them: ProcVirtualization \(still Disabled\), NumCores \(still 8\)"):
        staged.checked("bmc")


def test_a_bmc_that_shows_what_is_pending_a_little_later_is_given_the_time(bmc: StubBmc) -> None:
    bmc.keeps = False  # type: ignore[attr-defined]
    time = FakeTime((3, lambda: merge(res(bmc, SETTINGS), {"Attributes": {"NumCores": 4}})))
    assert stage(bmc, {"NumCores": 4}, time=time) == Staged({})


def test_a_value_that_comes_back_in_another_spelling_is_kept(bmc: StubBmc) -> None:
    bmc.keeps = False  # type: ignore[attr-defined]
    res(bmc, SETTINGS)["Attributes"] = {"ProcVirtualization": "On (display name)"}
    assert stage(bmc, {"ProcVirtualization": "Enabled"}).dropped == {}


def test_settings_that_show_nothing_leave_open_whether_it_is_pending(bmc: StubBmc) -> None:
    bmc.keeps = False  # type: ignore[attr-defined]
    del res(bmc, SETTINGS)["Attributes"]
    staged = stage(bmc, {"ProcVirtualization": "Disabled", "NumCores": 4})
    assert (staged.unshown, staged.now, staged.dropped) == (("NumCores",), ("ProcVirtualization",), {})


def test_without_a_settings_object_what_bios_shows_is_effective_or_open(bmc: StubBmc) -> None:
    staged = stage(bmc, {"NumCores": 4}, BiosPaths(BIOS, "", False))
    assert [p.key for p in patches(bmc)] == [BIOS.lower()]
    assert staged.now == ("NumCores",)


def test_an_apply_time_that_is_announced_and_refused_is_left_out(bmc: StubBmc) -> None:
    # bmc-toolbox/bmclib pull 458: Supermicro AS-1114S-WN10RT.
    def refuse(stub: StubBmc, r: Request) -> Reply | None:
        if r.method == "PATCH" and "@Redfish.SettingsApplyTime" in r.body:
            return error(400, "The property @Redfish.SettingsApplyTime is not in the list", "Base.1.10.PropertyUnknown")
        return None

    bmc.fault = refuse
    staged = stage(bmc, {"NumCores": 4})
    assert len(patches(bmc)) == 2
    assert "OnReset" in staged.notes[0]


def test_another_refusal_is_not_mistaken_for_the_apply_time(bmc: StubBmc) -> None:
    bmc.fault = lambda stub, r: (
        error(400, "NumCores is read-only", "Base.1.10.PropertyNotWritable") if r.method == "PATCH" else None
    )
    with pytest.raises(Refused, match="NumCores is read-only"):
        stage(bmc, {"NumCores": 4})
    assert len(patches(bmc)) == 1


@pytest.mark.parametrize(
    ("etag", "tries"),
    [
        ("", ("", "*")),
        ('"a"', ('"a"', "*", "")),
        ('W/"a"', ('W/"a"', '"a"', "*", "")),
        ('""a""', ('""a""', '"a"', "*", "")),
        ("a", ("a", '"a"', "*", "")),
    ],
)
def test_an_etag_is_sent_as_served_then_as_others_want_it(etag: str, tries: tuple[str, ...]) -> None:
    assert if_match(etag) == tries


def test_a_bmc_that_refuses_its_own_etags_is_asked_without(bmc: StubBmc) -> None:
    # community.general pull 11270: newer XCC.
    bmc.etags[SETTINGS.lower()] = '"x"'
    bmc.fault = lambda stub, r: error(412, "no match") if r.method == "PATCH" and "If-Match" in r.headers else None
    assert stage(bmc, {"NumCores": 4}) == Staged({})
    assert [p.headers.get("If-Match") for p in patches(bmc)] == ['"x"', "*", None]


def test_a_bmc_in_post_is_waited_for(bmc: StubBmc) -> None:
    in_post = error(400, "in POST", "iLO.2.14.UnableToModifyDuringSystemPOST")
    bmc.fault = lambda stub, r: in_post if r.method == "PATCH" else None

    def leave_post() -> None:
        bmc.fault = lambda stub, r: None

    time = FakeTime((40, leave_post))
    assert stage(bmc, {"NumCores": 4}, time=time, seconds=120) == Staged({})
    assert 40 <= time.now < 60


def test_a_bmc_that_stays_in_post_is_busy_after_the_patience(bmc: StubBmc) -> None:
    bmc.fault = lambda stub, r: (
        error(400, "in POST", "iLO.2.14.UnableToModifyDuringSystemPOST") if r.method == "PATCH" else None
    )
    with pytest.raises(Busy, match="in POST"):
        stage(bmc, {"NumCores": 4}, seconds=30)
    with pytest.raises(Busy):
        stage(bmc, {"NumCores": 4}, seconds=0)


def test_a_connection_that_broke_after_the_patch_was_heard_is_no_failure(bmc: StubBmc) -> None:
    def cut(stub: StubBmc, r: Request) -> Reply | None:
        if r.method != "PATCH":
            return None
        merge(res(stub, SETTINGS), r.body)
        return Reply(204, None, cut=-30)

    bmc.fault = cut
    staged = stage(bmc, {"NumCores": 4})
    assert "connection broke" in staged.notes[0]
    assert len(patches(bmc)) == 1, "a write is never sent twice"


def test_a_connection_that_broke_before_the_patch_was_heard_is_told(bmc: StubBmc) -> None:
    bmc.keeps = False  # type: ignore[attr-defined]
    bmc.fault = lambda stub, r: Reply(204, None, cut=-30) if r.method == "PATCH" else None
    with pytest.raises(Unreachable):
        stage(bmc, {"NumCores": 4})


# -- Dell's job queue


def idrac(stub: StubBmc, *jobs: tuple[str, dict[str, Any]], apply_time: bool = True) -> BiosPaths:
    res(stub, SETTINGS)["Oem"] = {"Dell": {"Jobs": collection(stub, JOBS, jobs)}}
    res(stub, SETTINGS)["Attributes"] = {}
    return BiosPaths(BIOS, SETTINGS, apply_time)


def accept_as_job(stub: StubBmc, state: str, message: str = "Task successfully scheduled.") -> None:
    task = f"{ROOT}/TaskService/Tasks/JID_1"
    put(stub, task, {"Name": "ConfigBIOS", "TaskState": state, "Messages": [{"Message": message}]})

    def accept(bmc: StubBmc, r: Request) -> Reply | None:
        if r.method == "PATCH":
            merge(res(bmc, SETTINGS), r.body)
            return Reply(202, None, {"Location": task})
        return None

    stub.fault = accept


def test_the_job_that_a_patch_creates_is_told_and_not_waited_for(bmc: StubBmc) -> None:
    paths = idrac(bmc)
    accept_as_job(bmc, "Starting")
    time = FakeTime()
    staged = stage(bmc, {"NumCores": 4}, paths, time)
    assert staged.task is not None and "Task successfully scheduled" in staged.task.text
    assert time.now == 0


def test_a_job_that_fails_at_once_is_a_refusal_with_its_words(bmc: StubBmc) -> None:
    paths = idrac(bmc)
    accept_as_job(bmc, "Exception", "Unable to schedule.")
    with pytest.raises(Refused, match="Unable to schedule"):
        stage(bmc, {"NumCores": 4}, paths)


def test_firmware_that_knows_no_apply_times_gets_its_job(bmc: StubBmc) -> None:
    paths = idrac(bmc, apply_time=False)
    stage(bmc, {"NumCores": 4}, paths)
    patch, post = sent(bmc)
    assert patch.body == {"Attributes": {"NumCores": 4}}
    assert (post.path, post.body) == (JOBS, {"TargetSettingsURI": SETTINGS})


def conflict(stub: StubBmc, jobs: dict[str, Any]) -> None:
    said = error(400, "Pending configuration values are already committed", "IDRAC.2.8.SYS011")
    stub.fault = lambda bmc, r: said if r.method == "PATCH" and jobs.keys() & bmc.resources.keys() else None  # type: ignore[union-attr]


def test_a_scheduled_job_is_taken_back_and_what_it_held_is_staged_again_with_the_new(bmc: StubBmc) -> None:
    # dell/iDRAC-Redfish-Scripting issue 249.
    paths = idrac(bmc, ("JID_9", {"Id": "JID_9", "JobType": "BIOSConfiguration", "JobState": "Scheduled"}),
                  ("JID_8", {"Id": "JID_8", "JobType": "RAIDConfiguration", "JobState": "Scheduled"}))
    res(bmc, SETTINGS)["Attributes"] = {"ProcVirtualization": "Enabled"}
    conflict(bmc, {f"{JOBS}/jid_9".lower(): None})
    staged = stage(bmc, {"NumCores": 4}, paths)
    assert [r.path for r in sent(bmc, "DELETE")] == [f"{JOBS}/JID_9"]
    assert patches(bmc)[-1].body["Attributes"] == {"ProcVirtualization": "Enabled", "NumCores": 4}
    assert "JID_9" in staged.notes[0] and "ProcVirtualization" in staged.notes[0]
    assert staged.dropped == {}


def test_a_job_whose_settings_are_not_shown_is_left_alone(bmc: StubBmc) -> None:
    paths = idrac(bmc, ("JID_9", {"JobType": "BIOSConfiguration", "JobState": "Scheduled"}))
    conflict(bmc, {f"{JOBS}/jid_9".lower(): None})
    with pytest.raises(Refused, match="does not show them") as caught:
        stage(bmc, {"NumCores": 4}, paths)
    assert "restart the host" in caught.value.advice
    assert sent(bmc, "DELETE") == []


def test_a_job_at_work_is_waited_for_by_the_caller(bmc: StubBmc) -> None:
    paths = idrac(bmc, ("JID_9", {"JobType": "BIOSConfiguration", "JobState": "Running", "PercentComplete": 30}))
    conflict(bmc, {f"{JOBS}/jid_9".lower(): None})
    with pytest.raises(Busy, match="at work on earlier BIOS settings"):
        stage(bmc, {"NumCores": 4}, paths)


def test_a_conflict_without_a_job_to_see_says_what_to_do(bmc: StubBmc) -> None:
    paths = idrac(bmc)
    conflict(bmc, {SETTINGS.lower(): None})
    with pytest.raises(Refused, match="takes no more") as caught:
        stage(bmc, {"NumCores": 4}, paths)
    assert "restart the host" in caught.value.advice


# -- after the restart


def said(stub: StubBmc, task: tasks.Task | None = None) -> tuple[str, ...]:
    with Target(BmcAccess(stub.address, "admin", Secret("right"))) as target:
        return said_after_restart(target, PATHS, task)


def test_the_words_of_a_failed_job_and_of_the_settings_are_told(bmc: StubBmc) -> None:
    task = f"{ROOT}/TaskService/Tasks/JID_1"
    put(bmc, task, {"Name": "ConfigBIOS", "TaskState": "Completed", "TaskStatus": "Critical",
                    "Messages": [{"Message": "Unable to set NumCores."}]})
    # The second is recorded on DMTF's rackmount1.
    res(bmc, BIOS)["@Redfish.Settings"]["Messages"] = [
        {"MessageId": "Base.1.0.Success"},
        {"MessageId": "Base.1.0.SettingsFailed", "RelatedProperties": ["/Attributes/ProcTurboMode"]},
        {"Message": "It is locked.", "Severity": "Critical"}, "odd"]
    assert said(bmc, tasks.Task(task)) == (
        "ConfigBIOS is Completed: Unable to set NumCores.", "Base.1.0.SettingsFailed (/Attributes/ProcTurboMode)",
        "It is locked.")


def test_a_job_that_is_done_or_gone_says_nothing(bmc: StubBmc) -> None:
    put(bmc, f"{ROOT}/TaskService/Tasks/1", {"TaskState": "Completed"})
    assert said(bmc, tasks.Task(f"{ROOT}/TaskService/Tasks/1")) == ()
    assert said(bmc, tasks.Task(f"{ROOT}/TaskService/Tasks/404")) == ()
    assert said(bmc) == ()


def test_what_a_job_held_is_named_where_it_cannot_be_staged_again(bmc: StubBmc) -> None:
    paths = idrac(bmc, ("JID_9", {"Id": "JID_9", "JobType": "BIOSConfiguration", "JobState": "Scheduled"}))
    res(bmc, SETTINGS)["Attributes"] = {"ProcVirtualization": "Enabled"}
    replies = [error(400, "already committed", "IDRAC.2.8.SYS011"), error(503, "restarting")]
    bmc.fault = lambda stub, r: replies.pop(0) if r.method == "PATCH" else None
    with pytest.raises(Refused, match="JID_9, which waited .* with ProcVirtualization, was taken back, and now") as caught:
        stage(bmc, {"NumCores": 4}, paths, seconds=0)
    assert caught.value.advice == "stage them again"
