"""The lab's time server, by RFC 5905, section 7.3."""

from __future__ import annotations

import struct

import pytest

from bpa.lab.ntp import SINCE_1900, answer, stamp

ASKED = struct.pack("!BBbb11I", 4 << 3 | 3, 0, 6, -20, *[0] * 9, 0xE5A1B2C3, 0x80000000)


def test_a_client_gets_the_time_and_its_own_stamp_back() -> None:
    said = answer(ASKED, 1_795_458_500.25, 1_795_458_500.5)
    assert said is not None and len(said) == 48
    first, stratum, _, _, *words = struct.unpack("!BBbb11I", said)
    assert (first >> 6, first >> 3 & 7, first & 7, stratum) == (0, 4, 4, 5), "no warning, version 4, server"
    assert words[5:7] == [0xE5A1B2C3, 0x80000000]
    assert words[7:] == [1_795_458_500 + SINCE_1900, 1 << 30, 1_795_458_500 + SINCE_1900, 1 << 31]


@pytest.mark.parametrize("said", [b"", ASKED[:47], bytes([4 << 3 | 4]) + ASKED[1:], bytes([4 << 3 | 6]) + ASKED[1:],
                                  bytes([3]) + ASKED[1:]])
def test_only_clients_are_answered(said: bytes) -> None:
    """Neither servers, who would answer for ever, nor questions about the server itself."""
    assert answer(said, 0.0, 0.0) is None


def test_the_era_ends_in_2036() -> None:
    assert stamp(2**32 - SINCE_1900 + 1.0) == (1, 0)
