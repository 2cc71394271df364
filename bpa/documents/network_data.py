"""Network data of a host: OpenStack's network_data.json, as Metal3 keeps it in a Secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from typing import Any

from bpa.documents.errors import field_name
from bpa.documents.tree import parse_stream


@dataclass(frozen=True, slots=True)
class NetworkData:
    """The data, the static addresses in it (without prefix), the MACs of its links, and whether DHCP is used too."""

    data: Mapping[str, Any]
    addresses: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    dhcp: bool = False


def parse_mapping(text: str) -> tuple[Mapping[str, Any] | None, str]:
    """JSON or YAML that holds one mapping; or None and what is wrong, in words that quote nothing of the text."""
    nodes, errors = parse_stream(text, "")
    if errors:
        return None, f"{errors[0].message} (line {errors[0].line} of the value)"
    value = nodes[0].plain() if len(nodes) == 1 else None
    return (value, "") if isinstance(value, dict) else (None, "it is not one mapping")


def parse_network_data(text: str) -> tuple[NetworkData | None, tuple[str, ...]]:
    """network_data.json (links, networks, services) and what is wrong with it.

    Source: OpenStack Nova, "network_data.json" schema; Metal3 hands it to the host as it is.
    """
    data, problem = parse_mapping(text)
    if data is None:
        return None, (problem,)
    problems: list[str] = []
    addresses: list[str] = []
    links = _mappings(data, "links", problems)
    networks = _mappings(data, "networks", problems)
    _mappings(data, "services", problems)
    known = {link.get("id") for link in links if isinstance(link.get("id"), str)}
    dhcp = False
    for number, network in enumerate(networks):
        link, kind = network.get("link"), network.get("type")
        if known and isinstance(link, str) and link not in known:
            problems.append(f"{field_name(('networks', number, 'link'))} names no link")
        dhcp = dhcp or (isinstance(kind, str) and ("dhcp" in kind or "slaac" in kind))
        address = network.get("ip_address")
        if address is None:
            continue
        parsed = _address(address)
        if parsed is None:
            problems.append(f"{field_name(('networks', number, 'ip_address'))} is no IP address")
        else:
            addresses.append(parsed)
        gateway = network.get("gateway")
        if gateway is not None and _address(gateway) is None:
            problems.append(f"{field_name(('networks', number, 'gateway'))} is no IP address")
    macs = tuple(mac.lower() for link in links if isinstance(mac := link.get("ethernet_mac_address"), str))
    return NetworkData(data, tuple(addresses), macs, dhcp), tuple(problems)


def _mappings(data: Mapping[str, Any], key: str, problems: list[str]) -> list[Mapping[str, Any]]:
    value = data.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        problems.append(f"{key} is no list of mappings")
        return []
    return value


def _address(value: object) -> str | None:
    try:
        return str(ip_interface(value).ip) if isinstance(value, str) and "/" in value else str(ip_address(str(value)))
    except ValueError:
        return None
