"""Network adapters with their ports, and the interfaces that no adapter accounts for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bpa.adapters.redfish.interfaces import macs_of
from bpa.adapters.redfish.reading import Json, Reader, absent, inner, mac, objects, text, texts
from bpa.adapters.redfish.sections.ground import Ground, side_by_side
from bpa.adapters.redfish.sections.normal import amount, flag, health, link_state, natural, place, raw, real, told
from bpa.adapters.redfish.sections.pcie import Pcie
from bpa.adapters.redfish.sections.tree import each, last, members, paths, references, same
from bpa.core.machine import Network, Nic, Port

FASTEST = 1_600_000
"""Mbit/s. Lenovo tells 1073741824 for a port of 1 Gbit/s."""
GENERIC = ("", "networkadapter", "network adapter", "network adapter view")
PORTS = ("Ports", "NetworkPorts")
"""The newer first; a service that serves both serves the same ports twice."""


def read_network(reader: Reader, ground: Ground) -> Network:
    """All of it, without PCI ids and slots that only PCIe tells: with_pcie adds them."""
    return _with_interfaces(reader, ground.system, read_nics(reader, ground))


def read_nics(reader: Reader, ground: Ground) -> tuple[Nic, ...]:
    """The adapters alone, those of the chassis first."""
    links: list[object] = [
        link for _, body in members(reader, ground.system, "NetworkInterfaces")
        for link in references(body, "Links", "NetworkAdapter")
    ]
    found = {p: b for chassis in ground.chassis.values() for p, b in members(reader, chassis, "NetworkAdapters")}
    known = {same(path) for path in found}
    found.update(each(reader, [link for link in links if not known.issuperset(paths(reader, [link]))]))
    found = {path: body for path, body in found.items() if not absent(body)}
    return tuple(side_by_side(ground.target, lambda one: _adapter(*one, reader), list(found.items())))


def with_pcie(network: Network, pcie: Pcie | None) -> Network:
    """The network with `pci` resolved from a path to an id, and slots that only the PCIe device told."""
    pcie = pcie or Pcie()

    def of(nic: Nic, known: Mapping[str, str]) -> str:
        return next((known[key] for key in (nic.pci, *(p.pci for p in nic.ports), nic.serial) if key in known), "")

    def resolved(port: Port) -> Port:
        return replace(port, pci=pcie.ids.get(port.pci, ""))

    return Network(
        tuple(replace(
            nic,
            ports=tuple(map(resolved, nic.ports)),
            pci=of(nic, pcie.ids),
            slot=nic.slot or of(nic, pcie.slots),
            model=nic.model or of(nic, pcie.names),
        ) for nic in network.adapters),
        tuple(map(resolved, network.interfaces)),
    )


def _ports(reader: Reader, adapter: Json) -> dict[str, Json]:
    for key in PORTS:
        found = _there(reader, adapter, key)
        if found:
            return found
    return {}


def _there(reader: Reader, adapter: Json, key: str) -> dict[str, Json]:
    return {path: body for path, body in members(reader, adapter, key) if not absent(body)}


def _adapter(path: str, body: Json, reader: Reader) -> Nic:
    functions, ports = _there(reader, body, "NetworkDeviceFunctions"), _ports(reader, body)
    controllers = objects(body, "Controllers")
    offered = [_offer(controller) for controller in controllers]
    of_controller = max((vfs for vfs, _ in offered if vfs is not None), default=None)
    placed = _placed(reader, functions, ports)
    made = [_port(p, b, [f for f, at in placed if at == same(p)], of_controller, reader) for p, b in ports.items()]
    made += [_port(p, functions[p], [functions[p]], of_controller, reader) for p in functions
             if (functions[p], "") in placed]
    vfs = [p.max_vfs for p in made if p.max_vfs is not None]
    capable = [capable for _, capable in offered if capable is not None]
    devices = paths(reader, [link for c in controllers for link in references(c, "Links", "PCIeDevices")])
    first = controllers[0] if controllers else {}
    return Nic(
        id=text(body, "Id") or last(path),
        slot=place(body) or next((at for c in controllers if (at := place(c))), ""),
        manufacturer=told(body, "Manufacturer"),
        model=told(body, "Model") or (name if (name := told(body, "Name")).lower() not in GENERIC else ""),
        part_number=told(body, "PartNumber"),
        serial=told(body, "SerialNumber"),
        firmware=told(first, "FirmwarePackageVersion"),
        pci=devices[0] if devices else "",
        sriov=True if any(vfs) or of_controller or any(capable) else False if vfs or _said(offered) else None,
        max_vfs=max(vfs, default=of_controller or 0),
        ports=tuple(sorted(made, key=lambda p: natural(p.id))),
        health=health(body),
    )


def _said(offered: list[tuple[int | None, bool | None]]) -> bool:
    """Whether a controller says anything of virtual functions."""
    return any(vfs is not None or capable is not None for vfs, capable in offered)


def _offer(controller: Json) -> tuple[int | None, bool | None]:
    """Virtual functions of a port, and whether SR-IOV is said to be possible; None = not told."""
    offload = inner(controller, "ControllerCapabilities", "VirtualizationOffload")
    virtual, sriov = inner(offload, "VirtualFunction"), inner(offload, "SRIOV")
    told_vfs = [amount(virtual, key) for key in ("NetworkPortMaxCount", "DeviceMaxCount") if real(virtual, key) is not None]
    flags = [f for key in ("SRIOVEnabled", "SRIOVVEPACapable") if (f := flag(sriov, key)) is not None]
    return next((vfs for vfs in told_vfs if vfs), 0 if told_vfs else None), any(flags) if flags else None


def _placed(reader: Reader, functions: Mapping[str, Json], ports: Mapping[str, Json]) -> list[tuple[Json, str]]:
    """Each function with the path of its port as it is compared; "" = it has none."""
    known = {same(path) for path in ports}
    placed = []
    for function in functions.values():
        named = paths(reader, [
            *references(function, "Links", "PhysicalNetworkPortAssignment"),
            *references(function, "Links", "PhysicalPortAssignment"),
            *references(function, "PhysicalNetworkPortAssignment"), *references(function, "PhysicalPortAssignment"),
        ])
        at = next((p for p in named if p in known), "")
        if not at:
            own = set(macs_of(inner(function, "Ethernet")))
            at = next((same(p) for p, body in ports.items() if own & set(_port_macs(body))), "")
        if not at and not named and len(known) == 1:
            at = next(iter(known))
        placed.append((function, at))
    return placed


def _port(path: str, body: Json, functions: list[Json], of_controller: int | None, reader: Reader) -> Port:
    own = dict.fromkeys(m for f in functions for m in macs_of(inner(f, "Ethernet")))
    vfs = [amount(f, "MaxVirtualFunctions") for f in functions if real(f, "MaxVirtualFunctions") is not None]
    speeds = [s for key in ("SupportedLinkCapabilities",) for c in objects(body, key) for s in _speeds(c)]
    fast = [s for s in (round(1000 * (real(body, "MaxSpeedGbps") or 0)), *speeds) if 0 < s <= FASTEST]
    now = amount(body, "CurrentLinkSpeedMbps") or round(1000 * max(real(body, "CurrentSpeedGbps") or 0, 0))
    functions_at = paths(reader, [link for f in functions for link in references(f, "Links", "PCIeFunction")])
    kinds = [kind for f in functions if (kind := text(f, "NetDevFuncType")) != "Disabled"]
    return Port(
        id=text(body, "Id") or last(path),
        macs=tuple(own) or tuple(dict.fromkeys(m for m in _port_macs(body) if m)),
        link=link_state(text(body, "LinkStatus")),
        mbps=now if now <= FASTEST else 0,
        max_mbps=max(fast, default=0),
        kind=next((k for k in (*kinds, text(body, "LinkNetworkTechnology"), text(body, "ActiveLinkTechnology")) if k), ""),
        max_vfs=max(vfs) if vfs else of_controller,
        pci=functions_at[0] if functions_at else "",
        health=health(body),
        raw=raw(body, "CurrentLinkSpeedMbps") if now > FASTEST else {},
    )


def _speeds(capability: Json) -> list[int]:
    told_speeds = capability.get("CapableLinkSpeedMbps")
    return [s for s in told_speeds[:32] if isinstance(s, int)] if isinstance(told_speeds, list) else []


def _port_macs(port: Json) -> list[str]:
    addresses = (*texts(port, "AssociatedNetworkAddresses"), *texts(inner(port, "Ethernet"), "AssociatedMACAddresses"))
    return [mac(address) for address in addresses]


def _with_interfaces(reader: Reader, system: Json, adapters: tuple[Nic, ...]) -> Network:
    """Link and speed that only the EthernetInterface tells, onto the port with its MAC; the others apart."""
    known = {m for a in adapters for p in a.ports for m in p.macs}
    apart, more = [], {}
    for path, body in members(reader, system, "EthernetInterfaces"):
        macs = macs_of(body)
        speed = amount(body, "SpeedMbps")
        port = Port(
            id=text(body, "Id") or last(path), macs=macs, link=link_state(text(body, "LinkStatus")),
            mbps=speed if speed <= FASTEST else 0, kind="Ethernet", pci=same(path), health=health(body),
        )
        more.update(dict.fromkeys(macs, port))
        # A VLAN has the MAC of the interface below it.
        if not known & set(macs) and text(body, "EthernetInterfaceType") != "Virtual":
            apart.append(port)
    return Network(tuple(replace(a, ports=tuple(_enriched(p, more) for p in a.ports)) for a in adapters), tuple(apart))


def _enriched(port: Port, more: Mapping[str, Port]) -> Port:
    also = next((more[m] for m in port.macs if m in more), None)
    if also is None:
        return port
    return replace(port, link=port.link or also.link, mbps=port.mbps or also.mbps, pci=port.pci or also.pci)
