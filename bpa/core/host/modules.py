"""ModulesStaged: our options for modprobe and our list of modules to load at boot.

modprobe.d(5): files of all directories count, sorted by name, one in /etc hides one of the same name in /usr/lib and
/run; of a parameter that is given twice the module takes the last. modules-load.d(5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.facts import Facts
from bpa.core.host.probe import shell, told
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import Restart, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant, Profile

OPTIONS = "/etc/modprobe.d/bpa.conf"
LOADED = "/etc/modules-load.d/bpa.conf"
HEADER = "# Written by BPA from the HardwareProfile; changes made here are lost.\n"
KVM_OF = {"GenuineIntel": "kvm_intel", "AuthenticAMD": "kvm_amd"}
FLAG_OF = {"GenuineIntel": "vmx", "AuthenticAMD": "svm"}
KATA_MODULES = ("vhost", "vhost_net", "vhost_vsock")

PROBES = {"modules": shell("""
PATH=$PATH:/usr/sbin:/sbin
cpu=$(sed -n '/^vendor_id/p;/^flags/p;/^$/q' /proc/cpuinfo)
echo '@@ cpu'; echo "$cpu"
case $cpu in *GenuineIntel*) v=kvm_intel;; *AuthenticAMD*) v=kvm_amd;; *) v=;; esac
echo '@@ modules'
for m in kvm $v vhost vhost_net vhost_vsock; do
  if [ -e /sys/module/$m/refcnt ]; then read -r n </sys/module/$m/refcnt; echo "$m loaded $n"
  elif [ -d /sys/module/$m ]; then echo "$m builtin 0"
  elif modprobe -n -q $m; then echo "$m loadable 0"
  else echo "$m missing 0"; fi
