"""Every cause that BPA can name for virtualization, VFs, persistent memory and QAT has a case; and it is named first.

A cause is a place in the code that makes a Stuck. A case is run on the facts of a host that is otherwise well and for
which BPA has written all the files that it would write before: so nothing else is left to name.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_cases import BY_CONDITION, CASES, _contains, _Loader, build
from ticking import applied

import bpa.core.host as host
from bpa.core.cause import first_cause
from bpa.core.facts import Facts, Ran
from bpa.core.guards import Memory, Permissions
from bpa.core.host import HOST
from bpa.core.host.modprobe import LOADED, OPTIONS
from bpa.core.host.probe import sections
from bpa.core.host.qat import MEMLOCK
from bpa.core.steps import Step, WriteFile
from bpa.core.verdict import Act, Met, Stuck
from bpa.core.walk import Judged
from bpa.core.want import HostWant

CONDITIONS = ("VirtualizationReady", "VfsCreated", "QatReady", "PmemModulesFit", "PmemGoalStaged", "PmemGoalApplied", "PmemReady")
MODULES = ("iommu.py", "kvm_causes.py", "modules.py", "qat.py", "system.py", "pmem/absence.py", "pmem/erasure.py", "pmem/fit.py",
           "pmem/goal.py", "pmem/goal_by_bmc.py", "pmem/goal_state.py", "pmem/lvm.py", "pmem/mounting.py", "pmem/nvdimm.py",
           "pmem/ready.py", "pmem/removal.py", "sriov/causes.py", "sriov/check.py", "sriov/match.py", "sriov/removal.py")
STUCK = [file for file in CASES if file.parent.name in CONDITIONS and "stuck" in yaml.load(file.read_text(), _Loader)["verdict"]]
SAID_EARLIER = {"PmemReady": "PmemModulesFit"}
"""What is told of a region may have been told of its modules before."""
SHOWN_BY = {OPTIONS: ("modules", "options file"), LOADED: ("modules", "load file"), MEMLOCK: ("qat", "memlock")}


def load(file: Path) -> tuple[HostWant, Facts, Mapping[str, Any]]:
    case = yaml.load(file.read_text(), _Loader)
    return build(HostWant, case.get("want") or {}), build(Facts, case.get("have") or {}), case["verdict"]


@pytest.fixture(scope="module")
def well() -> tuple[HostWant, Facts]:
    """A host for which nothing is asked but its image, as it is when `bpa apply` is done."""
    return applied()


def with_facts_of(case: Facts, well: Facts) -> Facts:
    assert case.os is not None and well.os is not None and well.bmc is not None
    os = replace(well.os, address=case.os.address, boot_id=case.os.boot_id or well.os.boot_id,
                 answers={**well.os.answers, **case.os.answers})
    bmc = replace(well.bmc, persistent=case.bmc.persistent, unread=case.bmc.unread) if case.bmc else well.bmc
    return replace(well, os=os, bmc=bmc)


def written(have: Facts, step: Step) -> Facts | None:
    """What the host shows when this file of ours is written; None = it is none of those that come before causes."""
    if not isinstance(step, WriteFile) or step.path not in SHOWN_BY:
        return None
    assert have.os is not None
    probe, name = SHOWN_BY[step.path]
    said = {**sections(have.os.answers[probe].stdout), name: step.content}
    if step.path == OPTIONS:
        lines = [line for line in step.content.splitlines() if line.startswith(("options", "install"))]
        said["modprobe.d"] = said.get("modprobe.d", "") + "".join(f"{OPTIONS}:{line}\n" for line in lines)
    text = "".join(f"@@ {section}\n{inside}" for section, inside in said.items())
    return replace(have, os=replace(have.os, answers={**have.os.answers, probe: Ran(0, text)}))


def judged(want: HostWant, have: Facts) -> list[Judged[HostWant, Facts]]:
    while True:
        found = [Judged(one, one.check(want, have), have) for one in HOST]
        first = next((one.verdict for one in found if not isinstance(one.verdict, Met)), None)
        more = written(have, first.step) if isinstance(first, Act) else None
        if more is None:
            return found
        have = more


@pytest.mark.parametrize("file", STUCK, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_the_cause_of_each_case_is_the_first_that_is_named(well, file):
    (usual, facts), (want, have, due) = well, load(file)
    cause = first_cause(usual.name, judged(replace(usual, profile=want.profile), with_facts_of(have, facts)), Memory(),
                        Permissions(), "", 0.0)
    assert cause is not None and cause.state == "stuck" and cause.advice
    assert cause.condition in (file.parent.name, SAID_EARLIER.get(file.parent.name)), cause
    if cause.condition == file.parent.name:
        _contains(cause.text, due["stuck"])
        _contains(cause.advice, due.get("advice"))


def places_of_causes() -> set[tuple[str, int]]:
    """(file, line) of each call of Stuck."""
    root, found = Path(host.__file__).parent, set()
    for name in MODULES:
        tree = ast.parse((root / name).read_text())
        found |= {(str(root / name), node.lineno) for node in ast.walk(tree)
                  if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Stuck"}
    return found


def test_each_cause_has_a_case(monkeypatch):
    made: set[tuple[str, int]] = set()
    original = Stuck.__init__

    def noted(self: Stuck, *arguments: Any, **named: Any) -> None:
        frame = sys._getframe(1)
        made.add((frame.f_code.co_filename, frame.f_lineno))
        original(self, *arguments, **named)

    monkeypatch.setattr(Stuck, "__init__", noted)
    for file in (one for one in CASES if one.parent.name in (*CONDITIONS, "SystemUsable")):
        want, have, _ = load(file)
        BY_CONDITION[file.parent.name].check(want, have)
    lacking = sorted(f"{Path(file).name}:{line}" for file, line in places_of_causes() - made)
    assert not lacking, f"no case of tests/core/cases names the cause at {', '.join(lacking)}"
