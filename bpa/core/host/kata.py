"""KataCapable: all that `kata-runtime check` asks of an amd64 host (kata-containers, kata-check_amd64.go).

Vendor string and flags of the first processor only, modules in memory, and as root a virtual machine really made
(which VirtualizationReady has done). vhost_vsock is loaded where there is one, but not required: as there.
"""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.kvm_probe import KVM_API, parse_kvm
from bpa.core.host.modprobe import FLAG_OF, KATA_MODULES
from bpa.core.host.modules import forbidden, no_module, parse_modules
from bpa.core.host.probe import told
from bpa.core.requirement import HostRequirement
from bpa.core.steps import RunOnHost
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant

OPTIONAL = "vhost_vsock"


def check(want: HostWant, have: Facts) -> Verdict:
    if not want.profile.kata:
        return Met("not asked")
    of_modules, of_kvm = told(have, "modules"), told(have, "kvm")
    if not isinstance(of_modules, dict):
        return of_modules
    if not isinstance(of_kvm, dict):
        return of_kvm
    seen = parse_modules(of_modules)
    if seen.vendor not in FLAG_OF:
        return Stuck(f"Kata accepts processors of GenuineIntel and AuthenticAMD; this is {seen.vendor or 'not told'}",
                     "use another machine, or a profile without kata")
    missing = [flag for flag in (FLAG_OF[seen.vendor], "lm", "sse4_1") if flag not in seen.flags]
    if missing:
        return Stuck(f"Kata needs the processor flags {', '.join(missing)}",
                     "use another machine, or a profile without kata")
    required = ("kvm", seen.kvm, *KATA_MODULES)
    absent = [m for m in required if m != OPTIONAL and seen.state(m) == "missing"]
    if absent:
        return no_module(absent[0])
    to_load = tuple(m for m in required if seen.state(m) == "loadable")
    for module in to_load:
        if path := seen.forbidden_by(module):
            return forbidden(path, module)
    if to_load:
        return Act(RunOnHost(("modprobe", "-a", *to_load), f"load {', '.join(to_load)} for Kata"),
                   f"not loaded: {', '.join(to_load)}")
    if parse_kvm(of_kvm).api != KVM_API:
        return Stuck("Kata cannot make a virtual machine on this host", "see VirtualizationReady")
    without = "" if seen.up(OPTIONAL) else f", without {OPTIONAL}"
    return Met(f"{seen.vendor}, {FLAG_OF[seen.vendor]} lm sse4_1, modules loaded{without}")


CAPABLE = HostRequirement("KataCapable", "os", check, "all that `kata-runtime check` asks")
