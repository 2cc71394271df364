"""PmemModulesFit: the persistent-memory modules are healthy, unlocked, new enough, and erased where that is asked.

ndctl-list(1) (health, flags, security), ipmctl-show-device(1); Documentation/driver-api/nvdimm/security.rst.
"""

from __future__ import annotations

from collections.abc import Iterable

from bpa.core.facts import Facts
from bpa.core.host.hardware.versions import reaches
from bpa.core.host.owned import removal
from bpa.core.host.pmem.erasure import ERASED, changes, check_erased
from bpa.core.host.pmem.ipmctl import Ipmctl, look_ipmctl
from bpa.core.host.pmem.nvdimm import look_nvdimm
from bpa.core.host.pmem.persistent import Dimm, Nvdimm
from bpa.core.requirement import HostRequirement
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant


def unfit(dimms: Iterable[Dimm]) -> Stuck | None:
    """Why nothing can be made or kept on these modules; None = they are fit."""
    for one in dimms:
        name = f"{one.dev} ({one.id})" if one.id else one.dev
        if one.security == "locked":
            return Stuck(f"{name} is locked: its security is enabled, and the firmware or the kernel had no passphrase for it",
                         "load its key (`ndctl load-keys`, then restart), or unlock it in the firmware setup")
        if one.health in ("fatal", "critical"):
            return Stuck(f"the health of {name} is {one.health}",
                         f"save what is on it and replace the module; `ndctl list -DH -d {one.dev}` tells more")
        if one.flags:
            return Stuck(f"{name} reports {', '.join(one.flags)}: data of the last shutdown may be lost, or new data may not "
                         "survive a power failure",
                         f"see `ndctl list -DH -d {one.dev}` and the BMC's event log, then power-cycle")
    return None


def check(want: HostWant, have: Facts) -> Verdict:
    profile, erase = want.profile, want.profile.pmem_modules.erase
    asked = bool(profile.pmem or profile.pmem_goals or profile.pmem_modules.firmware or erase)
    seen = look_nvdimm(have)
    if isinstance(seen, Nvdimm) and seen.erased_file and erase is None:
        return Act(removal("forget which persistent memory was erased", ERASED),
                   "the profile asks for no erasure")
    if not asked:
        return Met("not asked")
    if not isinstance(seen, Nvdimm):
        return seen
    optane = look_ipmctl(have)
    said = optane if isinstance(optane, Ipmctl) else Ipmctl()
    if stuck := _unfit_by_ipmctl(said):
        return stuck
    # flag_failed_map only says that a module is not mapped: so it is before its first goal, and in Memory Mode.
    mapped = {dimm for region in seen.regions for dimm in region.dimms}
    if stuck := unfit(one for one in seen.dimms if one.dev in mapped or one.flags != ("failed_map",)):
        return stuck
    if old := _old_firmware(profile.pmem_modules.firmware, said):
        return old
    if erase and (verdict := check_erased(erase, seen)):
        return verdict
    worn = [f"{one.dev} {one.health}" for one in seen.dimms if one.health not in ("", "ok")]
    return Met(f"{len(seen.dimms) or 'no'} modules" + (f", {', '.join(worn)}" if worn else ", none of them ill"))


def _unfit_by_ipmctl(seen: Ipmctl) -> Stuck | None:
    for one in seen.modules:
        if one.lock.lower().startswith(("locked", "exceeded", "mp exceeded")):
            cycle = "power-cycle the host, then " if "exceeded" in one.lock.lower() else ""
            return Stuck(f"module {one.id} of socket {one.socket} is {one.lock.lower()}",
                         f"{cycle}unlock it: `ipmctl set -dimm {one.id} LockState=Unlocked` asks for the passphrase")
        if one.health.lower() in ("critical", "fatal", "non-functional"):
            why = f" ({one.why})" if one.why and one.why.lower() != "none" else ""
            return Stuck(f"the health of module {one.id} of socket {one.socket} is {one.health}{why}",
                         "save what is on it and replace the module; `ipmctl show -sensor` tells more")
        if one.configuration.lower().startswith("failed"):
            return Stuck(f"module {one.id} of socket {one.socket}: its configuration is {one.configuration}",
                         "a module of its interleave set is missing or was moved: put it back, or set a goal anew "
                         "(pmemGoal; data of the set is lost)")
    return None


def _old_firmware(least: str, seen: Ipmctl) -> Stuck | None:
    if not least:
        return None
    if not seen.modules:
        return Stuck("the firmware of the persistent-memory modules cannot be told: "
                     + (seen.said or ("ipmctl shows no module" if seen.tool else "the host has no ipmctl")),
                     "put the package ipmctl into the image, or take pmemModules.firmware out of the profile")
    old = [f"{one.id} {one.firmware}" for one in seen.modules if not reaches(one.firmware, least)]
    if not old:
        return None
    return Stuck(f"firmware of persistent-memory modules is older than {least}: {', '.join(old)}",
                 "`ipmctl load -source FILE -dimm` stages a newer one for the next restart")


FIT = HostRequirement("PmemModulesFit", "os", check, "persistent-memory modules are healthy, unlocked and new enough", changes,
                      patience=12 * 3600.0, seconds=1.0)
