"""One look, and everything that can be told from it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from bpa.adapters.redfish.bios.looking import look_at_bios
from bpa.adapters.redfish.doctor.control import control_checks
from bpa.adapters.redfish.doctor.firmware import firmware_checks
from bpa.adapters.redfish.doctor.inventory import inventory_checks
from bpa.adapters.redfish.doctor.ironic import ironic_checks
from bpa.adapters.redfish.doctor.patient import Patient
from bpa.adapters.redfish.doctor.service import service_checks
from bpa.adapters.redfish.reading import text
from bpa.adapters.redfish.sections import full_facts
from bpa.adapters.redfish.sections.ground import survey
from bpa.adapters.redfish.target import Target
from bpa.core.bios import Rules
from bpa.core.diagnosis import Check, Diagnosis, Quirk


def diagnose(target: Target, rules: Rules, now: datetime | None = None) -> Diagnosis:
    """Reads only. rules: how vendors spell intents (bpa.documents.profile.bios.intent_rules). now: this computer's time.

    Raises the adapter errors where root, login or System cannot be read, or the BMC goes away in mid-look.
    """
    with target.link.look():
        facts, ground = full_facts(target), survey(target)
        patient = Patient(target, facts, ground, rules, now or datetime.now(UTC))
        bios, _ = patient.tried(lambda reader: reader.optional(ground.system, "Bios"))
        seen, _ = patient.tried(lambda reader: look_at_bios(target))
        machine = seen.machine if seen and seen.bios.now else None
        patient = Patient(target, facts, ground, rules, patient.now, bios or {}, machine)
        checks = (
            *service_checks(patient), *control_checks(patient), *inventory_checks(patient), *firmware_checks(patient),
            *_known_bad(patient), *ironic_checks(patient),
        )
        quirks = tuple(_quirks(target))
    managers = facts.managers.value if facts.managers else ()
    return Diagnosis(
        target.origin, ground.path, text(ground.system, "Manufacturer"), text(ground.system, "Model"),
        text(ground.system, "BiosVersion"), next((m.firmware for m in managers if m.firmware), ""), checks, quirks,
    )


def _known_bad(patient: Patient) -> Iterator[Check]:
    found = patient.target.quirks.bad
    for fault in found:
        yield Check(f"firmware-{fault.id}", "known fault of this firmware", "degraded", fault.about, fault.advice,
                    source=fault.source)
    if not found:
        yield Check("firmware", "known faults of this firmware", "ok", "none are known to BPA")


def _quirks(target: Target) -> Iterator[Quirk]:
    for sure, rules in ((True, target.quirks.applied), (False, target.quirks.unsure)):
        for rule in rules:
            yield Quirk(rule.id, rule.kind, rule.about, rule.source, rule.advice, sure)
