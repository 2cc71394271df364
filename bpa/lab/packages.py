"""Installs the Debian packages that lists like apt.txt name, those only that are missing. Standard library only: it runs
before the virtual environment exists.

    python3 bpa/lab/packages.py bpa/lab/apt.txt [more lists]      install what is missing (needs root)
    python3 bpa/lab/packages.py --check bpa/lab/apt.txt           only say what is missing; exit 1 if something is
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Suites whose own QEMU is older than 8.0, the first with an igb NIC.
_NEEDS_BACKPORTS = ("bookworm",)


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package; backports = take it from <suite>-backports where the suite needs that."""

    name: str
    backports: bool = False


def parse(text: str) -> tuple[Package, ...]:
    """A list's text -> packages; # starts a comment. Raises ValueError for a line that names none."""
    found = []
    for line in text.splitlines():
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        name, _, suite = entry.partition("/")
        if suite not in ("", "backports") or not name or any(c.isspace() for c in name):
            raise ValueError(f"not a package: {line!r}")
        found.append(Package(name, suite == "backports"))
    return tuple(found)


def missing(packages: Iterable[Package], status: str, suite: str) -> tuple[Package, ...]:
    """The packages that `status` (dpkg-query's "name version state" lines) does not show installed. One that must come from
    backports counts as missing while an older one is installed."""
    versions = {}
    for line in status.splitlines():
        name, version, state = line.split(" ", 2)
        if state.startswith("install ok installed"):
            versions[name.partition(":")[0]] = version
    return tuple(p for p in packages if p.name not in versions
                 or (p.backports and suite in _NEEDS_BACKPORTS and "~bpo" not in versions[p.name]))


def backports_source(text: str, suite: str) -> str:
    """The first stanza (deb822) or `deb` line of the machine's own apt sources, pointing at <suite>-backports instead."""
    if "URIs:" in text:
        stanza = next(s for s in text.split("\n\n") if "URIs:" in s)
        lines = [f"Suites: {suite}-backports" if line.startswith("Suites:") else line for line in stanza.splitlines()]
        return "\n".join(lines) + "\n"
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["deb"] and suite in words:
            return " ".join(f"{suite}-backports" if word == suite else word for word in words) + "\n"
    raise ValueError(f"the apt sources name no archive of {suite}")


def install(packages: Iterable[Package], suite: str) -> None:
    """apt-get install; backports through a source list of its own that is gone afterwards."""
    plain = [p.name for p in packages if not (p.backports and suite in _NEEDS_BACKPORTS)]
    newer = [p.name for p in packages if p.backports and suite in _NEEDS_BACKPORTS]
    with tempfile.TemporaryDirectory(prefix="bpa-apt-") as directory:
        options = _sources_with_backports(Path(directory), suite) if newer else []
        _apt(*options, "update")
        if plain:
            _apt(*options, "install", "--yes", "--no-install-recommends", *plain)
        if newer:
            _apt(*options, "install", "--yes", "--no-install-recommends", "--target-release", f"{suite}-backports", *newer)


def _sources_with_backports(directory: Path, suite: str) -> list[str]:
    parts = directory / "sources.list.d"
    shutil.copytree("/etc/apt/sources.list.d", parts)
    own = [p for p in (parts / "debian.sources", Path("/etc/apt/sources.list")) if p.exists() and p.stat().st_size]
    if not own:
        raise ValueError("no Debian apt sources found in /etc/apt")
    name = "bpa-backports.sources" if own[0].suffix == ".sources" else "bpa-backports.list"
    (parts / name).write_text(backports_source(own[0].read_text(), suite))
    # apt reads the lists as its own user
    for path in (directory, parts, *parts.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return ["-o", f"Dir::Etc::sourceparts={parts}"]


def _apt(*arguments: str) -> None:
    subprocess.run(("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0", *arguments), check=True,
                   env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=subprocess.DEVNULL)


def _suite() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    return ""


def main(arguments: list[str]) -> None:
    """Command line; exits 1 with one line on standard error when something cannot be installed."""
    check = "--check" in arguments
    lists = [Path(a) for a in arguments if a != "--check"]
    if not lists or shutil.which("dpkg-query") is None:
        raise SystemExit("usage: packages.py [--check] LIST...  (on Debian or Ubuntu)")
    suite = _suite()
    status = subprocess.run(("dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n"), check=True, capture_output=True,
                            text=True).stdout
    wanted = {p.name: p for path in lists for p in parse(path.read_text())}
    absent = missing(wanted.values(), status, suite)
    if not absent:
        return
    names = " ".join(p.name for p in absent)
    if check or os.geteuid():
        raise SystemExit(f"not installed: {names}" + ("" if check else "; installing needs root"))
    print(f"installing {names}", file=sys.stderr, flush=True)
    try:
        install(absent, suite)
    except (subprocess.CalledProcessError, ValueError) as e:
        raise SystemExit(f"could not install {names}: {e}") from e


if __name__ == "__main__":
    main(sys.argv[1:])
