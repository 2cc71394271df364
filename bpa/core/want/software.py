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
    """A stanza of sources.list(5). A suite that ends in a slash is a path, and has no components. signed_by: the path of a
    keyring; key: an armored public key, which goes into the stanza (apt 2.4 or newer).
    """

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...] = ()
    signed_by: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """URLs without credentials ("" = none); exceptions: hosts, domains (".example") and networks that need none."""

    http: str = ""
    https: str = ""
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeSources:
    """Names or addresses: servers, and names that stand for several of them."""

    servers: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registry:
    """mirrors: URLs that are asked first, in this order; one with a path names the root of its API. fallback: the registry
    itself is asked for what they lack. authority: the name of the certificate that the mirrors' own are signed by, "" = one
    that the host trusts.
    """

    mirrors: tuple[str, ...]
    fallback: bool = True
    authority: str = ""


@dataclass(frozen=True, slots=True)
class SoftwareNeeds:
    """What a host needs beyond its image; each package once. image_sources: packages come from the image's own sources too;
    certificates: name -> PEM text of authorities to trust; registries: host[:port], or _default, -> its mirrors.
    """

    packages: tuple[Package, ...] = ()
    sources: tuple[AptSource, ...] = ()
    image_sources: bool = True
    proxy: Proxy | None = None
    certificates: Mapping[str, str] = field(default_factory=dict)
    time: TimeSources | None = None
    registries: Mapping[str, Registry] = field(default_factory=dict)
