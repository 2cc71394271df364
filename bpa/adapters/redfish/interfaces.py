"""EthernetInterfaces: the MACs of a System."""

from __future__ import annotations

from bpa.adapters.redfish.reading import Json, Reader, mac


def macs_of(body: Json) -> tuple[str, ...]:
    """MACs of an EthernetInterface, or of a function's Ethernet part, the burnt-in one first; the last two are iLO 4's."""
    told = (mac(body.get(key)) for key in ("PermanentMACAddress", "MACAddress", "FactoryMacAddress", "MacAddress"))
    return tuple(dict.fromkeys(m for m in told if m))


def read_macs(reader: Reader, system: Json) -> tuple[str, ...]:
    """MACs of the System's EthernetInterfaces, each once."""
    found = (m for _, body in reader.collection(system, "EthernetInterfaces") for m in macs_of(body))
    return tuple(dict.fromkeys(found))
