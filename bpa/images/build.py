"""Builds an image set with the machine's own apt sources, once per content: the cache key hashes all that goes in."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bpa.images.distribution import Distribution, detect
from bpa.images.errors import ImageError

Kind = Literal["ipa", "os", "containerd", "mirror"]
Progress = Callable[[str], None]
RECIPES = Path(__file__).parent / "recipes"
_TOOLS = {
    "ipa": ("mmdebstrap", "cpio", "zstd", "grub-mkimage", "mkfs.vfat", "mmd"),
    "os": ("mmdebstrap", "zstd", "grub-mkimage", "mkfs.vfat", "mmd", "mke2fs", "sfdisk"),
    "containerd": ("dpkg-deb",),
    "mirror": ("apt-get", "dpkg-deb", "gpg"),
}
_FILES: Mapping[Kind, Mapping[str, str]] = {
    "ipa": {"kernel": "ipa.kernel", "ramdisk": "ipa.initramfs", "bootloader": "esp.img"},
    "os": {"disk": "os.raw"},
    "containerd": {"containerd": "bpa-lab-containerd.deb", "kata": "bpa-lab-kata.deb"},
    "mirror": {"release": "dists/bpa/InRelease", "key": "key.asc"},
}
_RECIPES: Mapping[Kind, tuple[str, ...]] = {
    "ipa": ("ipa.sh", "ipa-requirements.txt"),
    "os": ("os.sh",),
    "containerd": ("containerd.sh", "containerd-requirements.txt", "containerd-go.mod", "containerd-go.sum"),
    "mirror": ("mirror.sh", "mirror-packages.txt"),
}
_OF_THE_MACHINE = ("GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "SSL_CERT_FILE", "SSL_CERT_DIR")
# Sets that go into another: the recipe is told their directories, in variables named like them.
_NEEDS: Mapping[Kind, tuple[Kind, ...]] = {"mirror": ("containerd",)}


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Built files by role: ipa = kernel, ramdisk, bootloader (FAT image for virtual media); os = disk (raw, whole, UEFI);
    containerd = containerd, kata (Debian packages for the lab: containerd 2, a stand-in for Kata);
    mirror = release, key (its directory is a Debian archive of suite bpa, to be served as it is).

    sha256 in hex by role. `key` names the content: the same recipe, suite and sources give the same key.
    """

    kind: Kind
    key: str
    directory: Path
    files: Mapping[str, Path]
    sha256: Mapping[str, str]


def cache_directory() -> Path:
    """Where image sets are kept: $BPA_CACHE, /var/cache/bpa without it."""
    return Path(os.environ.get("BPA_CACHE", "/var/cache/bpa"))


def cached(kind: Kind, cache: Path, distribution: Distribution | None = None) -> ImageSet | None:
    """The image set of the current recipe if the cache has it."""
    distribution = distribution or detect()
    key = content_key(kind, distribution)
    return _read(kind, key, cache / f"{kind}-{distribution.suite}-{key}", distribution)


def build(
    kind: Kind, cache: Path, progress: Progress = lambda _text: None, distribution: Distribution | None = None
) -> ImageSet:
    """The image set, from the cache or built now (1-3 minutes, root only, downloads through the machine's apt sources).

    Two builds at once of one set wait for each other. A build that fails or is killed leaves the cache as it was.
    """
    distribution = distribution or detect()
    found = cached(kind, cache, distribution)
    if found is not None:
        return found
    if os.geteuid():
        raise ImageError(
            "building images needs root (mmdebstrap and chroot); run it with sudo or give image URLs in the Site"
        )
    missing = [tool for tool in _TOOLS[kind] if shutil.which(tool) is None]
    if missing:
        raise ImageError(f"not installed: {', '.join(missing)}; `make apt-lab` installs what image builds need")
    needs = tuple(build(need, cache, progress, distribution) for need in _NEEDS.get(kind, ()))
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f".{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = cached(kind, cache, distribution)
        if found is not None:
            return found
        _sweep(kind, cache)
        key = content_key(kind, distribution)
        target = cache / f"{kind}-{distribution.suite}-{key}"
        work = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=cache))
        try:
            _run_recipe(kind, work, distribution, progress, needs)
            progress("checksums")
            _name(kind, work, distribution)
            _write_sums(kind, work, distribution)
            work.chmod(0o755)
            os.replace(work, target)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
    made = _read(kind, key, target, distribution)
    if made is None:
        raise ImageError(f"the {kind} recipe ended well but left no complete image set in {target}")
    return made


def content_key(kind: Kind, distribution: Distribution) -> str:
    """12 hex digits over recipe files, suite, kernel package, apt sources, and the keys of the sets that go in."""
    digest = hashlib.sha256(json.dumps([kind, distribution.suite, distribution.kernel]).encode())
    for content in [(RECIPES / name).read_bytes() for name in _RECIPES[kind]] + [p.read_bytes() for p in distribution.sources]:
        digest.update(hashlib.sha256(content).digest())
    for need in _NEEDS.get(kind, ()):
        digest.update(content_key(need, distribution).encode())
    return digest.hexdigest()[:12]


def file_names(kind: Kind, distribution: Distribution) -> dict[str, str]:
    """Role -> path below the image set's directory."""
    if kind == "os":
        return {"disk": f"{distribution.name}.raw"}
    return dict(_FILES[kind])


def _run_recipe(
    kind: Kind, work: Path, distribution: Distribution, progress: Progress, needs: tuple[ImageSet, ...] = ()
) -> None:
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "SUITE": distribution.suite,
        "SOURCES": " ".join(str(p) for p in distribution.sources),
        "KERNEL": distribution.kernel,
        "PYTHON": sys.executable,
        "RECIPES": str(RECIPES),
        "TMPDIR": str(work),
    } | {need.kind.upper(): str(need.directory) for need in needs}
    # Proxies, package indexes and trust are the machine's business: pip, apt and go need to see what the user set.
    environment |= {k: v for k, v in os.environ.items()
                    if k.lower().endswith("_proxy") or k.startswith("PIP_") or k in _OF_THE_MACHINE}
    last: deque[str] = deque(maxlen=15)
    process = subprocess.Popen(
        ("bash", str(RECIPES / f"{kind}.sh")),
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    with process:
        try:
            for line in process.stdout:
                if line.startswith("@progress "):
                    progress(line.removeprefix("@progress ").strip())
                else:
                    last.append(line.rstrip())
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise ImageError(f"the {kind} recipe failed ({process.returncode}):\n" + "\n".join(last))


def _name(kind: Kind, work: Path, distribution: Distribution) -> None:
    for role, name in file_names(kind, distribution).items():
        if _FILES[kind][role] != name:
            (work / _FILES[kind][role]).rename(work / name)


def _write_sums(kind: Kind, work: Path, distribution: Distribution) -> None:
    lines = []
    for name in file_names(kind, distribution).values():
        with (work / name).open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    (work / "SHA256SUMS").write_text("".join(lines))


def _read(kind: Kind, key: str, directory: Path, distribution: Distribution) -> ImageSet | None:
    try:
        lines = (directory / "SHA256SUMS").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    names = file_names(kind, distribution)
    if not all((directory / name).exists() and name in sums for name in names.values()):
        return None
    return ImageSet(kind, key, directory, {role: directory / name for role, name in names.items()},
                    {role: sums[name] for role, name in names.items()})


def _sweep(kind: Kind, cache: Path) -> None:
    """Remove what killed builds left; the lock says that none is running."""
    for work in cache.glob(f".{kind}-*"):
        shutil.rmtree(work, ignore_errors=True)
