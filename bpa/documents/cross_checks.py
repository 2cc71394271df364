"""What no document can tell alone: two hosts with one name, MAC, BMC or address; two clusters with one host."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from bpa.documents.clusters import ClusterDraft
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError, Path
from bpa.documents.hosts import NODE_IP, SERIAL, SYSTEM_UUID, HostDraft


def between_documents(documents: Sequence[Document]) -> Iterator[DocumentError]:
    """One name twice. Hosts share one name space whatever their namespace: it is also the name of their Ironic node."""
    seen: dict[Hashable, Document] = {}
    for document in documents:
        if not document.name:
            continue
        key = (document.kind, document.name, "" if document.kind == "BareMetalHost" else document.namespace)
        first = seen.setdefault(key, document)
        if first is not document:
            yield document.error(
                ("metadata", "name"),
                f"{document.title} is also at {first.place('metadata', 'name')}",
                "each name once",
            )


def between_hosts(drafts: Sequence[HostDraft]) -> Iterator[DocumentError]:
    """One MAC, BMC, serial number, UUID or address twice."""
    serial, uuid = ("metadata", "annotations", SERIAL), ("metadata", "annotations", SYSTEM_UUID)
    yield from _twice(drafts, "boot MAC address", lambda draft: [(draft.boot_mac, ("spec", "bootMACAddress"))])
    yield from _twice(drafts, "serial number", lambda draft: [((draft.serial or "").lower(), serial)])
    yield from _twice(drafts, "UUID", lambda draft: [((draft.uuid or "").lower(), uuid)])
    yield from _twice(drafts, "IP address", _addresses)
    yield from _one_bmc(drafts)


def _addresses(draft: HostDraft) -> Iterator[tuple[str, Path]]:
    """The addresses a host is given, with the field that gives them, each once."""
    if draft.document.annotation(NODE_IP) is not None:
        yield draft.node_ip or "", ("metadata", "annotations", NODE_IP)
    path = ("spec", "networkData" if draft.document.get("spec", "networkData") else "preprovisioningNetworkDataName")
    for address in dict.fromkeys(draft.network_data.addresses if draft.network_data else ()):
        if draft.document.annotation(NODE_IP) is None or address != draft.node_ip:
            yield address, path


def _twice(
    drafts: Sequence[HostDraft], what: str, values: Callable[[HostDraft], Iterable[tuple[str, Path]]]
) -> Iterator[DocumentError]:
    seen: dict[str, tuple[HostDraft, Path]] = {}
    for draft in drafts:
        for value, path in values(draft):
            first, place = seen.setdefault(value, (draft, path)) if value else (draft, path)
            if first is not draft:
                yield draft.document.error(path, f"{what} {value} is also {_who(first, place)}", f"each {what} once")


def _one_bmc(drafts: Sequence[HostDraft]) -> Iterator[DocumentError]:
    path: Path = ("spec", "bmc", "address")
    seen: dict[str, list[HostDraft]] = {}
    for draft in drafts:
        others = seen.setdefault(draft.bmc.url, [])
        # Without a System path an address means whatever is behind it, which includes every System that has a path.
        first = next(
            (o for o in others if not o.bmc.system or not draft.bmc.system or o.bmc.system == draft.bmc.system),
            None,
        )
        if first is not None and draft.bmc.url:
            expected = "each System once" if first.bmc.system and draft.bmc.system else "the path of the System in both"
            yield draft.document.error(path, f"this BMC is also {_who(first, path)}", expected)
        others.append(draft)


def _who(draft: HostDraft, path: Path) -> str:
    return f"{draft.document.name}'s ({draft.document.place(*path)})"


def between_clusters(clusters: Sequence[ClusterDraft]) -> Iterator[DocumentError]:
    """Two documents for one cluster, or one host in two clusters."""
    names: dict[str, Document] = {}
    hosts: dict[tuple[str, str], tuple[ClusterDraft, Path]] = {}
    for cluster in clusters:
        document, name = cluster.document, cluster.want.name
        first = names.setdefault(name, document) if name else document
        if first is not document:
            path: Path = ("metadata", "labels", "cluster")
            yield document.error(path, f"cluster {name} is also {first.name}'s ({first.place(*path)})", "each cluster once")
        for claim in cluster.claims:
            owner, place = hosts.setdefault(claim.host.key, (cluster, claim.path))
            if owner is not cluster:
                yield document.error(
                    claim.path,
                    f"host {claim.host.name} is claimed by {owner.document.title} too ({owner.document.place(*place)})",
                    "each host in one cluster",
                )
