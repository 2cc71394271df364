"""BMC firmware versions: each vendor counts in its own way, and some have started again. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Version:
    """scheme: versions of different schemes are not comparable (iDRAC10 1.x is newer than iDRAC9 7.x). key: what counts."""

    scheme: str
    key: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Versions of one scheme from `start` (inclusive) to below `end` (exclusive); () = without end."""

    scheme: str
    start: tuple[int, ...] = ()
    end: tuple[int, ...] = ()

    def holds(self, version: Version) -> bool:
        """Whether the version is of this scheme and in this range."""
        if version.scheme != self.scheme:
            return False
        return self.start <= version.key and (not self.end or version.key < self.end)


def parse(maker: str, controller: str, told: str) -> Version | None:
    """A Manager's FirmwareVersion. maker: who made the BMC's firmware; controller: Manager.Model. None = not understood.

    Read from recorded machines: "6.00.30.00" with Model "15G Monolithic" (Dell), "iLO 5 v2.72" (HPE), "TGBT42S 2.83
    2023-07-05" (Lenovo), "11.01.01" (Supermicro), "2.15.0-dev-686-g100c36de90" (OpenBMC), "1.93.870cf4f0" (Intel).
    """
    told = told.strip()
    match maker:
        case "Dell":
            return _dell(controller, told)
        case "HPE":
            found = re.match(r"iLO (\d) v(\d+)\.(\d+)", told)
            return Version(f"iLO {found[1]}", (int(found[2]), int(found[3]))) if found else None
        case "Lenovo":
            # The first four letters of the build are the controller's firmware family; each family counts for itself.
            found = re.match(r"([A-Z0-9]{4})[A-Z0-9]{2,4}[- ]v?(\d+)\.(\d+)", told)
            return Version(f"XCC {found[1]}", (int(found[2]), int(found[3]))) if found else None
        case "Supermicro":
            # Each generation of boards counts for itself: a rule names the model too.
            return _numbers("Supermicro", r"(\d+)\.(\d+)(?:\.(\d+))?$", told)
        case "AMI":
            return _numbers("MegaRAC", r"(\d+)\.(\d+)(?:\.(\d+))?$", told)
        case "Intel":
            return _numbers("Intel BMC", r"(\d+)\.(\d+)(?:\.[0-9a-f]{8})?$", told)
        case "OpenBMC":
            return _openbmc(told)
        case "Cisco":
            found = re.match(r"(\d+)\.(\d+)\((\d+)([a-z]?)\)?", told)
            if found is None:
                return None
            letter = ord(found[4]) - ord("a") + 1 if found[4] else 0
            return Version("CIMC", (int(found[1]), int(found[2]), int(found[3]), letter))
    return None


def bound(scheme: str, told: str) -> tuple[int, ...]:
    """One end of a range as a rule writes it, in the numbers of that scheme: "6.00.00.00", "2.44", "4.2(2a)".

    Raises ValueError.
    """
    if scheme == "CIMC":
        version = parse("Cisco", "", told)
    elif scheme == "OpenBMC":
        version = parse("OpenBMC", "", told)
    else:
        version = _numbers(scheme, r"(\d+)(?:\.(\d+))*$", told)
        if version is not None:
            version = Version(scheme, tuple(int(n) for n in told.split(".")))
    if version is None:
        raise ValueError(f"{told!r} is no version as {scheme} counts them")
    return version.key


def _dell(controller: str, told: str) -> Version | None:
    found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)\.(\d+)", told)
    if found is None:
        return None
    key = tuple(int(n) for n in found.groups())
    generation = re.match(r"(\d\d)G\b", controller)
    if generation:
        number = int(generation[1])
        scheme = "iDRAC10" if number >= 17 else "iDRAC9" if number >= 14 else "iDRAC8"
    elif 3 <= key[0] <= 7:
        scheme = "iDRAC9"
    else:
        return None  # 1.x and 2.x are iDRAC8 or iDRAC10: only the generation tells
    return Version(scheme, key)


def _openbmc(told: str) -> Version | None:
    found = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)(-dev)?(?:-(\d+)-g[0-9a-f]+)?(?:-dirty)?", told)
    if found is None:
        return None
    # x.y.z-dev comes before x.y.z; -N-g… is N commits after its tag.
    return Version("OpenBMC", (int(found[1]), int(found[2]), int(found[3]), 0 if found[4] else 1, int(found[5] or 0)))


def _numbers(scheme: str, pattern: str, told: str) -> Version | None:
    found = re.match(pattern, told)
    return Version(scheme, tuple(int(n) for n in found.groups() if n is not None)) if found else None
