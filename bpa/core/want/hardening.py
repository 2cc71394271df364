"""Section `hardening` of a HardwareProfile."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HardeningWant:
    """profile "" = nothing asked, "icn" = the rules of bpa.core.host.hardening but those whose ids are in `excepted`."""

    profile: str = ""
    excepted: tuple[str, ...] = ()
