"""The BMC answers, and the machine behind it is the one that the documents mean."""

from __future__ import annotations

from bpa.core.facts import BmcFacts, Facts
from bpa.core.requirement import HostRequirement
from bpa.core.verdict import Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant


def check_reachable(want: HostWant, have: Facts) -> Verdict:
    """Met as soon as a look at the Redfish System succeeded."""
    if have.bmc is None:
        return Wait(f"the BMC {want.bmc} has not answered yet", 15.0)
    return Met(f"{_machine(have.bmc)}, power {have.bmc.power or 'not told'}")


def check_identity(want: HostWant, have: Facts) -> Verdict:
    """Every identity that the documents name must be the one found: serial, system UUID, boot MAC.

    The BMC need not list MACs (many do not while the host is off, some never); where it does, ours must be among them.
    """
    bmc = have.bmc
    if bmc is None:
        return Wait(f"the BMC {want.bmc} has not answered yet", 15.0)
    found: list[str] = []
    for what, wanted, seen in (
        ("serial number", want.serial, tuple(s for s in (bmc.serial, bmc.service_tag) if s)),
        ("system UUID", want.uuid, (bmc.uuid,) if bmc.uuid else ()),
    ):
        if wanted is None:
            continue
        if not seen:
            return Stuck(
                f"the documents say {what} {wanted}, and the BMC {want.bmc} tells none",
                f"check the machine, then take the {what} out of the documents",
            )
        if _plain(wanted) not in map(_plain, seen):
            return _another(want, bmc, what, wanted, " or ".join(seen))
        found.append(f"{what} {wanted}")
    mac = want.boot_mac.lower()
    if mac and bmc.macs and mac not in bmc.macs:
        return _another(want, bmc, "boot MAC", mac, ", ".join(bmc.macs))
    if mac in bmc.macs:
        found.append(f"boot MAC {mac}")
    return Met(", ".join(found) or f"{_machine(bmc)}; the documents name no identity that the BMC tells")


def _another(want: HostWant, bmc: BmcFacts, what: str, wanted: str, seen: str) -> Stuck:
    return Stuck(
        f"another machine is behind {want.bmc}: wanted {what} {wanted}, found {seen} ({_machine(bmc)})",
        "correct the BMC address or the identity in the documents; nothing was written to this machine",
    )


def _machine(bmc: BmcFacts) -> str:
    named = " ".join(part for part in (bmc.manufacturer, bmc.model) if part)
    return (named or bmc.system) + (f", serial {bmc.serial}" if bmc.serial else "")


def _plain(text: str) -> str:
    return text.strip().lower()


REACHABLE = HostRequirement(
    condition="BmcReachable",
    needs="bmc",
    check=check_reachable,
    patience=600.0,
    seconds=2.0,
    about="the BMC answers over Redfish and shows this System",
)
IDENTITY = HostRequirement(
    condition="IdentityMatches",
    needs="bmc",
    check=check_identity,
    about="serial number, system UUID and boot MAC are those of the documents",
)
