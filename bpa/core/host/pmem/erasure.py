"""Persistent-memory modules are erased once for each id of the profile, with consent that names what is on them.

ndctl-sanitize-dimm(1), ndctl-wait-overwrite(1); Documentation/driver-api/nvdimm/security.rst: a module can be erased only
while no region is active on it, and not at all while its security is frozen.
"""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.owned import HEADER, Owned
from bpa.core.host.pmem.mounting import our_unit
from bpa.core.host.pmem.nvdimm import look_nvdimm
from bpa.core.host.pmem.persistent import Dimm, Nvdimm, erases
from bpa.core.host.probe import shell
from bpa.core.requirement import Change
from bpa.core.steps import RunOnHost
from bpa.core.verdict import Act, Stuck, Verdict, Wait
from bpa.core.want import EraseWant, HostWant

ERASED = "/etc/bpa/pmem-erased"
"""Which modules were erased, and for which id of the profile."""
OWNED = (Owned(ERASED, "which persistent-memory modules were erased", "pmemModules.erase", "PmemModulesFit"),)
# The list grows as each module is done, so that one that was erased is not erased again after an interruption.
ERASE = f"""header='{HEADER.strip()}'
""" + """list=$1 erase=$2 method=$3 units=$4 regions=$5; shift 5
for one in $units; do systemctl stop "$one" || exit; done
for one in $regions; do ndctl disable-region "$one" || exit; done
code=0
for one; do
  dimm=${one%%=*} rest=${one#*=}; id=${rest%%=*} key=${rest#*=}
  ndctl sanitize-dimm "--$method" $key "$dimm" || { code=$?; break; }
  # A new key leaves the labels of namespaces that can no longer be read.
  [ "$method" = overwrite ] || ndctl init-labels -f "$dimm" || { code=$?; break; }
  mkdir -p "${list%/*}"
  [ -e "$list" ] || echo "$header" >"$list"
  printf '%s %s\\n' "$id" "$erase" >>"$list"
done
[ "$method" = overwrite ] || for one in $regions; do ndctl enable-region "$one"; done
exit $code
"""


def _left(erase: EraseWant, seen: Nvdimm) -> tuple[Dimm, ...]:
    return tuple(one for one in seen.dimms if f"{one.id or one.dev} {erase.id}" not in seen.erased)


def check_erased(erase: EraseWant, seen: Nvdimm) -> Verdict | None:
    if not seen.tool:
        return Stuck("the host has no ndctl, which erases modules", "put the package ndctl into the image")
    busy = [one.dev for one in seen.dimms if one.security == "overwrite"]
    if busy:
        return Wait(f"{', '.join(busy)} is being overwritten", 60.0)
    left = _left(erase, seen)
    if not left:
        return None
    for one in left:
        if not one.security:
            return Stuck(f"{one.dev} has no security state: it, or its driver, cannot erase it",
                         "take pmemModules.erase out of the profile")
        if one.frozen:
            return Stuck(f"the security of {one.dev} is frozen until the next restart",
                         "restart the host, then apply again; if the firmware freezes it at every start, erase it in its setup")
    concerned = [region for region in seen.regions if set(region.dimms) & {one.dev for one in left}]
    units: list[str] = []
    for region in concerned:
        for namespace in region.namespaces:
            point = seen.mounted_at(namespace)
            if point and not our_unit(point, seen):
                return Stuck(f"{namespace.dev} is to be erased and is mounted at {point}", "unmount it, then apply again")
            if namespace.block and (group := seen.volumes.get(namespace.block, "")):
                return Stuck(f"{namespace.dev} is to be erased and is in volume group {group}", f"`vgremove {group}` first")
            units += [our_unit(point, seen)] if point else []
    # Without a passphrase the module takes a key of zeros (ndctl-sanitize-dimm --zero-key).
    zero = "--zero-key" if erase.method == "crypto-erase" else ""
    words = tuple(f"{one.dev}={one.id or one.dev}={zero if one.security == 'disabled' else ''}" for one in left)
    step = RunOnHost((*shell(ERASE), ERASED, erase.id, erase.method, " ".join(units), " ".join(r.dev for r in concerned), *words),
                     f"{erase.method} {', '.join(one.dev for one in left)}", timeout=600, erases=_lost(erase, seen),
                     disrupts=f"what uses {', '.join(units)}" if units else "")
    return Act(step, f"the profile asks for it once, as {erase.id!r}")


def _lost(erase: EraseWant, seen: Nvdimm) -> str:
    left = {one.dev for one in _left(erase, seen)}
    lost = [text for region in seen.regions if set(region.dimms) & left
            for namespace in region.namespaces if (text := erases(namespace, region, seen))]
    return f"all of persistent memory {', '.join(sorted(left))}" + (f": {'; '.join(lost)}" if lost else "")


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    erase, seen = want.profile.pmem_modules.erase, look_nvdimm(have)
    if erase is None:
        return (Change(ERASED, "ours", "removed"),) if isinstance(seen, Nvdimm) and seen.erased_file else ()
    if not isinstance(seen, Nvdimm):
        return (Change("persistent memory", None, f"{erase.method} ({erase.id})", destroys="all of persistent memory"),)
    if not (left := _left(erase, seen)):
        return ()
    what = f"persistent memory {', '.join(one.dev for one in left)}"
    return (Change(what, "not erased", f"{erase.method} ({erase.id})", destroys=_lost(erase, seen)),)
