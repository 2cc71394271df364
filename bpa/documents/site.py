"""What a site's documents come to: the value that everything else starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bpa.core.secret import Secret
from bpa.core.want import ClusterWant, HostWant, Package


@dataclass(frozen=True, slots=True)
class HostDocument:
    """A BareMetalHost with all it refers to.

    verify False = disableCertificateVerification. online False = the host is left alone altogether. hostname is the
    name its operating system gets: its label in the cluster, else the BareMetalHost's name. network_data is
    OpenStack's network_data.json, addresses the static IPs in it; cluster the cluster it belongs to ("" = none).
    document is the whole BareMetalHost, with every field that BPA does not know.
    """

    want: HostWant
    bmc_username: Secret
    bmc_password: Secret
    verify: bool
    online: bool
    hostname: str
    file: str
    line: int
    cluster: str = ""
    user_data: Secret | None = None
    network_data: Mapping[str, Any] | None = None
    meta_data: Mapping[str, Any] | None = None
    addresses: tuple[str, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class SoftwareWant:
    """A Software document: packages for the masters and the workers of a cluster ("" = not told)."""

    name: str
    cluster: str
    masters: tuple[Package, ...]
    workers: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class EmbeddedIronicSettings:
    """BPA runs Ironic. listen None = the address by which this machine reaches the first BMC."""

    listen: str | None = None
    api_port: int = 6385
    http_port: int = 8089


@dataclass(frozen=True, slots=True)
class IronicEndpointSettings:
    """An Ironic of the site. Without a username it asks for no authentication."""

    url: str
    username: str | None = None
    password: Secret | None = None
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class IronicCloudSettings:
    """An Ironic named by clouds.yaml."""

    cloud: str


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """Images to serve, and the deploy ramdisk as URLs or absolute paths; None = BPA's own."""

    directory: Path | None = None
    kernel: str | None = None
    ramdisk: str | None = None
    bootloader: str | None = None


@dataclass(frozen=True, slots=True)
class SshSettings:
    """How hosts are reached once they run. key_file None = a key that BPA makes for the site."""

    user: str = "root"
    port: int = 22
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class KudSettings:
    """Where KuD's installer is (None = no cluster is installed) and where the files of clusters go."""

    installer: Path | None = None
    directory: Path = Path("/opt/kud/multi-cluster")


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """The cluster that hosts may be in. kubeconfig None = only what KuD's installer leaves is looked for."""

    kubeconfig: Path | None = None


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many hosts are worked on at once, and how many requests one BMC gets at once."""

    hosts: int = 8
    per_bmc: int = 1


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """A Site document; every part has a default. namespace = the network namespace to work in (None = this one)."""

    namespace: str | None = None
    bmc_ca: Path | None = None
    ironic: EmbeddedIronicSettings | IronicEndpointSettings | IronicCloudSettings = EmbeddedIronicSettings()
    images: ImageSettings = ImageSettings()
    ssh: SshSettings = SshSettings()
    kud: KudSettings = KudSettings()
    kubernetes: KubernetesSettings = KubernetesSettings()
    concurrency: Concurrency = Concurrency()


@dataclass(frozen=True, slots=True)
class Site:
    """Everything the documents say, checked. notes are remarks for a person, none of them an error."""

    name: str
    hosts: tuple[HostDocument, ...]
    clusters: tuple[ClusterWant, ...] = ()
    settings: SiteSettings = SiteSettings()
    software: tuple[SoftwareWant, ...] = ()
    notes: tuple[str, ...] = ()

    def host(self, name: str) -> HostDocument | None:
        """The host of this name, None when there is none."""
        return next((host for host in self.hosts if host.want.name == name), None)
