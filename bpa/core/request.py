"""A change that is asked of a BMC, as data: planned, shown with --dry-run, then sent as it was shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Method = Literal["POST", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Request:
    """method, path on the BMC and JSON body (None = no body). A Secret in the body is revealed only on the wire."""

    method: Method
    path: str
    body: Mapping[str, object] | None = None
