"""QatReady: each QAT device has its driver and firmware, is up, and can serve what is asked; its VFs are VfsCreated's.

containerd gets LimitMEMLOCK=infinity, as ICN's resources/override.conf "for QAT": VFs on vfio-pci pin the memory of their users.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bpa.core.facts import Facts
from bpa.core.host.iommu import unused
from bpa.core.host.modules import forbidden, no_modprobe, no_module
from bpa.core.host.owned import HEADER, REMOVE_DROP_IN, Owned
from bpa.core.host.probe import shell, told
from bpa.core.host.qat_look import C62X, FIRST_SERVICES, KINDS, MIXES_SINCE, PROBES, SERVICES_SINCE, Kind, Qat, parse_qat
from bpa.core.host.sriov.functions import Pci, PciDevice
from bpa.core.host.sriov.match import matches
from bpa.core.host.sriov.reading import parse_pci
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant, PfMatch, VfWant

MEMLOCK = "/etc/systemd/system/containerd.service.d/bpa-qat.conf"
OWNED = (Owned(MEMLOCK, "lets containers pin memory for QAT", "qat", "QatReady"),)
DROP_IN = HEADER + "[Service]\nLimitMEMLOCK=infinity\n"
UNMAKE = REMOVE_DROP_IN + "systemctl daemon-reload"
# Processes of containers inherit it from containerd, so that it need not be restarted.
RAISE = "systemctl daemon-reload; pid=$(pidof -s containerd) && prlimit --pid $pid --memlock=unlimited; exit 0"


def check(want: HostWant, have: Facts) -> Verdict:
    wanted = [one for one in want.profile.vfs if one.what == "QAT"]
    of_pci, of_qat = told(have, "pci"), told(have, "qat")
    if not wanted:
        ours = isinstance(of_qat, dict) and parse_qat(of_qat).memlock
        return Act(RunOnHost((*shell(UNMAKE), MEMLOCK), "remove the memory limit of containerd that QAT needed"),
                   f"{MEMLOCK} is ours, and nothing in the profile asks for QAT") if ours else Met("not asked")
    if not isinstance(of_pci, dict):
        return of_pci
    if not isinstance(of_qat, dict):
        return of_qat
    seen, qat = parse_pci(of_pci), parse_qat(of_qat)
    evidence = []
    for one, device, kind in _devices(wanted, seen):
        verdict = (_too_old(one, device, kind, qat) or _module(device, kind, qat) or _firmware(device, kind, qat)
                   or _bound(device, kind, seen) or _iommu(one, device, seen) or _state(device, seen))
        if verdict:
            return verdict
        evidence.append(f"{device.address} {kind.driver}{f' up, {device.services}' if device.state else ''}")
    if qat.memlock != DROP_IN:
        return Act(WriteFile(MEMLOCK, DROP_IN, "let containers pin memory for QAT", then=(shell(RAISE),)),
                   f"{MEMLOCK} is not as the profile asks")
    return Met(", ".join(evidence) or "left to the check of VFs")


def _devices(wanted: list[VfWant], seen: Pci) -> Iterator[tuple[VfWant, PciDevice, Kind]]:
    """A device whose driver is absent shows SR-IOV all the same; one that is not there at all is VfsCreated's to tell."""
    for one in wanted:
        for device in seen.devices:
            if device.device in KINDS and matches(_without_driver(one, device), device):
                yield one, device, KINDS[device.device]


def _without_driver(wanted: VfWant, device: PciDevice) -> PfMatch:
    return wanted.match if device.driver else replace(wanted.match, driver=None)


def _too_old(wanted: VfWant, device: PciDevice, kind: Kind, qat: Qat) -> Stuck | None:
    newer = "use an image with a newer kernel"
    if qat.kernel < kind.since and qat.modules.get(kind.module) != "loaded":
        return Stuck(f"kernel {qat.release} is too old for QAT {kind.name} ({device.text}): its driver {kind.module} came with "
                     f"{_dotted(kind.since)}", newer)
    if wanted.vfs != 0 and qat.kernel < kind.vfs_since:
        return Stuck(f"kernel {qat.release} is too old for VFs of QAT {kind.name} ({device.text}): they came with "
                     f"{_dotted(kind.vfs_since)}", newer)
    if not wanted.services or wanted.services == device.services or kind is C62X:
        if wanted.services and kind is C62X and wanted.services != "sym;dc":
            return Stuck(f"{device.text} always serves crypto and compression, {wanted.services} is asked",
                         "leave `services` out of section qat, or say cy2_dc2")
        return None
    due = SERVICES_SINCE if wanted.services in FIRST_SERVICES else MIXES_SINCE
    if qat.kernel < due:
        return Stuck(f"kernel {qat.release} is too old to choose the services {wanted.services} of {device.text}: that came "
                     f"with {_dotted(due)}", f"{newer}, or leave `services` out of section qat")
    return None


