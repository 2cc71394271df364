"""From files to a Site, or to everything that is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bpa.core.want import HostWant, Profile
from bpa.documents.clusters import Claim, ClusterDraft, Hosts, read_cluster
from bpa.documents.cross_checks import between_clusters, between_documents, between_hosts
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError, DocumentErrors
from bpa.documents.gathering import Findings, gather
from bpa.documents.hosts import PROFILE, HostDraft, read_host
from bpa.documents.lookup import Profiles, Secrets
from bpa.documents.profiles import builtin_directory
from bpa.documents.settings import read_settings
from bpa.documents.site import HostDocument, Site, SiteSettings, SoftwareWant
from bpa.documents.slips import host_slips, plugin_slips
from bpa.documents.software import needs_of, read_software

DEFAULT_PROFILE = "minimal"


def load(source: Path | str, profiles: Path | None = None, environment: Mapping[str, str] | None = None) -> Site:
    """Read a site: a directory, a file, or `-` for standard input.

    profiles is the directory of HardwareProfiles that every site may name (None = those of BPA); environment is what
    Secrets may refer to (None = this process's). Raises DocumentErrors with every error there is, never the first only.
    """
    findings = Findings()
    documents = gather(source, findings)
    assembly = _Assembly(documents, findings)
    site = assembly.site(
        source,
        builtin_directory() if profiles is None else profiles,
        os.environ if environment is None else environment,
    )
    if findings.problems:
        raise DocumentErrors(findings.problems)
    return site


class _Assembly:
    """Reads documents kind by kind, in the order in which they need each other."""

    def __init__(self, documents: Sequence[Document], findings: Findings) -> None:
        self._documents = documents
        self._findings = findings

    def _of(self, kind: str) -> list[Document]:
        return [document for document in self._documents if document.kind == kind]

    def site(self, source: Path | str, builtin: Path, environment: Mapping[str, str]) -> Site:
        findings = self._findings
        findings.problems.extend(between_documents(self._documents))
        secrets = Secrets(self._of("Secret"), environment, findings)
        profiles = Profiles(self._of("HardwareProfile"), builtin, findings)
        settings, name = self._settings(source, secrets)
        drafts = self._hosts(secrets)
        findings.problems.extend(between_hosts(drafts))
        clusters = self._clusters(drafts)
        software = self._software(clusters)
        hosts = tuple(self._host(draft, clusters, profiles, software) for draft in drafts)
        if not hosts and not findings.problems:
            findings.fail(self._nothing(source))
        for document in self._of("Tenant"):
            self._note(document, f"{document.title} is read, but not performed yet")
        for document in self._of("HostProvisioning"):
            self._note(document, f"{document.title} is written by BPA, not read")
        wants = tuple(
            replace(cluster.want, profiles={
                host.hostname: host.want.profile for host in hosts if host.cluster == cluster.want.name})
            for cluster in clusters)
        return Site(name, hosts, wants, settings, software, tuple(findings.notes))

    def _nothing(self, source: Path | str) -> DocumentError:
        name = "<stdin>" if str(source) == "-" else str(source)
        message = "there is no BareMetalHost in these documents"
        if not self._documents and not self._findings.notes:
            # `.` tells nobody which directory it was.
            directory = name != "<stdin>" and Path(source).is_dir()
            message = f"no *.yaml in directory {Path(source).absolute().name} has a document" if directory else "this is empty"
        return DocumentError(name, 0, 0, "", message, "at least one BareMetalHost")

    def _note(self, document: Document, text: str) -> None:
        self._findings.notes.append(f"{document.place()}: {text}")

    def _settings(self, source: Path | str, secrets: Secrets) -> tuple[SiteSettings, str]:
        sites = self._of("Site")
        if not sites:
            return SiteSettings(), "stdin" if str(source) == "-" else Path(source).absolute().stem or "site"
        first, *others = sites
        for other in others:
            self._findings.add(other, [other.error(("kind",), f"a second Site (the first is {first.place()})", "one Site")])
        settings, problems = read_settings(first, secrets.value)
        self._findings.add(first, problems)
        return settings, first.name

    def _hosts(self, secrets: Secrets) -> list[HostDraft]:
        drafts = []
        for document in self._of("BareMetalHost"):
            draft, problems = read_host(document, secrets.value)
            self._findings.add(document, problems)
            self._findings.notes.extend(host_slips(document))
            drafts.append(draft)
        return drafts

    def _clusters(self, drafts: Sequence[HostDraft]) -> list[ClusterDraft]:
        by_mac: dict[str, list[Document]] = {}
        for draft in drafts:
            for mac in draft.macs:
                by_mac.setdefault(mac, []).append(draft.document)
        complete = self._findings.complete and all(draft.boot_mac for draft in drafts)
        hosts = Hosts(by_mac, {draft.document.name: draft.document for draft in drafts}, complete)
        clusters = []
        for document in self._of("Provisioning"):
            cluster, problems = read_cluster(document, hosts)
            self._findings.add(document, problems)
            self._findings.notes.extend((*cluster.notes, *plugin_slips(document)))
            clusters.append(cluster)
        self._findings.problems.extend(between_clusters(clusters))
        return clusters

    def _software(self, clusters: Sequence[ClusterDraft]) -> tuple[SoftwareWant, ...]:
        wants = []
        for document in self._of("Software"):
            want, problems = read_software(document)
            self._findings.add(document, problems)
            if not want.cluster:
                self._note(document, f"{document.title} has no label cluster: nothing of it is installed")
            elif want.cluster not in {cluster.want.name for cluster in clusters}:
                self._note(document, f"{document.title} is for cluster {want.cluster}, which is not in these documents")
            wants.append(want)
        return tuple(wants)

    def _host(
        self, draft: HostDraft, clusters: Sequence[ClusterDraft], profiles: Profiles, software: Sequence[SoftwareWant]
    ) -> HostDocument:
        document = draft.document
        cluster, claim = _membership(document, clusters)
        profile = _profile(document, cluster, profiles)
        if claim is not None:
            profile = replace(profile, minimum=profile.minimum.larger(claim.minimum))
            self._note_unmet_wishes(claim, profile)
        needs, problems = needs_of(document, profile.software, cluster, claim, software)
        self._findings.add(document, problems)
        profile = replace(profile, software=needs)
        image = draft.image
        if cluster is not None and not document.get("spec", "image") and not document.get("spec", "externallyProvisioned"):
            image = cluster.image
        if image is None:
            self._note(document, f"{document.title} has no image: its disk is left alone")
        elif not draft.root_device:
            self._note(document, f"{document.title} has no root device hint: the smallest disk of at least 4 GiB is taken")
        hostname = claim.member.label if claim else document.name
        want = HostWant(
            name=document.name, bmc=draft.bmc.url, boot_mac=draft.boot_mac, image=image, profile=profile,
            system=draft.bmc.system, serial=draft.serial, uuid=draft.uuid, root_device=draft.root_device,
            node_ip=draft.node_ip, namespace=document.namespace, hostname=hostname,
        )  # fmt: skip
        network = draft.network_data
        return HostDocument(
            want=want, bmc_username=draft.username, bmc_password=draft.password, verify=draft.verify,
            online=draft.online, hostname=hostname, file=document.file, line=document.mark.line,
            cluster=cluster.want.name if cluster else "", user_data=draft.user_data,
            network_data=network.data if network else None, meta_data=draft.meta_data,
            addresses=network.addresses if network else (), document=document.body,
        )  # fmt: skip

    def _note_unmet_wishes(self, claim: Claim, profile: Profile) -> None:
        for wanted, what, field in ((claim.sriov, "SR-IOV", "sriov"), (claim.qat, "QAT", "qat")):
            if wanted and not any(vf.what == what for vf in profile.vfs):
                self._note(
                    claim.host,
                    f"{claim.member.label} is to have {what}, but its profile {profile.name} has no "
                    f"section {field}: nothing is set up for it",
                )


def _profile(document: Document, cluster: ClusterDraft | None, profiles: Profiles) -> Profile:
    """The profile of a host: its annotation, its cluster's, Metal3's hardwareProfile where BPA has it, minimal."""
    said = document.annotation(PROFILE)
    if said is not None:
        return profiles.named(said, document.namespace, document, ("metadata", "annotations", PROFILE))
    if cluster is not None and cluster.profile is not None:
        return profiles.named(cluster.profile, document.namespace, cluster.document, ("spec", "profile"))
    # Metal3's own names there ("unknown", "libvirt") are no profiles of BPA and mean nothing.
    metal3 = profiles.find(document.text("spec", "hardwareProfile") or "", document.namespace)
    return metal3 or profiles.find(DEFAULT_PROFILE, document.namespace) or Profile()


def _membership(document: Document, clusters: Sequence[ClusterDraft]) -> tuple[ClusterDraft | None, Claim | None]:
    for cluster in clusters:
        for claim in cluster.claims:
            if claim.host is document:
                return cluster, claim
    return None, None
