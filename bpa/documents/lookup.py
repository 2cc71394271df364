"""What documents refer to by name: Secrets and HardwareProfiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bpa.core.secret import Secret
from bpa.core.want import Profile
from bpa.documents import errors
from bpa.documents.document import Document, nearest
from bpa.documents.errors import DocumentError, shortened
from bpa.documents.gathering import Findings, gather
from bpa.documents.profiles import read_profile
from bpa.documents.secrets import SecretDocument, open_to_others, read_secret


class Secrets:
    """The Secrets of a site, by namespace and name."""

    def __init__(self, documents: Iterable[Document], environment: Mapping[str, str], findings: Findings) -> None:
        self._findings = findings
        self._known: dict[tuple[str, str], SecretDocument] = {}
        for document in documents:
            self._known[document.key], problems = read_secret(document, environment)
            findings.add(document, problems)
            findings.notes.extend(f"{document.place()}: {note}" for note in open_to_others(document))

    def value(self, document: Document, path: errors.Path, name: str, keys: tuple[str, ...]) -> Secret | None:
        """The value of the first of `keys` that Secret `name` has, for the field at `path`; None has been told."""
        namespace = document.text(*path, "namespace") or document.namespace
        secret = self._known.get((namespace, name))
        if secret is None:
            if self._findings.complete:
                self._findings.add(document, [self._absent(document, path, namespace, name)])
            return None
        value = next((secret.values[key] for key in keys if key in secret.values), None)
        if value is None and not secret.broken.intersection(keys) and not self._findings.faulty(secret.document):
            near = nearest(keys[0], set(secret.values))
            # The keys of a host are given, so the Secret has it wrong; those of a Site are its own choice.
            meant = near if document.kind == "Site" or not near else f"{keys[0]} instead of {shortened(near)}"
            where = f"Secret {shortened(name)} ({secret.document.place()})"
            self._findings.add(document, [document.error(path, f"{where} has no key {shortened(keys[0])}", "", meant)])
        if value is not None and not value.reveal() and keys[0] in ("username", "password"):
            self._findings.add(document, [document.error(path, f"{keys[0]} in Secret {shortened(name)} is empty")])
        return value

    def _absent(self, document: Document, path: errors.Path, namespace: str, name: str) -> DocumentError:
        elsewhere = [space for space, known in self._known if known == name]
        here = {known for space, known in self._known if space == namespace}
        meant = f"namespace: {elsewhere[0]}" if elsewhere else nearest(name, here, 0.75)
        message = f"there is no Secret {shortened(name)} in namespace {namespace}"
        return document.error(path, message, "a Secret in these documents", meant)


class Profiles:
    """The HardwareProfiles of a site, and those of BPA that every site may name."""

    def __init__(self, documents: Iterable[Document], builtin: Path, findings: Findings) -> None:
        self._findings = findings
        self._own: dict[tuple[str, str], Profile] = {}
        for document in documents:
            self._own[document.key], problems = read_profile(document)
            findings.add(document, problems)
        self._builtin: dict[str, Profile] = {}
        for document in gather(builtin, findings):
            if document.kind == "HardwareProfile":
                self._builtin[document.name], problems = read_profile(document)
                findings.add(document, problems)

    def find(self, name: str, namespace: str) -> Profile | None:
        """The profile of this name: of the namespace, else of another one, else of BPA."""
        own = self._own.get((namespace, name))
        others = (profile for (_, known), profile in sorted(self._own.items()) if known == name)
        return own or next(others, None) or self._builtin.get(name)

    def named(self, name: str, namespace: str, document: Document, path: errors.Path) -> Profile:
        """The profile that the field at `path` names; its absence is told as an error."""
        found = self.find(name, namespace)
        if found is not None:
            return found
        if self._findings.complete:
            known = {*self._builtin, *(known for _, known in self._own)}
            message, expected = f"there is no HardwareProfile {shortened(name)}", "one of " + ", ".join(sorted(known))
            self._findings.add(document, [document.error(path, message, expected, nearest(name, known))])
        return Profile(name)
