"""One value, written in many ways: a MAC with colons, dashes or nothing, in an EUI-64, in a UEFI device path."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import quote

from bpa.core.redaction.kinds import Kind
from bpa.core.redaction.sightings import hardware


def canonical(kind: Kind, value: str) -> str:
    """What all spellings of a value have in common: its pseudonym hangs on it."""
    if kind == "macs":
        return hardware(value) or value.lower()
    if kind == "addresses":
        return str(ipaddress.ip_address(value))
    return value.lower() if kind in ("uuids", "names", "mails", "users") else value


def spellings(kind: Kind, value: str) -> Iterator[str]:
    """How a value may be written elsewhere in the tree, as it stands first."""
    yield value
    if quoted(value) != value:
        yield quoted(value)
    if kind == "uuids":
        yield value.replace("-", "")
    if kind == "macs":
        digits = hardware(value)
        for form in (digits, *_eui(digits)):
            for size, between in ((2, ":"), (2, "-"), (4, ":"), (4, ".")):
                yield between.join(form[i : i + size] for i in range(0, len(form), size))
            yield form


def _eui(digits: str) -> tuple[str, ...]:
    """A MAC as the EUI-64s that ports and link-local addresses make of it."""
    if len(digits) != 12:
        return ()
    flipped = f"{int(digits[:2], 16) ^ 2:02x}{digits[2:]}"
    return tuple(f"{d[:6]}{middle}{d[6:]}" for d in (digits, flipped) for middle in ("fffe", "ffff"))


def spelt(kind: Kind, made: str, value: str, spelling: str) -> str:
    """A pseudonym in the same spelling as the value was found in."""
    if spelling.lower() == value.lower() and kind not in ("macs", "addresses"):
        return made
    if kind == "uuids":
        return made.replace("-", "")
    if kind == "macs":
        own, digits = hardware(value), re.sub("[:.-]", "", re.sub(r"^(0x|naa\.|eui\.|wwn\.)", "", spelling.lower()))
        if len(digits) != len(own):
            made = dict(zip(_eui(own), _eui(made), strict=True)).get(digits, made)
        letters = iter(made)
        prefix = (re.match(r"0x|naa\.|eui\.|wwn\.", spelling.lower()) or [""])[0]
        return prefix + "".join(c if c in ":.- " else next(letters, c) for c in spelling[len(prefix):])
    return quoted(made) if spelling == quoted(value) else made


def quoted(value: str) -> str:
    """As it stands in a URI."""
    return quote(value, errors="replace")
