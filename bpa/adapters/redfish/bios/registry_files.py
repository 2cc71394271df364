"""Attribute registries kept in files from one run to the next: a BMC takes seconds to serve one."""

from __future__ import annotations

import gzip
import logging
import os
import re
import threading
import zlib
from contextlib import suppress
from pathlib import Path

LARGEST = 16 * 1024 * 1024
MOST = 256
"""How many files are kept; the ones that were written first go first."""
LOG = logging.getLogger(__name__)


class RegistryFiles:
    """One packed file for each machine and BIOS version below `directory`, readable by its owner only."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load(self, key: str) -> str | None:
        """The text that was stored under the key; None where there is none, or none that can be read."""
        try:
            with gzip.open(self._path(key), "rb") as file:
                data = file.read(LARGEST + 1)
        except (OSError, EOFError, zlib.error):
            return None
        return data.decode("utf-8", "replace") if len(data) <= LARGEST else None

    def store(self, key: str, text: str) -> None:
        """Keep it, whole or not at all; a full disk is told to the log."""
        path = self._path(key)
        draft = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.new")
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.write_bytes(gzip.compress(text.encode(), 6))
            draft.chmod(0o600)
            draft.replace(path)
            self._tidy()
        except OSError as error:
            LOG.warning("the BIOS attribute registry is not kept in %s: %s", self._directory, error.strerror)
            with suppress(OSError):
                draft.unlink()

    def _path(self, key: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{8,64}", key):
            raise ValueError("a key of registries is hexadecimal")
        return self._directory / f"{key}.json.gz"

    def _tidy(self) -> None:
        files = sorted(self._directory.glob("*.json.gz"), key=lambda file: file.stat().st_mtime)
        for file in files[:-MOST]:
            file.unlink(missing_ok=True)
