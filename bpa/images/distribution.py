"""Which distribution this machine runs, and so which the images are made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bpa.images.errors import ImageError

_SOURCES = ("sources.list.d/debian.sources", "sources.list.d/ubuntu.sources", "sources.list")
_KERNELS = {"debian": "linux-image-amd64", "ubuntu": "linux-image-generic"}


@dataclass(frozen=True, slots=True)
class Distribution:
    """name like debian-12; suite as apt calls it; kernel package; the machine's own apt source files."""

    name: str
    suite: str
    kernel: str
    sources: tuple[Path, ...]


def detect(root: Path = Path("/")) -> Distribution:
    """From os-release(5) and the apt sources under `root`. Raises ImageError for a distribution without a recipe."""
    release = parse_os_release((root / "etc/os-release").read_text())
    identity = release.get("ID", "")
    suite = release.get("VERSION_CODENAME", "")
    if identity not in _KERNELS or not suite:
        raise ImageError(
            f"no image recipe for {release.get('PRETTY_NAME', identity or 'this system')}; Debian and Ubuntu have one"
        )
    sources = tuple(
        path for path in (root / "etc/apt" / name for name in _SOURCES) if path.exists() and path.stat().st_size
    )
    if not sources:
        raise ImageError(f"no apt sources under {root / 'etc/apt'}")
    return Distribution(f"{identity}-{release.get('VERSION_ID', suite)}", suite, _KERNELS[identity], sources[:1])


def parse_os_release(text: str) -> dict[str, str]:
    """os-release(5) text -> variables, quotes removed."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, value in pairs}
