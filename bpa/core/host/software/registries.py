"""RegistriesMirrored: containerd asks the mirrors of the profile before a registry.

A file of ours per registry, which containerd reads at each pull, without a restart (containerd, docs/hosts.md); and where
containerd does not look for such files, a drop-in that says so, if it takes drop-ins: containerd 2 merges them, containerd 1
would lose the rest of the section.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bpa.core.facts import Facts
from bpa.core.host.containerd import PAUSE, RESTART, UNMAKE, unreadable
from bpa.core.host.containerd_look import CONFIG, Containerd, parse_containerd
from bpa.core.host.owned import HEADER, Owned
from bpa.core.host.probe import shell, told
from bpa.core.host.software.files import CERTIFICATES
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant, Registry, SoftwareNeeds

DIRECTORY = "/etc/containerd/certs.d"
DROP_IN = "/etc/containerd/conf.d/bpa-registries.toml"
PLUGIN = {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.images"}
UPSTREAM = {"docker.io": "https://registry-1.docker.io"}
OWNED = (
    Owned(f"{DIRECTORY}/*/hosts.toml", "mirrors of a registry", "software.registries", "RegistriesMirrored", marked=True),
    Owned(DROP_IN, "lets containerd look for them", "software.registries", "RegistriesMirrored"),
)

PROBES = {"registries": shell("""
for file in /etc/containerd/certs.d/*/hosts.toml /etc/containerd/conf.d/bpa-registries.toml; do
  if [ -f "$file" ]; then echo "@@ file $file"; head -c 65536 "$file"; fi
done
mine=/etc/containerd/conf.d/bpa-registries.toml
echo '@@ written'; [ ! -e $mine ] || echo $(($(date +%s) - $(stat -c %Y $mine)))
exit 0
""")}
REMOVE = 'rm -f "$1"; rmdir "${1%/*}" 2>/dev/null; exit 0'


def files_of(needs: SoftwareNeeds) -> Mapping[str, str]:
    """Path -> text of a hosts.toml for each registry."""
    return {f"{DIRECTORY}/{name}/hosts.toml": _hosts(name, one) for name, one in sorted(needs.registries.items())}


def _hosts(name: str, registry: Registry) -> str:
    lines = []
    # A registry without a server of its own is asked for what the mirrors lack: it is told the first mirror again.
    if not registry.fallback:
        lines.append(f'server = "{registry.mirrors[0]}"')
    elif name != "_default":
        lines.append(f'server = "{UPSTREAM.get(name, f"https://{name}")}"')
    for mirror in registry.mirrors:
        lines += [f'[host."{mirror}"]', 'capabilities = ["pull", "resolve"]']
        if mirror.partition("://")[2].partition("/")[2]:
            lines.append("override_path = true")
        if registry.authority:
            lines.append(f'ca = "{CERTIFICATES}{registry.authority}.crt"')
    return HEADER + "\n".join(lines) + "\n"


def render(main: int) -> str:
    """Our drop-in, in the version of the main configuration: containerd refuses one of a higher version."""
    version = 3 if main >= 3 else 2
    return f'{HEADER}version = {version}\n[plugins."{PLUGIN[version]}".registry]\nconfig_path = "{DIRECTORY}"\n'


def config_path(dump: str) -> str:
    """Where CRI looks for our files, from the lines of `containerd config dump`: of its registry table, "" = nowhere."""
    found = re.search(r"""^\s*\[plugins\..*\.registry\]\s*\n\s*config_path\s*=\s*['"](.*)['"]""", dump, re.MULTILINE)
    return found[1] if found else ""


def check(want: HostWant, have: Facts) -> Verdict:
    wanted, text = files_of(want.profile.software), told(have, "registries")
    if not isinstance(text, dict):
        return text if wanted else Met("not asked")
    files = {name.removeprefix("file "): said for name, said in text.items() if name.startswith("file ")}
    for path, content in wanted.items():
        there = files.get(path, content)
        if there != content and not there.startswith(HEADER):
            return Stuck(f"{path} is there and not of BPA", "remove it, or take this registry out of software.registries")
        if files.get(path) != content:
            return Act(WriteFile(path, content, f"write {path}"), f"{path} is not as the profile asks")
    for path in _left(wanted, files):
        return Act(RunOnHost((*shell(REMOVE), path), f"remove {path}"), f"{path} is not asked any more")
    daemon = told(have, "containerd")
    if not isinstance(daemon, dict):
        return daemon if wanted or DROP_IN in files else Met("not asked")
    seen, dropped = parse_containerd(daemon), files.get(DROP_IN, "")
    if not wanted:
        if not dropped.startswith(HEADER):
            return Met("not asked")
        return Act(RunOnHost((*shell(UNMAKE), DROP_IN), f"remove {DROP_IN}", disrupts=PAUSE if seen.age is not None else ""),
                   f"{DROP_IN} is ours and not asked any more")
    names = ", ".join(want.profile.software.registries)
    if seen.version is None:
        return Met(f"{names} (containerd is not installed yet)")
    said = text.get("written", "").strip()
    return (_looks(seen, config_path(daemon.get("dump", "")), dropped, int(said) if said else None)
            or Met(f"{names}, by containerd {seen.text}"))


def _left(wanted: Mapping[str, str], files: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(path for path, said in files.items() if path not in wanted and path != DROP_IN and said.startswith(HEADER))


def _looks(seen: Containerd, path: str, dropped: str, written: int | None) -> Verdict | None:
    """What is to do until containerd looks for our files; None = it does."""
    assert seen.version is not None
    if dropped and not dropped.startswith(HEADER):
        return Stuck(f"{DROP_IN} is there and not of BPA", "remove it, or take software.registries out of the profile")
    drop_in = WriteFile(DROP_IN, render(seen.main), f"let containerd look for mirrors in {DIRECTORY}", then=(RESTART,),
                        disrupts=PAUSE)
    if dropped and dropped != render(seen.main):
        return Act(drop_in, f"{DROP_IN} is not as BPA wrote it")
    if broken := unreadable(seen):
        return broken
    if dropped and (seen.age is None or (written is not None and seen.age > written + 1)):
        # Killed between the file and the restart: containerd is older than the file.
        return Act(RunOnHost(RESTART, "restart containerd", disrupts=PAUSE if seen.age is not None else ""),
                   f"containerd has not read {DROP_IN}")
    if DIRECTORY in path.split(":"):
        return None
    if path or dropped:
        return Stuck(f"containerd looks for mirrors in {path or 'no directory'}, not in {DIRECTORY}"
                     + (f", whatever {DROP_IN} says" if dropped else ""),
                     f'let whatever wrote {CONFIG} set config_path = "{DIRECTORY}" there, and restart containerd')
    table = f'[plugins."{PLUGIN[3 if seen.main >= 3 else 2]}".registry]'
    if seen.version < (2, 0) or seen.main < 2 or not seen.imports:
        why = (f"{CONFIG} does not import {DROP_IN.rpartition('/')[0]}/*.toml" if seen.version >= (2, 0) else
               f"containerd {seen.text} would lose its other settings by a drop-in")
        return Stuck(f"containerd does not look for mirrors in {DIRECTORY}, and {why}",
                     f'write `{table}` and `config_path = "{DIRECTORY}"` into {CONFIG} by whatever wrote it, restart '
                     "containerd, then apply again")
    return Act(drop_in, f"containerd does not look for mirrors in {DIRECTORY}")


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    wanted, text = files_of(want.profile.software), told(have, "registries")
    if not isinstance(text, dict):
        return tuple(Change(path, None, "as the profile asks") for path in wanted)
    files = {name.removeprefix("file "): said for name, said in text.items() if name.startswith("file ")}
    found = [Change(path, "other" if path in files else "absent", "as the profile asks")
             for path, content in wanted.items() if files.get(path) != content]
    found += [Change(path, "ours", "removed") for path in _left(wanted, files)]
    daemon = told(have, "containerd")
    if not isinstance(daemon, dict):
        return tuple(found)
    seen, ours = parse_containerd(daemon), files.get(DROP_IN, "").startswith(HEADER)
    if not wanted and ours:
        found.append(Change(DROP_IN, "ours", "removed", disrupts=PAUSE if seen.age is not None else ""))
    elif wanted and isinstance(_looks_or_absent(seen, daemon, files), Act):
        found.append(Change("directory of containerd's mirrors", "none", DIRECTORY, disrupts=PAUSE))
    return tuple(found)


def _looks_or_absent(seen: Containerd, daemon: Mapping[str, str], files: Mapping[str, str]) -> Verdict | None:
    if seen.version is None or DROP_IN in files:
        return None
    return _looks(seen, config_path(daemon.get("dump", "")), "", None)


MIRRORED = HostRequirement("RegistriesMirrored", "os", check, "containerd asks the mirrors of its registries first", changes)
