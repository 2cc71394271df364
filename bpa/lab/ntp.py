"""The lab's time server: answers NTP with this machine's own clock, so that hosts that reach no other have one to follow.

Run as `python -m bpa.lab.ntp ADDRESS [PORT]`. RFC 5905, section 7.3: 48 bytes, times as seconds since 1900 in 32.32 bits.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

PORT = 123
STRATUM = 5
"""Far from any real clock: a host that has a better server prefers that."""
SINCE_1900 = 2_208_988_800
_FORM = struct.Struct("!BBbb11I")


def stamp(seconds: float) -> tuple[int, int]:
    """Seconds since the epoch as NTP has them: whole ones and fraction. The era ends in 2036 and begins anew."""
    whole, part = divmod(seconds, 1)
    return (int(whole) + SINCE_1900) & 0xFFFFFFFF, int(part * (1 << 32))


def answer(request: bytes, received: float, sent: float) -> bytes | None:
    """What to send to a client (mode 3) whose packet came at `received`, in seconds since the epoch; None = nothing."""
    if len(request) < _FORM.size:
        return None
    version, mode = request[0] >> 3 & 7, request[0] & 7
    if mode != 3 or not 1 <= version <= 4:
        return None
    *_, ask_whole, ask_part = _FORM.unpack_from(request)
    precision, delay, dispersion, reference = -20, 0, 1 << 6, struct.unpack("!I", b"LOCL")[0]
    return _FORM.pack(version << 3 | 4, STRATUM, 6, precision, delay, dispersion, reference, *stamp(received),
                      ask_whole, ask_part, *stamp(received), *stamp(sent))


def serve(address: str, port: int = PORT) -> None:
    """Answer until killed. OSError where the port is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as listening:
        listening.bind((address, port))
        while True:
            request, client = listening.recvfrom(1024)
            received = time.time()
            reply = answer(request, received, time.time())
            if reply is not None:
                listening.sendto(reply, client)


if __name__ == "__main__":
    serve(sys.argv[1], *(int(port) for port in sys.argv[2:]))
