"""Writes manifests/crds/ from the schemas the command line checks with: `python -m bpa.documents.manifests`."""

from __future__ import annotations

import sys
from pathlib import Path

from bpa.documents.schema import crd_texts

HEADER = "# Written by `python -m bpa.documents.manifests` from bpa/documents/schema/. Change it there.\n"


def write_crds(directory: Path) -> tuple[Path, ...]:
    """Write one file for each CustomResourceDefinition; returns their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in crd_texts().items():
        path = directory / f"bpa.akraino.org_{Path(name).stem}.yaml"
        path.write_text(HEADER + text, "utf-8")
        written.append(path)
    return tuple(written)


if __name__ == "__main__":
    write_crds(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("manifests/crds"))
