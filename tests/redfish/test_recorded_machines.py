"""Every recorded machine is read as it is: values checked by hand, in recorded.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from stub_bmc import RECORDED, RecordedTree, Reply, Request, StubBmc, expanded, serve

from bpa.adapters.redfish import ALL, QUICK, Bmc, BmcAccess
from bpa.core.bios import resolve
from bpa.core.facts import BmcFacts
from bpa.core.secret import Secret
from bpa.core.verdict import Stuck
from bpa.core.want import BiosWant
from bpa.documents.profile.bios import intent_rules

MACHINES: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("recorded.yaml").read_text())
INTENTS = ("virtualization", "iommu", "sriov")

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run, it unpacks them into .recorded"
)


@pytest.fixture(scope="module")
def facts() -> dict[str, BmcFacts]:
    return {}


def look(name: str, facts: dict[str, BmcFacts]) -> BmcFacts:
    if name not in facts:
        with serve(StubBmc(RecordedTree(RECORDED / name))) as stub:
            with Bmc(BmcAccess(stub.address, "admin", Secret("right"))) as bmc:
                facts[name] = bmc.look(ALL)
            assert stub.tokens == {}
    return facts[name]


@pytest.mark.parametrize("name", MACHINES)
def test_a_recorded_machine_is_read_as_it_is(name: str, facts: dict[str, BmcFacts]) -> None:
    found, due = look(name, facts), MACHINES[name]
    for key in ("system", "power", "uuid", "serial", "service_tag", "model", "boot_progress", "cpus", "memory_mib"):
        assert getattr(found, key) == due.get(key, ""), key
    assert found.pending == due["pending"]
    assert found.bios is not None
    assert due.get("attribute", {}).items() <= found.bios.items()
    for key in ("bios", "drives", "dimms", "macs"):
        if key in due:
            assert len(getattr(found, key)) == due[key], key
    if "mac" in due:
        assert due["mac"] in found.macs
    for key, things in (("drive", found.drives), ("adapter", found.adapters)):
        if key in due:
            assert any(all(_same(getattr(t, k), v) for k, v in due[key].items()) for t in things), things
    assert found.unread.keys() == due.get("unread", {}).keys()
    assert all(said in found.unread[section] for section, said in due.get("unread", {}).items())


@pytest.mark.parametrize("name", MACHINES)
def test_an_intent_finds_the_attribute_of_a_recorded_machine_or_says_that_it_cannot(
    name: str, facts: dict[str, BmcFacts]
) -> None:
    bios = look(name, facts).bios
    assert bios is not None
    due = MACHINES[name]
    for intent in INTENTS:
        found = resolve(BiosWant({intent: True}, {}, intent_rules()), bios)
        if intent in due.get("unresolved", ()):
            assert isinstance(found, Stuck)
        else:
            assert list(found) == [due["intents"][intent]]


@pytest.mark.parametrize("name", MACHINES)
def test_a_second_quick_look_costs_at_most_three_requests(name: str) -> None:
    with serve(StubBmc(RecordedTree(RECORDED / name))) as stub:
        with Bmc(BmcAccess(stub.address, "admin", Secret("right"))) as bmc:
            bmc.look(QUICK)
            before = len(stub.log)
            bmc.look(QUICK)
            assert len(stub.log) - before <= 3


@pytest.mark.parametrize("expands", [True, False], ids=["with $expand", "without"])
@pytest.mark.parametrize("name", MACHINES)
def test_what_provisioning_needs_costs_at_most_15_requests(name: str, expands: bool) -> None:
    due = MACHINES[name]
    with serve(StubBmc(RecordedTree(RECORDED / name), fault=expanded if expands else no_fault)) as stub:
        with Bmc(BmcAccess(stub.address, "admin", Secret("right"), mac=due.get("mac"), serial=due.get("serial"))) as bmc:
            found = bmc.look()
            while "macs" in found.unread:
                assert found.macs == ()
                found = bmc.look()
            assert due.get("mac", "") in (*found.macs, "")
        first = next((n for n, r in enumerate(stub.log) if r.key.endswith(due["system"].lower()) and n > 5), len(stub.log))
        assert first + (first < len(stub.log)) <= 15, stub.asked()


def no_fault(stub: StubBmc, request: Request) -> Reply | None:
    return None


def _same(found: object, due: object) -> bool:
    return (list(found) if isinstance(found, tuple) else found) == due
