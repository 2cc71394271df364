"""A tool of another version, or in another language, is told of: nothing that a host prints ends in a traceback."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import ticking

from bpa.core.facts import Facts, Ran
from bpa.core.host import HOST, PROBES
from bpa.core.verdict import Act, Met, Stuck, Wait
from bpa.core.want import (
    GoalWant,
    HostWant,
    HugepagesWant,
    KernelWant,
    NamespaceWant,
    Package,
    PfMatch,
    Profile,
    SoftwareNeeds,
    VfWant,
)

EVERYTHING = Profile(
    "everything", nested="required", kata=True, kernel_arguments=("intel_iommu=on",), pmem_goals=(GoalWant(0),),
    vfs=(VfWant(PfMatch(device="8086:1583"), 4), VfWant(PfMatch(device="8086:4940"), 16, "QAT", services="dc")),
    pmem=(NamespaceWant("region0", "fsdax", 1 << 30, "data0", "ext4", "/mnt/pmem0"),),
    kernel=KernelWant(sysctls={"vm.swappiness": "10"}, hugepages=(HugepagesWant(2 << 20, 512),), load=("vfio_pci",)),
    software=SoftwareNeeds(packages=(Package("jq"),)))

ODD: dict[str, Callable[[str], str]] = {
    "nothing": lambda line: "",
    "another language": lambda line: "Keine Berechtigung: unbekannter Befehl „ndctl“",
    "a field more": lambda line: f"{line} neu=7 8",
    "a field less": lambda line: line.rpartition(" ")[0],
    "only its first word": lambda line: line.split(" ")[0],
    "no numbers": lambda line: re.sub(r"\d", "x", line),
    "decimal comma and units": lambda line: re.sub(r"(\d+)", r"\1,0 KiB", line),
    "colours": lambda line: f"\x1b[1m{line}\x1b[0m",
    "twice": lambda line: f"{line}\n{line}",
}


@pytest.fixture(scope="module")
def applied() -> tuple[HostWant, Facts]:
    """A host that is asked for something of everything, when `bpa apply` is done."""
    return ticking.applied(EVERYTHING)


def with_answer(have: Facts, probe: str, ran: Ran) -> Facts:
    assert have.os is not None
    return replace(have, os=replace(have.os, answers={**have.os.answers, probe: ran}))


def judge_all(want: HostWant, have: Facts) -> None:
    for one in HOST:
        assert isinstance(one.check(want, have), (Met, Act, Wait, Stuck))
        for change in one.changes(want, have):
            assert change.what


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("how", ODD)
def test_a_line_that_nobody_expects_is_no_traceback(applied, probe, how):
    want, have = applied
    lines = have.os.answers[probe].stdout.split("\n")
    of_tools = [number for number, line in enumerate(lines) if not line.startswith("@@ ")]
    chosen = random.Random(f"{probe} {how}").sample(of_tools, min(len(of_tools), 6))
    for number in chosen:
        odd = [ODD[how](line) if at == number else line for at, line in enumerate(lines)]
        judge_all(want, with_answer(have, probe, Ran(0, "\n".join(odd))))


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("ran", [Ran(0), Ran(0, "\n"), Ran(None), Ran(127, "", "sh: 1: not found"), Ran(0, "@@ \n@@\n"),
                                 Ran(0, "\ufffd\x00\x07")], ids=["silent", "empty", "late", "not found", "headless", "bytes"])
def test_an_answer_that_is_none_is_no_traceback(applied, probe, ran):
    want, have = applied
    judge_all(want, with_answer(have, probe, ran))


def test_what_is_not_understood_is_said_with_what_to_do(applied):
    want, have = applied
    modules = have.os.answers["modules"].stdout.replace("kvm_intel loaded 0", "kvm_intel geladen")
    verdict = next(one for one in HOST if one.condition == "VirtualizationReady").check(
        want, with_answer(have, "modules", Ran(0, modules)))
    assert isinstance(verdict, Stuck) and "not understood" in verdict.reason and "modules.py" in verdict.reason
    assert "bpa host collect" in verdict.advice


def test_probes_are_asked_in_the_locale_that_they_are_read_in(monkeypatch):
    from bpa.adapters.ssh import Ssh, SshAccess
    from bpa.core.secret import Secret

    command = Ssh(SshAccess("192.0.2.1", Secret("x"), ""))._command(("sh", "-c", "ndctl list"), 60)
    assert command.startswith("env LC_ALL=C ")
