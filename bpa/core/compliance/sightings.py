"""What a look saw, as sections of lines: the raw material of evidence, from the BMC, Ironic, the host and the cluster."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from bpa.core.facts import BmcFacts, ClusterFacts, Facts, NodeFacts, OsFacts
from bpa.core.host.probe import sections
from bpa.core.persistent_memory import Persistent
from bpa.core.reads import probes_read
from bpa.core.requirement import Requirement
from bpa.core.sizes import MIB, exact, rounded

Sections = dict[str, list[str]]
"""Where it was seen ("bmc", "os pci/devices") -> lines."""
_SHORT = {"mac": "MAC", "wwn": "WWN", "uuid": "UUID", "url": "URL", "cpus": "CPUs", "cpu": "CPU", "vfs": "VFs", "bios": "BIOS"}


def sightings(requirement: Requirement[Any, Any], want: Any, have: Any) -> Sections:
    """The sections that the requirement's check can have read, those that tell most of it first."""
    if isinstance(have, ClusterFacts):
        return _of_cluster(have)
    if not isinstance(have, Facts):
        return {}
    if requirement.needs == "os":
        return _of_os(requirement, want, have, have.os) if have.os else {}
    if requirement.needs not in ("bmc", "node"):
        told = getattr(have, requirement.needs, None)
        return {str(requirement.needs): [_plain(told)]} if is_dataclass(told) else {}
    found = _of_node(have.node) if requirement.needs == "node" and have.node else {}
    return {**found, **(_of_bmc(have.bmc) if have.bmc else {})}


def _of_os(requirement: Requirement[Any, Any], want: Any, have: Facts, os: OsFacts) -> Sections:
    found: Sections = {}
    for probe in probes_read(requirement, want, have):
        ran = os.answers.get(probe)
        if ran is None:
            continue
        if ran.exit_code != 0:
            found[f"os {probe}"] = [f"exit code {ran.exit_code}", *ran.stderr.splitlines()]
        parts = sections(ran.stdout) if ran.stdout.startswith("@@ ") else {"": ran.stdout}
        for name, text in parts.items():
            told = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
            found.setdefault(f"os {probe}/{name}".rstrip("/"), []).extend(told)
    if not any(found.values()) and have.bmc and have.bmc.persistent:
        found |= _of_persistent(have.bmc.persistent)  # goals are the BMC's where the host has no tool for them
    if not any(found.values()):
        return {place: ["(nothing)"] for place in found}  # that it is not there is what proves it
    return found


def _of_bmc(bmc: BmcFacts) -> Sections:
    named = " ".join(part for part in (bmc.manufacturer, bmc.model) if part)
    system = {"System": bmc.system, "machine": named, "power": bmc.power, "serial": bmc.serial, "service tag": bmc.service_tag,
              "UUID": bmc.uuid, "BIOS": bmc.bios_version, "CPUs": bmc.cpus or "",
              "memory": exact(bmc.memory_mib * MIB) if bmc.memory_mib else ""}
    return {
        "bmc": [", ".join(f"{name} {value}" for name, value in system.items() if value)],
        "bmc MACs": list(bmc.macs),
        "bmc BIOS": [f"{name} = {value}" for name, value in (bmc.bios or {}).items()],
        "bmc BIOS pending": [f"{name} = {value}" for name, value in bmc.pending.items()],
        "bmc drives": [_plain(one) for one in bmc.drives],
        "bmc memory modules": [_plain(one) for one in bmc.dimms],
        "bmc network adapters": [_plain(one) for one in bmc.adapters],
        "bmc not read": [f"{name}: {why}" for name, why in bmc.unread.items()],
    }


def _of_persistent(seen: Persistent) -> Sections:
    return {
        "bmc memory modules": [_plain(one) for one in seen.modules.values()],
        "bmc memory chunks": [_plain(chunk) for domain in seen.domains for chunk in domain.chunks],
        "bmc memory tasks": [_plain(one) for one in seen.tasks],
    }


def _of_node(node: NodeFacts) -> Sections:
    inside = node.inventory
    return {
        "ironic": [_plain(node)],
        "ironic inventory": [_plain(inside)] if inside else [],
        "ironic addresses": [f"{mac} {address}" for mac, address in inside.addresses.items()] if inside else [],
        **{f"ironic {part}": [_plain(one) for one in getattr(inside, part)] for part in ("drives", "nics") if inside},
    }


def _of_cluster(have: ClusterFacts) -> Sections:
    run = have.run
    return {
        "members": [f"{label} {'ready' if one.ready else 'not ready'} {one.address} {one.waiting_for}".rstrip()
                    for label, one in have.members.items()],
        "installer": [f"{' '.join(run.argv)}: exit code {run.exit_code}, fingerprint {run.fingerprint}"] if run else [],
        "installer's last lines": list(run.last_lines[-3:]) if run else [],
        "files": list(have.files), "artifacts": list(have.artifacts),
    }


def _plain(value: Any) -> str:
    """The plain fields of a dataclass that tell something, in one line: "name sda, size 64 GiB, rotational no"."""
    said = ((one, getattr(value, one.name)) for one in fields(value))
    return ", ".join(_field(one.name, told) for one, told in said
                     if told != one.default and told not in ("", None) and isinstance(told, (str, int, float)))


def _field(name: str, value: str | int | float) -> str:
    label = " ".join(_SHORT.get(word, word) for word in name.split("_"))
    if isinstance(value, bool):
        return f"{label} {'yes' if value else 'no'}"
    if name == "size" and isinstance(value, int):
        return f"{label} {rounded(value)}"  # no two sources count a disk alike to the last byte
    if name.endswith("mib") and isinstance(value, int):
        return f"{label.removesuffix('mib').strip() or 'size'} {exact(value * MIB) if value else 'none'}"
    return f"{label} {value}{' Mbit/s' if name == 'speed' else ''}"
