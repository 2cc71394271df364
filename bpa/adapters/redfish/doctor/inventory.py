"""What the BMC tells of the machine: each section of its facts, and its health."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bpa.adapters.redfish.doctor.patient import Patient
from bpa.core.diagnosis import Check
from bpa.core.machine import MachineFacts

_TOLD: dict[str, tuple[str, Callable[[Any], str]]] = {
    "identity": ("who it is", lambda v: " ".join(p for p in (v.manufacturer, v.model) if p) if v else ""),
    "state": ("power and health", lambda v: ", ".join(p for p in (v.power, v.health) if p)),
    "managers": ("managers", lambda v: _count(v, "manager")),
    "firmware": ("firmware inventory", lambda v: _count(v, "entry", "entries")),
    "processors": ("processors", lambda v: f"{_count(v.cpus, 'CPU')}, {v.threads} threads" if v.cpus or v.threads else ""),
    "memory": ("memory", lambda v: f"{_count(v.modules, 'module')}, {v.mib} MiB" if v.mib or v.modules else ""),
    "storage": ("drives", lambda v: _count(v.drives, "drive")),
    "network": ("network ports", lambda v: _count(v.macs, "MAC")),
    "pcie": ("PCIe devices", lambda v: _count(v, "device")),
    "security": ("Secure Boot and TPM", lambda v: _security(v)),
    "power": ("power supplies", lambda v: _count(v.supplies, "supply", "supplies")),
    "sensors": ("sensors", lambda v: f"{sum(v.counts.values())} sensors" if v.counts else ""),
}
"""Section -> what it is for people, and what of it was seen in a few words; "" = nothing."""
_BY_HAND = {
    "network": "give bootMACAddress in the BareMetalHost: it cannot be found out by the BMC",
    "storage": "root device hints can only be checked once Ironic's ramdisk has inspected the host",
    "processors": "Ironic's ramdisk will count them",
    "memory": "Ironic's ramdisk will measure it",
}


def inventory_checks(patient: Patient) -> Iterator[Check]:
    """One check for each section, but those that have checks of their own (bios, boot, media)."""
    for name, section in patient.facts.sections():
        if name not in _TOLD:
            continue
        what, told = _TOLD[name]
        seen = told(section.value)
        evidence = "; ".join(part for part in (seen or "nothing is told", section.problem) if part)
        verdict = "ok" if seen and not section.problem else "degraded"
        yield Check(f"facts-{name}", what, "ok" if verdict == "ok" else "degraded", evidence,
                    "" if seen else _BY_HAND.get(name, ""))
    yield _health(patient.facts)


def _health(facts: MachineFacts) -> Check:
    health = facts.state.value.health if facts.state else ""
    bad = [f"{s.name} {s.health or s.state}" for s in facts.sensors.value.not_ok] if facts.sensors else []
    bad += [f"drive {d.name} {d.health or 'is predicted to fail'}" for d in (facts.storage.value.drives if facts.storage else ())
            if d.health in ("Warning", "Critical") or d.failure_predicted]
    bad += [f"memory {m.slot} {m.health}" for m in (facts.memory.value.modules if facts.memory else ())
            if m.health in ("Warning", "Critical")]
    if health in ("Warning", "Critical") or bad:
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        return Check("health", "health", "degraded", "; ".join([p for p in (health, ", ".join(bad[:5]) + more) if p]),
                     "see `bpa bmc log` and mend it before the machine gets work")
    return Check("health", "health", "ok" if health else "unknown", health or "not told")


def _count(things: Any, one: str, many: str = "") -> str:
    number = len(things)
    return f"{number} {one if number == 1 else many or one + 's'}" if number else ""


def _security(value: Any) -> str:
    parts = [] if value.secure_boot is None else [f"Secure Boot {'on' if value.secure_boot else 'off'}"]
    parts += [f"TPM {t.version or t.state}" for t in value.tpms]
    return ", ".join(parts)
