"""The BMC address of a BareMetalHost: which Redfish service, and which System behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

# Source: Metal3 user guide, "Supported hardware"; all of these are Redfish underneath.
_REDFISH = (
    "redfish",
    "redfish-virtualmedia",
    "redfish-uefihttp",
    "idrac-redfish",
    "idrac-virtualmedia",
    "idrac-redfish-virtualmedia",
    "ilo5-redfish",
    "ilo5-virtualmedia",
)
_TRANSPORTS = ("http", "https")
_OTHERS = (
    "ipmi",
    "libvirt",
    "idrac",
    "idrac+http",
    "idrac+https",
    "ilo4",
    "ilo4-virtualmedia",
    "ilo5",
    "irmc",
    "ibmc",
)
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")

EXPECTED = 'a Redfish address such as "redfish-virtualmedia://192.0.2.10/redfish/v1/Systems/1"'


class NotRedfish(ValueError):
    """The address is none BPA can use. The text never holds the address: someone may have put a password in it."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class BmcAddress:
    """url is scheme, host and port of the Redfish service ("https://192.0.2.10"), system the path of the System."""

    url: str
    system: str | None


def parse_bmc_address(address: str) -> BmcAddress:
    """A Metal3 bmc.address of any Redfish scheme. NotRedfish for every other."""
    scheme, separator, rest = address.strip().partition("://")
    scheme = scheme.lower()
    if not separator:
        raise NotRedfish("the address has no scheme, which means IPMI; BPA needs Redfish", "redfish://...")
    kind, _, transport = scheme.partition("+")
    if kind in _TRANSPORTS:
        raise NotRedfish(f"{kind}:// does not say how to talk to the BMC", f"redfish+{kind}://...")
    if kind not in _REDFISH or (transport or "https") not in _TRANSPORTS:
        if kind in _OTHERS or scheme in _OTHERS:
            raise NotRedfish(f"{kind}:// is not Redfish; BPA needs Redfish", "redfish://...")
        raise NotRedfish("the scheme is not one of Metal3's; BPA needs Redfish")
    try:
        parts = urlsplit(f"{transport or 'https'}://{rest}")
        port, host = parts.port, parts.hostname
    except ValueError:
        raise NotRedfish("host and port of the address cannot be read") from None
    if parts.username is not None or parts.password is not None:
        raise NotRedfish("credentials do not belong in the address", "credentialsName and a Secret")
    if parts.query or parts.fragment:
        raise NotRedfish("an address has no query and no fragment")
    if not host or not _is_host(host):
        raise NotRedfish("the host of the address is no name and no IP address")
    default = 80 if parts.scheme == "http" else 443
    shown = f"[{host}]" if ":" in host else host
    url = f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, default) else "")
    path = parts.path.rstrip("/")
    if not path or path in ("/redfish", "/redfish/v1"):
        return BmcAddress(url, None)
    if not re.fullmatch(r"/redfish/v1/Systems/[^/\s]+", path):
        raise NotRedfish("the path of the address is no System", "/redfish/v1/Systems/<id>")
    return BmcAddress(url, path)


def _is_host(host: str) -> bool:
    try:
        ip_address(host.split("%")[0])
    except ValueError:
        return _HOST_NAME.fullmatch(host) is not None and not re.fullmatch(r"[0-9.]+", host)
    return True
