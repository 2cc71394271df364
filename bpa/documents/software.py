"""Software documents: the packages that ICN installed on masters and workers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bpa.core.want import Package, SoftwareNeeds
from bpa.documents.clusters import Claim, ClusterDraft
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError
from bpa.documents.packages import merged, read_packages
from bpa.documents.site import SoftwareWant


def read_software(document: Document) -> tuple[SoftwareWant, tuple[DocumentError, ...]]:
    """A Software as check_schema leaves it: each item a name, or `{name: {version: X}}`."""
    problems: list[DocumentError] = []
    want = SoftwareWant(
        document.name,
        document.label("cluster") or "",
        read_packages(document, ("spec", "masterSoftware"), problems),
        read_packages(document, ("spec", "workerSoftware"), problems),
    )
    return want, tuple(problems)


def needs_of(
    host: Document, profile: SoftwareNeeds, cluster: ClusterDraft | None, claim: Claim | None, software: Iterable[SoftwareWant]
) -> tuple[SoftwareNeeds, tuple[DocumentError, ...]]:
    """What a host needs by its profile and by the Software of its cluster: a host of both roles gets both lists."""
    lists: list[tuple[Package, ...]] = [profile.packages]
    if cluster is not None and claim is not None:
        label = claim.member.label
        for one in software:
            if one.cluster == cluster.want.name:
                lists += [one.masters] * any(member.label == label for member in cluster.want.masters)
                lists += [one.workers] * any(member.label == label for member in cluster.want.workers)
    packages, contradictions = merged(lists)
    problems = tuple(
        host.error(("metadata", "name"), f"{host.title} is to have {one.name} {one.version} and {other.version}",
                   "one version of each package in its profile and the Software of its cluster")
        for one, other in contradictions)
    return replace(profile, packages=packages), problems
