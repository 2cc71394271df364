"""Documents, settings and secrets to adapters, worlds and subjects: the only place that constructs adapters."""

from __future__ import annotations

import logging
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from bpa import documents, place
from bpa.adapters.errors import Refused
from bpa.adapters.ironic import IronicEndpoint, NodeSpec
from bpa.adapters.ironic_service import EmbeddedIronic, Ramdisk
from bpa.adapters.keys import key_pair, read_key
from bpa.adapters.kubernetes import KubernetesNodes
from bpa.adapters.kud import Kud
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.ssh import Ssh, SshAccess
from bpa.bmc_memory import BmcMemory
from bpa.collection import CollectedWorld, NoCollection
from bpa.collection import load as load_collection
from bpa.core.cluster import CLUSTER
from bpa.core.config_drive import ConfigDrive, FirstBoot, HostKey, render
from bpa.core.host import HOST
from bpa.core.redaction import seen_without_secrets
from bpa.documents.site import EmbeddedIronicSettings, HostDocument, IronicCloudSettings, IronicEndpointSettings, Site
from bpa.engine import Subject
from bpa.images import cache_directory, cached
from bpa.lab import namespace
from bpa.lab.layout import Layout
from bpa.lab.simulated import SimulatedCluster, as_new
from bpa.nodes import EmbeddedNodes, ExternalNodes
from bpa.site import OpenSite
from bpa.worlds import ClusterWorld, HostWorld

LOG = logging.getLogger(__name__)


