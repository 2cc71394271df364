"""What to say of a command that failed on a host: one line, and first what the host said."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 400
"""Characters of what it said that are kept: the last ones, which tell most."""


def failed(why: str, argv: Sequence[str], exit_code: int, said: str) -> str:
    """why is what the command was for. A script of ours is not quoted: `why` names it, and its text would hide the rest."""
    lines = [line.strip() for line in said.strip()[-MOST:].splitlines()]
    command = "its script" if argv[:2] == ("sh", "-c") else f"`{' '.join(argv)[:200]}`"
    return f"{why}: {'; '.join(filter(None, lines)) or 'it said nothing'} ({command} ended with {exit_code})"