def _module(device: PciDevice, kind: Kind, qat: Qat) -> Verdict | None:
    state = qat.modules.get(kind.module, "missing")
    if state == "loaded" or device.driver == kind.driver:
        return None
    if device.driver:
        return Stuck(f"{device.text} is bound to {device.driver}, not to its own driver {kind.driver}",
                     f"take what binds it to {device.driver} out of the host's configuration, then restart it")
    for file, directive, module in qat.forbidden:
        if directive == "install" and module == kind.module:
            return forbidden(file, module)
    if state == "missing":
        return no_module(kind.module)
    if state == "unknown":
        return no_modprobe(kind.module)
    blacklisted = next((file for file, directive, module in qat.forbidden if directive == "blacklist"), "")
    return Act(RunOnHost(("modprobe", kind.module), f"load {kind.module}"),
               f"{kind.module} is not loaded{f'; {blacklisted} keeps udev from loading it' if blacklisted else ''}")


def _firmware(device: PciDevice, kind: Kind, qat: Qat) -> Stuck | None:
    missing = [name for name in kind.firmware if name not in qat.firmware]
    if not missing or device.state == "up" or f"qat_{kind.driver}_{device.address}" in qat.up:
        return None
    return Stuck(f"firmware of {device.text} is missing: no {' and no '.join(missing)} in /lib/firmware",
                 "install the package that has it (Ubuntu linux-firmware, Debian firmware-misc-nonfree or firmware-intel-misc), "
                 "then restart the host")


def _bound(device: PciDevice, kind: Kind, seen: Pci) -> Stuck | None:
    if device.driver:
        return None
    said = [line for line in seen.log if device.address in line or kind.module in line]
    return Stuck(f"{kind.module} is loaded, but has not taken {device.text}"
                 + (f"; the kernel says {said[-1].strip()!r}" if said else ""),
                 "`dmesg | grep -i qat` on the host says why: firmware and kernel must belong together")


def _iommu(wanted: VfWant, device: PciDevice, seen: Pci) -> Stuck | None:
    if wanted.vfs == 0 or device.grouped or seen.iommu:
        return None
    return unused(seen.tables, f"VFs of QAT {device.text} cannot be handed out")


def _state(device: PciDevice, seen: Pci) -> Verdict | None:
    if device.state != "down":
        return None
    said = [line for line in seen.log if device.address in line and ("rror" in line or "ail" in line)]
    if said:
        return Stuck(f"QAT {device.text} is down; the kernel says {said[-1].strip()!r}",
                     "mend what the kernel names (most often firmware that does not belong to the driver), then restart the host")
    return Act(RunOnHost(("sh", "-c", 'echo up >"$1"', "sh", f"/sys/bus/pci/devices/{device.address}/qat/state"),
                         f"start QAT {device.address}"), f"{device.text} is down")


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    """Our drop-in for containerd, and services: what a start of the device makes effective."""
    return (*_drop_in_change(want, have), *_service_changes(want, have))


def _drop_in_change(want: HostWant, have: Facts) -> tuple[Change, ...]:
    asked, text = any(one.what == "QAT" for one in want.profile.vfs), told(have, "qat")
    there = parse_qat(text).memlock if isinstance(text, dict) else None
    if not asked:
        return (Change(MEMLOCK, "ours", "removed"),) if there else ()
    if there == DROP_IN:
        return ()
    return (Change(MEMLOCK, None if there is None else "other" if there else "absent", "containers may pin memory for QAT"),)


def _service_changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    text = told(have, "pci")
    if not isinstance(text, dict):
        return tuple(Change("QAT services", None, one.services) for one in want.profile.vfs if one.services)
    seen = parse_pci(text)
    return tuple(Change(f"QAT services of {device.address}", device.services, one.services)
                 for one in want.profile.vfs if one.services for device in seen.devices
                 if device.services and device.services != one.services and matches(one.match, device))


__all__ = ["MEMLOCK", "PROBES", "READY", "changes", "check"]

READY = HostRequirement("QatReady", "os", check, "QAT devices have their driver and firmware and are up", changes, seconds=2.0)
