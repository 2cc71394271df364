"""What a host says of its kernel modules: states, parameters, what modprobe was told, our two files.

modprobe.d(5): files of all directories count, sorted by name, one in /etc hides one of the same name in /usr/lib and
/run; of a parameter that is given twice the module takes the last. modules-load.d(5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bpa.core.host.initramfs import STALE
from bpa.core.host.modprobe import KVM_OF
from bpa.core.host.probe import shell
from bpa.core.verdict import Stuck

PROBES = {"modules": shell("""
PATH=$PATH:/usr/sbin:/sbin; release=$(uname -r)
cpu=$(sed -n '/^vendor_id/p;/^flags/p;/^$/q' /proc/cpuinfo)
echo '@@ cpu'; echo "$cpu"
case $cpu in *GenuineIntel*) v=kvm_intel;; *AuthenticAMD*) v=kvm_amd;; *) v=;; esac
echo '@@ modules'
ours=$(sed -nE 's/^(options|install) ([a-zA-Z0-9_-]+) .*/\\2/p; s/^([a-zA-Z0-9_-]+)$/\\1/p' \\
  /etc/modprobe.d/bpa.conf /etc/modules-load.d/bpa.conf 2>/dev/null | sort -u)
for m in $(printf '%s\\n' kvm $v vhost vhost_net vhost_vsock $ours | awk '!there[$0]++'); do
  if [ -e /sys/module/$m/refcnt ]; then read -r n </sys/module/$m/refcnt; echo "$m loaded $n"
  elif [ -d /sys/module/$m ]; then echo "$m builtin 0"
  elif grep -qs "/$(echo $m | sed 's/_/[_-]/g')\\.ko" /lib/modules/$release/modules.builtin; then echo "$m builtin 0"
  elif ! command -v modprobe >/dev/null; then echo "$m unknown 0"
  elif modprobe -n -q $m; then echo "$m loadable 0"
  else echo "$m missing 0"; fi
done
echo '@@ parameters'; grep -sH '' /sys/module/kvm_*/parameters/nested
for m in $ours; do [ ! -d /sys/module/$m/parameters ] || grep -sHr '' /sys/module/$m/parameters; done
echo '@@ modprobe.d'
also=$(printf '%s' "$ours" | tr '\\n' '|' | sed 's/_/[_-]/g')
what='^[[:space:]]*(options|blacklist|install)[[:space:]]+'
grep -sHE "$what((kvm|vhost)([_-](intel|amd|net|vsock))?${also:+|$also})([[:space:]]|\\$)" \\
  /etc/modprobe.d/*.conf /run/modprobe.d/*.conf /usr/local/lib/modprobe.d/*.conf /usr/lib/modprobe.d/*.conf \\
  /lib/modprobe.d/*.conf /dev/null
echo '@@ options file'; cat /etc/modprobe.d/bpa.conf 2>/dev/null
echo '@@ load file'; cat /etc/modules-load.d/bpa.conf 2>/dev/null
echo '@@ initramfs'; command -v update-initramfs || command -v dracut
image=/boot/initrd.img-$release; [ -e $image ] || image=/boot/initramfs-$release.img
""" + STALE + "\nexit 0\n")}


@dataclass(frozen=True, slots=True)
class Module:
    """state: loaded, builtin, loadable, missing (this kernel has none), or unknown (the host has no modprobe); users = how
    many use it now.
    """

    state: str
    users: int = 0


@dataclass(frozen=True, slots=True)
class Modules:
    """The first processor's vendor and flags, modules by name, parameter "module.name" -> value as the kernel shows
    it, lines of modprobe.d as (path, directive, module, rest) in the order in which they count, our two files. initramfs:
    the path of the tool that makes the initial ramdisk, "" = there is none; stale: that of the running kernel is older
    than our options.
    """

    vendor: str = ""
    flags: frozenset[str] = frozenset()
    modules: Mapping[str, Module] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    directives: tuple[tuple[str, str, str, str], ...] = ()
    options_file: str = ""
    load_file: str = ""
    initramfs: str = ""
    stale: bool = False

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
                   _directives(text.get("modprobe.d", "")), text.get("options file", ""), text.get("load file", ""),
                   next(iter(text.get("initramfs", "").splitlines()), "").removesuffix("stale"),
                   "stale" in text.get("initramfs", "").split())


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


def forbidden(path: str, module: str) -> Stuck:
    """What to say of a module that modprobe must not load by the `install` line of a file."""
    return Stuck(f"{path} forbids {module}", f"take the `install {module}` line out of {path}")


def no_modprobe(module: str) -> Stuck:
    """What to say of a module that is not loaded, on a host that cannot load any."""
    return Stuck(f"{module} is not loaded, and the host has no modprobe to load it", "put the package kmod into the image")


def no_module(module: str, first: str = "") -> Stuck:
    """What to say of a module that this kernel does not have; first: what else may be the reason, with what follows it."""
    return Stuck(f"module {module} is missing: this kernel has none",
                 f"{first}use an image with a full kernel (Debian linux-image-amd64, Ubuntu linux-modules-extra)")
