"""Whole facts of every recorded machine, against values checked by hand (recorded_facts.yaml)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from stub_bmc import RECORDED, RecordedTree, StubBmc, expanded, serve

from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.sections import SECTIONS, full_facts
from bpa.adapters.redfish.target import Target
from bpa.cli.bmc.facts import as_json_object
from bpa.cli.bmc.facts_text import lines
from bpa.core.machine import MachineFacts
from bpa.core.secret import Secret
from bpa.lab.recorded import serve as serve_machine

MACHINES: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("recorded_facts.yaml").read_text())

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run, it unpacks them into .recorded"
)


@pytest.fixture(scope="module")
def looked() -> dict[str, MachineFacts]:
    return {}


def facts_of(name: str, looked: dict[str, MachineFacts]) -> MachineFacts:
    if name not in looked:
        with serve(StubBmc(RecordedTree(RECORDED / name))) as stub:
            with Target(BmcAccess(stub.address, "admin", Secret("right"))) as target:
                looked[name] = full_facts(target)
            assert stub.tokens == {}
            asked = [r.path.rstrip("/").lower() for r in stub.log if r.method == "GET"]
            assert len(asked) == len(set(asked)), "a resource was asked for twice in one look"
    return looked[name]


def where(found: MachineFacts) -> dict[str, Any]:
    """Key of recorded_facts.yaml -> what it is compared with."""
    value = {name: section.value for name, section in found.sections()}
    return {
        **value,
        "redfish": found.redfish, "product": found.product,
        "firmware_has": value["firmware"],
        "modules_have": {m.slot: m.serial for m in value["memory"].modules},
        "drives": value["storage"].drives, "drives_have": value["storage"].drives,
        "serials": [d.serial for d in value["storage"].drives],
        "adapters": value["network"].adapters, "interfaces": value["network"].interfaces,
        "macs": value["network"].macs,
        "attributes": len(value["bios"].attributes), "attributes_have": value["bios"].attributes,
        "order": value["boot"].order, "order_begins": value["boot"].order,
        "media_has": value["media"],
        "tpms": value["security"].tpms, "supplies": value["power"].supplies,
        "sensors": value["sensors"].counts, "not_ok": value["sensors"].not_ok,
    }


@pytest.mark.parametrize(("name", "key"), [(name, key) for name in MACHINES for key in MACHINES[name] if key != "problems"])
def test_what_a_recorded_machine_is(name: str, key: str, looked: dict[str, MachineFacts]) -> None:
    found, due = where(facts_of(name, looked))[key], MACHINES[name][key]
    if key in ("firmware_has", "drives_have", "media_has", "attributes_have"):
        assert all(any(same(one, wanted) for one in found) for wanted in due), (due, found)
    elif key == "order_begins":
        assert all(same(one, wanted) for one, wanted in zip(found, due, strict=False)), (due, found)
    elif key == "modules_have":
        assert due.items() <= found.items()
    elif key in ("serials", "macs"):
        assert sorted(found) == sorted(due)
    elif key == "sensors":
        assert found == due
    elif isinstance(due, int) and not isinstance(found, int):
        assert len(found) == due
    else:
        assert same(found, due), f"\n{found}\nis not\n{due}"


@pytest.mark.parametrize("name", MACHINES)
def test_only_what_a_recorded_machine_does_not_serve_is_a_problem(name: str, looked: dict[str, MachineFacts]) -> None:
    problems, due = facts_of(name, looked).problems, MACHINES[name].get("problems", {})
    assert problems.keys() == due.keys(), problems
    assert all(said in problems[section] for section, said in due.items())


@pytest.mark.parametrize("name", MACHINES)
def test_facts_are_shown_as_text_and_as_json(name: str, looked: dict[str, MachineFacts]) -> None:
    found = facts_of(name, looked)
    told = json.loads(json.dumps(as_json_object(found), allow_nan=False))
    assert set(SECTIONS) <= set(told)
    assert all(set(told[section]) == {"value", "problem"} for section in SECTIONS)
    text = "\n".join(lines(found))
    assert all(section in text for section in SECTIONS)
    assert all(line.strip() and line.isprintable() for line in text.replace("\x1b", "").splitlines())


def same(found: Any, due: Any) -> bool:
    """Whether all that is due is found: objects by their named parts, lists complete and in any order."""
    if isinstance(due, Mapping):
        fields = found if isinstance(found, Mapping) else {k: getattr(found, k) for k in asdict(found)}
        return all(k in fields and same(fields[k], v) for k, v in due.items() if k != "times")
    if isinstance(due, Sequence) and not isinstance(due, str):
        if all(isinstance(one, str) for one in due):
            return list(found) == list(due)
        left = list(found)
        for wanted in due:
            for _ in range(wanted.get("times", 1)):
                one = next((one for one in left if same(one, wanted)), None)
                if one is None:
                    return False
                left.remove(one)
        return not left
    return bool(found == due)


@pytest.mark.parametrize("name", MACHINES)
def test_facts_are_the_same_with_expand_and_cost_less(name: str, looked: dict[str, MachineFacts]) -> None:
    with serve(StubBmc(RecordedTree(RECORDED / name))) as plain, serve(
            StubBmc(RecordedTree(RECORDED / name), fault=expanded)) as expanding:
        found = []
        for stub in (plain, expanding):
            with Target(BmcAccess(stub.address, "admin", Secret("right"))) as target:
                found.append(replace(full_facts(target), bmc=""))
    assert found[0] == found[1]
    assert len(expanding.log) <= len(plain.log)


@pytest.mark.parametrize("name", MACHINES)
def test_the_recorded_machine_that_behaves_tells_the_same_but_for_its_clock(
    name: str, looked: dict[str, MachineFacts]
) -> None:
    with serve_machine(RECORDED / name, username="admin", password="right") as machine:
        with Target(BmcAccess(machine.address, "admin", Secret("right"))) as target:
            found = full_facts(target)
    due = facts_of(name, looked)
    for section in SECTIONS:
        if section != "managers":
            assert getattr(found, section) == getattr(due, section), section


def test_what_an_idrac_calls_read_only_just_now_is_told_read_only(looked: dict[str, MachineFacts]) -> None:
    # iDRAC's registry shows ReadOnly as it is at the moment, dependencies on other attributes included.
    name = "dell-r750-idrac9-6.00.30.00"
    bodies = (json.loads(file.read_text()) for file in (RECORDED / name).rglob("BiosRegistry/index.json"))
    (registry,) = (body for body in bodies if "RegistryEntries" in body)
    locked = {a["AttributeName"] for a in registry["RegistryEntries"]["Attributes"] if a["ReadOnly"]}
    bios = facts_of(name, looked).bios
    assert bios is not None and bios.value is not None
    told = {a.name for a in bios.value.attributes if a.read_only}
    assert {a.name for a in bios.value.attributes} & locked <= told
    assert len(told - locked) <= 1
