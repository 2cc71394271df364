"""Provisioning documents to clusters: which host is which member, by the rules ICN's operator meant to follow."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from bpa.core.want import ClusterWant, Image, Member, Minimum
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError, Path, shortened
from bpa.documents.hosts import read_image
from bpa.documents.profile.quantities import read_quantity
from bpa.documents.schema import MEMBER_FIELDS, unknown_fields

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")
_CLUSTER = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
# Groups of the inventory: Ansible cannot tell a host of the same name from them.
_GROUPS = (
    "all",
    "ungrouped",
    "kube-master",
    "kube-node",
    "etcd",
    "ovn-central",
    "ovn-controller",
    "virtlet",
    "cmk",
    "k8s-cluster",
    "localhost",
)
_SERVICES = ip_network("10.244.0.0/18")
_MASTER_FIELDS = ("mac-address", "cpu", "memory")
_MACS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Claim:
    """A member of a cluster and the BareMetalHost it is. path is the field that claims; sriov, qat are ICN's."""

    member: Member
    host: Document
    path: Path
    minimum: Minimum
    sriov: bool = False
    qat: bool = False


@dataclass(frozen=True, slots=True)
class ClusterDraft:
    """A Provisioning with its hosts found. profile and image are for hosts that name none."""

    document: Document
    want: ClusterWant
    claims: tuple[Claim, ...]
    profile: str | None
    image: Image | None
    notes: tuple[str, ...]


class Hosts:
    """The BareMetalHosts to be found. complete False = some could not be read, so what is not found may be there."""

    def __init__(self, documents: Mapping[str, Sequence[Document]], by_name: Mapping[str, Document], complete: bool) -> None:
        self._by_mac = documents
        self._by_name = by_name
        self.complete = complete

    def by_mac(self, mac: str) -> Sequence[Document]:
        """The hosts that have this MAC (lower case)."""
        return self._by_mac.get(mac, ())

    def by_name(self, name: str) -> Document | None:
        """The host of this name."""
        return self._by_name.get(name)

    def macs_shown(self) -> str:
        """`: MAC (host), ...` for a message, a few of them; "" when there are none."""
        shown = [f"{mac} ({hosts[0].name})" for mac, hosts in sorted(self._by_mac.items())]
        more = len(shown) - _MACS_SHOWN
        return (": " if shown else "") + ", ".join(shown[:_MACS_SHOWN]) + (f" and {more} more" if more > 0 else "")

    def near_mac(self, mac: str) -> str:
        """The only known MAC that differs in one digit, or in two as when they are swapped; else ""."""
        for digits in (1, 2):
            near = [known for known in self._by_mac if sum(a != b for a, b in zip(mac, known, strict=False)) == digits]
            if near:
                return near[0] if len(near) == 1 else ""
        return ""


def read_cluster(document: Document, hosts: Hosts) -> tuple[ClusterDraft, tuple[DocumentError, ...]]:
    """A Provisioning as check_schema leaves it. With errors beside it the draft is for finding more errors only."""
    return _Reader(document, hosts).read()


