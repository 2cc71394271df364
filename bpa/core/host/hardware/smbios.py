"""Memory modules in SMBIOS: structures of type 17 (DMTF DSP0134, 7.18 "Memory Device")."""

from __future__ import annotations

from bpa.core.host.hardware.sight import Module
from bpa.core.sizes import MIB

TYPE = 17
NONE, UNKNOWN, EXTENDED = 0, 0xFFFF, 0x7FFF
"""What the 16 bits of a size may say: nothing in the slot, not told, told in 32 bits elsewhere."""
IN_KIB = 0x8000
PERSISTENT = (0x04, 0x05, 0x06, 0x07)
"""Memory Technology: NVDIMM-N, -F, -P, Intel Optane persistent memory."""
SIZE, LOCATOR, EXTENDED_SIZE, TECHNOLOGY, VOLATILE = 0x0C, 0x10, 0x1C, 0x28, 0x3C
"""Where they stand, in bytes from the beginning; older versions of SMBIOS end before the later ones."""


def read_module(dump: str) -> Module | None:
    """A structure with its strings, in hex, as a module; None = an empty slot, or nothing that can be read."""
    try:
        data = bytes.fromhex(dump)
    except ValueError:
        return None
    if len(data) < 2 or data[0] != TYPE or len(data) < data[1] or data[1] <= LOCATOR:
        return None
    body, strings = data[:data[1]], data[data[1]:].split(b"\0")
    size = _size(body)
    if not size:
        return None
    persistent = len(body) > TECHNOLOGY and body[TECHNOLOGY] in PERSISTENT
    volatile = _number(body, VOLATILE, 8) if persistent else 0
    number = body[LOCATOR]
    slot = strings[number - 1].decode("ascii", "replace").strip() if 0 < number <= len(strings) else ""
    return Module(slot, size, persistent, 0 if volatile == 2**64 - 1 else volatile)


def _size(body: bytes) -> int:
    said = _number(body, SIZE, 2)
    if said in (NONE, UNKNOWN):
        return 0
    if said == EXTENDED:
        return (_number(body, EXTENDED_SIZE, 4) & 0x7FFFFFFF) * MIB
    return (said & ~IN_KIB) * 1024 if said & IN_KIB else said * MIB


def _number(body: bytes, at: int, length: int) -> int:
    """0 where this version of SMBIOS does not have it."""
    return int.from_bytes(body[at:at + length], "little") if len(body) >= at + length else 0
