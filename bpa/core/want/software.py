"""Section `software` of a HardwareProfile, and the Software documents of a host's cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package: name[:architecture], and its exact version; version "" = any."""

    name: str
    version: str = ""

    @property
    def text(self) -> str:
        """As apt-get(8) takes it."""
        return f"{self.name}={self.version}" if self.version else self.name


@dataclass(frozen=True, slots=True)
class AptSource:
    """A stanza of sources.list(5). A suite that ends in a slash is a path, and has no components."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...] = ()
    signed_by: str = ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """URLs without credentials ("" = none); exceptions: hosts, domains (".example") and networks that need none."""

    http: str = ""
    https: str = ""
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SoftwareNeeds:
    """What a host needs beyond its image; each package once. certificates: name -> PEM text of authorities to trust."""

    packages: tuple[Package, ...] = ()
    sources: tuple[AptSource, ...] = ()
    proxy: Proxy | None = None
    certificates: Mapping[str, str] = field(default_factory=dict)