class Wiring:
    """Makes the adapters of one site; `state` is the site's state directory."""

    def __init__(self, site: Site, state: Path) -> None:
        self.site, self.state = site, state
        self._bmc_turns: dict[str, threading.BoundedSemaphore] = {}
        self._kubernetes: dict[tuple[Path, ...], KubernetesNodes] = {}
        # One for all hosts: several may share a BMC, and a password that it refused to one is not tried by the next.
        self._memory = BmcMemory()

    def wire(self, opened: OpenSite) -> None:
        """Give `opened` its subjects over real adapters; nothing is contacted yet."""
        settings = self.site.settings
        nodes: ExternalNodes | EmbeddedNodes
        if isinstance(settings.ironic, EmbeddedIronicSettings):
            database = self.state / "ironic" / "ironic.sqlite"
            nodes = EmbeddedNodes(self.embedded_ironic, database.exists(), self._expected)
        else:
            nodes = ExternalNodes(_endpoint(settings.ironic), self._expected)
        opened.on_close.append(nodes.close)
        opened.notes = (*opened.notes, *self._pin_notes())
        opened.host_key = lambda name: self._host_key(name).public
        kud = Kud(settings.kud.installer, settings.kud.directory, user=settings.ssh.user, key=self._key_path())
        opened.hosts = tuple(
            Subject(h.want.name, h.want, HOST, HostWorld(
                h.want, partial(self._open_bmc, h), self._turns(h.want.bmc), nodes,
                partial(self._node_spec, h), partial(self._config_drive, h), partial(self._open_ssh, h),
                self._cluster_of(h, kud)))
            for h in self.site.hosts if h.online)
        opened.on_close.extend(nodes.close for nodes in self._kubernetes.values())
        opened.clusters = tuple(
            Subject(f"cluster/{c.name}", c, CLUSTER, ClusterWorld(c, kud, partial(opened.members, c)))
            for c in self.site.clusters)

    def _cluster_of(self, host: HostDocument, kud: Kud) -> KubernetesNodes:
        """The host's cluster, as the Site names it or as KuD leaves it; hosts of one cluster share its connection."""
        given = self.site.settings.kubernetes.kubeconfig
        left = kud.kubeconfig(host.cluster) if host.cluster else None
        where = tuple(path for path in (given, left) if path is not None)
        return self._kubernetes.setdefault(where, KubernetesNodes(where, self.state / "kubernetes"))

    def _turns(self, bmc: str) -> threading.BoundedSemaphore:
        """Several hosts may share a BMC: together they get as many turns at once as the site allows."""
        return self._bmc_turns.setdefault(bmc, threading.BoundedSemaphore(self.site.settings.concurrency.per_bmc))

    def embedded_ironic(self) -> EmbeddedIronic:
        """The site's own Ironic, as configured; not started by this."""
        settings = self.site.settings
        if not isinstance(settings.ironic, EmbeddedIronicSettings):
            raise Refused("this site has an Ironic of its own; BPA does not run one", "see spec.ironic of the Site")
        listen = settings.ironic.listen or _address_towards(self.site.hosts[0].want.bmc if self.site.hosts else "")
        directory = settings.images.directory
        serve = {path.name: path for path in sorted(directory.iterdir()) if path.name[0] != "."} if directory else {}
        return EmbeddedIronic(self.state / "ironic", listen, self._ramdisk(), serve,
                              api_port=settings.ironic.api_port, http_port=settings.ironic.http_port)

    def _ramdisk(self) -> Ramdisk | None:
        images = self.site.settings.images
        given = (images.kernel, images.ramdisk, images.bootloader)
        if all(path and path.startswith("/") for path in given):
            return Ramdisk(*(Path(str(path)) for path in given))
        built = cached("ipa", cache_directory())
        if built is not None:
            return Ramdisk(built.files["kernel"], built.files["ramdisk"], built.files["bootloader"])
        return None

    def _open_bmc(self, host: HostDocument) -> Bmc:
        want = host.want
        return Bmc(self._memory.remembered(BmcAccess(
            want.bmc, host.bmc_username.reveal(), host.bmc_password, self._verify(host), want.system, want.uuid,
            want.serial, want.boot_mac)), self._memory.registries if want.profile.bios.asks else None)

    def _verify(self, host: HostDocument) -> bool | str:
        ca = self.site.settings.bmc_ca
        return False if not host.verify else str(ca) if ca else True

    def _ironic_verify(self, host: HostDocument) -> bool | str:
        """Ironic knows no pins: it gets a pinned certificate as the CA, where that works and Ironic can read our files."""
        verify = self._verify(host)
        pin = self._memory.pin(host.want.bmc) if verify is True else None
        ours = isinstance(self.site.settings.ironic, EmbeddedIronicSettings)
        return str(pin.file) if pin is not None and pin.verifies and ours else verify

    def _pin_notes(self) -> Iterator[str]:
        for host in self.site.hosts:
            if self._verify(host) is True and self._ironic_verify(host) is True and self._memory.pin(host.want.bmc):
                yield (f"{host.want.name}: the pinned certificate of its BMC is no use to Ironic, which knows no pins and "
                       "will refuse this BMC; name a CA (spec.bmc.caFile), or disableCertificateVerification on this host")

    def _expected(self, name: str) -> NodeSpec | None:
        host = self.site.host(name)
        return self._node_spec(host) if host else None

    def _node_spec(self, host: HostDocument) -> NodeSpec:
        want, images = host.want, self.site.settings.images
        return NodeSpec(
            name=want.name, bmc_address=want.bmc, username=host.bmc_username.reveal(), password=host.bmc_password,
            boot_mac=want.boot_mac, system=want.system, verify=self._ironic_verify(host), root_device=want.root_device,
            deploy_kernel=_url(images.kernel), deploy_ramdisk=_url(images.ramdisk))

    def _config_drive(self, host: HostDocument) -> ConfigDrive:
        site_key = self._site_key().public
        try:
            return render(FirstBoot(
                name=host.want.os_name, uuid="", host_key=self._host_key(host.want.name), authorized_keys=(site_key,),
                user=self.site.settings.ssh.user, user_data=host.user_data, network_data=host.network_data,
                meta_data=host.meta_data or {}))
        except ValueError as error:
            raise Refused(f"{host.file}:{host.line}: {error}", "change the userData Secret of this host") from None

    def _open_ssh(self, host: HostDocument, address: str) -> Ssh:
        ssh = self.site.settings.ssh
        return Ssh(SshAccess(address, self._site_key().private, self._host_key(host.want.name).public, ssh.port,
                             ssh.user, ssh.user != "root"))

    def _key_path(self) -> Path:
        return self.site.settings.ssh.key_file or self.state / "ssh" / "id_ed25519"

    def _site_key(self) -> HostKey:
        given = self.site.settings.ssh.key_file
        return read_key(given) if given else key_pair(self._key_path())

    def _host_key(self, name: str) -> HostKey:
        return key_pair(self.state / "hosts" / name / "ssh_host_ed25519_key")


