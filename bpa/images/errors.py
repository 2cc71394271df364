"""What image builds raise."""

from __future__ import annotations


class ImageError(Exception):
    """An image cannot be built; the message says why and, for a failed recipe, ends with its last lines."""
