"""From files to documents whose fields are what their schemas say, and the list of what is wrong."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bpa.documents.document import Document, judge_kind, open_document
from bpa.documents.errors import DocumentError
from bpa.documents.reading import SourceFile, read_sources
from bpa.documents.schema import check_schema
from bpa.documents.tree import parse_stream


@dataclass(slots=True)
class Findings:
    """What is wrong, and remarks, collected from everywhere.

    complete False = something could not be read at all, so what seems to be missing may well be in there.
    """

    problems: list[DocumentError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    complete: bool = True
    _told: dict[Hashable, frozenset[str]] = field(default_factory=dict)

    def fail(self, error: DocumentError) -> None:
        """An error that hides an unknown number of documents."""
        self.problems.append(error)
        self.complete = False

    def tell(self, document: Document, errors: Iterable[DocumentError], fields: frozenset[str]) -> None:
        """Errors of a schema; the fields are not spoken of again."""
        self.problems.extend(errors)
        self._told[document.place_key] = fields

    def add(self, document: Document, errors: Iterable[DocumentError]) -> None:
        """Errors about a document, but for fields whose schema has said so already."""
        told = self._told.get(document.place_key, frozenset())
        self.problems.extend(error for error in errors if not any(_within(error.field, known) for known in told))

    def faulty(self, document: Document) -> bool:
        """Did the document lose fields to its schema?"""
        return bool(self._told.get(document.place_key))


def _within(field_: str, known: str) -> bool:
    return field_ == known or field_.startswith((f"{known}.", f"{known}["))


def gather(source: Path | str, findings: Findings) -> tuple[Document, ...]:
    """The documents of a source that BPA reads. What their schemas refuse is told and taken out of them."""
    documents = []
    for document in _open(source, findings):
        judged = judge_kind(document)
        if isinstance(judged, DocumentError):
            findings.fail(judged)
        elif judged:
            findings.notes.append(judged)
        else:
            checked = check_schema(document)
            findings.tell(checked.document, checked.errors, checked.told)
            documents.append(checked.document)
    return tuple(documents)


def _open(source: Path | str, findings: Findings) -> Iterator[Document]:
    for file in read_sources(source):
        if not isinstance(file, SourceFile):
            findings.fail(file)
            continue
        trees, broken = parse_stream(file.text, file.name)
        for error in broken:
            findings.fail(error)
        for tree in trees:
            for found in open_document(file.name, file.folder, tree):
                if isinstance(found, DocumentError):
                    findings.fail(found)
                else:
                    yield found
