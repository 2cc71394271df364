"""DMTF's validators on every recorded machine that behaves: what fails is explained, or the machine's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from explained import unexplained
from machines import MACHINES, RECORDED
from runs import Runs
from tools import USE_CASES

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
every_machine = pytest.mark.parametrize("machine", MACHINES)


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> Iterator[Runs]:
    given = [item.callspec.params for item in request.session.items
             if item.module is request.module and hasattr(item, "callspec")]
    with Runs((one["suite"], one["machine"]) for one in given if "suite" in one) as runs:
        yield runs


@every_machine
@pytest.mark.parametrize("suite", ["interop"])
def test_ironics_profile_finds_no_more_than_on_the_recorded_machine(runs: Runs, suite: str, machine: str) -> None:
    recorded = {(one.where, one.subject.rstrip("/")) for one in runs.of("recorded", machine).failures}
    behaving = runs.of(suite, machine).failures
    assert [str(one) for one in behaving if (one.where, one.subject.rstrip("/")) not in recorded] == []
    assert unexplained(suite, machine, behaving) == []


@every_machine
@pytest.mark.parametrize("suite", ["protocol"])
def test_the_protocol_validator_finds_only_what_is_explained(runs: Runs, suite: str, machine: str) -> None:
    result = runs.of(suite, machine)
    assert unexplained(suite, machine, result.failures) == []
    assert result.passed > 100


@every_machine
@pytest.mark.parametrize("suite", USE_CASES)
def test_the_use_case_checkers_find_only_what_is_explained(runs: Runs, suite: str, machine: str) -> None:
    assert unexplained("use_cases", machine, runs.of(suite, machine).failures) == []
