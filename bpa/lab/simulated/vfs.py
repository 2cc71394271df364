"""Virtual functions of a simulated host: what our script does to them, and what probe `pci` prints of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bpa.core.host.qat import MEMLOCK
from bpa.core.host.sriov.script import SCRIPT_PATH, SET_VFS
from bpa.core.host.sriov.unit import UNIT
from bpa.lab.simulated import kernel_log

if TYPE_CHECKING:
    from bpa.lab.simulated.linux import Running
    from bpa.lab.simulated.machine import Function

NAME = UNIT.rpartition("/")[2]
MODULES = ("qat_c62x", "qat_4xxx")
VF_DEVICES = {"8086:1583": "154c", "8086:10c9": "10ca", "8086:37c8": "37c9", "8086:4940": "4941", "8086:1592": "1889"}


def set_vfs(os: Running, arguments: Iterable[str]) -> str:
    """bpa.core.host.sriov.script.SET_VFS; returns the errors."""
    return "\n".join(filter(None, (_one(os, said) for said in arguments)))


def _one(os: Running, said: str) -> str:
    address, _, rest = said.partition("=")
    number, *given = rest.split(",")
    options = dict(option.split("=", 1) for option in given)
    function = os.function(address)
    if function is None or not os.machine.able(function):
        return f"{address}: has no SR-IOV"
    os.notes.pop(f"{address}.failed", None)
    wanted = int(function.total or 0) if number == "max" else int(number)
    if function.vfs != wanted or ("services" in options and function.services != options["services"].replace("+", ";")):
        refused = os.machine.faults.strikes("vfs fail", os.machine.time)
        function.vfs, function.options = 0, {}
        if wanted > (function.total or 0) or not function.driver or refused:
            error, _, logged = refused.value.partition("|") if refused else ("", "", "")
            os.log += filter(None, [logged])
            why = f"number: {error or 'Input/output error'}"
            os.notes[f"{address}.failed"] = f"{said.partition(',only=')[0]} {function.driver or '-'} 60 {why}"
            return f"{address}: {why}"
        function.vfs = wanted
        if number == "max":
            os.notes[f"{address}.reached"] = str(wanted)
        if "services" in options and function.services:
            function.services = options["services"].replace("+", ";")
    options.pop("only", None)
    function.options = {name: value for name, value in options.items() if name != "services"} if function.vfs else {}
    return ""


def pci(os: Running) -> str:
    """Probe `pci`."""
    functions = os.machine.hardware.functions
    carrier = next((one.nic for one in functions if one.nic and one.mac == os.machine.hardware.hands_to), "")
    addresses = ["1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever"]
    if carrier:
        addresses.append(f"2: {carrier}    inet {os.installed.address}/16 brd 198.18.255.255 scope global {carrier}\\"
                         "       valid_lft forever preferred_lft forever")
    files, able = os.installed.files, [one for one in functions if os.machine.able(one)]
    return "".join(_section(name, lines) for name, lines in {
        "devices": [_device(one, os) for one in functions],
        "drivers": [f"/sys/bus/pci/drivers/{one.driver}/{one.address}" for one in functions if one.driver],
        "vfs": [_vf(one, index) for one in able for index in range(one.vfs)],
        "links": [f"{one.address} {json.dumps([_link(one)])}" for one in able if one.vfs and one.nic],
        "qat": [f"{one.address} up {one.services}" for one in functions if one.services],
        "masters": ["/sys/class/net/*/lower_*"], "addresses": addresses,
        "vfio users": [], "pods": [], "kubelet": [""], "operator": [], "managers": [],
        "notes": ["uptime 61", *(f"{name} {said}" for name, said in sorted(os.notes.items()))],
        "log": kernel_log.section(os, "pci").splitlines()[1:], "iommu": ["groups", "DMAR"],
        "script": (["current"] if files.get(SCRIPT_PATH) == SET_VFS else []) + ["there"] * (SCRIPT_PATH in files),
        "unit": files.get(UNIT, "").splitlines(), "enabled": ["yes"] * (NAME in os.installed.enabled),
    }.items())


def qat(os: Running) -> str:
    """Probe `qat`."""
    there = [one for one in os.machine.hardware.functions if one.pci_class == "0b4000"]
    return "".join(_section(name, lines) for name, lines in {
        "kernel": ["6.1.0-37-amd64"], "modules": [f"{name} {'loaded' if there else 'loadable'}" for name in MODULES],
        "forbidden": [], "firmware": [f"/lib/firmware/{name}{part}.bin" for name in MODULES for part in ("", "_mmp")],
        "debugfs": [f"qat_{one.driver}_{one.address}" for one in there],
        "memlock": os.installed.files.get(MEMLOCK, "").splitlines(),
    }.items())


def _device(one: Function, os: Running) -> str:
    vendor, _, device = one.device.partition(":")
    total, number = (one.total, one.vfs) if os.machine.able(one) else ("-", "-")
    nic = f"{one.nic}={one.mac}={one.link}" if one.nic else "-"
    return f"{one.address} 0x{vendor} 0x{device} 0x{one.pci_class} {total} {number} {nic} {one.numa} yes"


def _vf(one: Function, index: int) -> str:
    vendor, _, device = one.device.partition(":")
    default = "iavf" if one.nic else "-"
    driver = {"vfio-pci": "vfio-pci", "netdev": "iavf"}.get(one.options.get("driver", ""), default)
    nic = f"{one.nic}v{index}=0x1002={one.options.get('mtu', '1500')}" if driver == "iavf" else "-"
    slot = 0x10 + index
    address = f"{one.address[:8]}{slot >> 3:02x}.{slot & 7}"
    return f"{one.address} {index} {address} 0x{vendor} 0x{VF_DEVICES.get(one.device, device)} {driver} {100 + slot} {nic}"


def _link(one: Function) -> dict[str, Any]:
    said = one.options
    front, _, back = said.get("mac", "").partition("/")
    return {"ifname": one.nic, "vfinfo_list": [{
        "vf": index, "address": f"{front}:{index:02x}:{back}" if front else "00:00:00:00:00:00",
        "vlan_list": [{"vlan": int(said.get("vlan", 0))}], "link_state": said.get("state", "auto"),
        "rate": {"max_tx": int(said.get("max", 0)), "min_tx": int(said.get("min", 0))},
        "spoofchk": said.get("spoofchk", "on") == "on", "trust": said.get("trust", "off") == "on",
    } for index in range(one.vfs)]}


def _section(name: str, lines: list[str]) -> str:
    return f"@@ {name}\n" + "".join(f"{line}\n" for line in lines)
