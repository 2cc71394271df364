"""A registry goes into a file of what was seen of a host, and comes back as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recorded_bios import MACHINES, machine_of, recorded

from bpa.adapters.errors import Refused
from bpa.collection import Collection, load, save
from bpa.core.bios import BiosWant, plan_bios
from bpa.core.bios.filing import from_plain, to_plain
from bpa.core.facts import BmcFacts, Facts
from bpa.core.host.firmware import STAGED
from bpa.core.want import HostWant, Profile
from bpa.documents.profile.bios import intent_rules

R750 = "dell-r750-idrac9-6.00.30.00"


@pytest.mark.parametrize("name", [name for name, case in MACHINES.items() if "tree" in case or "registry" in case])
def test_a_registry_is_the_same_after_a_file(name: str) -> None:
    registry = machine_of(name).registry
    if registry is None:
        return
    back = from_plain(json.loads(json.dumps(to_plain(registry))))
    assert list(back.attributes()) == list(registry.attributes()) and back.id == registry.id
    assert back.dependencies == registry.dependencies


def test_a_collected_host_is_judged_with_its_registry(tmp_path: Path) -> None:
    machine = recorded(R750)
    seen = Facts(bmc=BmcFacts("/redfish/v1/Systems/1", "Off", manufacturer=machine.manufacturer, bios=machine.now,
                              registry=machine.registry))
    save(Collection("node1", 0.0, seen, {}), tmp_path / "host.json")
    again = load(tmp_path / "host.json").facts
    want = HostWant("node1", "https://192.0.2.1", "", None, Profile(
        bios=BiosWant({}, {"ProcTurboMode": "Disabled"}, intent_rules())))
    assert STAGED.check(want, again) == STAGED.check(want, seen)
    assert again.bmc is not None and again.bmc.registry is not None
    plan = plan_bios(want.profile.bios, machine)
    assert "SysProfile" in plan.values  # type: ignore[union-attr]


@pytest.mark.parametrize("registry", [
    5, [], {}, {"id": "R"}, {"id": "R", "attributes": [{"no": 1}], "dependencies": []},
    {"id": "R", "attributes": [], "dependencies": [{"to": ["A", "ReadOnly", True], "from": [["A"]], "joints": []}]},
    {"id": "R", "attributes": [], "dependencies": [
        {"to": ["A", "ReadOnly", True], "from": [["A", "CurrentValue", "EQU", 1]], "joints": [["OR"]]}]},
])
def test_a_damaged_registry_is_a_damaged_file(registry: object, tmp_path: Path) -> None:
    save(Collection("node1", 0.0, Facts(bmc=BmcFacts("/redfish/v1/Systems/1", "Off")), {}), tmp_path / "host.json")
    said = json.loads((tmp_path / "host.json").read_text())
    said["facts"]["bmc"]["registry"] = registry
    (tmp_path / "host.json").write_text(json.dumps(said))
    with pytest.raises(Refused, match="is damaged"):
        load(tmp_path / "host.json")
