"""SysctlsSet: the kernel settings of the profile and of its hardening rules, now and at every start.

sysctl.d(5): files of all directories count, sorted by name, one in /etc hides one of the same name in /run and /usr/lib;
of a key that is set twice the last counts. procps reads /etc/sysctl.conf last of all. Hardening has a file of its own at
the end: distributions set some of its keys in files that sort after 90 (fs.protected_fifos in protect-links.conf).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.facts import Facts
from bpa.core.host.hardening.rules import sysctls_of
from bpa.core.host.owned import HEADER, Owned, removal
from bpa.core.host.probe import shell, told
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant

FILE = "/etc/sysctl.d/90-bpa.conf"
HARDENING_FILE = "/etc/sysctl.d/zz-bpa-hardening.conf"
RECORD = "/var/lib/bpa/sysctl.before"
OWNED = (
    Owned(FILE, "kernel settings", "kernel.sysctls", "SysctlsSet"),
    Owned(HARDENING_FILE, "kernel settings of the hardening rules", "hardening", "SysctlsSet"),
    Owned(RECORD, "what these settings were before", "kernel.sysctls", "SysctlsSet"),
)

PROBES = {"sysctl": shell("""
ours=/etc/sysctl.d/90-bpa.conf; hard=/etc/sysctl.d/zz-bpa-hardening.conf; record=/var/lib/bpa/sysctl.before
echo '@@ file'; cat $ours 2>/dev/null
echo '@@ hardening file'; cat $hard 2>/dev/null
echo '@@ before'; cat $record 2>/dev/null
echo '@@ values'
sed -n 's/^\\([^# ][^ ]*\\) = .*/\\1/p' $ours $hard $record 2>/dev/null | sort -u |
  sed 'h;/^[^./]*\\./y#./#/.#;G;s/\\n/ /' | while read -r path key; do
    [ -r "/proc/sys/$path" ] && echo "$key = $(tr '\\t\\n' '  ' <"/proc/sys/$path")"
  done
echo '@@ others'
[ -z "$(sed -n '/^[^#]/p' $ours $hard 2>/dev/null)" ] || grep -sHE '^[^#;]*=' /etc/sysctl.d/*.conf /run/sysctl.d/*.conf \\
  /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf /lib/sysctl.d/*.conf /etc/sysctl.conf
exit 0
""")}

# A value from before is written down before it is lost. One that cannot be put back (some settings are locked until the
# next start) is let go: nothing of ours sets it again. The last file is that of the hardening rules: what the kernel does
# not have needs no hardening.
SET = """record=$1; shift
failed=0
path() { echo "/proc/sys/$(echo "$1" | sed '/^[^./]*\\./y#./#/.#')"; }
mkdir -p "${record%/*}" && touch "$record" || exit 1
given=$(sed -n 's/^\\([^# ][^ ]*\\) = .*/\\1/p' "$@" 2>/dev/null)
while read -r key equals value; do
  file=$(path "$key")
  if ! echo "$given" | grep -qxF -- "$key"; then [ ! -e "$file" ] || echo "$value" >"$file" || :; fi
done <"$record"
awk -v given="$given" 'BEGIN { n = split(given, list, "\\n"); for (i = 1; i <= n; i++) ours[list[i]] = 1 } $1 in ours' \\
  "$record" >"$record.new" && mv -f "$record.new" "$record" || exit 1
for conf; do last=$conf; done
for conf; do
  [ -f "$conf" ] || continue
  while read -r key equals value; do
    [ "$equals" = = ] || continue
    case $key in '#'*) continue ;; esac
    file=$(path "$key")
    if [ ! -e "$file" ]; then
      [ "$conf" = "$last" ] || { echo "the kernel has no sysctl $key" >&2; failed=1; }
      continue
    fi
    now=$(tr '\\t' ' ' <"$file")
    [ "$now" != "$value" ] || continue
    if ! grep -q "^$key = " "$record"; then echo "$key = $now" >>"$record"; sync; fi
    echo "$value" >"$file" || { echo "$key does not take $value" >&2; failed=1; }
  done <"$conf"
