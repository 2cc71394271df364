"""Who made a machine and its BMC, from bodies that have been read already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bpa.adapters.redfish.reading import Json, inner, objects, text

_MAKERS = {
    "dell": "Dell",
    "hpe": "HPE",
    "hewlett packard": "HPE",
    "hp": "HPE",
    "lenovo": "Lenovo",
    "supermicro": "Supermicro",
    "super micro": "Supermicro",
    "ami": "AMI",
    "american megatrends": "AMI",
    "intel": "Intel",
    "openbmc": "OpenBMC",
    "cisco": "Cisco",
    "nvidia": "NVIDIA",
    "giga": "Gigabyte",
    "asrock": "ASRockRack",
    "huawei": "Huawei",
    "xfusion": "xFusion",
    "fujitsu": "Fujitsu",
}
_OEM = {
    "Dell": "Dell",
    "Hpe": "HPE",
    "Hp": "HPE",
    "Lenovo": "Lenovo",
    "Supermicro": "Supermicro",
    "Ami": "AMI",
    "AMIManager": "AMI",
    "Intel": "Intel",
    "Intel_RackScale": "Intel",
    "OpenBmc": "OpenBMC",
    "OpenBMC": "OpenBMC",
    "Cisco": "Cisco",
    "Huawei": "Huawei",
    "xFusion": "xFusion",
    "ts_fujitsu": "Fujitsu",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """vendor: of the machine (System.Manufacturer); service: of the BMC's firmware; "" = not told.

    Both in the words of rules (Dell, HPE, Lenovo, Supermicro, AMI, Intel, OpenBMC, Cisco, NVIDIA, Gigabyte, …).
    controller and firmware: the Manager's Model and FirmwareVersion, as it tells them.
    """

    vendor: str
    model: str
    firmware: str = ""
    service: str = ""
    controller: str = ""


def identify(root: Json, system: Json, managers: Iterable[Json] = ()) -> Identity:
    """From the service root, the System and, where they have been read, its Managers."""
    vendor = _maker(text(system, "Manufacturer"))
    service = (
        _maker(text(root, "Vendor")) or _oem(inner(root, "Oem")) or _oem(inner(system, "Oem"))
        or _maker(text(root, "Product"))
    )
    identity = _at_root(root, Identity(vendor or service, text(system, "Model"), service=service or vendor))
    other: Json | None = None
    for manager in managers:
        if text(manager, "FirmwareVersion") and text(manager, "ManagerType") in ("BMC", ""):
            return with_manager(identity, manager)
        other = other or (manager if text(manager, "FirmwareVersion") else None)
    # Cray EX calls its node controllers EnclosureManager, Cisco's S3260 ManagementController.
    return identity if other is None else with_manager(identity, other)


def _at_root(root: Json, identity: Identity) -> Identity:
    """iLO tells its own kind and version in the service root (recorded on iLO 5): no Manager need be read for them."""
    for oem in ("Hpe", "Hp"):
        for manager in objects(inner(root, "Oem", oem), "Manager"):
            kind, version = text(manager, "ManagerType"), text(manager, "ManagerFirmwareVersion")
            if kind.startswith("iLO") and version:
                return replace(identity, controller=kind, firmware=f"{kind} v{version}")
    return identity


def with_manager(identity: Identity, manager: Json) -> Identity:
    """The identity with what one Manager tells."""
    controller = text(manager, "Model")
    told = "OpenBMC" if controller.lower() == "openbmc" else _oem(inner(manager, "Oem"))
    # OpenBMC shows no vendor at its root; a vendor that builds on it does.
    service = told if told == "OpenBMC" and not identity.service else identity.service or told
    return replace(
        identity, vendor=identity.vendor or service, service=service, controller=controller,
        firmware=text(manager, "FirmwareVersion"),
    )


def _maker(told: str) -> str:
    words = told.lower()
    return next((maker for start, maker in _MAKERS.items() if words == start or words.startswith((f"{start} ", start + "."))
                 or (len(start) > 3 and words.startswith(start))), "")


def _oem(oem: Json) -> str:
    return next((_OEM[key] for key in oem if key in _OEM), "")
