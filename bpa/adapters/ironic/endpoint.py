"""Where an Ironic is, and how to log in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bpa.core.secret import Secret


@dataclass(frozen=True, slots=True)
class IronicEndpoint:
    """auth http_basic and none take `url`; clouds takes the name of an entry of clouds.yaml. ca: path of a CA file."""

    url: str = ""
    username: str | None = None
    password: Secret | None = None
    cloud: str | None = None
    ca: str | None = None
    auth: Literal["http_basic", "none", "clouds"] = "http_basic"

    @property
    def text(self) -> str:
        return self.url or f"cloud {self.cloud}"
