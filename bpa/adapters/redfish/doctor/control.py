"""What can be done with the machine: power, boot, virtual media, persistent memory, log."""

from __future__ import annotations

from collections.abc import Iterator

from bpa.adapters.redfish.doctor.patient import Patient
from bpa.adapters.redfish.eventlog import find_logs
from bpa.adapters.redfish.pmem import read_persistent
from bpa.adapters.redfish.power.reset import allowed_resets, nearest
from bpa.adapters.redfish.reading import inner, text
from bpa.core.diagnosis import Check
from bpa.core.machine import Boot
from bpa.core.media import choose

NETWORK = ("Pxe", "UefiHttp")


def control_checks(patient: Patient) -> Iterator[Check]:
    """Needed are power, and one way to start Ironic's ramdisk."""
    yield _power(patient)
    boot = patient.facts.boot.value if patient.facts.boot else Boot()
    network, media = _network(patient, boot), _media(patient)
    yield network
    yield media
    yield _ramdisk(network, media)
    yield _disk(patient, boot)
    yield _mode(boot, patient.target.quirks.boot_mode == "bios")
    yield _persistent(patient)
    yield _log(patient)


def _power(patient: Patient) -> Check:
    action = inner(patient.system, "Actions", "#ComputerSystem.Reset")
    if not text(action, "target"):
        return Check("power", "power", "no", "no ComputerSystem.Reset", "switch it by hand, or by IPMI", needed=True)
    allowed, _ = patient.tried(lambda reader: allowed_resets(reader, patient.system))
    if not allowed:
        return Check("power", "power", "degraded", "it does not tell which resets it takes", needed=True)
    power = text(patient.system, "PowerState")
    missing = [r for r in ("On", "ForceOff", "ForceRestart")
               if nearest(r, allowed, "Off" if r == "On" else "On") is None]
    polite = nearest("GracefulShutdown", allowed, "On") is not None
    if missing:
        return Check("power", "power", "no", f"only {', '.join(allowed)}", f"{', '.join(missing)} by hand", needed=True)
    if not power:
        return Check("power", "power", "degraded", "PowerState is not told", needed=True)
    return Check("power", "power", "ok", ", ".join(allowed) + ("" if polite else "; no graceful shutdown"), needed=True)


def _network(patient: Patient, boot: Boot) -> Check:
    what = "boot from the network, once"
    if not boot.target and not boot.targets:
        return Check("boot-network", what, "no", "no boot override is shown", "set the boot order in the BIOS setup")
    ways = [t for t in NETWORK if t in boot.targets]
    if not boot.targets:
        return Check("boot-network", what, "unknown", "which sources it can boot from is not told")
    if not ways:
        return Check("boot-network", what, "no", f"only {', '.join(boot.targets)}", "put the network first in the boot order")
    whole = patient.target.quirks.boot_request == "all"
    return Check("boot-network", what, "ok", ", ".join(ways) + ("; in one request with mode and duration" if whole else ""))


def _media(patient: Patient) -> Check:
    what, section = "virtual CD", patient.facts.media
    slots = section.value if section else ()
    if not slots:
        return Check("media", what, "no", section.problem if section and section.problem else "no virtual media slots",
                     "boot from the network; some BMCs want a licence for virtual media")
    choice = choose(slots, "cd")
    if not choice.slots:
        return Check("media", what, "no", "; ".join(choice.passed[:3]), "boot from the network")
    first = choice.slots[0]
    way = {"action": "InsertMedia", "patch": "PATCH", "oem": "the vendor's own action"}.get(first.way, first.way)
    note = f"; {first.why}" if first.why else ""
    return Check("media", what, "ok" if first.way == "action" else "degraded", f"{first.id} by {way}{note}")


def _ramdisk(network: Check, media: Check) -> Check:
    ways = [name for name, check in (("network", network), ("virtual media", media)) if check.verdict in ("ok", "degraded")]
    if ways:
        return Check("ramdisk", "a way to start Ironic's ramdisk", "ok", " or ".join(ways), needed=True)
    unknown = "unknown" in (network.verdict, media.verdict)
    return Check("ramdisk", "a way to start Ironic's ramdisk", "unknown" if unknown else "no",
                 f"{network.evidence}; {media.evidence}", "put the network first in its boot order by hand", needed=True)


def _disk(patient: Patient, boot: Boot) -> Check:
    ways = [t for t in ("Hdd", "None", "UefiTarget", "UefiBootNext") if t in boot.targets]
    if "Hdd" in ways:
        return Check("boot-disk", "boot from the disk", "ok", ", ".join(ways))
    if ways:
        return Check("boot-disk", "boot from the disk", "degraded", f"{', '.join(ways)}: by its boot order",
                     "put the disk first in the boot order")
    return Check("boot-disk", "boot from the disk", "unknown", "which sources it can boot from is not told")


def _mode(boot: Boot, by_bios: bool) -> Check:
    if not boot.mode:
        return Check("boot-mode", "boot mode", "unknown", "not told")
    if by_bios:
        return Check("boot-mode", "boot mode", "ok" if boot.mode == "UEFI" else "degraded",
                     f"{boot.mode}; changed by its BIOS attribute only",
                     "" if boot.mode == "UEFI" else "set bootMode: uefi in the hardware profile")
    changes = f"can be {', '.join(boot.modes)}" if boot.modes else "which others it takes is not told"
    return Check("boot-mode", "boot mode", "ok" if boot.mode == "UEFI" else "degraded", f"{boot.mode}; {changes}",
                 "" if boot.mode == "UEFI" else "set bootMode: uefi in the hardware profile")


def _persistent(patient: Patient) -> Check:
    what = "persistent-memory goals"
    memory = patient.facts.memory.value if patient.facts.memory else None
    there = memory is not None and any(m.kind == "pmem" for m in memory.modules)
    found, problem = patient.tried(lambda reader: read_persistent(patient.target, reader))
    if found is not None and found.domains:
        return Check("pmem", what, "ok", f"{len(found.domains)} memory domains by Redfish")
    if not there:
        return Check("pmem", what, "ok", "it has no persistent memory")
    return Check("pmem", what, "no", problem or "no memory domains with persistent modules",
                 "ipmctl on the host, or the firmware's setup")


def _log(patient: Patient) -> Check:
    logs, problem = patient.tried(lambda reader: list(find_logs(reader, patient.target)))
    if logs:
        return Check("log", "event log", "ok", ", ".join(log.name for log in logs[:4]))
    return Check("log", "event log", "degraded", problem or "no log services", "read it in the BMC's own pages")
