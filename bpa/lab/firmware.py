"""The lab's emulated BIOS: its attributes, their registry, and what they do to the virtual machine. Pure."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Value = str | int | bool
REGISTRY_ID = "BiosAttributeRegistryBpaLab.v1_0_0"
REGISTRY_FILE = "BiosAttributeRegistryBpaLab.v1_0_0"
_SUSHY = "http://openstack.org/xmlns/libvirt/sushy"
_QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"
_SWITCH = ("Enabled", "Disabled")
_NVME_VFS = {"sriov_max_vfs": 4, "sriov_vq_flexible": 8, "sriov_vi_flexible": 4}

ET.register_namespace("sushy", _SUSHY)
ET.register_namespace("qemu", _QEMU)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One BIOS attribute as DMTF's AttributeRegistry describes it; values of an Enumeration, bounds of an Integer."""

    name: str
    about: str
    default: Value
    kind: Literal["Enumeration", "Integer", "Boolean", "String"] = "Enumeration"
    values: tuple[str, ...] = ()
    lower: int = 0
    upper: int = 0
    read_only: bool = False

    def refuse(self, value: object) -> str | None:
        """Why this attribute cannot take `value`; None when it can."""
        if self.read_only:
            return f"{self.name} is read-only"
        if self.kind == "Enumeration" and value not in self.values:
            return f"{self.name} accepts {', '.join(self.values)}, not {value!r}"
        if self.kind == "Integer" and (
            isinstance(value, bool) or not isinstance(value, int) or not self.lower <= value <= self.upper
        ):
            return f"{self.name} accepts integers from {self.lower} to {self.upper}, not {value!r}"
        if self.kind == "Boolean" and not isinstance(value, bool):
            return f"{self.name} accepts true and false, not {value!r}"
        if self.kind == "String" and not isinstance(value, str):
            return f"{self.name} accepts text, not {value!r}"
        return None


# The three switches start Disabled, as on a machine that comes from its vendor for another use.
ATTRIBUTES: Mapping[str, Attribute] = {
    a.name: a
    for a in (
        Attribute("ProcVirtualization", "Processor virtualization (SVM or VT-x)", "Disabled", values=_SWITCH),
        Attribute("ProcVtd", "I/O virtualization (IOMMU)", "Disabled", values=_SWITCH),
        Attribute("SriovGlobalEnable", "SR-IOV on all PCIe devices", "Disabled", values=_SWITCH),
        Attribute("ProcTurboMode", "Turbo boost", "Enabled", values=_SWITCH),
        Attribute("LogicalProc", "Simultaneous multithreading", "Enabled", values=_SWITCH),
        Attribute("EmbeddedSata", "Embedded SATA", "Ahci", values=("Ata", "Ahci", "Raid", "Off")),
        Attribute("BootMode", "Boot mode", "Uefi", values=("Uefi", "Bios")),
        Attribute("NumCores", "Active cores per processor", 1, kind="Integer", lower=1, upper=64),
        Attribute("QuietBoot", "No messages during POST", True, kind="Boolean"),
        Attribute("AssetTag", "Asset tag", "", kind="String"),
        Attribute("SerialNumber", "Serial number of the machine", "", kind="String", read_only=True),
    )
}


def defaults(serial: str) -> dict[str, Value]:
    """The attributes of a machine that left the factory."""
    return {name: a.default for name, a in ATTRIBUTES.items()} | {"SerialNumber": serial}


def refusals(changes: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """(attribute, why) for each change that the firmware does not take."""
    found = []
    for name, value in changes.items():
        attribute = ATTRIBUTES.get(name)
        why = f"there is no BIOS attribute {name}" if attribute is None else attribute.refuse(value)
        if why is not None:
            found.append((name, why))
    return tuple(found)


def registry() -> dict[str, object]:
    """The AttributeRegistry resource (DMTF DSP8010 AttributeRegistry.v1_3_0)."""
    return {
        "@odata.id": "/redfish/v1/Registries/BpaLab/BiosRegistry",
        "@odata.type": "#AttributeRegistry.v1_3_0.AttributeRegistry",
        "Id": REGISTRY_ID,
        "Name": "BIOS attribute registry of the lab",
        "Language": "en",
        "OwningEntity": "BPA",
        "RegistryVersion": "1.0.0",
        "RegistryEntries": {"Attributes": [_entry(a) for a in ATTRIBUTES.values()]},
    }


def _entry(attribute: Attribute) -> dict[str, object]:
    entry: dict[str, object] = {
        "AttributeName": attribute.name,
        "DisplayName": attribute.about,
        "HelpText": attribute.about,
        "Type": attribute.kind,
        "DefaultValue": attribute.default,
        "ReadOnly": attribute.read_only,
        "Hidden": False,
        "Immutable": False,
        "WriteOnly": False,
        "ResetRequired": True,
    }
    if attribute.kind == "Enumeration":
        entry["Value"] = [{"ValueName": v, "ValueDisplayName": v} for v in attribute.values]
    if attribute.kind == "Integer":
        entry |= {"LowerBound": attribute.lower, "UpperBound": attribute.upper, "ScalarIncrement": 1}
    return entry


def apply(domain_xml: str, attributes: Mapping[str, Value]) -> str:
    """Domain XML as this firmware makes the machine: svm (or vmx) flag, IOMMU and SR-IOV just where switched on."""
    domain = ET.fromstring(domain_xml)  # noqa: S314  # libvirt's own text
    _switch_virtualization(domain, attributes.get("ProcVirtualization") == "Enabled")
    _switch_iommu(domain, attributes.get("ProcVtd") == "Enabled")
    _switch_sriov(domain, attributes.get("SriovGlobalEnable") == "Enabled")
    return ET.tostring(domain, encoding="unicode")


def _switch_virtualization(domain: ET.Element, on: bool) -> None:
    cpu = domain.find("cpu")
    assert cpu is not None, "a domain without a processor"
    # npt goes with svm: KVM in the guest would complain about a processor that has one without the other.
    for name in ("vmx",) if cpu.find("feature[@name='vmx']") is not None else ("svm", "npt"):
        for feature in cpu.findall(f"feature[@name='{name}']"):
            cpu.remove(feature)
        ET.SubElement(cpu, "feature", policy="require" if on else "disable", name=name)


def _switch_iommu(domain: ET.Element, on: bool) -> None:
    devices = domain.find("devices")
    assert devices is not None, "a domain without devices"
    for iommu in devices.findall("iommu"):
        devices.remove(iommu)
    if on:
        iommu = ET.SubElement(devices, "iommu", model="intel")
        # With interrupt remapping Linux now and then finds no working timer under emulation, and panics.
        ET.SubElement(iommu, "driver", intremap="off")


def _switch_sriov(domain: ET.Element, on: bool) -> None:
    # QEMU's igb cannot hide its SR-IOV capability; e1000e is the same NIC family without one.
    for model in domain.findall("devices/interface/model"):
        if model.get("type") in ("igb", "e1000e"):
            model.set("type", "igb" if on else "e1000e")
    for argument in domain.findall(f"{{{_QEMU}}}commandline/{{{_QEMU}}}arg"):
        value = argument.get("value", "")
        if value.startswith("{") and (device := json.loads(value))["driver"] == "nvme":
            kept = {name: said for name, said in device.items() if name not in _NVME_VFS}
            argument.set("value", json.dumps(kept | (_NVME_VFS if on else {})))
