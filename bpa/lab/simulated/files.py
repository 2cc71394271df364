"""Files of a simulated host, with the times at which they were written, and what probe `owned` says of ours."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from bpa.core.host import OWNED
from bpa.core.host.owned import MARK, owner_of


class Files(dict[str, str]):
    """Path -> text. changed: path -> when it was written last, in seconds by `now`."""

    changed: dict[str, float]
    now: Callable[[], float]

    def __new__(cls) -> Files:
        made = super().__new__(cls)  # not __init__: pickle sets the items before it gives back the attributes
        made.changed, made.now = {}, float
        return made

    def __setitem__(self, path: str, text: str) -> None:
        super().__setitem__(path, text)
        self.changed[path] = self.now()


def owned(files: Files, uptime: float) -> str:
    """Probe `owned`; uptime in seconds."""
    declared = {path: owner_of(path, OWNED) for path in sorted(files)}
    ours = [path for path, one in declared.items() if one and (not one.marked or MARK in files[path])]
    lines = [f"{files.changed.get(path, 0):.0f} {len(files[path].encode())} {path}\n" for path in ours]
    sums = [f"{sha256(files[path].encode()).hexdigest()}  - {path}\n" for path in ours]
    return f"@@ clock\n{files.now():.0f}\n{uptime:.0f}\n@@ files\n{''.join(lines)}@@ sums\n{''.join(sums)}"
