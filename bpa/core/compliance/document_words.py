"""What a report has as wanted, in the words of the documents: "numa_node" of `vfs` is `sriov[].match.numaNode`.

Reports file what is wanted by the names of bpa.core.want; people know the paths and fields of their YAML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bpa.core.root_device import to_metal3
from bpa.core.sizes import MIB, exact

GB = 10**9
_PATHS: Mapping[str, str] = {
    "bmc": "bmc.address", "system": "bmc.address (System)", "boot_mac": "bootMACAddress", "root_device": "rootDeviceHints",
    "serial": "bpa.akraino.org/serial", "uuid": "bpa.akraino.org/system-uuid", "node_ip": "icn.akraino.org/node-ip",
    "os_name": "host name", "nested": "virtualization.nested", "kata": "kata.required", "kata_want": "kata",
    "kernel_arguments": "kernel.arguments", "kernel.isolated": "kernel.isolatedCpus", "kernel.load": "kernel.modules.load",
    "kernel.forbid": "kernel.modules.forbid", "kernel.options": "kernel.modules.options", "pmem_modules": "pmemModules",
    "pmem_goals": "pmemGoal", "vfs": "sriov",
}  # fmt: skip
_CLUSTER_PATHS: Mapping[str, str] = {
    "plugins": "KUDPlugins", "pod_subnet": "PodSubnet", "kata": "kata.enabled", "kata_webhook": "kata.webhook",
    "kata_runtime_class": "kata.runtimeClass",
}  # fmt: skip
"""Section of a report -> path below `spec` of a Provisioning; the others are those of BareMetalHost (with the names of its
annotations) and HardwareProfile."""
_FIELDS: Mapping[tuple[str, str], str] = {
    ("minimum", "generation"): "cpuGeneration", ("minimum", "media"): "class", ("hardening", "excepted"): "except",
    ("software.proxy", "exceptions"): "except", ("pmem", "align"): "alignment", ("pmem", "sector"): "sectorSize",
    ("pmem_goals", "memory_percent"): "memoryMode", ("masters", "mac"): "mac-address", ("workers", "mac"): "mac-address",
}  # fmt: skip
"""What camelCase does not make of a field's name."""
_BYTES = {
    ("minimum", "memory"), ("minimum", "disk"), ("minimum", "persistent_memory"), ("minimum", "size"), ("pmem", "size"),
    ("pmem", "align"), ("pmem", "sector"), ("kernel.hugepages", "size"),
}  # fmt: skip
_UNITS = {("minimum", "speed"): " Mbit/s", ("vfs", "min_rate"): " Mbit/s", ("vfs", "max_rate"): " Mbit/s",
          ("pmem_goals", "memory_percent"): "%"}
_THEIR_KEYS = ("kernel.sysctls", "kernel.options", "bios.attributes", "software.registries", "software.certificates")
"""Sections whose keys are names of things, not of fields."""


def in_document_words(wanted: Mapping[str, Any], cluster: bool = False) -> dict[str, Any]:
    """Path -> what is asked there, plain data with sizes as text ("2 GiB"). wanted as ConditionReport has it, also one of an
    older BPA: what is not known keeps its name.
    """
    found: dict[str, Any] = {}
    for section, value in wanted.items():
        for path, said in _section(section, value, cluster):
            both = isinstance(said, Mapping) and isinstance(found.get(path), Mapping)
            found[path] = {**found[path], **said} if both else said
    return found


def _section(section: str, value: Any, cluster: bool) -> Iterator[tuple[str, Any]]:
    if cluster:
        yield _CLUSTER_PATHS.get(section, section), _named(section, value)
    elif section in ("kata_want", "virtualization") and isinstance(value, Mapping):
        for name, said in value.items():
            configured = (section, name, said) == ("kata_want", "configure", True)
            yield ("kata.containerd", "configured") if configured else (f"{_path(section)}.{_camel(name)}", said)
    elif section == "vfs" and isinstance(value, list):
        yield from _vfs(value)
    else:
        yield _path(section), _OTHERWISE.get(section, lambda said: _named(section, said))(value)


def _path(section: str) -> str:
    return _PATHS.get(section) or ".".join(_camel(part) for part in section.split("."))


def _camel(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])_([a-z0-9])", lambda match: match[1].upper(), str(name))


def _named(section: str, value: Any) -> Any:
    """The same with the documents' names and units."""
    if isinstance(value, list):
        return [_named(section, one) for one in value]
    if not isinstance(value, Mapping) or section in _THEIR_KEYS:
        return value
    return {_FIELDS.get((section, name), _camel(name)): _valued(section, name, said) for name, said in value.items()}


def _valued(section: str, name: str, value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return _size(value) if (section, name) in _BYTES else f"{value}{unit}" if (unit := _UNITS.get((section, name))) else value
    return _named(section, value)


def _size(size: int) -> str:
    """Disks are sold, and asked for, in powers of ten."""
    return f"{size // GB} GB" if size and size % MIB and not size % GB else exact(size)


def _vfs(value: list[Any]) -> Iterator[tuple[str, Any]]:
    """QAT's virtual functions are a section of their own, of which there is one."""
    ports: list[Any] = []
    qat: list[Any] = []
    for one in value:
        if not isinstance(one, Mapping):
            ports.append(one)
            continue
        settings = one.get("settings")
        flat = {**{k: v for k, v in one.items() if k not in ("what", "settings")},
                **(settings if isinstance(settings, Mapping) else {})}
        macs = {"mac": "derived"} if flat.pop("macs", False) else {}
        (qat if one.get("what") == "QAT" else ports).append({**_named("vfs", flat), **macs})
    if ports:
        yield "sriov", ports
    if qat:
        yield "qat", qat[0] if len(qat) == 1 else qat


def _goals(value: Any) -> Any:
    named = _named("pmem_goals", value)
    if not isinstance(named, list) or not all(isinstance(one, Mapping) for one in named):
        return named
    of_sockets = [one for one in named if one.get("socket") is not None]
    of_all = [{k: v for k, v in one.items() if k != "socket"} for one in named if one.get("socket") is None]
    if len(of_all) > 1:
        return named
    return {**(of_all[0] if of_all else {}), **({"sockets": of_sockets} if of_sockets else {})}


def _packages(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return ["=".join(filter(None, (str(one.get("name", "")), str(one.get("version") or "")))) if isinstance(one, Mapping) else one
            for one in value]


def _intents(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    numa = {name: value[name] for name in ("snc", "nps") if name in value}
    return {**{name: said for name, said in value.items() if name not in numa}, **({"numa": numa} if numa else {})}


_OTHERWISE: Mapping[str, Callable[[Any], Any]] = {
    "pmem_goals": _goals, "software.packages": _packages, "bios.intents": _intents,
    "root_device": lambda value: to_metal3(value) if isinstance(value, Mapping) else value,
}
