"""Where documents come from: a directory, a file or standard input, as bounded text."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bpa.documents.errors import DocumentError

MAX_BYTES = 8 * 1024 * 1024

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
# The characters YAML 1.2 section 5.1 allows, turned round.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file as text. name is how messages call it; folder is what paths in it are relative to."""

    name: str
    folder: Path
    text: str


def read_sources(source: Path | str) -> Iterator[SourceFile | DocumentError]:
    """Every *.yaml and *.yml of a directory (sorted, hidden ones skipped), one file, or standard input for `-`.

    What cannot be read is given as a DocumentError in its place.
    """
    if str(source) == "-":
        yield _read(sys.stdin.buffer, "<stdin>", Path.cwd())
        return
    path = Path(source)
    try:
        files = _files(path)
    except OSError as error:
        yield DocumentError(str(path), 0, 0, "", _reason(error), "a directory, a file, or - for standard input")
        return
    if not files:
        yield DocumentError(str(path), 0, 0, "", f"there is no *.yaml or *.yml file in directory {path.absolute().name}")
    for file in files:
        try:
            with file.open("rb") as stream:
                yield _read(stream, str(file), file.parent)
        except OSError as error:
            yield DocumentError(str(file), 0, 0, "", _reason(error), "a file that can be read")


def _files(path: Path) -> list[Path]:
    if not stat.S_ISDIR(path.stat().st_mode):
        return [path]
    return sorted(
        item
        for item in path.iterdir()
        if item.suffix in (".yaml", ".yml") and not item.name.startswith(".") and not item.is_dir()
    )


def _reason(error: OSError) -> str:
    return (error.strerror or "cannot be read").lower()


def _read(stream: BinaryIO, name: str, folder: Path) -> SourceFile | DocumentError:
    raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        return DocumentError(name, 0, 0, "", f"is larger than {MAX_BYTES // 1024 // 1024} MiB", "documents")
    encoding = "utf-8"
    for bom, named in _BOMS:
        if raw.startswith(bom):
            raw, encoding = raw[len(bom) :], named
            break
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode(encoding, "replace")
        return DocumentError(
            name,
            *_place(before),
            "",
            f"byte 0x{raw[error.start]:02x} is not {encoding.upper()} text",
            "UTF-8",
        )
    text = text.replace("\r\n", "\n")
    bad = _UNPRINTABLE.search(text)
    if bad is not None:
        return DocumentError(
            name,
            *_place(text[: bad.start()]),
            "",
            f"character U+{ord(bad.group()):04X} is not allowed in YAML",
            "printable text",
        )
    return SourceFile(name, folder, text)


def _place(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
