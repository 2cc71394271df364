"""Section `hardening`."""

from __future__ import annotations

from bpa.core.host.hardening.rules import RULES
from bpa.core.want import HardeningWant
from bpa.documents import errors
from bpa.documents.document import Document, nearest
from bpa.documents.errors import DocumentError


def read_hardening(document: Document, problems: list[DocumentError]) -> HardeningWant:
    """The section; an exception that names no rule goes to `problems`: the rule would be applied all the same."""
    ids = {rule.id for rule in RULES}
    excepted = tuple(one for one in document.get("spec", "hardening", "except") or () if one)
    for number, one in enumerate(document.get("spec", "hardening", "except") or ()):
        if one and one not in ids:
            path: errors.Path = ("spec", "hardening", "except", number)
            problems.append(document.error(path, f'"{errors.shortened(one)}" is no hardening rule',
                                           "an id of docs/guides/hardening.md", nearest(one, ids)))
    said = document.get("spec", "hardening", "profile") or ""
    if document.get("spec", "hardening") and not said:
        problems.append(document.error(("spec", "hardening"), "no set of rules is asked, so there is nothing to except from",
                                       "profile: icn, or profile: none"))
    return HardeningWant("" if said == "none" else said, excepted)
