"""Section `software`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bpa.core.want import AptSource, Proxy, Registry, SoftwareNeeds, TimeSources
from bpa.documents.document import Document, nearest
from bpa.documents.errors import DocumentError, shortened
from bpa.documents.packages import merged, read_packages

# Parts of a file's name on the host.
_REGISTRY = re.compile(r"_default|(\[[0-9a-fA-F:]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?")
_CERTIFICATE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def read_needs(document: Document, problems: list[DocumentError]) -> SoftwareNeeds:
    """The section; what contradicts itself goes to `problems`."""
    packages, contradictions = merged([read_packages(document, ("spec", "software", "packages"), problems)])
    problems.extend(
        document.error(("spec", "software", "packages"), f"{one.name} {one.version} and {other.version}", "one version")
        for one, other in contradictions)
    said = document.get("spec", "software", "proxy")
    proxy = Proxy(said.get("http") or "", said.get("https") or "", tuple(said.get("except") or ())) if said else None
    certificates = document.get("spec", "software", "certificates") or {}
    problems.extend(
        document.error(("spec", "software", "certificates", name), "this is no name for a certificate",
                       "small letters, digits, - and _, at most 63")
        for name in certificates if not _CERTIFICATE.fullmatch(str(name)))
    sources, others = tuple(_sources(document, problems)), document.get("spec", "software", "imageSources") is not False
    if not others and not sources:
        problems.append(document.error(("spec", "software", "imageSources"), "no package source is left",
                                       "sources, or imageSources: true"))
    return SoftwareNeeds(packages, sources, others or not sources, proxy,
                         {name: pem for name, pem in certificates.items() if isinstance(pem, str)},
                         _time(document, problems), dict(_registries(document, certificates, problems)))


def _time(document: Document, problems: list[DocumentError]) -> TimeSources | None:
    said = document.get("spec", "software", "time")
    if not said:
        return None
    asked = TimeSources(tuple(said.get("servers") or ()), tuple(said.get("pools") or ()))
    names = (*asked.servers, *asked.pools)
    if not names:
        problems.append(document.error(("spec", "software", "time"), "no time server is named", "servers, pools or both"))
    problems.extend(document.error(("spec", "software", "time"), f"{shortened(name)} is named twice", "each name once")
                    for name in dict.fromkeys(names) if names.count(name) > 1)
    return asked if names else None


def _registries(
    document: Document, certificates: Mapping[str, object], problems: list[DocumentError]
) -> Iterator[tuple[str, Registry]]:
    for name, one in (document.get("spec", "software", "registries") or {}).items():
        path = ("spec", "software", "registries", name)
        if not _REGISTRY.fullmatch(str(name)):
            problems.append(document.error(path, "this is no registry", "a host such as docker.io, host:port, or _default"))
        if not isinstance(one, dict) or not isinstance(one.get("mirrors"), list):
            continue
        if not one["mirrors"]:
            problems.append(document.error((*path, "mirrors"), "no mirror is named", "at least one URL"))
            continue
        authority = one.get("authority") or ""
        if authority and authority not in certificates:
            problems.append(document.error((*path, "authority"), f"there is no certificate {shortened(authority)}",
                                           "a name of software.certificates", nearest(authority, set(certificates))))
        yield str(name), Registry(tuple(one["mirrors"]), one.get("fallback") is not False, authority)


def _sources(document: Document, problems: list[DocumentError]) -> list[AptSource]:
    found = []
    for number, one in enumerate(document.get("spec", "software", "sources") or ()):
        if not isinstance(one, dict) or not one.get("uri") or not one.get("suites"):
            continue
        source = AptSource(one["uri"], tuple(one["suites"]), tuple(one.get("components") or ()), one.get("signedBy") or "",
                           one.get("key") or "")
        paths = [suite.endswith("/") for suite in source.suites]
        if (any(paths) and source.components) or (not all(paths) and not source.components):
            problems.append(document.error(("spec", "software", "sources", number), "suites and components do not fit",
                                           "components, or suites that end in / and no components"))
        if source.signed_by and source.key:
            problems.append(document.error(("spec", "software", "sources", number, "key"), "signedBy and key are both given",
                                           "one of the two"))
        found.append(source)
    return found