done
echo '@@ parameters'; grep -sH '' /sys/module/kvm_*/parameters/nested
echo '@@ modprobe.d'
grep -sHE '^[[:space:]]*(options|blacklist|install)[[:space:]]+(kvm|vhost)([_-](intel|amd|net|vsock))?([[:space:]]|$)' \\
  /etc/modprobe.d/*.conf /run/modprobe.d/*.conf /usr/local/lib/modprobe.d/*.conf /usr/lib/modprobe.d/*.conf \\
  /lib/modprobe.d/*.conf /dev/null
echo '@@ options file'; cat /etc/modprobe.d/bpa.conf 2>/dev/null
echo '@@ load file'; cat /etc/modules-load.d/bpa.conf 2>/dev/null
exit 0
""")}


@dataclass(frozen=True, slots=True)
class Module:
    """state: loaded, builtin, loadable, or missing (this kernel has none); users = how many use it now."""

    state: str
    users: int = 0


@dataclass(frozen=True, slots=True)
class Modules:
    """The first processor's vendor and flags, modules by name, parameter "module.name" -> value as the kernel shows
    it, lines of modprobe.d as (path, directive, module, rest) in the order in which they count, our two files.
    """

    vendor: str = ""
    flags: frozenset[str] = frozenset()
    modules: Mapping[str, Module] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    directives: tuple[tuple[str, str, str, str], ...] = ()
    options_file: str = ""
    load_file: str = ""

    @property
    def kvm(self) -> str:
        """The KVM module of this processor, "" = BPA knows none."""
        return KVM_OF.get(self.vendor, "")

    @property
    def nested(self) -> bool | None:
        """The running KVM module's nested parameter; None = not loaded or not shown."""
        value = self.parameters.get(f"{self.kvm}.nested")
        return None if value is None else value in ("1", "Y", "y")

    def state(self, module: str) -> str:
        return self.modules.get(module, Module("missing")).state

    def up(self, module: str) -> bool:
        """Whether the module is there now, loaded or built in."""
        return self.state(module) in ("loaded", "builtin")

    def forbidden_by(self, module: str) -> str:
        """The file whose `install` line keeps modprobe from loading the module, "" = none."""
        return next((path for path, directive, name, rest in self.directives
                     if directive == "install" and name == module
                     and rest.strip().rpartition("/")[2] in ("false", "true")), "")


def parse_modules(text: dict[str, str]) -> Modules:
    """The sections of probe `modules`."""
    lines = (line.partition(":") for line in text.get("cpu", "").splitlines())
    cpu = {name.strip(): value.strip() for name, _, value in lines}
    states: dict[str, Module] = {}
    for line in text.get("modules", "").splitlines():
        name, state, users = line.split()
        states[name] = Module(state, int(users))
    parameters: dict[str, str] = {}
    for line in text.get("parameters", "").splitlines():
        path, _, value = line.partition(":")
        parameters[f"{path.split('/')[3]}.{path.split('/')[5]}"] = value.strip()
    return Modules(cpu.get("vendor_id", ""), frozenset(cpu.get("flags", "").split()), states, parameters,
                   _directives(text.get("modprobe.d", "")), text.get("options file", ""), text.get("load file", ""))


def nested_value(profile: Profile) -> str:
    """What the nested parameter must be: "1", "0", or "" = as it likes."""
    return {"required": "1", "forbidden": "0"}.get(profile.nested or "", "")


def needs_kvm(profile: Profile) -> bool:
    """Whether the profile wants virtual machines on this host."""
    return profile.kata or profile.nested is not None


def render_options(profile: Profile) -> str:
    """/etc/modprobe.d/bpa.conf, "" = nothing is asked. For both vendors: it is the same text on every machine."""
    value = nested_value(profile)
    return HEADER + "".join(f"options {module} nested={value}\n" for module in KVM_OF.values()) if value else ""


def render_load(profile: Profile, kvm: str) -> str:
    """/etc/modules-load.d/bpa.conf, "" = nothing is asked."""
    names = [kvm] * bool(needs_kvm(profile) and kvm) + list(KATA_MODULES) * profile.kata
    return HEADER + "".join(f"{name}\n" for name in names) if names else ""


def check(want: HostWant, have: Facts) -> Verdict:
    text = told(have, "modules")
    if not isinstance(text, dict):
        return text
    seen = parse_modules(text)
    for path, content, there, what in (
        (OPTIONS, render_options(want.profile), seen.options_file, "module options"),
        (LOADED, render_load(want.profile, seen.kvm), seen.load_file, "the modules to load at boot"),
    ):
        # What we once wrote and is asked no more is emptied, not removed: the file shows whose it was.
        wanted = content or (HEADER if there else "")
        if wanted != there:
            return Act(WriteFile(path, wanted, f"stage {what} in {path}"), f"{path} is not as the profile asks")
    overruling = _overruling(seen, nested_value(want.profile))
    if overruling:
        return Stuck(f"{overruling[0]} says `options {seen.kvm} {overruling[1]}` and counts after ours",
                     f"take that line out of {overruling[0]}")
    return Met("staged" if render_options(want.profile) or render_load(want.profile, seen.kvm) else "nothing asked")


def needs_restart(want: HostWant, have: Facts) -> str | Wait | Stuck:
    """Why the staged module options need a restart; "" = they do not. (A module in use cannot be reloaded.)"""
    text = told(have, "modules")
    if not isinstance(text, dict):
        return text
    seen, value = parse_modules(text), nested_value(want.profile)
    module = seen.modules.get(seen.kvm)
    if not value or seen.nested is None or seen.nested == (value == "1") or module is None:
        return ""
    in_use = module.state == "loaded" and module.users > 0
    return f"{seen.kvm} runs with nested={int(seen.nested)} and is in use" if in_use else ""


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    value = nested_value(want.profile)
    if not value:
        return ()
    text = told(have, "modules")
    if not isinstance(text, dict):
        return (Change("KVM parameter nested", None, value),)
    seen = parse_modules(text)
    if seen.nested is not None and seen.nested == (value == "1") and seen.options_file == render_options(want.profile):
        return ()
    if seen.nested is not None and seen.nested == (value == "1"):
        return (Change(OPTIONS, "other" if seen.options_file else "absent", f"nested={value} at every start"),)
    old = "" if seen.nested is None else str(int(seen.nested))
    restart: Restart = "kernel" if needs_restart(want, have) else ""
    return (Change("KVM parameter nested", old or "(KVM not loaded)", value, restart),)


def _directives(text: str) -> tuple[tuple[str, str, str, str], ...]:
    found: dict[str, tuple[str, list[tuple[str, str, str, str]]]] = {}
    for line in text.splitlines():
        path, _, rest = line.partition(":")
        words = rest.split(maxsplit=2)
        if len(words) < 2:
            continue
        name = path.rpartition("/")[2]
        # The probe lists directories in their order of precedence: the first file of a name hides the others.
        owner, lines = found.setdefault(name, (path, []))
        if owner == path:
            lines.append((path, words[0], words[1].replace("-", "_"), words[2] if len(words) > 2 else ""))
    return tuple(line for name in sorted(found) for line in found[name][1])


def _overruling(seen: Modules, value: str) -> tuple[str, str] | None:
    last = None
    for path, directive, module, rest in seen.directives:
        if directive == "options" and module == seen.kvm:
            for word in rest.split():
                if word.partition("=")[0] == "nested":
                    last = (path, word)
    wrong = value and last and last[0] != OPTIONS and (last[1].partition("=")[2] in ("1", "Y", "y")) != (value == "1")
    return last if wrong else None


STAGED = HostRequirement("ModulesStaged", "os", check, "modprobe has the profile's options and modules", changes)
