"""BIOS attributes are as the profile says: first staged, then made effective by one restart."""

from __future__ import annotations

from collections.abc import Mapping

from bpa.core.bios import BiosPlan, Machine, plan_bios
from bpa.core.bios.rules import meaning_of, same
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
    plan = _plan(want, have)
    if not isinstance(plan, BiosPlan):
        return plan
    bmc = _bmc(have)
    due = {name: bmc.pending.get(name, _now(bmc)[name]) for name in plan.values}
    change = {name: value for name, value in plan.values.items() if not same(due[name], value)}
    if not change:
        return Met(_list(plan.values) or "the profile asks nothing of the BIOS")
    if bmc.power == "On" and bmc.boot_progress in POST:
        # What is staged now may just be being applied; and BMCs refuse settings in POST (HPE) or lose them.
        return Wait(f"firmware is in POST ({bmc.boot_progress})", 5.0)
    seen = ", ".join(f"{name} is {due[name]}" + _needed(plan, name) for name in change)
    return Act(StageBios(change), seen)


def check_applied(want: HostWant, have: Facts) -> Verdict:
    """Every wanted attribute is current. Changes that others have staged are left to them."""
    plan = _plan(want, have)
    if not isinstance(plan, BiosPlan):
        return plan
    bmc = _bmc(have)
    missing = {name: value for name, value in plan.values.items() if not same(_now(bmc)[name], value)}
    if not missing:
        return Met(_list(plan.values) or "the profile asks nothing of the BIOS")
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
                f"BIOS intent {intent}": meaning_of(asked)
                for intent, asked in want.profile.bios.intents.items()
            },
            **{f"BIOS {name}": value for name, value in want.profile.bios.attributes.items()},
        }
        return tuple(Change(what, None, str(new), restart="firmware") for what, new in sorted(asked.items()))
    plan = _plan(want, have)
    if not isinstance(plan, BiosPlan):
        return ()
    return tuple(
        Change(f"BIOS {one.attribute}" + _needed(plan, one.attribute), str(one.now), str(one.value), restart="firmware")
        for one in sorted(plan.settings, key=lambda one: one.attribute)
        if one.changes
    )


def _plan(want: HostWant, have: Facts) -> BiosPlan | Stuck | Wait:
    bios = want.profile.bios
    if not bios.asks:
        return BiosPlan()
    bmc = have.bmc
    if bmc is None:
        return Wait(f"the BMC {want.bmc} has not answered yet", 15.0)
    if bmc.bios is None:
        why = bmc.unread.get("bios", "this BMC does not offer them")
        return Stuck(
            f"BIOS attributes cannot be read: {why}",
            "set the BIOS by hand and take `bios` out of the profile, or update the BMC's firmware",
        )
    return plan_bios(bios, Machine(bmc.bios, bmc.registry, bmc.manufacturer, bmc.pending))


def _needed(plan: BiosPlan, name: str) -> str:
    setting = plan.of(name)
    return f" (needed for {setting.needed_for})" if setting is not None and setting.needed_for else ""


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