class _Reader:
    def __init__(self, document: Document, hosts: Hosts) -> None:
        self._document = document
        self._hosts = hosts
        self._problems: list[DocumentError] = []
        self._notes: list[str] = []
        self._by_label: dict[str, Claim] = {}
        self._by_host: dict[tuple[str, str], Claim] = {}
        self._refused: set[str] = set()

    def read(self) -> tuple[ClusterDraft, tuple[DocumentError, ...]]:
        document = self._document
        name = self._cluster_name()
        masters = self._members("masters")
        workers = self._members("workers")
        # With labels there, either an error tells why none of them is a master, or a document that failed is to blame.
        if not document.get("spec", "masters") and not masters:
            self._wrong(("spec", "masters"), "a cluster needs a master", "at least one label with a mac-address")
        kata = document.get("spec", "kata") or {}
        want = ClusterWant(
            name=name,
            masters=tuple(claim.member for claim in masters),
            workers=tuple(claim.member for claim in workers or masters),
            plugins=tuple(plugin for plugin in document.get("spec", "KUDPlugins") or () if plugin),
            pod_subnet=self._pod_subnet(),
            kata=kata.get("enabled", True),
            kata_webhook=kata.get("webhook", False),
            kata_runtime_class=kata.get("runtimeClass", "kata-qemu"),
        )
        if want.kata_webhook and not want.kata:
            self._wrong(("spec", "kata", "webhook"), "a webhook for Kata without Kata", "kata.enabled: true")
        if document.label("cluster-type") == "virtlet-vm":
            self._note((), "cluster-type virtlet-vm is not served: members are looked for among BareMetalHosts only")
        image = read_image(document, ("spec", "image"), self._problems)
        draft = ClusterDraft(
            document,
            want,
            tuple(self._by_label.values()),
            document.text("spec", "profile"),
            image,
            tuple(self._notes),
        )
        return draft, tuple(self._problems)

    def _wrong(self, path: Path, message: str, expected: str = "", suggestion: str = "") -> None:
        self._problems.append(self._document.error(path, message, expected, suggestion))

    def _note(self, path: Path, text: str) -> None:
        self._notes.append(f"{self._document.place(*path)}: {text}")

    def _cluster_name(self) -> str:
        name = self._document.label("cluster")
        if name is None:
            self._wrong(("metadata", "labels", "cluster"), "the label cluster is missing", "the name of the cluster")
        elif not _CLUSTER.fullmatch(name):
            self._wrong(
                ("metadata", "labels", "cluster"),
                f'"{shortened(name)}" is no name of a cluster',
                "at most 63 letters, digits, dashes, dots and underscores",
            )
        return name or ""

    def _members(self, role: str) -> list[Claim]:
        """The claims of a role, once each, in the order written."""
        claims: dict[str, Claim] = {}
        for number, entry in enumerate(self._document.get("spec", role) or ()):
            if entry is None:
                continue
            raw = self._document.root.at(("spec", role, number))
            # An entry that has lost all its fields to its schema has been spoken of.
            if not entry and not (raw and raw.value):
                self._wrong(("spec", role, number), "this names no host", "a label with a mac-address")
            for label, body in entry.items():
                path: Path = ("spec", role, number, label)
                claim = self._claim(role, label, body or {}, path)
                if label in claims:
                    self._wrong(path, f"{label} is in {role} twice", "each label once")
                elif claim is not None:
                    claims[label] = claim
        return list(claims.values())

    def _claim(self, role: str, label: str, body: Mapping[str, object], path: Path) -> Claim | None:
        slips, unknown = unknown_fields(self._document, path, _MASTER_FIELDS if role == "masters" else MEMBER_FIELDS)
        self._problems.extend(slips)
        for field in unknown:
            self._note((*path, field), f"{field} of {label} is not read by BPA")
        if not _LABEL.fullmatch(label) or label in _GROUPS:
            self._wrong(
                path,
                f'"{shortened(label)}" is no name for a node of the cluster',
                "a host name in lower case" + (f" that is none of the groups {', '.join(_GROUPS)}" if label in _GROUPS else ""),
            )
            return None
        before = self._by_label.get(label)
        mac = body.get("mac-address")
        mislaid = bool(slips) or label in self._refused or self._dedented(path)
        host = self._host(label, mac, path, before, mislaid)
        if host is None:
            self._refused.add(label)
            return before
        minimum = self._minimum(body, path, before)
        member = Member(label, host.name, (host.text("spec", "bootMACAddress") or "").lower())
        claim = Claim(
            member,
            host,
            before.path if before else path,
            minimum,
            bool(body.get("sriov")),
            bool(body.get("qat")),
        )
        other = self._by_host.get(host.key)
        if other is not None and other.member.label != label:
            self._wrong(
                self._mac_path(path, mac),
                f"{host.name} is {other.member.label} already",
                "one label for one MAC address",
                other.member.label,
            )
            return None
        self._by_label[label] = self._by_host[host.key] = claim
        return claim

    def _dedented(self, path: Path) -> bool:
        """Did check_schema take a mac-address away that stands beside the label?"""
        return self._document.root.at((*path[:-1], "mac-address")) is not None

    def _mac_path(self, path: Path, mac: object) -> Path:
        return (*path, "mac-address") if mac is not None else path

    def _host(self, label: str, mac: object, path: Path, before: Claim | None, mislaid: bool) -> Document | None:
        """The BareMetalHost meant: by MAC; without one the member of this label, or the host of this name."""
        if mac is None:
            found = before.host if before is not None else self._hosts.by_name(label)
            if found is None and not mislaid and self._hosts.complete:
                self._wrong(
                    (*path, "mac-address"),
                    f"{label} has no mac-address, and there is no BareMetalHost {label}",
                    "a MAC address",
                )
            return found
        where = self._mac_path(path, mac)
        text = str(mac).strip().lower()
        if not _MAC.fullmatch(text):
            self._wrong(where, f'"{shortened(str(mac))}" is no MAC address', "six pairs of hex digits with colons")
            return None
        hosts = self._hosts.by_mac(text)
        if not hosts:
            if self._hosts.complete:
                # The wording is ICN's; its own test asserts it.
                self._wrong(
                    where,
                    f"Host with MAC Address {shortened(str(mac))} not found",
                    "the MAC of a BareMetalHost" + self._hosts.macs_shown(),
                    self._hosts.near_mac(text),
                )
            return None
        if before is not None and before.host.key != hosts[0].key:
            self._wrong(
                where,
                f"{label} has another MAC address at {self._document.place(*before.path)}",
                "one MAC address for one label",
            )
            return None
        return hosts[0]

    def _minimum(self, body: Mapping[str, object], path: Path, before: Claim | None) -> Minimum:
        cpus = body.get("cpu")
        memory = read_quantity(self._document, (*path, "memory"), self._problems) or 0
        floor = before.minimum if before is not None else Minimum()
        return Minimum(max(floor.cpus, cpus if isinstance(cpus, int) else 0), max(floor.memory, memory), 0)

    def _pod_subnet(self) -> str | None:
        text = self._document.text("spec", "PodSubnet")
        if not text:
            return None
        path: Path = ("spec", "PodSubnet")
        try:
            network = ip_network(text.strip(), strict=False)
        except ValueError:
            self._wrong(path, f'"{shortened(text)}" is no network', "a CIDR such as 172.21.64.0/18")
            return None
        if "/" not in text or str(network.network_address) != text.strip().split("/")[0].lower():
            self._wrong(
                path,
                f"{shortened(text)} is an address, not a network",
                "a CIDR such as 172.21.64.0/18",
                str(network) if "/" in text else "",
            )
        elif network.version == _SERVICES.version and network.overlaps(_SERVICES):
            self._wrong(path, f"{network} overlaps {_SERVICES}, which KuD uses for services", "another network")
        return str(network)
