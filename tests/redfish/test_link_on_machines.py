"""Sessions, accounts and reading on the recorded machine of each vendor, as it behaves and as it misbehaves."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from stub_bmc import RECORDED

from bpa.adapters.errors import AdapterError, Refused
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.login.rotation import Rotations, rotate
from bpa.adapters.redfish.login.sessions import read_sessions
from bpa.adapters.redfish.login.shelf import FileShelf
from bpa.adapters.redfish.sections import full_facts
from bpa.adapters.redfish.sections.whole import SECTIONS
from bpa.adapters.redfish.target import Target
from bpa.core.secret import Secret
from bpa.lab.recorded import Emulated, serve

TREES = sorted(p.name for p in RECORDED.glob("*") if (p / "redfish" / "v1").is_dir())
pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
WITH_ACCOUNTS = [t for t in TREES if list((RECORDED / t).glob("redfish/v1/[Aa]ccount[Ss]ervice/index.json"))]

STEADY = tuple(s for s in SECTIONS if s not in ("managers", "state"))
"""All but those that tell the time."""


def access(bmc: Emulated, password: str = "right", **more: Any) -> BmcAccess:
    return BmcAccess(bmc.address, "admin", Secret(password), **more)


def sessions(bmc: Emulated) -> list[str]:
    return list(bmc.machine.gate.open)


@pytest.mark.parametrize("tree", TREES)
def test_a_look_leaves_no_session_and_asks_for_nothing_twice(tree: str, tmp_path: Path) -> None:
    with serve(RECORDED / tree) as bmc:
        with Target(access(bmc, shelf=FileShelf(tmp_path))) as target:
            full_facts(target)
            assert len(sessions(bmc)) == 1
        assert sessions(bmc) == []
        gets = [r.path.lower().rstrip("/") for r in bmc.log if r.method == "GET"]
        twice = {path for path in gets if gets.count(path) > 1}
        # The root is served with and without credentials, and one expanded member is compared with itself.
        assert len(twice) <= 1, twice
        assert not list(tmp_path.glob("*/*.json"))


@pytest.mark.parametrize("tree", TREES)
def test_expand_finds_what_members_one_by_one_say(tree: str) -> None:
    with serve(RECORDED / tree) as bmc, Target(access(bmc)) as target, Target(access(bmc)) as plain:
        plain.link.expanding.wanted = False
        assert full_facts(target, STEADY) == full_facts(plain, STEADY)


@pytest.mark.parametrize("how", ["expand-broken", "expand-broken=error", "expand-broken=short"])
@pytest.mark.parametrize("tree", TREES)
def test_broken_expand_costs_a_question_and_no_fact(tree: str, how: str) -> None:
    with serve(RECORDED / tree) as bmc, Target(access(bmc)) as target, Target(access(bmc)) as plain:
        plain.link.expanding.wanted = False
        want = full_facts(plain, STEADY)
        bmc.fault(how)
        assert full_facts(target, STEADY) == want


@pytest.mark.parametrize("tree", TREES)
def test_the_next_run_closes_the_session_of_a_killed_one(tree: str, tmp_path: Path) -> None:
    with serve(RECORDED / tree) as bmc:
        child = os.fork()
        if not child:
            try:
                machine = Bmc(access(bmc, shelf=FileShelf(tmp_path)))
                machine.look()
                os.kill(os.getpid(), signal.SIGKILL)
            finally:
                os._exit(1)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        assert len(sessions(bmc)) == 1
        with Bmc(access(bmc, shelf=FileShelf(tmp_path))) as machine:
            machine.look()
        assert sessions(bmc) == []


@pytest.mark.parametrize("fault", ["unauthorized-mid-look=5", "503-once=1"])
@pytest.mark.parametrize("tree", TREES)
def test_trouble_in_mid_look_leaves_no_session(tree: str, fault: str, tmp_path: Path) -> None:
    with serve(RECORDED / tree) as bmc:
        with Bmc(access(bmc, shelf=FileShelf(tmp_path))) as machine:
            machine.target.link.sleep = lambda seconds: None
            try:
                machine.look()
                bmc.fault(fault)
                machine.look()
            except AdapterError:
                bmc.fault(fault, False)
        with Bmc(access(bmc, shelf=FileShelf(tmp_path))) as machine:
            machine.look()
        assert sessions(bmc) == []


@pytest.mark.parametrize("tree", TREES)
def test_a_full_bmc_is_looked_at_without_a_session(tree: str, tmp_path: Path) -> None:
    with serve(RECORDED / tree, faults=["session-limit"]) as bmc:
        with Bmc(access(bmc, shelf=FileShelf(tmp_path))) as machine:
            machine.target.link.sleep = lambda seconds: None
            assert machine.look().power
        assert not list(tmp_path.glob("*/*.json"))


@pytest.mark.parametrize("tree", TREES)
def test_sessions_are_shown_as_they_are(tree: str) -> None:
    with serve(RECORDED / tree) as bmc, Target(access(bmc)) as target:
        found = read_sessions(target, target.reader())
        assert [s.own for s in found] == [True]


@pytest.mark.parametrize("tree", WITH_ACCOUNTS)
def test_a_password_is_rotated_on_every_machine(tree: str, tmp_path: Path) -> None:
    kept = Rotations(tmp_path)
    with serve(RECORDED / tree) as bmc:
        assert rotate(access(bmc), Secret("New-1-secret"), kept).changed
        assert not rotate(access(bmc, "New-1-secret"), Secret("New-1-secret"), kept).changed
        bmc.fault("password-not-kept")
        with pytest.raises(Refused, match="the old one is in force"):
            rotate(access(bmc, "New-1-secret"), Secret("New-2-secret"), kept)
        bmc.fault("password-not-kept", False)
        bmc.fault("reset-mid-patch")
        assert rotate(access(bmc, "New-1-secret"), Secret("New-3-secret"), kept).changed
        assert sessions(bmc) == []
        assert not list(tmp_path.glob("*.json"))
