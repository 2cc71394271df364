"""Documents, settings and secrets to adapters, worlds and subjects: the only place that constructs adapters."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from bpa import documents, place
from bpa.adapters.errors import AdapterError, Refused
from bpa.adapters.ironic import IronicEndpoint, NodeSpec
from bpa.adapters.ironic_service import EmbeddedIronic, Ramdisk
from bpa.adapters.keys import key_pair, read_key
from bpa.adapters.kud import Kud
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.ssh import Ssh, SshAccess
from bpa.adapters.store import StateError, Store, only_one
from bpa.core.cluster import CLUSTER
from bpa.core.config_drive import ConfigDrive, FirstBoot, HostKey, render
from bpa.core.facts import MemberFacts
from bpa.core.guards import DOCUMENTED, Consent, Permissions
from bpa.core.history import durations
from bpa.core.host import HOST
from bpa.core.plan import SubjectPlan
from bpa.core.verdict import Met
from bpa.core.want import ClusterWant
from bpa.documents.site import EmbeddedIronicSettings, HostDocument, IronicCloudSettings, IronicEndpointSettings, Site
from bpa.engine import Outcome, Subject, Survey
from bpa.fleet import Fleet, Watch, describe
from bpa.images import cache_directory, cached
from bpa.lab import namespace
from bpa.lab.layout import Layout
from bpa.lab.simulated import SimulatedCluster, as_new
from bpa.nodes import EmbeddedNodes, ExternalNodes
from bpa.survey import SiteSurvey, survey_site
from bpa.worlds import ClusterWorld, HostWorld


class Wired:
    """An open site: its documents, its state, and every host and cluster as a subject of the engine."""

    def __init__(self, site: Site, state: Path) -> None:
        self.site, self.state, self.name = site, state, site.name
        self.notes = (*site.notes, *(f"{h.want.name} has online: false and is left alone" for h in site.hosts if not h.online))
        try:
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StateError(f"the state directory {state} cannot be made: {error.strerror}",
                             "set BPA_STATE to a directory that you may write") from None
        self.store = Store(state / "site.sqlite")
        self._log = RotatingFileHandler(state / "bpa.log", maxBytes=5_000_000, backupCount=2, delay=True)
        self._log.setFormatter(logging.Formatter("%(asctime)s %(process)d %(threadName)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(self._log)
        self._members: dict[str, MemberFacts] = {}
        self._busy: dict[str, float] = {}
        self._bmc_turns: dict[str, threading.BoundedSemaphore] = {}
        self.hosts: tuple[Subject[Any, Any], ...] = ()
        self.clusters: tuple[Subject[Any, Any], ...] = ()
        self._close: list[Callable[[], None]] = [self._stop_logging, self.store.close]

    # -- subjects

    @property
    def subjects(self) -> tuple[Subject[Any, Any], ...]:
        """Hosts, then clusters, in the order of the documents."""
        return (*self.hosts, *self.clusters)

    def subject(self, name: str) -> Subject[Any, Any] | None:
        """A host, or a cluster as "cluster/NAME", or by its name alone where no host has it."""
        named = {s.name: s for s in self.subjects}
        return named.get(name) or named.get(f"cluster/{name}")

    def wanted(self, name: str) -> dict[str, Any]:
        """What the documents ask of a subject, as plain data without secrets."""
        subject = self.subject(name)
        value = asdict(subject.want) if subject else {}
        value.get("profile", {}).get("bios", {}).pop("rules", None)
        return value

    def survey(self, only: Sequence[str] = ()) -> SiteSurvey:
        """Look at everything (or at the subjects named, and what they depend on) without acting."""
        hosts, clusters = self.hosts, self.clusters
        if only:
            clusters = tuple(c for c in clusters if c.name in only)
            needed = {m.host for c in clusters for m in (*c.want.masters, *c.want.workers)} | set(only)
            hosts = tuple(h for h in hosts if h.name in needed)
        took = {s.name: self.took(s.name) for s in self.subjects}
        return survey_site(hosts, clusters, took, self._surveyed, self.site.settings.concurrency.hosts)

    def _surveyed(self, name: str, survey: Survey[Any, Any]) -> None:
        unmet = next((j for j in survey.judged if not isinstance(j.verdict, Met)), None)
        self._members[name] = MemberFacts(unmet is None, "", unmet.requirement.condition if unmet else "")
        now = time.time()
        if unmet is None:
            for judged in survey.judged:
                self.store.note(name, judged.requirement.condition, *describe(judged.verdict), now)

    def took(self, name: str) -> dict[str, float]:
        """Seconds per condition, learned from this subject's earlier runs."""
        return durations(self.store.events(name))

    def busy(self, name: str) -> float | None:
        """Seconds that the last apply of this process spent on a subject while not waiting."""
        return self._busy.get(name)

    def members(self, want: ClusterWant, pinned: bool = True) -> dict[str, MemberFacts]:
        """How far the hosts behind a cluster's labels are; pinned = with their SSH host keys."""
        found: dict[str, MemberFacts] = {}
        for member in (*want.masters, *want.workers):
            subject = self.subject(member.host)
            if subject is not None:
                seen = self._members.get(member.host, MemberFacts(False, "", "not looked at yet"))
                host_key = self._host_key(member.host).public if pinned else ""
                found[member.label] = replace(seen, address=subject.world.address, host_key=host_key)
        return found

    # -- one apply

    def alone(self) -> AbstractContextManager[None]:
        """Hold the site against another apply; raises Locked."""
        return only_one(self.state / "lock")

    def accept_replaced(self, hosts: Sequence[str]) -> None:
        """A person says that these hosts are other machines on purpose: what was remembered and agreed is void."""
        for name in hosts:
            if self.subject(name) is None:
                raise Refused(f"no host {name} in the documents", "see the names with `bpa status`")
            self.store.remember(name, replace(self.store.memory(name), identity="", in_service=False))
            self.store.withdraw(name)

    def consent(self, name: str) -> Consent | None:
        """The consent for a host, unless the documents have changed since it was given."""
        found = self.store.consent(name)
        return found if found is not None and found.documents == self._digest(name) else None

    def _digest(self, name: str) -> str:
        return hashlib.sha256(json.dumps(self.wanted(name), sort_keys=True, default=str).encode()).hexdigest()

    def consented(self, plan: SubjectPlan) -> bool:
        """Whether all that a plan destroys has been agreed to for this machine before."""
        consent = self.consent(plan.name)
        return consent is not None and all(consent.allows(plan.identity, lost) for lost in plan.destroys)

    def remember_planned(self, plan: SubjectPlan, everything: bool, agreed: bool) -> None:
        """Tie what is about to be done to the machine that was planned."""
        memory = self.store.memory(plan.name)
        if plan.identity and not memory.identity:
            self.store.remember(plan.name, replace(memory, identity=plan.identity))
        identity = plan.identity or self._documented(plan.name)
        if identity and ((plan.unseen and everything) or (plan.destroys and (everything or agreed))):
            covers = ("*",) if everything else plan.destroys
            self.store.grant(plan.name, Consent(identity, covers, self._digest(plan.name)), time.time())

    def _documented(self, name: str) -> str:
        """The identity to tie a consent to when a machine does not answer: only if its documents name it."""
        host = self.site.host(name)
        return DOCUMENTED if host is not None and (host.want.serial or host.want.uuid) else ""

    def fleet(self, watch: Watch, disrupt: Sequence[str]) -> Fleet:
        """The fleet that drives this site's subjects; failed work of an earlier run is asked for again."""
        for host in self.hosts:
            if self.store.memory(host.name).stuck:
                with suppress(AdapterError):
                    host.world.acknowledge()
        for cluster in self.clusters:
            if self.store.memory(cluster.name).stuck:
                cluster.world.acknowledge()

        def permissions(name: str) -> Permissions:
            return Permissions(self.consent(name), name in disrupt)

        def note(name: str, outcome: Outcome) -> None:
            stuck_at = outcome.last.name if outcome.stuck else ""
            self._members[name] = MemberFacts(outcome.done, "", stuck_at, stuck=outcome.stuck)
            watch(name, outcome)

        workers = self.site.settings.concurrency.hosts + len(self.clusters)
        return Fleet(self.store, permissions, note, uuid.uuid4().hex[:8], workers)

    def news(self, name: str) -> tuple[str, ...]:
        """What the installer of a cluster has written since the last call; () for hosts."""
        world = next((c.world for c in self.clusters if c.name == name), None)
        return world.news() if isinstance(world, ClusterWorld) else ()

    def finish(self, fleet: Fleet) -> None:
        """After a drive: used-up consents go, and the members of a finished cluster are in service."""
        self._busy = fleet.busy
        for host in self.hosts:
            outcome = fleet.outcomes.get(host.name)
            if outcome is not None and outcome.done:
                self.store.withdraw(host.name)
        for cluster in self.clusters:
            outcome = fleet.outcomes.get(cluster.name)
            if outcome is not None and outcome.done:
                for member in (*cluster.want.masters, *cluster.want.workers):
                    self.store.remember(member.host, replace(self.store.memory(member.host), in_service=True))

    def close(self) -> None:
        """Log out everywhere; every part is tried."""
        for subject in self.subjects:
            subject.world.close()
        for close in reversed(self._close):
            close()

    def _stop_logging(self) -> None:
        logging.getLogger().removeHandler(self._log)
        self._log.close()

    # -- adapters

    def wire(self) -> None:
        """Make the adapters of every subject; nothing is contacted yet."""
        settings = self.site.settings
        nodes: ExternalNodes | EmbeddedNodes
        if isinstance(settings.ironic, EmbeddedIronicSettings):
            database = self.state / "ironic" / "ironic.sqlite"
            nodes = EmbeddedNodes(self.embedded_ironic, database.exists(), self._expected)
        else:
            nodes = ExternalNodes(_endpoint(settings.ironic), self._expected)
        self._close.append(nodes.close)
        self.hosts = tuple(
            Subject(h.want.name, h.want, HOST, HostWorld(
                h.want, _opener(h, self._bmc_access), self._turns(h.want.bmc), nodes,
                _bind(self._node_spec, h), _bind(self._config_drive, h), _bind(self._open_ssh, h)))
            for h in self.site.hosts if h.online)
        kud = Kud(settings.kud.installer, settings.kud.directory, user=settings.ssh.user, key=self._key_path())
        self.clusters = tuple(
            Subject(f"cluster/{c.name}", c, CLUSTER, ClusterWorld(c, kud, _bind(self.members, c))) for c in self.site.clusters)

    def simulate(self) -> None:
        """Make every subject one in memory, as new from the factory; nothing outside is ever contacted."""
        installer = str(self.site.settings.kud.installer or "")
        self.hosts = tuple(
            Subject(h.want.name, h.want, HOST, as_new(h.want, number, time.time))
            for number, h in enumerate(self.site.hosts, start=1))
        self.clusters = tuple(
            Subject(f"cluster/{c.name}", c, CLUSTER,
                    SimulatedCluster(c, partial(self.members, c, pinned=False), time.time, installer))
            for c in self.site.clusters)

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
        serve = {path.name: path for path in sorted(directory.iterdir()) if path.is_file()} if directory else {}
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

    def _bmc_access(self, host: HostDocument) -> BmcAccess:
        want = host.want
        return BmcAccess(want.bmc, host.bmc_username.reveal(), host.bmc_password, self._verify(host), want.system,
                         want.uuid, want.serial, want.boot_mac)

    def _verify(self, host: HostDocument) -> bool | str:
        ca = self.site.settings.bmc_ca
        return False if not host.verify else str(ca) if ca else True

    def _expected(self, name: str) -> NodeSpec | None:
        host = self.site.host(name)
        return self._node_spec(host) if host else None

    def _node_spec(self, host: HostDocument) -> NodeSpec:
        want, images = host.want, self.site.settings.images
        return NodeSpec(
            name=want.name, bmc_address=want.bmc, username=host.bmc_username.reveal(), password=host.bmc_password,
            boot_mac=want.boot_mac, system=want.system, verify=self._verify(host), root_device=want.root_device,
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
def open_site(source: str | None, *, simulate: bool = False) -> Iterator[Wired]:
    """Read the documents, enter the site's network namespace, and wire everything; closed at the end, whatever happens.

    Raises DocumentErrors, Refused (no site), LabError (no such namespace). simulate gives machines in memory.
    """
    place_of = place.find_site(source)
    site = documents.load("-" if place_of == "-" else Path(place_of))
    site = _with_lab(site, simulate)
    site = replace(site, hosts=tuple(replace(h, want=replace(h.want, hostname=h.hostname)) for h in site.hosts))
    with ExitStack() as stack:
        # What is simulated must leave no trace in what is known of the real machines.
        state = Path(stack.enter_context(TemporaryDirectory(prefix="bpa-"))) if simulate \
            else place.state_directory(site.name, place_of)
        wired = Wired(site, state)
        stack.callback(wired.close)
        if simulate:
            wired.simulate()
        else:
            wired.wire()
        yield wired


def forget_lab_site() -> None:
    """Stop what runs for the lab's own site and remove its state: the lab's machines are about to be gone."""
    lab = Layout.default().site
    for state in place.states_of(str(lab)):
        EmbeddedIronic(state / "ironic", "127.0.0.1").stop()
        shutil.rmtree(state)


def _with_lab(site: Site, simulate: bool) -> Site:
    """Enter the namespace that the site names, or that of the running lab if the site's BMCs are in it."""
    settings, notes = site.settings, site.notes
    lab = None if simulate else namespace.lab_of(urlsplit(h.want.bmc).hostname or "" for h in site.hosts)
    if lab is not None and settings.namespace is None:
        settings = replace(settings, namespace=lab.namespace, bmc_ca=settings.bmc_ca or lab.ca)
        notes = (*notes, f"the BMCs are in the lab's network: working in network namespace {lab.namespace}")
    if settings.namespace is not None and not simulate:
        namespace.enter(settings.namespace)
    return replace(site, settings=settings, notes=notes)


def _opener(host: HostDocument, access: Callable[[HostDocument], BmcAccess]) -> Callable[[], Bmc]:
    return lambda: Bmc(access(host))


def _bind(function: Callable[..., Any], first: Any) -> Callable[..., Any]:
    return lambda *rest: function(first, *rest)


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


