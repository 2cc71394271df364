"""ModulesLoaded: what the profile wants loaded is; and which modules wait for a restart."""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.modprobe import LOADED, nested_value, options_of, same
from bpa.core.host.modules import forbidden, no_modprobe, no_module, parse_modules
from bpa.core.host.probe import told
from bpa.core.requirement import HostRequirement
from bpa.core.steps import RunOnHost
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant


def check_loaded(want: HostWant, have: Facts) -> Verdict:
    """What the profile wants loaded is; what it forbids is not (after the restart that KernelApplied asked for)."""
    wanted = want.profile.kernel.load
    if not wanted:
        return Met("not asked")
    text = told(have, "modules")
    if not isinstance(text, dict):
        return text
    seen = parse_modules(text)
    for module in wanted:
        if module not in seen.modules:
            # The probe asks for those in our list, which somebody took away: it is staged first.
            return Wait(f"{module} was not looked for: it is not in {LOADED} yet", 1.0)
        if seen.state(module) == "unknown":
            return no_modprobe(module)
        if seen.state(module) == "missing":
            return no_module(module, "correct its name in kernel.modules.load, or ")
        if not seen.up(module) and (path := seen.forbidden_by(module)):
            return forbidden(path, module)
    to_load = tuple(module for module in wanted if not seen.up(module))
    if to_load:
        return Act(RunOnHost(("modprobe", "-a", *to_load), f"load {', '.join(to_load)}"), f"not loaded: {', '.join(to_load)}")
    return Met(f"loaded: {' '.join(wanted)}")


def needs_restart(want: HostWant, have: Facts) -> str | Wait | Stuck:
    """Why what is staged for modules needs a restart; "" = it does not.

    KVM can be reloaded while nobody uses it. Any other module may carry the network or a disk without being counted as
    in use: it gets new options, or goes, with the next start only.
    """
    text = told(have, "modules")
    if not isinstance(text, dict):
        return text
    seen, value = parse_modules(text), nested_value(want.profile)
    module = seen.modules.get(seen.kvm)
    if (value and seen.nested is not None and seen.nested != (value == "1")
            and module is not None and module.state == "loaded" and module.users > 0):
        return f"{seen.kvm} runs with nested={int(seen.nested)} and is in use"
    for name, options in options_of(want.profile).items():
        for option, asked in options.items():
            there = seen.parameters.get(f"{name}.{option}")
            if option != "nested" and there is not None and seen.up(name) and not same(there, asked):
                return f"{name} runs with {option}={there}, not {asked}"
    loaded = [name for name in want.profile.kernel.forbid if seen.state(name) == "loaded"]
    return f"{loaded[0]} is loaded, and the profile forbids it" if loaded else ""


UP = HostRequirement("ModulesLoaded", "os", check_loaded, "the modules of the profile are loaded")
