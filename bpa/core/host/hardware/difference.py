"""A disagreement between two sights of a machine."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """A disagreement in words. advice names what to look at; agreed = it is explained, and nothing is missing."""

    text: str
    advice: str = ""
    agreed: bool = False


def plain(text: str) -> str:
    """A name or serial number without what makers put between its letters and digits."""
    return re.sub(r"[^a-z0-9]", "", text.lower())
