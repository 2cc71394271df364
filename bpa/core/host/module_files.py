"""ModulesStaged: our options for modprobe and our list of modules to load at boot are as the profile asks.

The initial ramdisk holds a copy of modprobe.d and loads drivers by it (initramfs-tools(7), dracut.conf(5)): it is made
anew when options of other modules than KVM's change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bpa.core.facts import Facts
from bpa.core.host.initramfs import CHECKED, FORGETTING, modules_in, remake
from bpa.core.host.initramfs import OWNED as OF_THE_RAMDISK
from bpa.core.host.kvm_causes import STARTING
from bpa.core.host.modprobe import (
    KVM_OF,
    LOADED,
    OPTIONS,
    modules_to_load,
    nested_value,
    options_of,
    render_load,
    render_options,
    same,
)
from bpa.core.host.module_state import needs_restart
from bpa.core.host.modules import Modules, parse_modules
from bpa.core.host.owned import HEADER, Owned, removal
from bpa.core.host.probe import told
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import Restart, RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant, Profile

OWNED = (
    Owned(OPTIONS, "options of kernel modules, and modules that are forbidden", "kernel.modules", "ModulesStaged"),
    Owned(LOADED, "modules to load at every start", "kernel.modules", "ModulesStaged"),
    *OF_THE_RAMDISK,
)


def check(want: HostWant, have: Facts) -> Verdict:
    text = told(have, "modules")
    if not isinstance(text, dict):
        return text
    seen, wanted = parse_modules(text), render_options(want.profile)
    about = {*modules_in(wanted), *modules_in(seen.options_file)} if seen.initramfs else ()
    early = (remake(sorted(about)),) if about else ()
    if wanted and wanted != seen.options_file:
        return Act(WriteFile(OPTIONS, wanted, f"stage module options in {OPTIONS}", then=early),
                   f"{OPTIONS} is not as the profile asks")
    if seen.options_file and not wanted and early and FORGETTING not in seen.options_file:
        emptied = f"{HEADER}{FORGETTING}{' '.join(sorted(about))}\n"
        return Act(WriteFile(OPTIONS, emptied, f"empty {OPTIONS}", then=early), f"nothing in {OPTIONS} is asked any more")
    if seen.stale and early:
        return Act(RunOnHost(early[0], "make the initial ramdisk anew where it holds modules of our options", 600.0),
                   f"the initial ramdisk is older than {OPTIONS}")
    load = render_load(want.profile, seen.kvm)
    if load and load != seen.load_file:
        return Act(WriteFile(LOADED, load, f"stage the modules to load at boot in {LOADED}"),
                   f"{LOADED} is not as the profile asks")
    for path, asked, there in ((OPTIONS, wanted, seen.options_file), (LOADED, load, seen.load_file)):
        if there and not asked:
            gone = (path, CHECKED) if path == OPTIONS else (path,)
            return Act(removal(f"remove {path}", *gone), f"nothing in {path} is asked any more")
    overruling = _overruling(seen, options_of(want.profile))
    if overruling:
        path, module, word = overruling
        return Stuck(f"{path} says `options {module} {word}` and counts after ours", f"take that line out of {path}")
    inside = [module for module in want.profile.kernel.forbid if seen.state(module) == "builtin"]
    if inside:
        return Stuck(f"{inside[0]} cannot be forbidden: it is built into this kernel",
                     "take it out of kernel.modules.forbid, or use another kernel")
    return Met("staged" if wanted or load else "nothing asked")


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    wanted = {(module, name): value for module, said in options_of(want.profile).items() for name, value in said.items()}
    kernel, text = want.profile.kernel, told(have, "modules")
    value = nested_value(want.profile)
    if not isinstance(text, dict):
        found = [Change("KVM parameter nested", None, value)] if value else []
        found += [Change(f"parameter {name} of {module}", None, said) for (module, name), said in wanted.items()
                  if name != "nested"]
        found += [Change(f"module {name}", None, "loaded") for name in kernel.load]
        return (*found, *(Change(f"module {name}", None, "forbidden") for name in kernel.forbid))
    seen = parse_modules(text)
    restart: Restart = "kernel" if needs_restart(want, have) else ""
    found = _nested_change(seen, value, restart)
    for (module, name), said in wanted.items():
        there = seen.parameters.get(f"{module}.{name}")
        if name != "nested" and (there is None or not same(there, said)) and f" {name}={said}" not in seen.options_file:
            found.append(Change(f"parameter {name} of {module}", there or "(not seen)", said, restart if there else ""))
    found += [Change(f"module {name}", "not loaded", "loaded") for name in kernel.load if not seen.up(name)]
    found += [Change(f"module {name}", "allowed", "forbidden", "kernel" if seen.state(name) == "loaded" else "")
              for name in kernel.forbid if f"install {name} " not in seen.options_file]
    return (*found, *_taken_back(seen, want.profile))


def _taken_back(seen: Modules, profile: Profile) -> Iterator[Change]:
    """What our files say and the profile asks no more. Of KVM's two modules the host has one."""
    wanted, other = options_of(profile), set(KVM_OF.values()) - {seen.kvm}
    for line in seen.options_file.splitlines():
        directive, module, *words = (*line.split(), "", "")
        if directive == "options" and module not in other:
            for name, _, value in (word.partition("=") for word in words if word):
                if name not in wanted.get(module, {}):
                    yield Change(f"parameter {name} of {module}", value, "as the module has it, from its next loading on")
        elif directive == "install" and module not in profile.kernel.forbid:
            yield Change(f"module {module}", "forbidden", "allowed")
    due = modules_to_load(profile, seen.kvm)
    for module in seen.load_file.splitlines():
        if module and not module.startswith("#") and module not in due:
            yield Change(f"module {module} at every start", "loaded", "left to the system")


def _nested_change(seen: Modules, value: str, restart: Restart) -> list[Change]:
    if not value:
        return []
    if seen.nested is not None and seen.nested == (value == "1"):
        if "nested=" + value in seen.options_file:
            return []
        return [Change(OPTIONS, "other" if seen.options_file else "absent", f"nested={value} at every start")]
    old = "" if seen.nested is None else str(int(seen.nested))
    return [Change("KVM parameter nested", old or "(KVM not loaded)", value, restart,
                   disrupts=STARTING if old and not restart else "")]


def _overruling(seen: Modules, wanted: Mapping[str, Mapping[str, str]]) -> tuple[str, str, str] | None:
    last: dict[tuple[str, str], tuple[str, str]] = {}
    for path, directive, module, rest in seen.directives:
        if directive == "options":
            for word in rest.split():
                last[module, word.partition("=")[0]] = path, word
    for module, options in wanted.items():
        if module in KVM_OF.values() and module != seen.kvm:
            continue
        for name, value in options.items():
            path, word = last.get((module, name), (OPTIONS, ""))
            if path != OPTIONS and not same(word.partition("=")[2], value):
                return path, module, word
    return None


STAGED = HostRequirement("ModulesStaged", "os", check, "modprobe has the profile's options and modules", changes)
