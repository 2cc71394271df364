"""What the lab raises."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what was asked; the message says why and, where it can, what to do."""
