"""What dpkg says of the packages that our list names, and who is at work on them.

dpkg-query(1): db:Status-Abbrev is what is wanted (i install, h hold, ...), what is there (n not, c config files, H half
installed, U unpacked, F half configured, W and t triggers, i installed), and R where it must be installed again.
apt and dpkg lock by fcntl(2): proc(5), /proc/locks.
"""

from __future__ import annotations

from dataclasses import dataclass

from bpa.core.facts import Facts
from bpa.core.host.owned import Owned
from bpa.core.host.probe import shell, told
from bpa.core.verdict import Stuck, Wait

LIST = "/etc/bpa/packages"
RECORD = "/var/lib/bpa/packages"
"""Names of the packages that were not there before us."""
OWNED = (
    Owned(LIST, "the packages that are asked", "software.packages", "PackagesInstalled"),
    Owned(RECORD, "the packages that BPA installed", "software.packages", "PackagesInstalled"),
)

PROBES = {"packages": shell("""
PATH=$PATH:/usr/sbin:/sbin
list=/etc/bpa/packages; record=/var/lib/bpa/packages
echo '@@ tool'; command -v apt-get
echo '@@ list'; cat $list 2>/dev/null
echo '@@ record'; cat $record 2>/dev/null
{ [ -e $list ] || [ -e $record ]; } && command -v dpkg-query >/dev/null || exit 0
echo '@@ packages'
names=$(cat $list $record 2>/dev/null | sed '/^#/d; s/[ :].*//' | sort -u)
dpkg-query -W -f='${db:Status-Abbrev}|${Package}|${Architecture}|${Version}|${Provides}\\n' 2>/dev/null |
  awk -F'|' -v names="$names" 'BEGIN { n = split(names, list, "\\n"); for (i = 1; i <= n; i++) asked[list[i]] = 1 }
    { show = $2 in asked || substr($1, 2, 1) !~ /[nci]/ || substr($1, 3, 1) == "R"
      n = split($5, virtual, ", *"); for (i = 1; i <= n; i++) { sub(/ .*/, "", virtual[i]); if (virtual[i] in asked) show = 1 }
      if (show) print }'
echo '@@ interrupted'; ls /var/lib/dpkg/updates 2>/dev/null
echo '@@ lock'
for file in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/cache/apt/archives/lock /var/lib/apt/lists/lock; do
  found=$(stat -c '%d %i' $file 2>/dev/null) || continue
  dev=${found% *}
  key=$(printf '%02x:%02x:%s' $(((dev >> 8) & 0xfff)) $(((dev & 0xff) | ((dev >> 12) & 0xfff00))) "${found#* }")
  pid=$(awk -v key="$key" '$6 == key { print $5; exit }' /proc/locks 2>/dev/null)
  [ -z "$pid" ] || echo "$file $pid $(cat /proc/$pid/comm 2>/dev/null)"
done
echo '@@ read-only'
awk '$2 ~ /^\\/(usr|var|var\\/lib)?$/ { ro[$2] = $4 ~ /(^|,)ro(,|$)/ } END { for (at in ro) if (ro[at]) print at }' /proc/mounts
echo '@@ free'; df -Pk /var /usr 2>/dev/null | awk 'NR > 1 { print $6, $4 }' | sort -u
exit 0
""")}


@dataclass(frozen=True, slots=True)
class Installed:
    """A line of dpkg-query. wanted, state, error: the letters of its status; provides: names of virtual packages."""

    name: str
    architecture: str
    version: str
    wanted: str
    state: str
    error: str = ""
    provides: tuple[str, ...] = ()

    @property
    def there(self) -> bool:
        return self.state == "i" and self.error != "R"

    @property
    def held(self) -> bool:
        return self.wanted == "h"

    def called(self, asked: str) -> bool:
        """Whether it is the package of this name[:architecture]."""
        name, _, architecture = asked.partition(":")
        return self.name == name and architecture in ("", self.architecture)


@dataclass(frozen=True, slots=True)
class Packages:
    """apt: the tool is there; listed, record: our two files; packages: those asked and those in a broken state; lock:
    (file, pid, program) of who holds one; read_only: mount points; free: KiB by mount point.
    """

    apt: bool
    listed: str = ""
    record: tuple[str, ...] = ()
    packages: tuple[Installed, ...] = ()
    interrupted: bool = False
    lock: tuple[str, str, str] | None = None
    read_only: tuple[str, ...] = ()
    free: tuple[tuple[str, int], ...] = ()

    def of(self, asked: str) -> Installed | None:
        """The installed or half-installed package of this name; without an architecture the first of them."""
        found = [one for one in self.packages if one.called(asked) and one.state not in "nc"]
        return next((one for one in found if one.there), found[0] if found else None)

    def provided(self, asked: str) -> bool:
        """Whether an installed package stands for this virtual one."""
        return any(one.there and asked in one.provides for one in self.packages)


def look_packages(have: Facts) -> Packages | Wait | Stuck:
    """What probe `packages` came to."""
    text = told(have, "packages")
    return parse_packages(text) if isinstance(text, dict) else text


def parse_packages(text: dict[str, str]) -> Packages:
    """The sections of probe `packages`."""
    lock = text.get("lock", "").split("\n", 1)[0].split(maxsplit=2)
    free = (line.rsplit(maxsplit=1) for line in text.get("free", "").splitlines())
    return Packages(
        bool(text.get("tool", "").strip()), text.get("list", ""), tuple(text.get("record", "").split()),
        tuple(_installed(line) for line in text.get("packages", "").splitlines() if line.strip()),
        bool(text.get("interrupted", "").strip()),
        (lock[0], lock[1], lock[2] if len(lock) > 2 else "") if len(lock) > 1 else None,
        tuple(sorted(text.get("read-only", "").split())),
        tuple((one[0], int(one[1])) for one in free if len(one) == 2 and one[1].isdigit()))


def _installed(line: str) -> Installed:
    cells = line.split("|")
    if len(cells) < 4 or len(cells[0]) < 2:
        raise ValueError(f"dpkg-query printed {line!r}")
    virtual = tuple(one.split()[0] for one in cells[4].split(",") if one.strip()) if len(cells) > 4 else ()
    return Installed(cells[1], cells[2], cells[3], cells[0][0], cells[0][1], cells[0][2:].strip(), virtual)
