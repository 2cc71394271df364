"""The BIOS of recorded machines, and of machines written down, as the planner sees them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bpa.adapters.redfish.bios.registry_parsing import parse_registry
from bpa.core.bios import Attribute, Choice, Machine, Registry
from bpa.core.bios.dependencies import settled
from bpa.core.bios.registry import speaks

RECORDED = Path(__file__).parents[2] / ".recorded" / "redfish"
MACHINES: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("machines.yaml").read_text())
_FILES = {
    "dell-r750-idrac9-6.00.30.00": ("Systems/System.Embedded.1", "redfish/v1/Systems/System.Embedded.1/Bios/BiosRegistry"),
    "hpe-dl385g10plusv2-ilo5-2.72": (
        "Systems/1", "redfish/v1/registrystore/registries/en/biosattributeregistrya42.v1_2_60"),
    "lenovo-sr670v2-xcc-2.83": ("Systems/1", "redfish/v1/schemas/registries/BiosAttributeRegistry.1.0.0.json"),
    "supermicro-sys821ge-bmc-11.01.01": ("Systems/1", "registries/BiosAttributeRegistry.1.0.0.json"),
    "intel-s2600bpb-bmc-1.93": ("Systems/QSBP74100021", ""),
    "openbmc-stock-2.15": ("Systems/system", ""),
    "dmtf-public-rackmount1-2022.3": ("Systems/437XR1138R2", ""),
}


def recorded(tree: str, **changed: Any) -> Machine:
    """A recorded machine; `changed` are values that differ from the recording."""
    machine = _read(tree)
    return Machine({**machine.now, **changed}, machine.registry, machine.manufacturer)


def unsettled(tree: str) -> Registry:
    """Its registry with the states as it serves them."""
    return parse_registry(_json(RECORDED / tree / _FILES[tree][1]))


@cache
def _read(tree: str) -> Machine:
    if not RECORDED.is_dir():
        pytest.skip("recorded machines are not unpacked: see .ci/run, it unpacks them into .recorded")
    path, file = _FILES[tree]
    root = RECORDED / tree / "redfish/v1"
    system = _json(root / path)
    bios = next(f for f in (root / path / "Bios", root / path.lower() / "bios") if f.is_dir())
    now = {n: v for n, v in _json(bios).get("Attributes", {}).items() if isinstance(v, str | int)}
    if not file:
        return Machine(now, None, system.get("Manufacturer") or "")
    registry = unsettled(tree)
    return Machine(now, settled(registry, now, speaks(registry, now)), system["Manufacturer"])


def _json(folder: Path) -> Any:
    return json.loads((folder / "index.json").read_bytes())


def machine_of(name: str) -> Machine:
    """A machine of machines.yaml."""
    case = MACHINES[name]
    if "tree" in case:
        return recorded(case["tree"])
    registry = None
    if "registry" in case:
        registry = Registry(case["registry"]["id"], [
            Attribute(attribute, "Enumeration", display, tuple(Choice(v, v) for v in values))
            for attribute, (display, values) in case["registry"]["entries"].items()
        ])
    return Machine(case["now"], registry, case.get("maker", ""))


CASES = [(name, intent, meaning) for name, case in MACHINES.items() for intent, due in case["intents"].items() for meaning in due]
