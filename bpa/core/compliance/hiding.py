"""A report without the secrets that it may have been told by mistake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from bpa.core.redaction import REDACTED, without_secrets

T = TypeVar("T")
SHORTEST = 8
"""Shorter secrets are words that stand in reports by right ("root", "admin")."""


def hidden(value: T, secrets: Iterable[str]) -> T:
    """The same value; in all its texts these secrets, credentials in URLs and private keys are replaced."""
    found: T = _hidden(value, tuple(secret for secret in secrets if len(secret) >= SHORTEST))
    return found


def _hidden(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        text = value
        for secret in secrets:
            text = text.replace(secret, REDACTED)
        return without_secrets(text)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _hidden(getattr(value, one.name), secrets) for one in fields(value)})
    if isinstance(value, Mapping):
        return {key: _hidden(inner, secrets) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_hidden(inner, secrets) for inner in value)
    return value
