"""PATCH of plain properties: which may be written, and what the answer says of those that may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bpa.lab.recorded.exchange import Doc, Reply

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

BOOT = frozenset({"BootSourceOverrideTarget", "BootSourceOverrideEnabled", "BootSourceOverrideMode", "BootOrder", "BootNext",
                  "UefiTargetBootSourceOverride", "HttpBootUri", "StopBootOnFault", "AutomaticRetryConfig",
                  "AutomaticRetryAttempts", "TrustedModuleRequiredToBoot", "BootOrderPropertySelection"})
# Type -> property -> the inner properties that may be written, or None for all of it.
WRITABLE: dict[str, dict[str, frozenset[str] | None]] = {
    "ComputerSystem": {"AssetTag": None, "IndicatorLED": None, "LocationIndicatorActive": None, "HostName": None,
                       "PowerRestorePolicy": None, "Boot": BOOT, "HostWatchdogTimer": None, "Name": None},
    "Chassis": {"AssetTag": None, "IndicatorLED": None, "LocationIndicatorActive": None, "Location": None},
    "Manager": {"DateTime": None, "DateTimeLocalOffset": None, "ServiceIdentification": None,
                "LocationIndicatorActive": None, "AutoDSTEnabled": None, "TimeZoneName": None},
    "ManagerNetworkProtocol": dict.fromkeys((
        "HostName", "HTTP", "HTTPS", "SSH", "IPMI", "NTP", "SNMP", "KVMIP", "VirtualMedia", "Telnet", "SSDP", "DHCP", "RDP",
        "SFTP")),
    "EthernetInterface": dict.fromkeys((
        "DHCPv4", "DHCPv6", "IPv4StaticAddresses", "IPv4Addresses", "IPv6StaticAddresses", "IPv6Addresses",
        "StaticNameServers", "IPv6StaticDefaultGateways", "HostName", "FQDN", "InterfaceEnabled", "MTUSize", "VLAN",
        "StatelessAddressAutoConfig", "SpeedMbps", "AutoNeg", "FullDuplex", "MACAddress", "NameServers")),
    "SecureBoot": {"SecureBootEnable": None},
    "BootOption": {"BootOptionEnabled": None},
    "SessionService": {"SessionTimeout": None, "ServiceEnabled": None},
    "AccountService": dict.fromkeys((
        "AccountLockoutThreshold", "AccountLockoutDuration", "AccountLockoutCounterResetAfter", "MinPasswordLength",
        "AuthFailureLoggingThreshold", "LDAP", "ActiveDirectory", "LocalAccountAuth", "AccountLockoutCounterResetEnabled")),
    "EventService": {"ServiceEnabled": None, "DeliveryRetryAttempts": None, "DeliveryRetryIntervalSeconds": None,
                     "SMTP": None},
    "EventDestination": {"Context": None, "DeliveryRetryPolicy": None, "VerifyCertificate": None, "HttpHeaders": None},
    "Drive": {"IndicatorLED": None, "LocationIndicatorActive": None, "AssetTag": None, "HotspareType": None},
    "LogService": {"ServiceEnabled": None, "OverWritePolicy": None},
    "TaskService": {"ServiceEnabled": None},
    "UpdateService": {"ServiceEnabled": None, "HttpPushUriOptions": None, "HttpPushUriTargets": None},
    "NetworkDeviceFunction": {"Ethernet": None, "iSCSIBoot": None, "BootMode": None, "DeviceEnabled": None},
    "Role": {"AssignedPrivileges": None, "OemPrivileges": None},
}
ENUMS: dict[str, tuple[str, ...]] = {
    "IndicatorLED": ("Lit", "Blinking", "Off"),
    "BootSourceOverrideEnabled": ("Disabled", "Once", "Continuous"),
    "BootSourceOverrideMode": ("Legacy", "UEFI"),
    "PowerRestorePolicy": ("AlwaysOn", "AlwaysOff", "LastState"),
}
RANGES: dict[str, tuple[int, int]] = {"SessionTimeout": (30, 86400)}
MAY_BE_NEW = frozenset({"HttpBootUri", "UefiTargetBootSourceOverride", "BootNext"})


def kind(doc: Doc) -> str:
    """The resource type: "ComputerSystem" of "#ComputerSystem.v1_16_0.ComputerSystem"."""
    told = doc.get("@odata.type")
    return told.lstrip("#").split(".")[0] if isinstance(told, str) else ""


def writable(doc: Doc) -> bool:
    """Whether a PATCH can change anything of it."""
    return kind(doc) in WRITABLE


def patch(machine: Machine, path: str, body: Doc) -> Reply:
    """All that may be changed is changed; what may not is named: in a 400, or beside the resource where some could be."""
    doc = machine.store.get(path) or {}
    if machine.ways.post_lock and "Boot" in body and any(
            h.in_post for h in machine.hosts if machine.store.key(h.path) == machine.store.key(path)):
        return machine.say.error("InPost")
    change = {n: v for n, v in body.items() if "@" not in n}
    allowed = WRITABLE.get(kind(doc), {})
    bad: dict[str, list[Doc]] = {}
    good: Doc = {}
    for name, value in change.items():
        infos = _infos(machine, doc, name, value, allowed)
        if infos:
            bad[name] = infos
        else:
            good[name] = value
    if not good:
        return Reply(400, machine.say.body(*[i for infos in bad.values() for i in infos]))
    edited = machine.store.edit(path)
    _merge(edited, good)
    machine.tell("ResourceChanged", path)
    if bad:
        return Reply(200, edited | {f"{n}@Message.ExtendedInfo": i for n, i in bad.items()})
    return machine.say.done(edited)


def _infos(
    machine: Machine, doc: Doc, name: str, value: Any, allowed: dict[str, frozenset[str] | None], where: str = ""
) -> list[Doc]:
    """What is wrong with one property; [] for nothing."""
    say, at = machine.say, f"{where}{name}"
    if name not in doc and name not in MAY_BE_NEW:
        return [say.info("PropertyUnknown", name, related=(at,))]
    if name not in allowed:
        return [say.info("PropertyNotWritable", name, related=(at,))]
    now, inner = doc.get(name), allowed[name]
    if isinstance(value, dict) and isinstance(now, dict):
        known: dict[str, frozenset[str] | None] = dict.fromkeys(inner if inner is not None else [*now, *value])
        return [i for n, v in value.items() if "@" not in n for i in _infos(machine, now, n, v, known, f"{at}/")]
    if not _alike(now, value):
        return [say.info("PropertyValueTypeError", value, name, related=(at,))]
    listed = doc.get(f"{name}@Redfish.AllowableValues") or ENUMS.get(name)
    if isinstance(listed, list | tuple) and value is not None and value not in listed:
        return [say.info("PropertyValueNotInList", value, name, related=(at,))]
    if name == "AssignedPrivileges" and doc.get("IsPredefined") is not False:
        return [say.info("PropertyNotWritable", name, related=(at,))]
    if name in RANGES and not RANGES[name][0] <= value <= RANGES[name][1]:
        return [say.info("PropertyValueOutOfRange", value, name, related=(at,))]
    if name == "BootOrder" and (not isinstance(value, list) or set(map(str, value)) - set(map(str, now or ()))):
        return [say.info("PropertyValueNotInList", value, name, related=(at,))]
    return []


def _alike(now: Any, value: Any) -> bool:
    if now is None or value is None:
        return True
    if isinstance(now, bool) or isinstance(value, bool):
        return isinstance(now, bool) and isinstance(value, bool)
    if isinstance(now, int | float):
        return isinstance(value, int | float)
    return isinstance(value, type(now))


def _merge(doc: Doc, change: Doc) -> None:
    for name, value in change.items():
        if isinstance(value, dict) and isinstance(doc.get(name), dict):
            _merge(doc[name], value)
        elif isinstance(value, list) and isinstance(doc.get(name), list):
            doc[name] = _merged(doc[name], value)
        else:
            doc[name] = value


def _merged(now: list[Any], change: list[Any]) -> list[Any]:
    """An array after a PATCH: {} leaves an element as it is, null takes it out (DSP0266, PATCH on array properties)."""
    result: list[Any] = []
    for number, value in enumerate(change):
        old = now[number] if number < len(now) else None
        if isinstance(value, dict) and isinstance(old, dict):
            whole = dict(old)
            _merge(whole, value)
            result.append(whole)
        elif value == {} and number < len(now):
            result.append(old)
        elif value is not None:
            result.append(value)
    return result
