"""Disks and network ports that the minimum asks for and the machine does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from bpa.core.host.hardware.lack import Lack, untold
from bpa.core.host.hardware.matching import served
from bpa.core.host.hardware.sight import Disk, Port, Sight
from bpa.core.host.hardware.versions import reaches
from bpa.core.sizes import rounded
from bpa.core.want import DisksWant, Minimum, NicsWant

T = TypeVar("T", DisksWant, NicsWant)
P = TypeVar("P", Disk, Port)
CLASSES: Mapping[str, str] = {"nvme": "NVMe disk", "ssd": "solid-state disk", "hdd": "hard disk"}


def disks_lack(least: Minimum, sights: Sequence[Sight]) -> Iterator[Lack]:
    """A disk counts once, whatever asks for it."""
    if not least.disks:
        return
    # Behind a RAID controller only the BMC sees disks; the others see volumes.
    telling = [one for one in sights if one.disks]
    seen = next((one for one in telling if not any(disk.virtual for disk in one.disks or ())), telling[0] if telling else None)
    if seen is None:
        nothing = any(one.disks is not None for one in sights)
        yield Lack("has no disks") if nothing else untold("what disks it has", "minimum.disks asks for some")
        return

    def fits(want: DisksWant, disk: Disk) -> bool | None:
        if disk.size and disk.size < want.size:
            return False
        if not disk.media or not disk.size:
            return None
        return disk.media == want.media or (want.media == "ssd" and disk.media == "nvme")

    def said(want: DisksWant) -> str:
        return f"{CLASSES[want.media]}s" + (f" of at least {rounded(want.size)}" if want.size else "")

    yield from _parts([(one, one.count) for one in least.disks], seen.disks or (), fits, said, "whether a disk is one of these")


def ports_lack(least: Minimum, sights: Sequence[Sight]) -> Iterator[Lack]:
    """A port is a physical function, whether or not it has an interface."""
    if not least.nics:
        return
    seen = next((one for one in sights if one.ports is not None), None)
    if seen is None:
        yield untold("what network ports it has", "minimum.nics asks for some")
        return

    def fits(want: NicsWant, port: Port) -> bool | None:
        if want.device and port.device and port.device != want.device:
            return False
        if want.device and not port.device:
            return None
        fast = None if want.speed and not port.speed else port.speed >= want.speed
        new = reaches(port.firmware, want.firmware) if want.firmware else True
        return False if fast is False or new is False else None if fast is None or new is None else True

    def said(want: NicsWant) -> str:
        parts = (f"of {want.device}" if want.device else "", f"of at least {want.speed} Mbit/s" if want.speed else "",
                 f"with firmware {want.firmware} or newer" if want.firmware else "")
        return " ".join(filter(None, ("network ports", *parts)))

    yield from _parts([(one, one.count) for one in least.nics], seen.ports or (), fits, said,
                      "how fast a port without a link can be, or its firmware: plug its cable in, put ethtool into the image, "
                      "or name the device instead")


def _parts(wants: Sequence[tuple[T, int]], parts: Sequence[P], fits: Callable[[T, P], bool | None], said: Callable[[T], str],
           what: str) -> Iterator[Lack]:
    """Wants that get too few parts; where parts of which not enough is told could serve them, that nobody can tell."""
    sure = served(wants, parts, lambda want, part: fits(want, part) is True)
    perhaps = served(wants, parts, lambda want, part: fits(want, part) is not False)
    there = ", ".join(part.text for part in parts[:12]) or "none"
    for (want, count), got, could in zip(wants, sure, perhaps, strict=True):
        if could < count:
            yield Lack(f"has {could} {said(want)}{' left' * (len(wants) > 1)}, must have {count}; it has {there}")
        elif got < count:
            yield Lack(f"has {got} {said(want)} for certain, must have {count}; it has {there}", f"not told is {what}",
                       known=False)
