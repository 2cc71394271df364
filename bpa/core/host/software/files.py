"""The files that say where software comes from and whom the host trusts, as the profile asks.

sources.list(5) (deb822), apt.conf(5), update-ca-certificates(8), systemd.exec(5) Environment=.

A proxy is told to what fetches from outside: apt, login shells, containerd. /etc/environment is other people's file, and
DefaultEnvironment of systemd-system.conf(5) would send every service through the proxy, kubelet among them, whose cluster
is inside.
"""

from __future__ import annotations

from collections.abc import Mapping

from bpa.core.host.owned import HEADER, Owned
from bpa.core.want import AptSource, Proxy, SoftwareNeeds

SOURCES = "/etc/apt/sources.list.d/bpa.sources"
ONLY = "/etc/apt/apt.conf.d/80bpa-sources"
"""Says that apt reads our file of sources and no other: nobody else's file is touched, and without it all are back."""
APT_PROXY = "/etc/apt/apt.conf.d/80bpa-proxy"
SHELL_PROXY = "/etc/profile.d/bpa-proxy.sh"
CONTAINERD_PROXY = "/etc/systemd/system/containerd.service.d/bpa-proxy.conf"
CERTIFICATES = "/usr/local/share/ca-certificates/bpa-"

OWNED = (
    Owned(SOURCES, "package sources", "software.sources", "SourcesReady"),
    Owned(ONLY, "keeps apt to these sources", "software.sources", "SourcesReady"),
    Owned(APT_PROXY, "proxy of apt", "software.proxy", "SourcesReady"),
    Owned(SHELL_PROXY, "proxy of login shells", "software.proxy", "SourcesReady"),
    Owned(CONTAINERD_PROXY, "proxy of containerd", "software.proxy", "SourcesReady"),
    Owned(f"{CERTIFICATES}*.crt", "certificates that the host trusts", "software.certificates", "SourcesReady"),
    Owned("/etc/ssl/certs/bpa-*.pem", "links to them, by update-ca-certificates", "software.certificates", "SourcesReady"),
)


def files_of(needs: SoftwareNeeds) -> Mapping[str, str]:
    """Path -> text of every file that is asked, in the order in which they are written."""
    files = {f"{CERTIFICATES}{name}.crt": f"{HEADER}{pem.strip()}\n" for name, pem in sorted(needs.certificates.items())}
    if needs.proxy is not None:
        files |= _proxy(needs.proxy)
    if needs.sources:
        files[SOURCES] = HEADER + "\n".join(_stanza(one) for one in needs.sources)
        if not needs.image_sources:
            files[ONLY] = f'{HEADER}Dir::Etc::SourceList "{SOURCES}";\nDir::Etc::SourceParts "/dev/null";\n'
    return files


def _stanza(source: AptSource) -> str:
    lines = ["Types: deb", f"URIs: {source.uri}", f"Suites: {' '.join(source.suites)}"]
    if source.components:
        lines.append(f"Components: {' '.join(source.components)}")
    if source.signed_by:
        lines.append(f"Signed-By: {source.signed_by}")
    elif source.key:
        # deb822(5): a continued line begins with a space, an empty one is a dot.
        lines += ["Signed-By:", *(f" {line.strip() or '.'}" for line in source.key.strip().splitlines())]
    return "\n".join(lines) + "\n"


def _proxy(proxy: Proxy) -> dict[str, str]:
    said = {"http_proxy": proxy.http, "https_proxy": proxy.https, "no_proxy": ",".join(proxy.exceptions)}
    pairs = [(name, value) for name, value in said.items() if value]
    both = [(name, value) for pair in pairs for name, value in (pair, (pair[0].upper(), pair[1]))]
    apt = "".join(f'Acquire::{kind}::Proxy "{url}";\n' for kind, url in (("http", proxy.http), ("https", proxy.https)) if url)
    # apt knows exceptions by host only: a network or a domain is none for it.
    apt += "".join(f'Acquire::{kind}::Proxy::{host} "DIRECT";\n' for host in proxy.exceptions
                   if not host.startswith(".") and "/" not in host and ":" not in host for kind in ("http", "https"))
    return {
        APT_PROXY: HEADER + apt,
        SHELL_PROXY: HEADER + "".join(f"export {name}='{value}'\n" for name, value in both),
        CONTAINERD_PROXY: HEADER + "[Service]\n" + "".join(f'Environment="{name}={value}"\n' for name, value in both),
    }
