"""Something that a machine must have, and has not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is not as the minimum says. known False = nobody can tell whether it is; advice "" = none of its own."""

    text: str
    advice: str = ""
    known: bool = True


def untold(what: str, asked: str) -> Lack:
    """What no source tells."""
    return Lack(f"nobody tells {what}; {asked}", "look at it by hand, or take it out of the profile's minimum", known=False)