@contextmanager
def open_site(source: str | None, *, simulate: bool = False) -> Iterator[OpenSite]:
    """Read the documents, enter the site's network namespace, and wire everything; closed at the end, whatever happens.

    Raises DocumentErrors, Refused (no site), LabError (no such namespace). simulate gives machines in memory.
    """
    place_of = place.find_site(source)
    site = documents.load("-" if place_of == "-" else Path(place_of))
    site = with_lab(site, simulate)
    site = replace(site, hosts=tuple(replace(h, want=replace(h.want, hostname=h.hostname)) for h in site.hosts))
    with ExitStack() as stack:
        # What is simulated must leave no trace in what is known of the real machines.
        state = Path(stack.enter_context(TemporaryDirectory(prefix="bpa-"))) if simulate \
            else place.state_directory(site.name, place_of)
        opened = OpenSite(site, state)
        LOG.info("%s of %d hosts, %d clusters, in %s", site.name, len(site.hosts), len(site.clusters), state)
        stack.callback(opened.close)
        if simulate:
            simulate_site(opened)
        else:
            Wiring(site, state).wire(opened)
        yield opened


@contextmanager
def open_collected(source: str | None, file: Path) -> Iterator[OpenSite]:
    """The documents' host that a collection is of, as that file has it; nothing outside is contacted.

    Raises DocumentErrors, NoSite, NoCollection where the file is none or the documents have no such host.
    """
    collection = load_collection(file)
    place_of = place.find_site(source)
    site = documents.load("-" if place_of == "-" else Path(place_of))
    host = site.host(collection.host)
    if host is None:
        raise NoCollection(
            f"{file} is of host {collection.host}, which {site.name} does not have",
            "collect it with the host's name in the documents (`bpa host collect --local HOST`), or change \"host\" in the file "
            f"to it: {', '.join(h.want.name for h in site.hosts) or 'the documents have no host'}")
    # The file has no secrets, so none can be compared.
    want = seen_without_secrets(replace(host.want, hostname=host.hostname))
    with ExitStack() as stack:
        opened = OpenSite(site, Path(stack.enter_context(TemporaryDirectory(prefix="bpa-"))))
        stack.callback(opened.close)
        opened.taken = collection.at
        opened.hosts = (Subject(want.name, want, HOST, CollectedWorld(collection)),)
        yield opened


def simulate_site(opened: OpenSite) -> None:
    """Give `opened` its subjects in memory, as new from the factory; nothing outside is ever contacted."""
    site, installer = opened.site, str(opened.site.settings.kud.installer or "")
    opened.hosts = tuple(
        Subject(h.want.name, h.want, HOST, as_new(h.want, number, time.time)) for number, h in enumerate(site.hosts, start=1)
        if h.online)
    opened.clusters = tuple(
        Subject(f"cluster/{c.name}", c, CLUSTER, SimulatedCluster(c, partial(opened.members, c), time.time, installer))
        for c in site.clusters)


def forget_lab_site() -> None:
    """Stop what runs for the lab's own site and remove its state: the lab's machines are about to be gone."""
    lab = Layout.default().site
    for state in place.states_of(str(lab)):
        EmbeddedIronic(state / "ironic", "127.0.0.1").stop()
        shutil.rmtree(state)


def with_lab(site: Site, simulate: bool) -> Site:
    """Enter the namespace that the site names, or that of the running lab if the site's BMCs are in it."""
    settings, notes = site.settings, site.notes
    lab = None if simulate else namespace.lab_of(urlsplit(h.want.bmc).hostname or "" for h in site.hosts)
    if lab is not None and settings.namespace is None:
        settings = replace(settings, namespace=lab.namespace, bmc_ca=settings.bmc_ca or lab.ca)
        notes = (*notes, f"the BMCs are in the lab's network: working in network namespace {lab.namespace}")
    if settings.namespace is not None and not simulate:
        namespace.enter(settings.namespace)
    return replace(site, settings=settings, notes=notes)


def _endpoint(settings: IronicEndpointSettings | IronicCloudSettings) -> IronicEndpoint:
    if isinstance(settings, IronicCloudSettings):
        return IronicEndpoint(cloud=settings.cloud, auth="clouds")
    return IronicEndpoint(settings.url, settings.username, settings.password, ca=str(settings.ca) if settings.ca else None,
                          auth="http_basic" if settings.username else "none")


def _url(location: str | None) -> str | None:
    """A location as Ironic takes it, where it is a URL; files go through the embedded Ironic's own settings."""
    return location if location and "://" in location else None


def _address_towards(bmc: str) -> str:
    """The local address from which the way to a BMC starts: BMCs and ramdisks reach us there."""
    parts = urlsplit(bmc)
    family = socket.AF_INET6 if ":" in (parts.hostname or "") else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((parts.hostname or "127.0.0.1", parts.port or 443))  # UDP: nothing is sent
        except OSError as error:
            raise Refused(f"no way leads to the BMC {parts.hostname}: {error.strerror}",
                          "name the address in spec.ironic.embedded.listen of the Site") from None
        return str(probe.getsockname()[0])


