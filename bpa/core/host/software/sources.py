"""SourcesReady: package sources, proxies and certificates of the profile are in place before packages are fetched."""

from __future__ import annotations

from dataclasses import dataclass, field

from bpa.core.facts import Facts
from bpa.core.host.containerd_look import parse_containerd
from bpa.core.host.owned import HEADER
from bpa.core.host.probe import shell, told
from bpa.core.host.software.files import CERTIFICATES, CONTAINERD_PROXY, files_of
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant

PROBES = {"sources": shell("""
PATH=$PATH:/usr/sbin:/sbin
echo '@@ tool'; command -v update-ca-certificates
for file in /etc/apt/sources.list.d/bpa.sources /etc/apt/apt.conf.d/80bpa-proxy /etc/apt/apt.conf.d/80bpa-sources \\
    /etc/profile.d/bpa-proxy.sh /etc/systemd/system/containerd.service.d/bpa-proxy.conf \\
    /usr/local/share/ca-certificates/bpa-*.crt; do
  if [ -f "$file" ]; then echo "@@ file $file"; cat "$file"; fi
done
file=/etc/systemd/system/containerd.service.d/bpa-proxy.conf
echo '@@ proxy written'; [ ! -e $file ] || echo $(($(date +%s) - $(stat -c %Y $file)))
echo '@@ trusted'; for file in /etc/ssl/certs/bpa-*.pem; do [ ! -e "$file" ] || echo "$file"; done
exit 0
""")}

UPDATE = ("update-ca-certificates",)
# containerd reads its environment at its next start: its containers are not disturbed for it.
RELOAD = shell("systemctl daemon-reload 2>/dev/null; exit 0")
REMOVE = 'rm -f "$1"; shift; '
FORGET = "PATH=$PATH:/usr/sbin:/sbin; update-ca-certificates --fresh >/dev/null"


@dataclass(frozen=True, slots=True)
class Sources:
    """update: update-ca-certificates is there; files: texts of ours by path; trusted: links in /etc/ssl/certs; proxy: seconds
    since containerd's was written, None = it has none of ours.
    """

    update: bool = False
    files: dict[str, str] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()
    proxy: int | None = None


def parse_sources(text: dict[str, str]) -> Sources:
    """The sections of probe `sources`."""
    files = {name.removeprefix("file "): said for name, said in text.items() if name.startswith("file /")}
    return Sources(bool(text.get("tool", "").strip()), files, frozenset(text.get("trusted", "").split()),
                   int(text["proxy written"]) if text.get("proxy written", "").strip() else None)


def check(want: HostWant, have: Facts) -> Verdict:
    wanted, text = files_of(want.profile.software), told(have, "sources")
    if not isinstance(text, dict):
        return text if wanted else Met("not asked")
    seen = parse_sources(text)
    certificates = [path for path in wanted if path.startswith(CERTIFICATES)]
    if certificates and not seen.update:
        return Stuck("certificates are to be trusted, and the host has no update-ca-certificates",
                     "use an image with the package ca-certificates")
    for path, content in wanted.items():
        if seen.files.get(path, "") != content:
            return Act(WriteFile(path, content, f"write {path}", then=_then(path)), f"{path} is not as the profile asks")
    for path in seen.files:
        if path not in wanted and seen.files[path].startswith(HEADER):
            after = FORGET if path.startswith(CERTIFICATES) else RELOAD[2] if path == CONTAINERD_PROXY else ":"
            return Act(RunOnHost((*shell(REMOVE + after), path), f"remove {path}"), f"{path} is not asked any more")
    untrusted = [path for path in certificates if _link(path) not in seen.trusted]
    if untrusted:
        return Act(RunOnHost(UPDATE, "let the host trust the certificates of the profile"),
                   f"{', '.join(untrusted)} is not among the trusted ones")
    return Met(f"{len(wanted)} files{_later(seen, have)}" if wanted else "not asked")


def _later(seen: Sources, have: Facts) -> str:
    """What a person must know of a proxy that a running containerd has not read: to restart it is not worth a disturbance."""
    text = told(have, "containerd")
    age = parse_containerd(text).age if isinstance(text, dict) else None
    if seen.proxy is None or age is None or age <= seen.proxy + 1:
        return ""
    return "; containerd takes the proxy from its next start (`systemctl restart containerd`)"


def _then(path: str) -> tuple[tuple[str, ...], ...]:
    return (UPDATE,) if path.startswith(CERTIFICATES) else (RELOAD,) if path == CONTAINERD_PROXY else ()


def _link(path: str) -> str:
    return f"/etc/ssl/certs/{path.rpartition('/')[2].removesuffix('.crt')}.pem"


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    wanted, text = files_of(want.profile.software), told(have, "sources")
    if not isinstance(text, dict):
        return tuple(Change(path, None, "as the profile asks") for path in wanted)
    seen = parse_sources(text).files
    found = [Change(path, "other" if path in seen else "absent", "as the profile asks")
             for path, content in wanted.items() if seen.get(path) != content]
    return (*found, *(Change(path, "ours", "removed") for path, content in seen.items()
                      if path not in wanted and content.startswith(HEADER)))


READY = HostRequirement("SourcesReady", "os", check, "package sources, proxies and certificates are as the profile asks", changes)
