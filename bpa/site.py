"""An open site: its documents and its state, and what a person has agreed to be done with it."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from bpa.adapters.errors import AdapterError
from bpa.adapters.store import StateError, Store, only_one
from bpa.core.drift import Drift, compare, look_of
from bpa.core.facts import Facts, MemberFacts
from bpa.core.guards import DOCUMENTED, Consent, Permissions
from bpa.core.history import durations
from bpa.core.host import OWNED
from bpa.core.in_service import Drain
from bpa.core.plan import SubjectPlan, documents_digest
from bpa.core.verdict import Met
from bpa.core.want import ClusterWant
from bpa.documents.site import Site
from bpa.engine import Outcome, Subject, Survey
from bpa.fleet import Fleet, Watch, describe
from bpa.survey import SiteSurvey, survey_site
from bpa.worlds import ClusterWorld


class OpenSite:
    """An open site: its documents, its state, and every host and cluster as a subject of the engine.

    hosts, clusters and host_key (name of a host -> its pinned public SSH key, "" = none) are filled in by bpa.wiring;
    looked: name -> when it was last looked at; taken: when the file was, where the facts are from one (None = they are not).
    on_close is called at the end, last first.
    """

    def __init__(self, site: Site, state: Path) -> None:
        self.site, self.state, self.name = site, state, site.name
        self.notes = (*site.notes, *(f"{h.want.name} has online: false and is left alone" for h in site.hosts if not h.online))
        if site.settings.kud.installer is None:
            self.notes += tuple(f"cluster {c.name} gets KuD's files and is not installed: the Site names no spec.kud.installer"
                                for c in site.clusters)
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
        self._serving: set[str] = set()
        self._drift: dict[str, dict[str, Drift]] = {}
        self.looked: dict[str, float] = {}
        self.taken: float | None = None
        self.hosts: tuple[Subject[Any, Any], ...] = ()
        self.clusters: tuple[Subject[Any, Any], ...] = ()
        self.host_key: Callable[[str], str] = lambda name: ""
        self.on_close: list[Callable[[], None]] = [self._stop_logging, self.store.close]

    # -- subjects

    @property
    def subjects(self) -> tuple[Subject[Any, Any], ...]:
        """Hosts, then clusters, in the order of the documents."""
        return (*self.hosts, *self.clusters)

    def subject(self, name: str) -> Subject[Any, Any] | None:
        """A host, or a cluster as "cluster/NAME", or by its name alone where no host has it."""
        named = {s.name: s for s in self.subjects}
        return named.get(name) or named.get(f"cluster/{name}")

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
        if isinstance(survey.have, Facts) and survey.have.service is not None and survey.have.service.serving:
            self._serving.add(name)
        now = time.time()
        self.looked[name] = self.taken or now
        if unmet is None:
            for judged in survey.judged:
                self.store.note(name, judged.requirement.condition, *describe(judged.verdict), now)
        self._compare(name, survey, now)

    def _compare(self, name: str, survey: Survey[Any, Any], now: float, accept: bool = False) -> None:
        """Tell what drifted since it was last seen met, and remember what is met now."""
        subject = self.subject(name)
        if subject is None:
            return
        look = look_of(survey.have, documents_digest(subject.want), now)
        told = [(j.requirement.condition, isinstance(j.verdict, Met), describe(j.verdict)[1]) for j in survey.judged
                if j.requirement.needs not in survey.unseen and (j.requirement.needs != "os" or look.running)]
        drifts, seen = compare(self.store.seen(name), told, look, OWNED, accept)
        if not accept:
            self._drift[name] = drifts
        self.store.see(name, seen)

    def drift(self, name: str) -> dict[str, Drift]:
        """What drifted of a subject by condition, as the last look of this process showed it."""
        return self._drift.get(name, {})

    def take_as_normal(self, survey: SiteSurvey) -> None:
        """What is met is from now on what it is compared with: after people were told, and after an apply."""
        for name, one in survey.surveys.items():
            self._compare(name, one, time.time(), accept=True)

    def took(self, name: str) -> dict[str, float]:
        """Seconds per condition, learned from this subject's earlier runs."""
        return durations(self.store.events(name))

    def busy(self, name: str) -> float | None:
        """Seconds that the last apply of this process spent on a subject while not waiting."""
        return self._busy.get(name)

    def members(self, want: ClusterWant) -> dict[str, MemberFacts]:
        """How far the hosts behind a cluster's labels are."""
        found: dict[str, MemberFacts] = {}
        for member in (*want.masters, *want.workers):
            subject = self.subject(member.host)
            if subject is not None:
                seen = self._members.get(member.host, MemberFacts(False, "", "not looked at yet"))
                found[member.label] = replace(
                    seen, address=subject.world.address, host_key=self.host_key(member.host))
        return found

    # -- one apply

    def alone(self) -> AbstractContextManager[None]:
        """Hold the site against another apply; raises Locked."""
        return only_one(self.state / "lock")

    def accept_replaced(self, hosts: Sequence[str]) -> None:
        """A person says that these hosts are other machines on purpose: what was remembered and agreed is void."""
        for name in hosts:
            self.store.remember(name, replace(self.store.memory(name), identity="", in_service=False))
            self.store.withdraw(name)
            self.store.forget_seen(name)

    def consent(self, name: str) -> Consent | None:
        """The consent for a host, unless the documents have changed since it was given."""
        found = self.store.consent(name)
        subject = self.subject(name)
        same = found is not None and subject is not None and found.documents == documents_digest(subject.want)
        return found if same else None

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
            self.store.grant(plan.name, Consent(identity, covers, plan.documents), time.time())

    def _documented(self, name: str) -> str:
        """The identity to tie a consent to when a machine does not answer: only if its documents name it."""
        host = self.site.host(name)
        return DOCUMENTED if host is not None and (host.want.serial or host.want.uuid) else ""

    def fleet(self, watch: Watch, disrupt: Collection[str], drain: Drain) -> Fleet:
        """The fleet that drives this site's subjects; failed work of an earlier run is asked for again.

        disrupt: the hosts that may be disturbed although they are in service, after a drain as `drain` says.
        """
        for name in self._serving:  # what their cluster has said counts when it cannot be asked later
            self.store.remember(name, replace(self.store.memory(name), in_service=True))
        for host in self.hosts:
            if self.store.memory(host.name).stuck:
                with suppress(AdapterError):
                    host.world.acknowledge()
        for cluster in self.clusters:
            if self.store.memory(cluster.name).stuck:
                cluster.world.acknowledge()

        def permissions(name: str) -> Permissions:
            return Permissions(self.consent(name), name in disrupt, drain)

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
        for close in reversed(self.on_close):
            close()

    def _stop_logging(self) -> None:
        logging.getLogger().removeHandler(self._log)
        self._log.close()
