"""The event log: every log service once, newest first, in one set of words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from keeping_bmc import KeepingBmc, collection, put, sent
from stub_bmc import ROOT, StubBmc, error, serve, small_machine

from bpa.adapters.errors import Unsupported
from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.eventlog import clear_log, find_logs, parse_time, read_log
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.writing import Writer
from bpa.core.secret import Secret

SYSTEM = f"{ROOT}/Systems/1"
SEL = f"{SYSTEM}/LogServices/SEL"


@pytest.fixture
def bmc() -> Iterator[StubBmc]:
    with serve(KeepingBmc(small_machine())) as stub:
        yield stub


@pytest.fixture
def target(bmc: StubBmc) -> Iterator[Target]:
    with Target(BmcAccess(bmc.address, "admin", Secret("right"))) as one:
        yield one


def log(stub: StubBmc, *entries: dict[str, Any], owner: str = SYSTEM, **more: Any) -> None:
    members = [put(stub, f"{owner}/LogServices/SEL/Entries/{i}", {"Id": str(i), **e}) | {"Id": str(i), **e}
               for i, e in enumerate(entries)]
    service = put(stub, f"{owner}/LogServices/SEL", {
        "Name": "System Event Log", "Entries": put(stub, f"{owner}/LogServices/SEL/Entries", {"Members": members}),
        "Actions": {"#LogService.ClearLog": {"target": f"{owner}/LogServices/SEL/Actions/LogService.ClearLog"}}, **more})
    put(stub, f"{owner}/LogServices/SEL/Actions/LogService.ClearLog", {})
    services = put(stub, f"{owner}/LogServices", {"Members": [service]})
    assert isinstance(stub.resources, dict)
    stub.resources[owner.lower()]["LogServices"] = services


@pytest.mark.parametrize(
    ("told", "when"),
    [
        ("2024-08-08T18:48:07-05:00", datetime(2024, 8, 8, 23, 48, 7, tzinfo=UTC)),
        ("2024-07-18T22:00:55.851+00:00", datetime(2024, 7, 18, 22, 0, 55, 851000, tzinfo=UTC)),
        ("2023-08-16T19:42:58.0333891234+00:00", datetime(2023, 8, 16, 19, 42, 58, 33389, tzinfo=UTC)),
        ("2023-01-18T23:13:27Z", datetime(2023, 1, 18, 23, 13, 27, tzinfo=UTC)),
        ("2023-01-18T23:13:27", datetime(2023, 1, 18, 23, 13, 27, tzinfo=UTC)),
        ("1970-01-01T00:01:38Z", None),
        ("0000-00-00T00:00:00Z", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_utc_or_none(told: str, when: datetime | None) -> None:
    assert parse_time(told) == when


def test_entries_are_newest_first_in_one_set_of_words(bmc: StubBmc, target: Target) -> None:
    log(bmc,
        {"Created": "2024-01-01T00:00:00Z", "Severity": "OK", "Message": "first"},
        {"Created": "0000-00-00T00:00:00Z", "Severity": "Fatal", "Message": "no clock"},
        {"Created": "2024-01-02T00:00:00Z", "Oem": {"Hpe": {"Severity": "Caution"}}, "Message": "Fan %1 of %2",
         "MessageArgs": ["3", "8"]},
        {"Created": "2024-01-02T00:00:00Z", "Severity": "Odd", "MessageId": "X.1.0.Later"})
    found = [(e.severity, e.message) for e in read_log(target).entries]
    assert found == [("", "X.1.0.Later"), ("Warning", "Fan 3 of 8"), ("OK", "first"), ("Critical", "no clock")]


def test_limit_and_since(bmc: StubBmc, target: Target) -> None:
    log(bmc, *({"Created": f"2024-01-{day:02}T00:00:00Z", "Message": f"day {day}"} for day in range(1, 20)))
    assert [e.message for e in read_log(target, limit=2).entries] == ["day 19", "day 18"]
    since = datetime(2024, 1, 18, tzinfo=UTC)
    assert [e.message for e in read_log(target, since=since).entries] == ["day 19", "day 18"]


def test_entries_that_come_as_links_only_are_read_one_by_one(bmc: StubBmc, target: Target) -> None:
    log(bmc, {"Message": "m"})
    put(bmc, f"{SEL}/Entries", {"Members": [{"@odata.id": f"{SEL}/Entries/0"}, {"@odata.id": f"{SEL}/Entries/404"}]})
    logged = read_log(target)
    assert [e.message for e in logged.entries] == ["m"]
    assert "404" in logged.problems["Systems/1/SEL"]


def test_pages_are_followed_and_bounded(bmc: StubBmc, target: Target) -> None:
    log(bmc)
    put(bmc, f"{SEL}/Entries", {
        "Members": [{"Id": "1", "Message": "again"}], "Members@odata.nextLink": f"{SEL}/Entries?$skip=1"})
    assert len(read_log(target).entries) == 16


def test_a_log_that_cannot_be_read_leaves_the_others(bmc: StubBmc, target: Target) -> None:
    put(bmc, f"{ROOT}/Managers/1", {"Id": "1"})
    assert isinstance(bmc.resources, dict)
    bmc.resources[ROOT]["Managers"] = collection(bmc, f"{ROOT}/Managers", [("1", {"Id": "1"})])
    log(bmc, {"Message": "from the manager"}, owner=f"{ROOT}/Managers/1")
    log(bmc, {"Message": "from the system"})
    bmc.fault = lambda stub, r: error(500, "crashed") if r.key == f"{SEL}/Entries".lower() else None
    logged = read_log(target)
    assert [e.message for e in logged.entries] == ["from the manager"]
    assert "crashed" in logged.problems["Systems/1/SEL"]
    assert [log.name for log in logged.logs] == ["Systems/1/SEL", "Managers/1/SEL"]
    assert [e.log for e in read_log(target, only="managers").entries] == ["Managers/1/SEL"]


def test_a_machine_without_logs_says_so(bmc: StubBmc, target: Target) -> None:
    with pytest.raises(Unsupported, match="shows no event log"):
        read_log(target)
    log(bmc)
    with pytest.raises(Unsupported, match="no event log called audit"):
        read_log(target, only="audit")


def test_a_log_is_cleared_by_its_action(bmc: StubBmc, target: Target) -> None:
    log(bmc, {"Message": "m"})
    (one,) = find_logs(target.reader(), target)
    clear_log(Writer(target, dry_run=True), one)
    assert sent(bmc) == []
    clear_log(Writer(target), one)
    assert [r.path for r in sent(bmc)] == [f"{SEL}/Actions/LogService.ClearLog"]
    log(bmc, Actions={})
    (one,) = find_logs(target.reader(), target)
    with pytest.raises(Unsupported, match="cannot be cleared"):
        clear_log(Writer(target), one)