done
[ -s "$record" ] || { rm -f "$record"; rmdir "${record%/*}" 2>/dev/null; }
exit $failed
"""


@dataclass(frozen=True, slots=True)
class Sysctls:
    """Texts of our two files ("" = not there), values before ours, values now, and what others set at the start as
    (path, key, value) in the order in which it counts. Keys have dots wherever sysctl takes both.
    """

    file: str = ""
    hardening_file: str = ""
    before: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    others: tuple[tuple[str, str, str], ...] = ()


def parse_sysctls(text: dict[str, str]) -> Sysctls:
    """The sections of probe `sysctl`."""
    return Sysctls(text.get("file", ""), text.get("hardening file", ""), _pairs(text.get("before", "")),
                   _pairs(text.get("values", "")), _others(text.get("others", "")))


def render(sysctls: Mapping[str, str]) -> str:
    """A file of ours, "" = nothing is asked."""
    return HEADER + "".join(f"{key} = {value}\n" for key, value in sorted(sysctls.items())) if sysctls else ""


def wanted_sysctls(want: HostWant) -> tuple[dict[str, str], dict[str, str]]:
    """What the profile sets itself, and what its hardening rules set beyond that."""
    own = dict(want.profile.kernel.sysctls)
    return own, sysctls_of(want.profile.hardening, own)


def check(want: HostWant, have: Facts) -> Verdict:
    text = told(have, "sysctl")
    if not isinstance(text, dict):
        return text
    seen = parse_sysctls(text)
    own, hard = wanted_sysctls(want)
    apply = (*shell(SET), RECORD, FILE, HARDENING_FILE)
    for path, wanted, there in ((FILE, render(own), seen.file), (HARDENING_FILE, render(hard), seen.hardening_file)):
        if wanted and wanted != there:
            return Act(WriteFile(path, wanted, f"set sysctls by {path}", then=(apply,)), f"{path} is not as the profile asks")
        if there and not wanted:
            return Act(removal(f"remove {path}", path), f"{path} is there, and nothing in it is asked any more")
    both = {**hard, **own}
    left = [key for key in seen.before if key not in both]
    if left:
        return Act(RunOnHost(apply, "put sysctls back"), f"not asked any more: {', '.join(left)}")
    for key in own:
        if key not in seen.values:
            return Stuck(f"the kernel has no sysctl {key}",
                         "correct its name, or load the module that brings it (kernel.modules.load), or take it out of the "
                         "profile")
    wrong = {key: seen.values[key] for key, value in both.items() if seen.values.get(key, value) != value}
    if wrong:
        said = ", ".join(f"{key} is {value}, not {both[key]}" for key, value in wrong.items())
        return Act(RunOnHost(apply, "set sysctls"), said)
    for asked, ours in ((own, FILE), (hard, HARDENING_FILE)):
        for path, key, value in seen.others:
            if key in asked and value != asked[key] and _after(path, ours):
                return Stuck(f"{path} sets {key} to {value} at the next start: it counts after {ours}",
                             f"take {key} out of {path}, or out of the profile")
    return Met(f"{len(both)} set" if both else "not asked")


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    own, hard = wanted_sysctls(want)
    both, text = {**hard, **own}, told(have, "sysctl")
    if not isinstance(text, dict):
        rules = f"hardening: {len(hard)} of {len(hard)} sysctls are to be set"
        return tuple(Change(f"sysctl {key}", None, value, part_of=rules if key in hard else "")
                     for key, value in sorted(both.items()))
    seen = parse_sysctls(text)
    # The probe asks only for keys that stand in a file of ours already; one that stands there and has no value is not the
    # kernel's, and needs no hardening.
    lacking = hard.keys() - seen.values.keys() if seen.hardening_file == render(hard) else frozenset()
    wrong = {key: value for key, value in sorted(both.items()) if key not in lacking and seen.values.get(key) != value}
    back = {key: value for key, value in sorted(seen.before.items()) if key not in both}
    to_set = f"hardening: {len(wrong.keys() & hard.keys())} of {len(hard)} sysctls are to be set"
    return (*(Change(f"sysctl {key}", seen.values.get(key), value, part_of=to_set if key in hard else "")
              for key, value in wrong.items()),
            *(Change(f"sysctl {key}", seen.values.get(key), f"{value}, as before", part_of="sysctls to be put back as they were")
              for key, value in back.items()))


def _pairs(text: str) -> dict[str, str]:
    found = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): " ".join(value.split()) for key, _, value in found}


def _others(text: str) -> tuple[tuple[str, str, str], ...]:
    owners: dict[str, str] = {}
    found: list[tuple[str, str, str, str]] = []
    for line in text.splitlines():
        path, _, rest = line.partition(":")
        key, _, value = rest.partition("=")
        name = path.rpartition("/")[2]
        # The probe lists directories in their order of precedence: the first file of a name hides the others.
        if path not in (FILE, HARDENING_FILE) and owners.setdefault(name, path) == path:
            found.append((_order(path), path, _dotted(key.strip().lstrip("-")), " ".join(value.split())))
    return tuple((path, key, value) for _, path, key, value in sorted(found, key=lambda one: one[0]))


def _order(path: str) -> str:
    return "\x7f" if path == "/etc/sysctl.conf" else path.rpartition("/")[2]


def _after(path: str, ours: str) -> bool:
    return _order(path) > _order(ours)


def _dotted(key: str) -> str:
    """sysctl.d(5): where the first separator is a slash, dots and slashes change places."""
    return key.translate(str.maketrans("./", "/.")) if re.match(r"[^./]*/", key) else key


SYSCTLS = HostRequirement("SysctlsSet", "os", check, "the kernel settings of the profile are set and will be", changes)
