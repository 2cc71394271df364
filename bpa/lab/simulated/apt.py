"""The packages of a simulated host. Its sources have every package: in the version asked, or in 1.0-1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpa.core.facts import Ran
from bpa.core.host.software.files import APT_PROXY, CERTIFICATES, CONTAINERD_PROXY, ONLY, SHELL_PROXY, SOURCES
from bpa.core.host.software.reading import LIST, RECORD
from bpa.core.host.software.registries import DIRECTORY

if TYPE_CHECKING:
    from bpa.lab.simulated.linux import Installed


def packages(installed: Installed) -> str:
    """Probe `packages`."""
    files = installed.files
    listed, record = files.get(LIST, ""), files.get(RECORD, "")
    head = f"@@ tool\n/usr/bin/apt-get\n@@ list\n{listed}@@ record\n{record}"
    asked = {line.split()[0] for line in (listed + record).splitlines() if line and not line.startswith("#")}
    lines = [f"{'iU' if name in installed.unpacked else 'ii'} |{name}|amd64|{version}|\n"
             for name, version in installed.packages.items() if name in asked | installed.unpacked]
    return f"{head}@@ packages\n{''.join(lines)}@@ interrupted\n@@ lock\n@@ read-only\n@@ free\n/ 20971520\n"


def install(installed: Installed, absent: list[str], asked: tuple[str, ...]) -> Ran:
    """bpa.core.host.software.scripts.INSTALL."""
    record = installed.files.get(RECORD, "").split()
    installed.files[RECORD] = "".join(f"{name}\n" for name in dict.fromkeys([*record, *absent]))
    if not installed.files[RECORD]:
        del installed.files[RECORD]
    for one in asked:
        name, _, version = one.partition("=")
        installed.packages[name] = version or installed.packages.get(name, "1.0-1")
    return Ran(0)


def configure(installed: Installed) -> Ran:
    """bpa.core.host.software.scripts.CONFIGURE."""
    installed.unpacked.clear()
    return Ran(0)


def remove(installed: Installed, names: tuple[str, ...]) -> Ran:
    """bpa.core.host.software.scripts.REMOVE."""
    kept = [name for name in installed.files.get(RECORD, "").split() if name not in names]
    for name in names:
        installed.packages.pop(name, None)
    installed.files.pop(RECORD, None)
    if kept:
        installed.files[RECORD] = "".join(f"{name}\n" for name in kept)
    return Ran(0)


def sources(installed: Installed) -> str:
    """Probe `sources`; update-ca-certificates was run for every certificate that is there."""
    fixed = (SOURCES, ONLY, APT_PROXY, SHELL_PROXY, CONTAINERD_PROXY)
    ours = {path: text for path, text in installed.files.items() if path in fixed or path.startswith(CERTIFICATES)}
    links = [f"/etc/ssl/certs/{path.rpartition('/')[2].removesuffix('.crt')}.pem\n" for path in ours
             if path.startswith(CERTIFICATES)]
    return ("@@ tool\n/usr/sbin/update-ca-certificates\n" + "".join(f"@@ file {path}\n{text}" for path, text in ours.items())
            + f"@@ proxy written\n@@ trusted\n{''.join(links)}")


def registries(installed: Installed) -> str:
    """Probe `registries`; nobody has installed containerd yet."""
    ours = [(path, text) for path, text in installed.files.items() if path.startswith(DIRECTORY)]
    return "".join(f"@@ file {path}\n{text}" for path, text in ours) + "@@ written\n"
