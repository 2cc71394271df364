"""From files to a Site, or to everything that is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from bpa.core.secret import Secret
from bpa.core.want import HostWant, Minimum, Profile
from bpa.documents import errors
from bpa.documents.clusters import Claim, ClusterDraft, Hosts, read_cluster
from bpa.documents.cross_checks import between_clusters, between_documents, between_hosts
from bpa.documents.document import Document, judge_kind, nearest, open_document
from bpa.documents.errors import DocumentError, DocumentErrors
from bpa.documents.hosts import PROFILE, HostDraft, macs_of, read_host
from bpa.documents.profiles import builtin_directory, read_profile
from bpa.documents.reading import SourceFile, read_sources
from bpa.documents.schema import check_schema
from bpa.documents.secrets import SecretDocument, open_to_others, read_secret
from bpa.documents.settings import read_settings
from bpa.documents.site import HostDocument, Site, SiteSettings, SoftwareWant
from bpa.documents.software import read_software
from bpa.documents.tree import parse_stream

DEFAULT_PROFILE = "minimal"


def load(source: Path | str, profiles: Path | None = None, environment: Mapping[str, str] | None = None) -> Site:
    """Read a site: a directory, a file, or `-` for standard input.

    profiles is the directory of HardwareProfiles that every site may name (None = those of BPA); environment is what
    Secrets may refer to (None = this process's). Raises DocumentErrors with every error there is, never the first only.
    """
    loader = _Loader(os.environ if environment is None else environment)
    loader.take(source)
    loader.take_builtin(builtin_directory() if profiles is None else profiles)
    return loader.site(source)


class _Loader:
    """Collects documents, then reads them kind by kind in the order in which they need each other."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[DocumentError] = []
        self._notes: list[str] = []
        self._documents: list[Document] = []
        self._sound: set[int] = set()
        self._builtin: dict[str, Profile] = {}
        self._profiles: dict[tuple[str, str], Profile | None] = {}
        self._secrets: dict[tuple[str, str], SecretDocument | None] = {}
        # Something could not be read at all, so what is missing may well be in there.
        self._complete = True

    def take(self, source: Path | str) -> None:
        for document in self._open(read_sources(source)):
            judged = judge_kind(document)
            if isinstance(judged, DocumentError):
                self._problems.append(judged)
                self._complete = False
            elif judged:
                self._notes.append(judged)
            else:
                self._documents.append(document)
        for document in self._documents:
            problems = check_schema(document)
            self._problems.extend(problems)
            if not problems:
                self._sound.add(id(document))
        self._problems.extend(between_documents(self._documents))

    def _open(self, sources: Iterable[SourceFile | DocumentError]) -> Iterable[Document]:
        for source in sources:
            if isinstance(source, DocumentError):
                self._fail(source)
                continue
            trees, broken = parse_stream(source.text, source.name)
            for error in broken:
                self._fail(error)
            for tree in trees:
                for found in open_document(source.name, source.folder, tree):
                    if isinstance(found, DocumentError):
                        self._fail(found)
                    else:
                        yield found

    def _fail(self, error: DocumentError) -> None:
        self._problems.append(error)
        self._complete = False

    def take_builtin(self, directory: Path) -> None:
        """Profiles a site may name without defining them. Broken ones are errors: they are part of the product."""
        if not directory.is_dir():
            self._fail(DocumentError(str(directory), 0, 0, "", "there is no directory of profiles", "BPA's profiles/"))
            return
        for document in self._open(read_sources(directory)):
            problems = check_schema(document) if document.kind == "HardwareProfile" else ()
            if document.kind == "HardwareProfile" and not problems:
                self._builtin[document.name], problems = read_profile(document)
            self._problems.extend(problems)

    def _of(self, kind: str, sound: bool = True) -> list[Document]:
        return [
            document
            for document in self._documents
            if document.kind == kind and (not sound or id(document) in self._sound)
        ]

    def site(self, source: Path | str) -> Site:
        self._read_secrets()
        self._read_profiles()
        settings, name = self._settings(source)
        drafts = self._read_hosts()
        clusters = self._read_clusters(drafts)
        software = self._read_software(clusters)
        hosts = tuple(self._host(draft, clusters) for draft in drafts)
        self._problems.extend(between_hosts(drafts))
        if not self._of("BareMetalHost", sound=False) and not self._problems:
            self._fail(
                DocumentError(
                    str(source),
                    0,
                    0,
                    "",
                    "there is no BareMetalHost in these documents",
                    "at least one BareMetalHost",
                )
            )
        for kind in ("Tenant", "HostProvisioning"):
            for document in self._of(kind):
                what = "written by BPA, not read" if kind == "HostProvisioning" else "read, but not performed yet"
                self._notes.append(f"{document.place()}: {document.title} is {what}")
        if self._problems:
            raise DocumentErrors(self._problems)
        return Site(name, hosts, tuple(cluster.want for cluster in clusters), settings, software, tuple(self._notes))

    def _read_secrets(self) -> None:
        for document in self._of("Secret", sound=False):
            self._secrets[document.key] = None
        for document in self._of("Secret"):
            self._secrets[document.key], problems = read_secret(document, self._environment)
            self._problems.extend(problems)
            self._notes.extend(f"{document.place()}: {note}" for note in open_to_others(document))

    def _secret_value(self, document: Document, path: errors.Path, name: str, keys: tuple[str, ...]) -> Secret | None:
        namespace = document.text(*path, "namespace") or document.namespace
        if (namespace, name) not in self._secrets:
            if self._complete:
                known = {known for space, known in self._secrets if space == namespace}
                elsewhere = [space for space, known in self._secrets if known == name]
                where = f"namespace: {elsewhere[0]}" if elsewhere else nearest(name, known, 0.75)
                shown = errors.shortened(name)
                self._problems.append(
                    document.error(
                        path,
                        f"there is no Secret {shown} in namespace {namespace}",
                        "a Secret in these documents",
                        where,
                    )
                )
            return None
        secret = self._secrets[namespace, name]
        if secret is None:
            return None
        value = next((secret.values[key] for key in keys if key in secret.values), None)
        near = nearest(keys[0], set(secret.values))
        if value is None and not secret.broken.intersection(keys):
            self._problems.append(
                document.error(
                    path,
                    f"Secret {errors.shortened(name)} ({secret.document.place()}) has no key {keys[0]}",
                    keys[0],
                    f"{keys[0]} instead of {near}" if near else "",
                )
            )
        elif value is not None and not value.reveal() and keys[0] in ("username", "password"):
            self._problems.append(
                document.error(path, f"{keys[0]} in Secret {errors.shortened(name)} is empty", keys[0])
            )
        return value

    def _read_profiles(self) -> None:
        for document in self._of("HardwareProfile", sound=False):
            self._profiles[document.key] = None
        for document in self._of("HardwareProfile"):
            self._profiles[document.key], problems = read_profile(document)
            self._problems.extend(problems)

    def _profile(self, name: str, namespace: str) -> Profile | None:
        """A profile of the namespace, of any namespace, or of BPA. KeyError when there is none; None = it is broken."""
        if (namespace, name) in self._profiles:
            return self._profiles[namespace, name]
        for (_, known), profile in sorted(self._profiles.items(), key=lambda item: item[0]):
            if known == name:
                return profile
        return self._builtin[name]

    def _settings(self, source: Path | str) -> tuple[SiteSettings, str]:
        sites = self._of("Site", sound=False)
        for other in sites[1:]:
            self._problems.append(
                other.error(("kind",), f"a second Site (the first is {sites[0].place()})", "one Site")
            )
        stem = "stdin" if str(source) == "-" else Path(source).absolute().stem or "site"
        name = sites[0].name if sites and sites[0].name else stem
        if not sites or id(sites[0]) not in self._sound:
            return SiteSettings(), name
        settings, problems = read_settings(sites[0], self._secret_value)
        self._problems.extend(problems)
        return settings, name

    def _read_hosts(self) -> list[HostDraft]:
        drafts = []
        for document in self._of("BareMetalHost"):
            draft, problems = read_host(document, self._secret_value)
            self._problems.extend(problems)
            drafts.append(draft)
        return drafts

    def _read_clusters(self, drafts: list[HostDraft]) -> list[ClusterDraft]:
        documents = self._of("BareMetalHost", sound=False)
        by_mac: dict[str, list[Document]] = {}
        more = {id(draft.document): draft.macs for draft in drafts}
        for document in documents:
            for mac in more.get(id(document), macs_of(document)):
                by_mac.setdefault(mac, []).append(document)
        hosts = Hosts(by_mac, {document.name: document for document in documents}, self._complete)
        clusters = []
        for document in self._of("Provisioning"):
            cluster, problems = read_cluster(document, hosts)
            self._problems.extend(problems)
            self._notes.extend(cluster.notes)
            clusters.append(cluster)
        self._problems.extend(between_clusters(clusters))
        return clusters

    def _read_software(self, clusters: list[ClusterDraft]) -> tuple[SoftwareWant, ...]:
        wants = []
        for document in self._of("Software"):
            want, problems = read_software(document)
            self._problems.extend(problems)
            self._notes.append(f"{document.place()}: Software {document.name} is read, but not performed yet")
            if want.cluster and want.cluster not in {cluster.want.name for cluster in clusters}:
                self._notes.append(
                    f"{document.place()}: Software {document.name} is for cluster {want.cluster}, "
                    "which is not in these documents"
                )
            wants.append(want)
        return tuple(wants)

    def _host(self, draft: HostDraft, clusters: list[ClusterDraft]) -> HostDocument:
        document = draft.document
        cluster, claim = _membership(document, clusters)
        profile = self._profile_of(draft, cluster)
        if claim is not None:
            profile = replace(profile, minimum=_larger(profile.minimum, claim.minimum))
            self._unmet_wishes(claim, profile)
        image = draft.image
        if image is None and cluster is not None and not document.get("spec", "externallyProvisioned"):
            image = cluster.image if not document.get("spec", "image") else None
        if image is None:
            self._notes.append(f"{document.place()}: {document.name} has no image: its disk is left alone")
        want = HostWant(
            name=document.name,
            bmc=draft.bmc.url,
            boot_mac=draft.boot_mac,
            image=image,
            profile=profile,
            system=draft.bmc.system,
            serial=draft.serial,
            uuid=draft.uuid,
            root_device=draft.root_device,
            node_ip=draft.node_ip,
            namespace=document.namespace,
        )
        network = draft.network_data
        return HostDocument(
            want=want,
            bmc_username=draft.username,
            bmc_password=draft.password,
            verify=draft.verify,
            online=draft.online,
            hostname=claim.member.label if claim else document.name,
            file=document.file,
            line=document.mark.line,
            cluster=cluster.want.name if cluster else "",
            user_data=draft.user_data,
            network_data=network.data if network else None,
            meta_data=draft.meta_data,
            addresses=network.addresses if network else (),
            document=document.body,
        )

    def _profile_of(self, draft: HostDraft, cluster: ClusterDraft | None) -> Profile:
        """The profile of a host: its annotation, its cluster's, Metal3's hardwareProfile where BPA has it, minimal."""
        document = draft.document
        said = document.annotation(PROFILE)
        if said is not None:
            return self._named(said, document, ("metadata", "annotations", PROFILE), document.namespace)
        if cluster is not None and cluster.profile is not None:
            return self._named(cluster.profile, cluster.document, ("spec", "profile"), document.namespace)
        # Metal3's own names there ("unknown", "libvirt") are no profiles of BPA and mean nothing.
        for name in (document.text("spec", "hardwareProfile"), DEFAULT_PROFILE):
            if name is not None and self._is_profile(name):
                return self._profile(name, document.namespace) or Profile(name)
        return Profile()

    def _is_profile(self, name: str) -> bool:
        return name in self._builtin or any(known == name for _, known in self._profiles)

    def _named(self, name: str, document: Document, path: errors.Path, namespace: str) -> Profile:
        try:
            return self._profile(name, namespace) or Profile(name)
        except KeyError:
            known = {*self._builtin, *(known for _, known in self._profiles)}
            if self._complete:
                self._problems.append(
                    document.error(
                        path,
                        f"there is no HardwareProfile {errors.shortened(name)}",
                        "one of " + ", ".join(sorted(known)),
                        nearest(name, known),
                    )
                )
            return Profile(name)

    def _unmet_wishes(self, claim: Claim, profile: Profile) -> None:
        for wanted, what, field in ((claim.sriov, "SR-IOV", "sriov"), (claim.qat, "QAT", "qat")):
            if wanted and not any(vf.what == what for vf in profile.vfs):
                self._notes.append(
                    f"{claim.host.place()}: {claim.member.label} is to have {what}, but its profile "
                    f"{profile.name} has no section {field}: nothing is set up for it"
                )


def _membership(document: Document, clusters: list[ClusterDraft]) -> tuple[ClusterDraft | None, Claim | None]:
    for cluster in clusters:
        for claim in cluster.claims:
            if claim.host is document:
                return cluster, claim
    return None, None


def _larger(one: Minimum, other: Minimum) -> Minimum:
    return Minimum(max(one.cpus, other.cpus), max(one.memory, other.memory), max(one.disk, other.disk))
