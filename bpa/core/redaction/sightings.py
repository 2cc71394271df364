"""What a tree was seen to hold that identifies its machine, before anything is replaced."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bpa.core.redaction import kinds
from bpa.core.redaction.kinds import Kind
from bpa.core.redaction.secrets import named_by

LONGEST = 128
"""Characters. What is longer is replaced where it stands, and not looked for elsewhere."""

_V4_DOCUMENTATION = tuple(
    ipaddress.IPv4Network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")
)
_V6_DOCUMENTATION = ipaddress.IPv6Network("2001:db8::/32")


@dataclass(slots=True)
class Sightings:
    """values: kind -> value -> how often. soft: addresses that may be versions, being under keys that do not say.

    words: all names of properties and types, which no replacement may touch. products: names of models and makers.
    """

    values: dict[Kind, Counter[str]] = field(default_factory=dict)
    soft: set[str] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=lambda: {"/redfish/v1"})
    products: set[str] = field(default_factory=set)

    def look(self, value: Any, key: str = "", parent: Mapping[str, Any] | None = None) -> None:
        """Take in a JSON value and all that is in it."""
        if isinstance(value, Mapping):
            for name, inner in value.items():
                self._name(name, key)
                self.look(inner, name, value)
        elif isinstance(value, list):
            for inner in value:
                self.look(inner, key, parent)
        elif isinstance(value, str) and value:
            self._text(value, key, parent)
        elif isinstance(value, int) and not isinstance(value, bool) and kinds.kind_of(key) == "serials" and value > 9:
            self.add("serials", str(value))

    def add(self, kind: Kind, value: str) -> None:
        """One value of a kind, unless it is what stands where nothing was filled in."""
        value = value.strip()
        if kind == "macs" and not hardware(value):
            return
        # 0000000-00 or XX:XX are what an empty field looks like; a host may well be called aa-aa.
        filled = kind in ("names", "users") or len({letter for letter in value if letter.isalnum()}) > 1
        if filled and not kinds.PLACEHOLDER.fullmatch(value):
            self.values.setdefault(kind, Counter())[value] += 1

    def _name(self, name: str, of: str) -> None:
        if of == "Attributes":
            # Vendors build MAC addresses and slots into names of BIOS attributes.
            for kind, value in patterns(name):
                self.add(kind, value)
        else:
            self.words.add(name.lower())

    def _text(self, value: str, key: str, parent: Mapping[str, Any] | None) -> None:
        if key == "@odata.type":
            self.words.add(value.lower())
            return
        name = named_by(key, parent)
        plain = kinds.plain_key(name)
        if plain in ("Model", "Manufacturer", "PartNumber", "ProductName"):
            self.products.add(value.strip().lower())
        for kind, found in patterns(value):
            if kind == "uuids" and kinds.NO_UUID.search(kinds.words_of(plain)):
                continue
            if kind != "addresses" or ":" in found:
                self.add(kind, found)
            elif kinds.VERSION.search(name) and not kinds.ADDRESS.search(name):
                self.versions.add(found)
            else:
                self.add("addresses", found)
                if not kinds.ADDRESS.search(plain) and "://" not in value:
                    self.soft.add(found)
        wanted = kinds.kind_of(name)
        if wanted is not None:
            self._keyed(wanted, value)
        elif plain == "SKU" and str((parent or {}).get("Manufacturer", "")).startswith("Dell"):
            # On a Dell the SKU is the service tag; with others it is a product's number.
            self.add("serials", value)

    def _keyed(self, kind: Kind, value: str) -> None:
        if kind in ("macs", "uuids"):
            if re.fullmatch("[0-9A-Fa-f]{32}", value):
                self.add("uuids", "-".join((value[:8], value[8:12], value[12:16], value[16:20], value[20:])))
            elif not kinds.UUID_TEXT.fullmatch(value):
                self.add("macs", value)
        elif kind == "names":
            for host in re.split(r"[,;]", value):
                host = re.sub(r"^\w+://|(?<=[^:]):\d+$|[/:].*", "", host.strip()).strip("[]./")
                if re.fullmatch(r"[A-Za-z0-9][\w.-]+", host) and not _address(host) and not kinds.public(host):
                    self.add("names", host)
        elif kind == "users":
            if not all(w.lower() in kinds.STOCK_USERS for w in re.findall(r"[A-Za-z0-9_.-]+", value)):
                self.add("users", value)
        elif len(value) <= LONGEST and not kinds.UUID_TEXT.fullmatch(value):
            self.add(kind, value)


def patterns(text: str) -> Iterator[tuple[Kind, str]]:
    """What identifies by its form, wherever it stands: UUIDs, MACs, addresses, mail, hosts of links, certificates."""
    for match in kinds.UUID_TEXT.finditer(text):
        yield "uuids", match[0]
    if ":" in text or text.count("-") >= 5:
        for match in kinds.MAC_TEXT.finditer(text):
            yield "macs", match[0]
    for match in kinds.MAC_CALL.finditer(text):
        yield "macs", match[1]
    if text.count(".") >= 3:
        for match in kinds.IPV4_TEXT.finditer(text):
            if _tells(match[0]):
                yield "addresses", match[0]
    if text.count(":") >= 2:
        for match in kinds.IPV6_TEXT.finditer(text):
            if not kinds.MAC_TEXT.fullmatch(match[0]) and _tells(match[0]):
                yield "addresses", match[0]
    if "@" in text:
        for match in kinds.MAIL_TEXT.finditer(text):
            if not kinds.public(match[1]):
                yield "mails", match[0]
    if "://" in text:
        for match in kinds.URL_HOST.finditer(text):
            if not _address(match[1]) and not kinds.public(match[1]) and re.search("[A-Za-z]", match[1]):
                yield "names", match[1].strip(".")


def hardware(text: str) -> str:
    """The digits of a MAC, EUI-64, WWN or GUID in lower case; "" for anything else, all zeros and all f among them."""
    digits = re.sub(r"^(0x|naa\.|eui\.|wwn\.)|[:.\s-]", "", text.strip().lower())
    if not re.fullmatch(r"[0-9a-f]{12,40}", digits) or len(set(digits)) < 2:
        return ""
    return digits


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _tells(text: str) -> bool:
    """An address that could lead to somebody: not loopback, a mask, multicast, documentation or a fixed link-local one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.is_unspecified or address.is_loopback or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        # Nothing but a short prefix (2002::, fc00::) belongs to nobody, and ::ffff:0:0 to IPv4.
        bits = int(address)
        return bits & (1 << 96) - 1 != 0 and bits >> 32 != 0 and bits != 0xFFFF << 32 and address not in _V6_DOCUMENTATION
    return not (
        address.is_link_local or int(address) >> 24 == 0 or _mask(int(address))
        or any(address in network for network in _V4_DOCUMENTATION)
    )


def _mask(number: int) -> bool:
    """255.255.252.0, 240.0.0.0: ones and then zeros, as no host's address is."""
    return re.fullmatch("11+0*", f"{number:032b}") is not None and number >> 24 >= 224
