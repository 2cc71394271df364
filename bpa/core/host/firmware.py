"""BIOS attributes are as the profile says: first staged, then made effective by one restart."""

from __future__ import annotations

from collections.abc import Mapping

from bpa.core.bios import resolve
from bpa.core.facts import BmcFacts, Facts
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import BiosValue, Reset, ResetByIronic, StageBios
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant

POST = frozenset(
    {
        "PrimaryProcessorInitializationStarted",
        "BusInitializationStarted",
        "MemoryInitializationStarted",
        "SecondaryProcessorInitializationStarted",
        "PCIResourceConfigStarted",
    }
)
"""BootProgress.LastState (Redfish ComputerSystem) in which firmware is at work.

SystemHardwareInitializationComplete is not among them: BMCs were recorded that stay there while the OS runs.
"""
HANDS_OFF = frozenset({"", "enroll"})
"""provision_state in which Ironic neither watches nor restores power (conductor power sync)."""
SETTLED = frozenset(
    {
        "manageable",
        "available",
        "active",
        "error",
        "deploy failed",
        "clean failed",
        "inspect failed",
        "rescue",
        "rescue failed",
        "unrescue failed",
        "adopt failed",
        "service failed",
    }
)
"""provision_state in which Ironic is not at work on the node."""


def check_staged(want: HostWant, have: Facts) -> Verdict:
    """Every wanted attribute is current or pending."""
    wanted = _wanted(want, have)
    if not isinstance(wanted, Mapping):
        return wanted
    bmc = _bmc(have)
    change = {
        name: value for name, value in wanted.items() if bmc.pending.get(name, _now(bmc)[name]) != value
    }
    if not change:
        return Met(_list(wanted) or "the profile asks nothing of the BIOS")
    seen = ", ".join(f"{name} is {bmc.pending.get(name, _now(bmc)[name])}" for name in change)
    return Act(StageBios(change), seen)


def check_applied(want: HostWant, have: Facts) -> Verdict:
    """Every wanted attribute is current. Changes that others have staged are left to them."""
    wanted = _wanted(want, have)
    if not isinstance(wanted, Mapping):
        return wanted
    bmc = _bmc(have)
    missing = {name: value for name, value in wanted.items() if _now(bmc)[name] != value}
    if not missing:
        return Met(_list(wanted) or "the profile asks nothing of the BIOS")
    if bmc.power in ("PoweringOn", "PoweringOff"):
        return Wait(f"the machine is {bmc.power.replace('g', 'g ', 1).lower()}", 3.0)
    if bmc.power == "On" and bmc.boot_progress in POST:
        return Wait(f"firmware is in POST ({bmc.boot_progress})", 5.0)
    if bmc.power == "On" and bmc.boot_progress == "SetupEntered":
        return Wait("somebody is in the firmware setup of this machine", 30.0)
    return _restart(have, bmc, f"{_list(missing)} staged, not yet effective")


def _restart(have: Facts, bmc: BmcFacts, reason: str) -> Verdict:
    node = have.node
    if node is None or node.provision_state in HANDS_OFF:
        return Act(Reset("ForceRestart" if bmc.power == "On" else "On"), reason)
    if node.provision_state not in SETTLED:
        return Wait(f"Ironic is at work on the node ({node.provision_state})", 3.0)
    return Act(ResetByIronic(), reason)


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    """BIOS attributes old -> new; by intent where the BMC has not been looked at. () where check says Stuck."""
    bmc = have.bmc
    if bmc is None:
        asked: dict[str, BiosValue] = {
            **{
                f"BIOS intent {intent}": "on" if on else "off"
                for intent, on in want.profile.bios.intents.items()
            },
            **{f"BIOS {name}": value for name, value in want.profile.bios.attributes.items()},
        }
        return tuple(Change(what, None, str(new), restart="firmware") for what, new in sorted(asked.items()))
    wanted = _wanted(want, have)
    if not isinstance(wanted, Mapping):
        return ()
    return tuple(
        Change(f"BIOS {name}", str(_now(bmc)[name]), str(value), restart="firmware")
        for name, value in wanted.items()
        if _now(bmc)[name] != value
    )


def _wanted(want: HostWant, have: Facts) -> Mapping[str, BiosValue] | Stuck | Wait:
    bios = want.profile.bios
    if not bios.intents and not bios.attributes:
        return {}
    if have.bmc is None:
        return Wait(f"the BMC {want.bmc} has not answered yet", 15.0)
    if have.bmc.bios is None:
        why = have.bmc.unread.get("bios", "this BMC does not offer them")
        return Stuck(
            f"BIOS attributes cannot be read: {why}",
            "set the BIOS by hand and take `bios` out of the profile, or update the BMC's firmware",
        )
    return resolve(bios, have.bmc.bios)


def _bmc(have: Facts) -> BmcFacts:
    return have.bmc or BmcFacts(system="", power="")


def _now(bmc: BmcFacts) -> Mapping[str, BiosValue]:
    return bmc.bios or {}


def _list(attributes: Mapping[str, BiosValue]) -> str:
    return ", ".join(f"{name}={value}" for name, value in attributes.items())


STAGED = HostRequirement(
    condition="FirmwareStaged",
    needs="bmc",
    check=check_staged,
    changes=changes,
    seconds=5.0,
    about="the BIOS attributes of the profile are set, or pending until the next restart",
)
APPLIED = HostRequirement(
    condition="FirmwareApplied",
    needs="node",
    check=check_applied,
    patience=1800.0,
    seconds=240.0,
    about="the BIOS attributes of the profile are effective",
)
