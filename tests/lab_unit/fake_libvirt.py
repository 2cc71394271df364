"""As much of libvirt as the lab's BMC uses, in memory: domains that are on or off and keep their XML."""

from __future__ import annotations

import types
import uuid as uuids
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field


class libvirtError(Exception):
    pass


@dataclass
class Hypervisor:
    """What all connections see."""

    definitions: dict[str, str] = field(default_factory=dict)
    running: dict[str, str] = field(default_factory=dict)
    acts: list[str] = field(default_factory=list)
    starts_refused: bool = False


class Domain:
    def __init__(self, hypervisor: Hypervisor, identity: str) -> None:
        self.hypervisor, self.identity = hypervisor, identity

    def UUIDString(self) -> str:
        return self.identity

    def name(self) -> str:
        return ET.fromstring(self.XMLDesc()).findtext("name") or ""

    def XMLDesc(self, flags: int = 0) -> str:
        if not flags and self.identity in self.hypervisor.running:
            return self.hypervisor.running[self.identity]
        return self.hypervisor.definitions[self.identity]

    def isActive(self) -> int:
        return int(self.identity in self.hypervisor.running)

    def create(self) -> int:
        if self.hypervisor.starts_refused:
            raise libvirtError("no memory for the guest")
        self.hypervisor.acts.append("create")
        self.hypervisor.running[self.identity] = self.hypervisor.definitions[self.identity]
        return 0

    def destroy(self) -> int:
        self.hypervisor.acts.append("destroy")
        del self.hypervisor.running[self.identity]
        return 0

    def shutdown(self) -> int:
        self.hypervisor.acts.append("shutdown")
        return 0

    def reboot(self) -> int:
        self.hypervisor.acts.append("reboot")
        return 0

    def injectNMI(self) -> int:
        self.hypervisor.acts.append("nmi")
        return 0

    def maxVcpus(self) -> int:
        return 2

    def maxMemory(self) -> int:
        return 4 * 1024 * 1024


class Connection:
    def __init__(self, hypervisor: Hypervisor) -> None:
        self.hypervisor = hypervisor

    def close(self) -> None:
        pass

    def lookupByUUID(self, identity: bytes) -> Domain:
        return self.lookupByUUIDString(str(uuids.UUID(bytes=identity)))

    def lookupByUUIDString(self, identity: str) -> Domain:
        if identity not in self.hypervisor.definitions:
            raise libvirtError(f"no domain {identity}")
        return Domain(self.hypervisor, identity)

    def lookupByName(self, name: str) -> Domain:
        for identity in self.hypervisor.definitions:
            if Domain(self.hypervisor, identity).name() == name:
                return Domain(self.hypervisor, identity)
        raise libvirtError(f"no domain {name}")

    def listAllDomains(self) -> list[Domain]:
        return [Domain(self.hypervisor, identity) for identity in self.hypervisor.definitions]

    def defineXML(self, xml: str) -> Domain:
        identity = ET.fromstring(xml).findtext("uuid") or ""
        self.hypervisor.definitions[identity] = xml
        return Domain(self.hypervisor, identity)


def module(hypervisor: Hypervisor) -> types.ModuleType:
    """A module to stand in for `libvirt`."""
    made = types.ModuleType("libvirt")
    opener: Callable[..., Connection] = lambda *_: Connection(hypervisor)  # noqa: E731
    for name, value in {"libvirtError": libvirtError, "open": opener, "openReadOnly": opener, "VIR_DOMAIN_XML_INACTIVE": 2,
                        "VIR_DOMAIN_XML_SECURE": 1, "VIR_DOMAIN_EVENT_ID_REBOOT": 1, "virConnect": Connection}.items():
        setattr(made, name, value)
    return made
