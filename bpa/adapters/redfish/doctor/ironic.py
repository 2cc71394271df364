"""What Ironic's redfish hardware type will be able to do, by what it is known to need (data/ironic.yaml)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from bpa.adapters.redfish.doctor.patient import Patient
from bpa.adapters.redfish.power.reset import allowed_resets
from bpa.adapters.redfish.reading import Json, Reader, absent, inner, objects, text, texts
from bpa.core.diagnosis import Check, Verdict, worst
from bpa.core.media import choose


@dataclass(frozen=True, slots=True)
class Need:
    """One property of one kind of resource. any: one resource that has it is enough."""

    of: str
    has: tuple[str, ...]
    values: tuple[str, ...] = ()
    must: bool = False
    any: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that Ironic does, and what it needs for that."""

    id: str
    what: str
    needs: tuple[Need, ...]
    source: str
    by_hand: str = ""
    needed: bool = False


def ironic_checks(patient: Patient) -> Iterator[Check]:
    """One check per feature."""
    seen: dict[str, list[tuple[str, Json]]] = {}
    for feature in features():
        verdicts: list[Verdict] = []
        evidence = []
        for need in feature.needs:
            if need.of not in seen:
                seen[need.of] = _resources(patient, need.of)
            verdict, why = _judged(patient, need, seen[need.of])
            verdicts.append(verdict)
            evidence += [why] if why else []
        verdict = worst(verdicts)
        if feature.id in _MORE:
            verdict, why = _MORE[feature.id](patient, verdict)
            evidence += [why] if why else []
        yield Check(feature.id, feature.what, verdict, "; ".join(dict.fromkeys(evidence)),
                    feature.by_hand if verdict in ("no", "degraded") else "", feature.needed, feature.source)


@cache
def features() -> tuple[Feature, ...]:
    """All of data/ironic.yaml."""
    entries = yaml.safe_load(resources.files(__package__).joinpath("data", "ironic.yaml").read_text("utf-8"))
    return tuple(
        Feature(
            e["feature"], e["what"],
            tuple(Need(n["of"], tuple(n["has"].split()), tuple(n.get("values") or ()), n.get("must", False), n.get("any", False))
                  for n in e["needs"]),
            " ".join(e["source"].split()), e.get("by_hand", ""), e.get("needed", False),
        )
        for e in entries
    )


def _judged(patient: Patient, need: Need, found: list[tuple[str, Json]]) -> tuple[Verdict, str]:
    short: Verdict = "no" if need.must else "degraded"
    name = f"{need.of} {need.has[-1] if need.has[-1] != 'target' else need.has[-2]}"
    if not found:
        # Without drives or interfaces there is nothing that could lack an Id.
        return ("ok", "") if not need.any and need.of in ("drive", "interface", "storage") else (short, f"no {need.of} is shown")
    if need.values:
        allowed = _allowed(patient, found[0][1], need.has)
        missing = [v for v in need.values if v not in allowed]
        if not allowed:
            # sushy then sends what it likes, and learns from the answer.
            return "ok", ""
        return (short, f"{name}: no {', '.join(missing)}") if missing else ("ok", "")
    lacking = [path for path, body in found if not _has(body, need.has)]
    if not lacking or (need.any and len(lacking) < len(found)):
        return "ok", ""
    where = "" if need.of in ("root", "system", "bios") else f" ({lacking[0].rstrip('/').rsplit('/', 1)[-1]})"
    return short, f"{name} is missing{where}"


def _has(body: Json, keys: tuple[str, ...]) -> bool:
    value = inner(body, *keys[:-1]).get(keys[-1])
    return value is not None and value != ""


def _allowed(patient: Patient, body: Json, keys: tuple[str, ...]) -> tuple[str, ...]:
    if keys[-1] == "ResetType":
        found, _ = patient.tried(lambda reader: allowed_resets(reader, body))
        return found or ()
    return texts(inner(body, *keys[:-1]), f"{keys[-1]}@Redfish.AllowableValues")


def _typed(patient: Patient, verdict: Verdict) -> tuple[Verdict, str]:
    """Ironic takes a registry only where its id is what the BIOS calls it; else it knows no types and allowed values."""
    told = text(patient.bios, "AttributeRegistry")
    if not told or patient.machine is None or patient.machine.registry is None or patient.machine.registry.id == told:
        return verdict, ""
    mine = patient.machine.registry.id
    why = f"registry {mine} is called {told} by the BIOS: Ironic will know no types and allowed values"
    return worst((verdict, "degraded")), why


def _patched(patient: Patient, verdict: Verdict) -> tuple[Verdict, str]:
    """sushy inserts by PATCH too, where the slot's answer says that it may."""
    slots = choose(patient.facts.media.value, "cd").slots if patient.facts.media else ()
    if verdict == "no" and any(slot.way == "patch" for slot in slots):
        return "degraded", "it works by PATCH, if the BMC's answers allow that (Allow: PATCH)"
    return verdict, ""


def _first(patient: Patient, verdict: Verdict) -> tuple[Verdict, str]:
    """Ironic takes architecture and model of the first Processor for those of the CPUs."""
    found, _ = patient.tried(lambda reader: reader.links(patient.system, "Processors")[:1])
    bodies, _ = patient.tried(lambda reader: [body for _, body in reader.each(found or ())])
    kind = text(bodies[0], "ProcessorType") if bodies else ""
    if kind in ("", "CPU"):
        return verdict, ""
    return worst((verdict, "degraded")), f"the first processor is a {kind}: Ironic takes it for the CPU"


_MORE: Mapping[str, Callable[[Patient, Verdict], tuple[Verdict, str]]] = {
    "ironic-bios": _typed, "ironic-virtual-media": _patched, "ironic-inspection": _first,
}
"""What of Ironic's ways is more than a property that is there."""


def _resources(patient: Patient, of: str) -> list[tuple[str, Json]]:
    one: dict[str, Callable[[], Json]] = {
        "root": lambda: patient.root,
        "system": lambda: patient.system,
        "bios": lambda: patient.bios,
        "secure_boot": lambda: _optional(patient, patient.system, "SecureBoot"),
        "update": lambda: _optional(patient, patient.root, "UpdateService"),
    }
    if of in one:
        body = one[of]()
        return [(of, body)] if body else []
    owned: Mapping[str, Json] | list[tuple[str, Json]]
    owned = {"manager": patient.ground.managers, "chassis": patient.ground.chassis}.get(of, {})
    if not owned:
        found, _ = patient.tried(lambda reader: _members(reader, patient, of))
        owned = found or []
    pairs = owned.items() if isinstance(owned, Mapping) else owned
    return [(path, body) for path, body in pairs if not absent(body)]


def _optional(patient: Patient, body: Json, key: str) -> Json:
    found, _ = patient.tried(lambda reader: reader.optional(body, key))
    return found or {}


def _members(reader: Reader, patient: Patient, of: str) -> list[tuple[str, Json]]:
    system = patient.system
    match of:
        case "cpu":
            return [(p, b) for p, b in reader.collection(system, "Processors") if text(b, "ProcessorType") in ("CPU", "")]
        case "interface":
            return list(reader.collection(system, "EthernetInterfaces"))
        case "storage":
            return list(reader.collection(system, "Storage"))
        case "drive":
            links: list[Any] = [d for _, s in reader.collection(system, "Storage") for d in objects(s, "Drives")]
            return list(reader.each(links))
        case "media":
            owners = [system, *patient.ground.managers.values()]
            return [found for owner in owners for found in reader.collection(owner, "VirtualMedia")]
    return []
