"""What --dry-run prints: the requests that would be sent, secrets masked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bpa.core.request import Request
from bpa.core.secret import Secret


def request_line(request: Request) -> str:
    """POST /redfish/v1/… {"Image": "…"}"""
    body = "" if request.body is None else " " + json.dumps(_masked(request.body))
    return f"{request.method} {request.path}{body}"


def requests_json(requests: Iterable[Request]) -> list[dict[str, Any]]:
    """The same as data."""
    return [{"method": r.method, "path": r.path, "body": _masked(r.body)} for r in requests]


def _masked(value: Any) -> Any:
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, list | tuple):
        return [_masked(v) for v in value]
    return {k: _masked(v) for k, v in value.items()} if hasattr(value, "items") else value
