"""Times in reports: exact, since a report is read elsewhere and later."""

from __future__ import annotations

import time


def clock(at: float) -> str:
    """2026-11-23 17:50:19 +0000: local time, with its distance from UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(at))
