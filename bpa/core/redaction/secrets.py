"""What never leaves a machine in any recording: passwords, keys, tokens, communities, licence keys, sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bpa.core.redaction.kinds import plain_key

REDACTED = "REDACTED"
KEY = re.compile(
    r"(pass(word|phrase|wd|code)|pwd|secret|communit(y|ies)(_?(name|string))?|salt|token|credential"
    r"|(private|encryption|ipmi|v3|auth|authentication|privacy|licen[cs]e|product|activation|session|signing|shared|symmetric|kg)"
    r"_?keys?|key_?string|psk|pin_?code)s?(_?\d{1,2}|_[0-9a-f]{4})?$",
    re.IGNORECASE,
)
"""Names of properties, fields and settings whose value is a secret."""
STATE = re.compile(r"\s*|(en|dis)abled?|none|true|false|yes|no|null|(un)?locked|(not ?)?(set|present|supported|required)|\*+",
                    re.IGNORECASE)
"""What a property with such a name says where it tells of the secret, and not the secret."""
PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?(-----END \1-----|$)", re.DOTALL)
_IN_URL = re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]+@")
_SESSION = re.compile(r"(/sessions/)(?!Members\b)([^/\"#?\s]+)", re.IGNORECASE)
_LICENCES = re.compile(r"^licen[cs]es?$", re.IGNORECASE)


def without_secrets(value: Any, key: str = "", parent: Mapping[str, Any] | None = None) -> Any:
    """A JSON value with its secrets replaced by REDACTED, types kept. Redacted twice it stays the same."""
    if isinstance(value, Mapping):
        return _emptied({k: without_secrets(v, k, value) for k, v in value.items()})
    if isinstance(value, list):
        return [without_secrets(v, key, parent) for v in value]
    if isinstance(value, str):
        return REDACTED if _is_secret(key, value, parent) else _scrub(value)
    return value


def secrets_in(value: Any, key: str = "", parent: Mapping[str, Any] | None = None) -> Iterator[str]:
    """The secrets of a JSON value that stand under a name of their own."""
    if isinstance(value, Mapping):
        for k, v in value.items():
            yield from secrets_in(v, k, value)
    elif isinstance(value, list):
        for v in value:
            yield from secrets_in(v, key, parent)
    elif isinstance(value, str) and _is_secret(key, value, parent):
        yield value


def named_by(key: str, parent: Mapping[str, Any] | None) -> str:
    """The name that a value goes by: that of its attribute where it stands in a registry or in a name/value pair."""
    if parent is None:
        return key
    wanted = {"DefaultValue": ("AttributeName",), "CurrentValue": ("AttributeName",), "Value": ("Name", "Key")}
    named = (n for k in wanted.get(key, ()) if isinstance(n := parent.get(k), str) and re.fullmatch(r"[\w.]+", n))
    return next(named, key)


def _is_secret(key: str, value: str, parent: Mapping[str, Any] | None) -> bool:
    name = plain_key(named_by(key, parent))
    # Supermicro keeps activated licences, keys and signatures, as JSON in a text.
    if _LICENCES.match(name) and value.lstrip().startswith("{"):
        return True
    return bool(name and value != REDACTED and KEY.search(name) and not STATE.fullmatch(value))


def _scrub(value: str) -> str:
    if "://" in value:
        value = _IN_URL.sub("", value)
    if "-----BEGIN" in value:
        value = PRIVATE_KEY.sub(f"-----BEGIN \\1-----\n{REDACTED}\n-----END \\1-----", value)
    return _SESSION.sub(rf"\1{REDACTED}", value) if "essions/" in value.lower() else value


def _emptied(body: dict[str, Any]) -> dict[str, Any]:
    """A collection of sessions has no members in a recording: on some BMCs their names are the tokens."""
    kind = body.get("@odata.type")
    if isinstance(kind, str) and kind.startswith("#SessionCollection."):
        for name, empty in (("Members", []), ("Members@odata.count", 0)):
            if name in body:
                body[name] = empty
    return body
