"""Secrets: what a Secret document says itself, and what it takes from a file or from the environment.

`data` (base64) and `stringData` are Kubernetes'. Two annotations keep the values out of the document; each lists
`key=where` pairs, separated by commas:

    metadata:
      annotations:
        bpa.akraino.org/from-env: username=BMC_USERNAME, password=BMC_PASSWORD
        bpa.akraino.org/from-file: password=../private/edge-1.password

Paths are relative to the document; the last newline of a file is not part of the value.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bpa.core.secret import Secret
from bpa.documents.document import OUR_GROUP, Document
from bpa.documents.errors import DocumentError, shortened
from bpa.documents.errors import Path as FieldPath

FROM_ENV = f"{OUR_GROUP}/from-env"
FROM_FILE = f"{OUR_GROUP}/from-file"
MAX_BYTES = 1024 * 1024

_PAIR = re.compile(r"\s*([A-Za-z0-9._-]{1,253})\s*=\s*(\S(?:[^,]*\S)?)\s*")


# (referring document, its field, name of the Secret, keys to try in this order) -> the value, None when there is none.
SecretValue = Callable[[Document, FieldPath, str, tuple[str, ...]], Secret | None]


@dataclass(frozen=True, slots=True)
class SecretDocument:
    """A Secret's document and its values by key; broken are the keys whose value could not be had, errors told so."""

    document: Document
    values: Mapping[str, Secret]
    broken: frozenset[str] = frozenset()


def read_secret(document: Document, environment: Mapping[str, str]) -> tuple[SecretDocument, tuple[DocumentError, ...]]:
    """The values of a Secret document. A reference wins over stringData, stringData over data, as in Kubernetes."""
    values: dict[str, Secret] = {}
    errors: list[DocumentError] = []
    broken: set[str] = set()
    for key, value in (document.get("data") or {}).items():
        try:
            values[key] = Secret(base64.b64decode("".join((value or "").split()), validate=True).decode("utf-8"))
        except (binascii.Error, ValueError):
            errors.append(
                document.error(
                    ("data", key),
                    "this is not text in base64",
                    "text in base64",
                    "stringData for text as it is",
                )
            )
            broken.add(key)
    for key, value in (document.get("stringData") or {}).items():
        values[key] = Secret(value or "")
    for annotation in (FROM_ENV, FROM_FILE):
        for found in _references(document, annotation):
            if isinstance(found, DocumentError):
                errors.append(found)
                continue
            key, where = found
            got = _from_env(where, environment) if annotation == FROM_ENV else _from_file(document.folder / where)
            if isinstance(got, Secret):
                values[key] = got
            else:
                errors.append(document.error(("metadata", "annotations", annotation), f"{key}: {got}"))
                broken.add(key)
                values.pop(key, None)
    return SecretDocument(document, values, frozenset(broken)), tuple(errors)


def _references(document: Document, annotation: str) -> Iterator[tuple[str, str] | DocumentError]:
    text = document.annotation(annotation)
    if text is None:
        return
    for part in text.split(","):
        found = _PAIR.fullmatch(part)
        if found is None:
            yield document.error(
                ("metadata", "annotations", annotation),
                "this is no list of references",
                "key=NAME pairs with commas between them, such as username=BMC_USERNAME",
            )
            return
        yield found.group(1), found.group(2)


def _from_env(name: str, environment: Mapping[str, str]) -> Secret | str:
    value = environment.get(name)
    if value is None:
        return f"environment variable {shortened(name)} is not set"
    return Secret(value)


def _from_file(path: Path) -> Secret | str:
    try:
        if not path.is_file():
            return f"{shortened(str(path), 200)} is no file"
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        text = raw.decode("utf-8") if len(raw) <= MAX_BYTES else None
    except (OSError, ValueError) as error:
        reason = (error.strerror or "cannot be read").lower() if isinstance(error, OSError) else "is not UTF-8 text"
        return f"{shortened(str(path), 200)}: {reason}"
    if text is None:
        return f"{shortened(str(path), 200)} is larger than 1 MiB"
    return Secret(text[:-1] if text.endswith("\n") else text)


def open_to_others(document: Document) -> tuple[str, ...]:
    """Notes about files that hold values of this Secret and that other users may read."""
    notes = []
    for found in _references(document, FROM_FILE):
        if isinstance(found, tuple):
            path = document.folder / found[1]
            try:
                mode = path.stat().st_mode
            except (OSError, ValueError):
                continue
            if mode & 0o077:
                notes.append(f"{shortened(str(path), 200)} holds a secret and other users may read it (chmod 600)")
    return tuple(notes)
