"""Reading the installer's log: its end for a look, what is new for people who watch."""

from __future__ import annotations

import re
from pathlib import Path

_TAIL_BYTES = 32 * 1024
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def last_lines(path: Path, most: int = 200) -> tuple[str, ...]:
    """The last lines of a log of any size, without terminal colours; () where there is no log."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            tail = log.read()
    except OSError:
        return ()
    return tuple(_plain(line) for line in tail.decode(errors="replace").splitlines()[-most:])


class LogTail:
    """Hands out each complete line of a cluster's log once; moves on by itself when a new run starts a new log."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._file: tuple[int, int] | None = None
        self._offset = 0
        self._rest = b""

    def new_lines(self) -> tuple[str, ...]:
        """What has been written since the last call; never blocks."""
        try:
            with self._link.open("rb") as log:
                stat = self._link.stat()
                if (stat.st_dev, stat.st_ino) != self._file or stat.st_size < self._offset:
                    self._file, self._offset, self._rest = (stat.st_dev, stat.st_ino), 0, b""
                log.seek(self._offset)
                data = log.read()
        except OSError:
            return ()
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return tuple(_plain(line.decode(errors="replace")) for line in lines)


def _plain(line: str) -> str:
    return _ANSI.sub("", line.rstrip("\r"))
