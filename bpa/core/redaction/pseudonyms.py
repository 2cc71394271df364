"""Made-up values in the form of the true ones. The same value gets the same one; nobody can go back without the key."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterator

_DOCUMENTATION = tuple(ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
_BENCHMARK = ipaddress.ip_network("198.18.0.0/15")
"""RFC 5737 has 762 addresses for hosts; RFC 2544 lends more where a log is full of strangers."""


class Pseudonyms:
    """key: random bytes, thrown away with the recording's work files. A keyed hash, because MACs could be tried out."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def formed(self, text: str, turn: int = 0, kept: int = 0) -> str:
        """Digits for digits, letters for letters, but for the first `kept` letters and digits."""
        stream = self._stream("formed", text.lower(), turn)
        made, seen = [], 0
        for letter in text:
            # Only ASCII: what a serial number or a hexadecimal text is made of.
            if not (letter.isascii() and letter.isalnum()):
                made.append(letter)
                continue
            seen += 1
            made.append(letter if seen <= kept else _like(letter, next(stream)))
        return "".join(made) if turn < 50 else f"{''.join(made)}{turn}"

    def hexadecimal(self, digits: str, turn: int = 0, kept: int = 6) -> str:
        """As many hexadecimal digits, in lower case, the first `kept` as they were."""
        stream = self._stream("hexadecimal", digits.lower(), turn)
        return digits[:kept].lower() + "".join(f"{next(stream) % 16:x}" for _ in digits[kept:])

    def ipv4(self, address: str, turn: int = 0) -> str:
        """An address of the documentation ranges."""
        stream = self._stream("ipv4", address, turn)
        if turn < 30:
            network = _DOCUMENTATION[next(stream) % 3]
            return str(network[1 + next(stream) % 254])
        return str(_BENCHMARK[256 + next(stream) * 256 + next(stream)])

    def ipv6(self, address: str, turn: int = 0) -> str:
        """An address of 2001:db8::/32, or a link-local one for a link-local one."""
        stream = self._stream("ipv6", address, turn)
        local = ipaddress.IPv6Address(address).is_link_local
        host = int.from_bytes(bytes(next(stream) for _ in range(8)), "big") | 1 << 63
        return str(ipaddress.IPv6Address((0xFE80 << 112 if local else 0x20010DB8 << 96) + host))

    def word(self, prefix: str, text: str, turn: int = 0) -> str:
        """host-3fa94c"""
        return prefix + self._digest(f"{prefix}:{turn}:{text.lower()}").hex()[:8]

    def _stream(self, what: str, text: str, turn: int) -> Iterator[int]:
        block = 0
        while True:
            yield from self._digest(f"{what}:{turn}:{block}:{text}")
            block += 1

    def _digest(self, text: str) -> bytes:
        # JSON may hold half a surrogate pair.
        return hmac.new(self._key, text.encode(errors="surrogatepass"), hashlib.sha256).digest()


def _like(letter: str, byte: int) -> str:
    if letter.isdigit():
        return chr(ord("0") + byte % 10)
    return chr(ord("A" if letter.isupper() else "a") + byte % 26)
