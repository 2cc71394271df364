"""BIOS: whether it can be read, written, and what each intent means on this machine."""

from __future__ import annotations

from collections.abc import Iterator

from bpa.adapters.redfish.doctor.patient import Patient
from bpa.adapters.redfish.reading import text
from bpa.core.bios import MEANINGS, Ambiguous, NotFound, resolve_intent
from bpa.core.diagnosis import Check

OFTEN = ("virtualization", "iommu", "sriov", "hyperthreading", "bootMode")
"""Intents that a host for Kubernetes may want of any machine; others belong to kinds of processors."""


def firmware_checks(patient: Patient) -> Iterator[Check]:
    """Nothing here is needed: a machine whose BIOS cannot be read is set by hand, and BPA says so."""
    section = patient.facts.bios
    if section is None or not section.value.attributes:
        why = section.problem if section is not None else ""
        yield Check("bios", "BIOS attributes", "no", why or "none are told", "set the BIOS in its setup")
        return
    count = len(section.value.attributes)
    yield Check("bios", "BIOS attributes", "degraded" if section.problem else "ok",
                f"{count} attributes" + (f"; {section.problem}" if section.problem else ""))
    yield from _registry(patient, text(patient.bios, "AttributeRegistry"))
    if section.value.settings:
        times = ", ".join(section.value.apply_times)
        yield Check("bios-settings", "where BIOS is written", "ok", section.value.settings + (f" ({times})" if times else ""))
    else:
        yield Check("bios-settings", "where BIOS is written", "degraded",
                    "no settings object: the Bios resource itself is written; BPA compares after the restart")
    yield from _intents(patient)


def _registry(patient: Patient, told: str) -> Iterator[Check]:
    what, machine = "BIOS attribute registry", patient.machine
    if machine is None or machine.registry is None:
        yield Check("bios-registry", what, "degraded", f"{told} is told and not served" if told else "none",
                    "types and allowed values are not known: look at the setup where BPA knows no value for an attribute")
        return
    described = sum(1 for name in machine.now if machine.attribute(name) is not None)
    evidence = f"{machine.registry.id or told} describes {described} of {len(machine.now)} attributes"
    if told and machine.registry.id != told:
        evidence += f"; the BIOS names it {told}"
    yield Check("bios-registry", what, "ok" if described * 2 > len(machine.now) else "degraded", evidence)


def _intents(patient: Patient) -> Iterator[Check]:
    machine = patient.machine
    if machine is None:
        return
    for intent, meanings in MEANINGS.items():
        asked = True if meanings[0] == "on" else meanings[0]
        found = resolve_intent(intent, asked, patient.rules, machine)
        what = f"intent {intent}"
        if isinstance(found, NotFound | Ambiguous):
            near = " or ".join(c.name for c in found.candidates[:3])
            often = intent in OFTEN
            yield Check(f"intent-{intent}", what, "no" if often else "unknown", found.reason,
                        (f"see whether {near} means it" if near else "look for it in the BIOS setup") if often else "")
        else:
            yield Check(f"intent-{intent}", what, "ok", ", ".join(f"{r.attribute}={r.value}" for r in found))
