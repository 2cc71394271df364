"""Which disk gets the image: Metal3's rootDeviceHints as Ironic's hints, and what they pick among known drives.

Sources: Metal3 `baremetalhost_types.go` (RootDeviceHints) and `devicehints.go` of baremetal-operator for the
translation; Ironic `ironic/common/utils.py` (find_devices_by_hints) for the meaning of a hint; ironic-python-agent
`hardware.py` (guess_root_disk) for what is picked without hints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Literal

from bpa.core.facts import Drive
from bpa.core.sizes import GIB

HintValue = str | int | bool
SMALLEST = 4 * GIB
NEVER = ("/dev/pmem*", "/dev/sr*", "/dev/loop*", "/dev/ram*", "/dev/zram*")

_METAL3: Mapping[str, tuple[str, str]] = {
    "deviceName": ("name", "s== {}"),
    "hctl": ("hctl", "s== {}"),
    "model": ("model", "<in> {}"),
    "vendor": ("vendor", "<in> {}"),
    "serialNumber": ("serial", "s== {}"),
    "wwn": ("wwn", "s== {}"),
    "wwnWithExtension": ("wwn_with_extension", "s== {}"),
    "wwnVendorExtension": ("wwn_vendor_extension", "s== {}"),
}


def from_metal3(hints: Mapping[str, object]) -> dict[str, HintValue]:
    """Metal3's spec.rootDeviceHints -> Ironic's root_device; ValueError names the hint that is unknown or ill typed."""
    out: dict[str, HintValue] = {}
    for name, value in hints.items():
        if value is None:
            continue
        if name == "minSizeGigabytes":
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ValueError(f"{name} must be a whole number of gigabytes, not {value!r}")
            if value:
                out["size"] = f">= {value}"
        elif name == "rotational":
            if not isinstance(value, bool):
                raise ValueError(f"{name} must be true or false, not {value!r}")
            out["rotational"] = value
        elif name in _METAL3:
            if not isinstance(value, str):
                raise ValueError(f"{name} must be text, not {value!r}")
            if value:
                key, expression = _METAL3[name]
                by_path = name == "deviceName" and value.startswith("/dev/disk/by-path/")
                out["by_path" if by_path else key] = expression.format(value)
        else:
            raise ValueError(f"{name} is not a root device hint; known are "
                             + ", ".join(sorted([*_METAL3, "minSizeGigabytes", "rotational"])))
    return out


def to_metal3(hints: Mapping[str, object]) -> dict[str, object]:
    """The other way round, for people: what `from_metal3` gave, by Metal3's names and as it was written. What is not from
    there stays as it is.
    """
    named = {key: (name, expression.removesuffix("{}")) for name, (key, expression) in _METAL3.items()}
    named |= {"by_path": ("deviceName", "s== "), "size": ("minSizeGigabytes", ">= ")}
    out: dict[str, object] = {}
    for key, value in hints.items():
        name, operator = named.get(key, (key, ""))
        out[name] = value.removeprefix(operator) if isinstance(value, str) else value
    return out


_NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, "<": lambda a, b: a < b,
}
_STRINGS: Mapping[str, Callable[[str, str], bool]] = {
    "s==": lambda a, b: a == b, "s!=": lambda a, b: a != b,
    "s>=": lambda a, b: a >= b, "s<=": lambda a, b: a <= b, "s>": lambda a, b: a > b, "s<": lambda a, b: a < b,
}


def _holds(value: str | float, expression: str) -> bool:
    words = expression.split()
    operator = words[0] if words else ""
    rest = expression.strip()[len(operator):].strip()
    if isinstance(value, str):
        value = value.strip().lower()
        if operator in _STRINGS:
            return _STRINGS[operator](value, rest.lower())
        if operator == "<in>":
            return rest.lower() in value
        if operator == "<all-in>":
            return all(word.lower() in value for word in words[1:])
        if operator == "<or>":
            choices = [part.strip().lower() for part in expression.split("<or>") if part.strip()]
            return value in choices
        return value == expression.strip().lower()
    if operator == "<or>":
        return any(value == float(part) for part in expression.split("<or>") if part.strip())
    if operator in _NUMBERS:
        return _NUMBERS[operator](value, float(rest))
    return value == float(expression)


Answer = Literal["yes", "no", "not told"]


def judge(hint: str, wanted: HintValue, drive: Drive) -> Answer:
    """Does `drive` satisfy one Ironic hint? "not told" = the source of the drive does not report that property."""
    if hint == "size":
        return "not told" if not drive.size else _yes(_holds(drive.size / GIB, str(wanted)))
    if hint == "rotational":
        spins = str(wanted).strip().lower() in ("true", "yes", "on", "1", "t", "y")
        return "not told" if drive.rotational is None else _yes(drive.rotational == spins)
    seen = str(getattr(drive, hint, "") or "")
    if hint == "name" and not seen.startswith("/dev/"):
        return "not told"
    return _yes(_holds(seen, str(wanted))) if seen else "not told"


def _yes(holds: bool) -> Answer:
    return "yes" if holds else "no"


def candidates(hints: Mapping[str, HintValue], drives: tuple[Drive, ...]) -> tuple[Drive, ...]:
    """The drives that no hint rules out, in the order given. Never persistent memory, optical or RAM devices."""
    usable = (d for d in drives if not any(fnmatchcase(d.name, pattern) for pattern in NEVER))
    return tuple(d for d in usable if all(judge(h, v, d) != "no" for h, v in hints.items()))


def match(hints: Mapping[str, HintValue], drives: tuple[Drive, ...]) -> Drive | None:
    """The drive that gets the image, or None where none fits or what is known cannot tell which.

    With hints: the first that satisfies them, as Ironic picks; a drive that leaves a hint open counts only when it is
    the only one left. Without hints: the smallest of at least 4 GiB, as ironic-python-agent guesses.
    """
    left = candidates(hints, drives)
    if not hints:
        sized = sorted((d for d in left if d.size >= SMALLEST), key=lambda d: (d.size, d.name))
        return sized[0] if sized else (left[0] if len(left) == 1 and not left[0].size else None)
    for drive in left:
        if all(judge(h, v, drive) == "yes" for h, v in hints.items()):
            return drive
    return left[0] if len(left) == 1 else None


def pinned(hints: Mapping[str, HintValue], drive: Drive | None) -> dict[str, HintValue]:
    """Hints that name the drive a plan showed and no other: what was consented to is what is written."""
    if drive is None:
        return dict(hints)
    if drive.serial:
        return {"serial": f"s== {drive.serial}"}
    if drive.wwn:
        return {"wwn": f"s== {drive.wwn}"}
    return {"name": f"s== {drive.name}"} if drive.name.startswith("/dev/") else dict(hints)


def describe(drive: Drive) -> str:
    """A drive in the words of a plan: "disk LABDISK0 (8.0 GiB)". The same whoever looked, as far as it can be."""
    size = f" ({drive.size / GIB:.1f} GiB)" if drive.size else ""
    return f"disk {drive.serial or drive.name}{size}"


def describe_hints(hints: Mapping[str, HintValue]) -> str:
    """Hints in words, without Ironic's operators for text: "serial LABDISK0, size >= 8"."""
    said = (f"{name} {str(value).removeprefix('s== ')}" for name, value in sorted(hints.items()))
    return ", ".join(said) or "no root device hints"
