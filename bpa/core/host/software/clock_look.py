"""Probe `clock`: who sets the host's clock, by which servers, and how well.

chronyc(1), -c: comma-separated values, independent of locale: `tracking` has 14 (reference id, its name, stratum, time of
the last update, offset in seconds (positive = the clock is behind), ..., leap status), `sources` has 10 (mode, state, name,
stratum, interval, reachability in octal, ...). -N gives names as they were asked for, -n addresses: "ID#" and a number
where there is none yet. systemd-timesyncd(8) makes /run/systemd/timesync/synchronized.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.host.owned import Owned
from bpa.core.host.probe import shell

CHRONY = "/etc/chrony/sources.d/bpa.sources"
TIMESYNCD = "/etc/systemd/timesyncd.conf.d/bpa.conf"
OWNED = (
    Owned(CHRONY, "time servers of chrony", "software.time", "TimeInStep"),
    Owned(TIMESYNCD, "time servers of systemd-timesyncd", "software.time", "TimeInStep"),
)
CHRONYD, SYSTEMD = "chronyd", "systemd-timesyncd"

PROBES = {"clock": shell("""
PATH=$PATH:/usr/sbin:/sbin
chrony=/etc/chrony/sources.d/bpa.sources; timesyncd=/etc/systemd/timesyncd.conf.d/bpa.conf; mine=
echo '@@ running'; up=$(cut -d' ' -f1 /proc/uptime); hz=$(getconf CLK_TCK)
for p in /proc/[0-9]*; do
  { read -r name <$p/comm; } 2>/dev/null || continue
  case $name in
    chronyd|ntpd|phc2sys|systemd-timesyn)
      awk -v name=$name -v up=$up -v hz=$hz '{ sub(/.*\\) /, ""); printf "%s %d\\n", name, up - $20 / hz }' $p/stat 2>/dev/null ;;
  esac
done
echo '@@ tools'; command -v chronyd
for file in /lib/systemd/systemd-timesyncd /usr/lib/systemd/systemd-timesyncd; do [ ! -e $file ] || echo $file; done
echo '@@ sourcedir'
awk '$1 == "sourcedir" { print }' /etc/chrony/chrony.conf /etc/chrony.conf /etc/chrony/conf.d/*.conf 2>/dev/null
for file in $chrony $timesyncd; do
  if [ -f $file ]; then mine=1; echo "@@ file $file"; cat $file; echo "@@ written $file"; stat -c %Y $file; fi
done
[ "$mine" ] || exit 0
echo '@@ clock'; date +%s; stat -Lc %Y /bin/sh 2>/dev/null
echo '@@ units'; systemctl show -p Id,ActiveState,UnitFileState chrony.service systemd-timesyncd.service 2>/dev/null
if [ -e $chrony ] && command -v chronyc >/dev/null; then
  echo '@@ tracking'; timeout 3 chronyc -c -n tracking 2>&1
  echo '@@ sources'; timeout 3 chronyc -c -N sources -a 2>&1
  echo '@@ addresses'; timeout 3 chronyc -c -n sources -a 2>&1
elif [ -e $timesyncd ]; then
  echo '@@ synchronized'; ls /run/systemd/timesync/synchronized 2>/dev/null
  echo '@@ timesync'; timeout 3 timedatectl show-timesync -p ServerName -p ServerAddress 2>/dev/null
fi
exit 0
""")}


@dataclass(frozen=True, slots=True)
class TimeServer:
    """A line of `chronyc sources`. name as it was asked for; state: * + - ? x ~; resolved: it has an address."""

    name: str
    state: str
    reached: bool
    resolved: bool = True


@dataclass(frozen=True, slots=True)
class Tracking:
    """by: the server's address or name; offset: seconds that the clock is behind (negative: ahead)."""

    by: str
    offset: float
    synchronised: bool


@dataclass(frozen=True, slots=True)
class HostClock:
    """running: daemon -> seconds since its start; there: daemons that are installed; sourcedirs: of chrony; files: texts of
    ours by path, written: seconds since; units: unit -> (active state, state of its file); now, built: seconds since the
    epoch by the host's clock, and those at which its system was built; tracking None = chronyd does not answer.
    """

    running: Mapping[str, int] = field(default_factory=dict)
    there: tuple[str, ...] = ()
    sourcedirs: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[str, int] = field(default_factory=dict)
    now: int = 0
    built: int = 0
    units: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    tracking: Tracking | None = None
    servers: tuple[TimeServer, ...] = ()
    synchronized: bool = False
    by: str = ""


def parse_clock(text: dict[str, str]) -> HostClock:
    """The sections of probe `clock`. ValueError: chronyc printed another format."""
    running: dict[str, int] = {}
    for name, _, age in (line.partition(" ") for line in text.get("running", "").splitlines()):
        name = SYSTEMD if SYSTEMD.startswith(name) else name
        running[name] = max(int(age), running.get(name, 0))
    there = tuple(dict.fromkeys(path.rpartition("/")[2] for path in text.get("tools", "").split()))
    now, built = (*(int(word) for word in text.get("clock", "").split()), 0, 0)[:2]
    said = dict(line.split("=", 1) for line in text.get("timesync", "").splitlines() if "=" in line)
    return HostClock(
        running, there, tuple(word for line in text.get("sourcedir", "").splitlines() for word in line.split()[1:]),
        {name.removeprefix("file "): one for name, one in text.items() if name.startswith("file ")},
        {name.removeprefix("written "): now - int(one) for name, one in text.items() if name.startswith("written ") and now},
        now, built, dict(_units(text.get("units", ""))), _tracking(text.get("tracking", "")),
        tuple(_servers(text.get("sources", ""), text.get("addresses", ""))),
        bool(text.get("synchronized", "").strip()), said.get("ServerName") or said.get("ServerAddress", ""))


def _units(text: str) -> list[tuple[str, tuple[str, str]]]:
    found = []
    for block in text.strip().split("\n\n"):
        said = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" in said:
            found.append((said["Id"], (said.get("ActiveState", ""), said.get("UnitFileState", ""))))
    return found


def _rows(text: str, least: int, command: str) -> list[list[str]]:
    """Rows of chronyc -c; none where the daemon does not answer ("506 Cannot talk to daemon")."""
    rows = [line.split(",") for line in text.strip().splitlines()]
    if any("Cannot talk to daemon" in row[0] for row in rows):
        return []
    if short := next((row for row in rows if len(row) < least), None):
        raise ValueError(f"`chronyc -c {command}` printed {','.join(short)!r}")
    return rows


def _tracking(text: str) -> Tracking | None:
    for row in _rows(text, 14, "tracking"):
        return Tracking(row[1], float(row[4]), row[-1] != "Not synchronised" and row[0] != "00000000")
    return None


def _servers(text: str, addresses: str) -> list[TimeServer]:
    rows, numbers = _rows(text, 10, "sources"), _rows(addresses, 10, "sources")
    known = [row[2] for row in numbers] if len(numbers) == len(rows) else [""] * len(rows)
    return [TimeServer(row[2], row[1], int(row[5], 8) > 0, not address.startswith("ID#"))
            for row, address in zip(rows, known, strict=True)]
