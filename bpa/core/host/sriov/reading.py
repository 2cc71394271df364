"""How the answer of probe `pci` is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bpa.core.host.sriov.functions import OPERATOR, Nic, Pci, PciDevice, Vf


def parse_pci(text: dict[str, str]) -> Pci:
    """The sections of probe `pci`."""
    iommu, script, notes = text.get("iommu", "").split(), text.get("script", "").split(), _notes(text.get("notes", ""))
    managers = [(f"{OPERATOR}{address}", said) for address, _, said in _split(text.get("operator", ""), " ")]
    managers += [(file, said) for file, _, said in _split(text.get("managers", ""), ":")
                 if not file.endswith("/bpa-sriov.service")]
    return Pci(
        tuple(_devices(text, notes)), _addresses(text.get("addresses", "")), _users(text.get("vfio users", "")),
        _pods(text.get("pods", ""), text.get("kubelet", "")),
        tuple(managers),
        int(notes.get("uptime") or "0"), tuple(text.get("log", "").splitlines()), "groups" in iommu,
        tuple(word for word in iommu if word.isupper()), "current" in script, bool(script), text.get("unit", ""),
        text.get("enabled", "").strip() == "yes",
    )


def _devices(text: dict[str, str], notes: Mapping[str, str]) -> list[PciDevice]:
    # Paths such as /sys/bus/pci/drivers/igb/0000:01:00.0 and /sys/class/net/bond0/lower_eth0.
    drivers = {line.split("/")[6]: line.split("/")[5] for line in text.get("drivers", "").splitlines()}
    above: dict[str, list[str]] = {}
    for line in text.get("masters", "").splitlines():
        above.setdefault(line.split("/")[5].removeprefix("lower_"), []).append(line.split("/")[4])
    functions, links, devices = _vfs(text.get("vfs", "")), _links(text.get("links", "")), []
    qat = {words[0]: words[1:] for words in map(str.split, text.get("qat", "").splitlines()) if len(words) == 3}
    for line in text.get("devices", "").splitlines():
        address, vendor, device, pci_class, total, vfs, nics, *more = line.split()
        numa, group = (*more, "-", "-")[:2]
        named = [(*nic.split("="), "unknown")[:3] for nic in nics.split(",") if nic != "-"]
        state, services = qat.get(address, ["", ""])
        reached = notes.get(f"{address}.reached", "")
        devices.append(PciDevice(
            address, f"{vendor[2:]}:{device[2:]}".lower(), pci_class, drivers.get(address, ""),
            None if total == "-" else int(total), None if vfs == "-" else int(vfs),
            tuple(Nic(name, mac.lower(), up, _uppers(name, above)) for name, mac, up in named),
            int(numa) if numa.isdigit() else None, group == "yes",
            tuple(replace(vf, settings=links.get((address, vf.index), {})) for vf in functions.get(address, ())),
            notes.get(f"{address}.failed", ""), int(reached) if reached.isdigit() else None, state, services.strip("-")))
    return devices


def _split(text: str, at: str) -> list[tuple[str, str, str]]:
    return [line.partition(at) for line in text.splitlines()]


def _uppers(name: str, above: Mapping[str, list[str]]) -> tuple[str, ...]:
    found: list[str] = []
    left = [name]
    while left:
        for upper in above.get(left.pop(), ()):
            if upper not in found:
                found.append(upper)
                left.append(upper)
    return tuple(found)


def _vfs(text: str) -> dict[str, list[Vf]]:
    found: dict[str, list[Vf]] = {}
    for line in text.splitlines():
        pf, index, address, vendor, device, driver, group, nic = line.split()
        name, flags, mtu = nic.split("=") if "=" in nic else ("", "0x0", "")
        found.setdefault(pf, []).append(Vf(
            int(index), address, f"{vendor[2:]}:{device[2:]}".lower(), driver.strip("-") if driver == "-" else driver,
            "" if group == "-" else group, name, nic == "elsewhere", bool(int(flags, 16) & 1), int(mtu) if mtu else None))
    return found


def _links(text: str) -> dict[tuple[str, int], dict[str, Any]]:
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for line in text.splitlines():
        address, _, said = line.partition(" ")
        try:
            links = json.loads(said)
        except ValueError:
            continue
        for vf in (links[0].get("vfinfo_list") or () if isinstance(links, list) and links else ()):
            rate, vlans = vf.get("rate") or {}, vf.get("vlan_list") or [{}]
            vlan = vf.get("vlan", vlans[0].get("vlan", 0))
            shown = {"mac": str(vf.get("address", vf.get("mac", ""))).lower(), "vlan": vlan, "trust": _truth(vf.get("trust")),
                     "spoofchk": _truth(vf.get("spoofchk")), "link_state": vf.get("link_state"),
                     "min_tx": rate.get("min_tx"), "max_tx": rate.get("max_tx")}
            found[address, vf.get("vf", -1)] = {name: value for name, value in shown.items() if value is not None}
    return found


def _truth(value: object) -> object:
    return {"on": True, "off": False}.get(value, value) if isinstance(value, str) else value


def _addresses(text: str) -> dict[str, tuple[str, ...]]:
    addresses: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 4 and words[2] in ("inet", "inet6"):
            addresses[words[1]] = (*addresses.get(words[1], ()), words[3].partition("/")[0])
    return addresses


def _users(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        group, _, who = line.partition(" ")
        pid, _, name = who.partition(" ")
        found[group] = f"{name}, pid {pid}"
    return found


def _pods(cni: str, kubelet: str) -> dict[str, str]:
    found = {address: f"network namespace {path}" for address, _, path in (line.partition(" ") for line in cni.splitlines())}
    try:
        entries = json.loads(kubelet)["Data"]["PodDeviceEntries"] or ()
        for entry in entries:
            ids = entry["DeviceIDs"]
            for given in (ids.values() if isinstance(ids, dict) else (ids,)):
                for address in given:
                    found[address] = f"container {entry['ContainerName']} of pod {entry['PodUID']} ({entry['ResourceName']})"
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # none there, or cut, or of a version that we do not know: what the CNI says stands
    return found


def _notes(text: str) -> dict[str, str]:
    return {name: said for name, _, said in (line.partition(" ") for line in text.splitlines())}
