"""Virtual media slots of a machine: what is in them, which one suits an image, and when two image URLs mean the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

Kind = Literal["cd", "usb", "floppy"]
Way = Literal["action", "oem", "patch", "none"]
TYPES: dict[Kind, frozenset[str]] = {
    "cd": frozenset({"CD", "DVD"}), "usb": frozenset({"USBStick"}), "floppy": frozenset({"Floppy"}),
}
_HINTS: dict[Kind, re.Pattern[str]] = {
    "cd": re.compile(r"cd|dvd|optical|\biso\b", re.IGNORECASE),
    "usb": re.compile(r"usb|removable|stick|hdd|\bhd\d", re.IGNORECASE),
    "floppy": re.compile(r"floppy|\bfd\d", re.IGNORECASE),
}
# Lenovo's RDOC is filled by upload and Remote by a remote console; a URL goes into its EXT slots only
# (github.com/lenovo/python-redfish-lenovo issue 21). Cisco's vKVM slots likewise (bugs.launchpad.net/ironic 2031595).
_CONSOLE = re.compile(r"rdoc|remote\d*$|v?kvm", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Slot:
    """A VirtualMedia resource. types: MediaTypes as served, () = not told. way: how it is filled, and `why` that way.

    holder: the resource that its collection hangs on, "System" or "Manager". image without credentials, "" = none told.
    """

    path: str
    id: str
    name: str = ""
    types: tuple[str, ...] = ()
    inserted: bool = False
    image: str = ""
    connected_via: str = ""
    write_protected: bool | None = None
    way: Way = "none"
    why: str = ""
    holder: Literal["System", "Manager"] = "Manager"

    @property
    def occupied(self) -> bool:
        """Something is in it. After an eject some BMCs keep Image or Inserted, but not the connection (Supermicro)."""
        return self.inserted and self.connected_via != "NotConnected"

    def holds(self, image: str) -> bool:
        """That image is in it."""
        return self.occupied and same_image(self.image, image)


@dataclass(frozen=True, slots=True)
class Choice:
    """Slots that an image can go into, the best first; `passed` says of every other slot why it is not among them."""

    slots: tuple[Slot, ...]
    passed: tuple[str, ...] = ()


def choose(slots: Iterable[Slot], kind: Kind, wanted: str = "") -> Choice:
    """Slots for this kind of medium; only the slot of that Id (or path) where one is wanted, whatever its types are.

    Types decide; where they are not told, the slot's Id and name do; a slot that tells neither is taken only if it is
    the only one.
    """
    found = list(slots)
    if wanted:
        return Choice(tuple(s for s in found if wanted.lower() in (s.id.lower(), s.path.lower().rstrip("/"))))
    ranked: list[tuple[tuple[int, ...], Slot]] = []
    passed: list[str] = []
    for place, slot in enumerate(found):
        rank = _suits(slot, kind, alone=len(found) == 1)
        if slot.way == "none":
            passed.append(f"{slot.id}: {slot.why}")
        elif rank is None:
            takes = f"it takes {', '.join(slot.types)}" if slot.types else "it does not say what it takes"
            passed.append(f"{slot.id}: {takes}")
        else:
            ranked.append(((rank, bool(_CONSOLE.match(slot.id)), slot.holder != "System", place), slot))
    return Choice(tuple(slot for _, slot in sorted(ranked, key=lambda r: r[0])), tuple(passed))


def _suits(slot: Slot, kind: Kind, alone: bool) -> int | None:
    """0 = its types say so, 1 = its Id or name does, 2 = there is no other slot, None = it does not."""
    if slot.types:
        return 0 if TYPES[kind] & set(slot.types) else None
    told = f"{slot.id} {slot.name}"
    if _HINTS[kind].search(told):
        return 1
    hinted = any(pattern.search(told) for pattern in _HINTS.values())
    return 2 if alone and not hinted else None


def same_image(one: str, other: str) -> bool:
    """Whether two image URLs mean the same image, as far as a BMC's echo can tell.

    A port, scheme or query that one of them lacks is no difference: xFusion echoes the URL without its port, others
    without scheme. Neither are the host's case, percent-encoding, a trailing slash or NFS written as host:/path.
    """
    if not one.strip() or not other.strip():
        return False
    a, b = _parts(one), _parts(other)
    if a[1] != b[1] or a[3] != b[3]:
        return False
    return all(not x or not y or x == y for x, y in zip(a, b, strict=True))


def without_credentials(image: str) -> str:
    """The URL without user and password."""
    return re.sub(r"^([a-z0-9+.-]+://)[^/@]*@", r"\1", image.strip(), flags=re.IGNORECASE)


def _parts(image: str) -> tuple[str, str, str, str, str]:
    """scheme, host, port, path, query; "" = not told."""
    plain = without_credentials(image).replace("\\", "/")
    share = re.match(r"([^/:]+|\[[^\]]*\]):(/(?!/).*)", plain)
    if share:
        plain = f"//{share[1]}{share[2]}"
    elif "://" not in plain and not plain.startswith("//"):
        plain = f"//{plain}"
    try:
        parts = urlsplit(plain)
        port = parts.port
    except ValueError:
        return "", "", "", image.strip(), ""
    told = "" if port is None else str(port)
    return parts.scheme.lower(), (parts.hostname or "").lower(), told, unquote(parts.path).rstrip("/"), parts.query
