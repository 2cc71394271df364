"""Section `software`."""

from __future__ import annotations

import re

from bpa.core.want import AptSource, Proxy, SoftwareNeeds
from bpa.documents.document import Document
from bpa.documents.errors import DocumentError
from bpa.documents.packages import merged, read_packages

# A part of a file's name on the host.
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
    return SoftwareNeeds(packages, tuple(_sources(document, problems)), proxy,
                         {name: pem for name, pem in certificates.items() if isinstance(pem, str)})


def _sources(document: Document, problems: list[DocumentError]) -> list[AptSource]:
    found = []
    for number, one in enumerate(document.get("spec", "software", "sources") or ()):
        if not isinstance(one, dict) or not one.get("uri") or not one.get("suites"):
            continue
        source = AptSource(one["uri"], tuple(one["suites"]), tuple(one.get("components") or ()), one.get("signedBy") or "")
        paths = [suite.endswith("/") for suite in source.suites]
        if (any(paths) and source.components) or (not all(paths) and not source.components):
            problems.append(document.error(("spec", "software", "sources", number), "suites and components do not fit",
                                           "components, or suites that end in / and no components"))
        found.append(source)
    return found
