"""What the documents ask of one condition: the sections of the profile that it judges, without what is left at its default."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from bpa.core.bios.rules import Rules

PROFILE = "profile"
LONGEST = 300
_KERNEL_MODULES = ("profile.kernel.load", "profile.kernel.forbid", "profile.kernel.options")
_FOR_KVM = ("profile.nested", "profile.virtualization")
_BIOS = ("profile.bios.intents", "profile.bios.attributes", "profile.bios.unchecked")
_KATA = ("profile.kata", "profile.kata_want")
_ARGUMENTS = ("profile.kernel_arguments", "profile.kernel.isolated", "profile.kernel.hugepages")
_MEMBERS = ("masters", "workers")

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "BmcReachable": ("bmc", "system"),
    "IdentityMatches": ("serial", "uuid", "boot_mac"),
    "FirmwareStaged": _BIOS,
    "FirmwareApplied": _BIOS,
    "Enrolled": ("bmc", "system", "boot_mac"),
    "Inspected": (),
    "HardwareFits": ("profile.minimum", "root_device", "serial", "boot_mac"),
    "HardwareSeen": ("profile.minimum",),
    "ImageDeployed": ("image", "root_device"),
    "AccessGranted": ("os_name", "node_ip"),
    "SystemUsable": (),
    "SourcesReady": ("profile.software.sources", "profile.software.proxy", "profile.software.certificates"),
    "PackagesInstalled": ("profile.software.packages",),
    "TimeInStep": ("profile.software.time",),
    "RegistriesMirrored": ("profile.software.registries",),
    "KernelStaged": _ARGUMENTS,
    "KernelApplied": _ARGUMENTS,
    "ModulesStaged": (*_KERNEL_MODULES, *_FOR_KVM, *_KATA),
    "ModulesLoaded": (*_KERNEL_MODULES, *_FOR_KVM, *_KATA),
    "PmemModulesFit": ("profile.pmem_modules", "profile.pmem_goals", "profile.pmem"),
    "PmemGoalStaged": ("profile.pmem_goals",),
    "PmemGoalApplied": ("profile.pmem_goals",),
    "PmemReady": ("profile.pmem",),
    "CpusIsolated": ("profile.kernel.isolated",),
    "HugepagesReserved": ("profile.kernel.hugepages",),
    "SysctlsSet": ("profile.kernel.sysctls", "profile.hardening"),
    "VirtualizationReady": (*_FOR_KVM, *_KATA),
    "QatReady": ("profile.vfs",),
    "VfsCreated": ("profile.vfs",),
    "KataCapable": _KATA,
    "ContainerdReady": _KATA,
    "HardeningApplied": ("profile.hardening",),
    "ReturnedToService": (),
    "MembersReady": _MEMBERS,
    "InventoryRendered": (*_MEMBERS, "pod_subnet"),
    "InstallerSucceeded": ("plugins", "kata", "kata_webhook", "kata_runtime_class"),
}
"""Condition -> where in HostWant or ClusterWant it is asked; () = nowhere, it must hold whatever the documents say."""


def wanted_of(condition: str, want: Any) -> dict[str, Any]:
    """Section -> plain data, for the sections that ask something. {} = the documents ask nothing of this condition."""
    found: dict[str, Any] = {}
    for path in SECTIONS.get(condition, ()):
        value: Any = want
        for name in path.split("."):
            value = getattr(value, name, None)
        if (said := asked(value)) not in (None, "", False, {}, []):
            found[path.removeprefix(f"{PROFILE}.")] = said
    return found


def is_asked(wanted: Mapping[str, Any], found: str) -> bool:
    """Whether a condition that holds proves anything; found is what its verdict says ("not asked", "no ... asked")."""
    return not found.startswith("not asked") and (bool(wanted) or re.search(r"\bask(s|ed)\b", found) is None)


def asked(value: Any) -> Any:
    """Plain data; of a section only the fields that differ from their default. Long text is cut and told by its SHA-256."""
    if is_dataclass(value) and not isinstance(value, type):
        both = [(one, getattr(value, one.name)) for one in fields(value)]
        told = {one.name: asked(said) for one, said in both if said != _default(one) and not isinstance(said, Rules)}
        return {name: said for name, said in told.items() if said != {}}
    if isinstance(value, Mapping):
        return {str(key): asked(said) for key, said in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(asked(one) for one in value)
    if isinstance(value, (list, tuple)):
        return [asked(one) or _whole(one) for one in value]
    if isinstance(value, str) and len(value) > LONGEST:
        digest = hashlib.sha256(value.encode()).hexdigest()[:16]
        return f"{value[:60].splitlines()[0]} ... ({len(value)} characters, SHA-256 {digest}...)"
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _whole(value: Any) -> Any:
    """One of several is asked even where all of it is left at its defaults."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: asked(getattr(value, one.name)) for one in fields(value)}
    return asked(value)


def _default(one: Field[Any]) -> Any:
    if one.default_factory is not MISSING:
        return one.default_factory()
    return one.default
