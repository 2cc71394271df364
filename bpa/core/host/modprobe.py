"""The files of ours that modprobe and systemd-modules-load read, as texts.

modprobe.d(5): `blacklist` keeps a module from being loaded for its devices, `install` keeps it from being loaded at all.
modules-load.d(5).
"""

from __future__ import annotations

from collections.abc import Iterable

from bpa.core.host.owned import HEADER
from bpa.core.want import Profile

OPTIONS = "/etc/modprobe.d/bpa.conf"
LOADED = "/etc/modules-load.d/bpa.conf"
KVM_OF = {"GenuineIntel": "kvm_intel", "AuthenticAMD": "kvm_amd"}
FLAG_OF = {"GenuineIntel": "vmx", "AuthenticAMD": "svm"}
KATA_MODULES = ("vhost", "vhost_net", "vhost_vsock")


def nested_value(profile: Profile) -> str:
    """What the nested parameter must be: "1", "0", or "" = as it likes."""
    return {"required": "1", "forbidden": "0"}.get(profile.nested or "", "")


def needs_kvm(profile: Profile) -> bool:
    """Whether the profile wants virtual machines on this host."""
    return profile.kata or profile.nested is not None or profile.virtualization.boot_guest


def options_of(profile: Profile) -> dict[str, dict[str, str]]:
    """Module -> parameter -> value as modprobe takes it ("" = given without one). KVM's for both vendors: it is the
    same text on every machine.
    """
    found: dict[str, dict[str, str]] = {}
    if value := nested_value(profile):
        found = {module: {"nested": value} for module in KVM_OF.values()}
    for module, options in sorted(profile.kernel.options.items()):
        pairs = (option.partition("=") for option in options)
        found.setdefault(module, {}).update({name: said for name, _, said in pairs})
    return found


def render_options(profile: Profile) -> str:
    """/etc/modprobe.d/bpa.conf, "" = nothing is asked."""
    lines = [f"options {module} " + " ".join(f"{name}={value}" if value else name for name, value in said.items()) + "\n"
             for module, said in options_of(profile).items()]
    for module in profile.kernel.forbid:
        lines += [f"blacklist {module}\n", f"install {module} /bin/false\n"]
    return HEADER + "".join(lines) if lines else ""


def modules_to_load(profile: Profile, kvm: str) -> tuple[str, ...]:
    """The modules that must be there at every start."""
    names = (*(kvm,) * bool(needs_kvm(profile) and kvm), *KATA_MODULES * profile.kata, *profile.kernel.load)
    return tuple(dict.fromkeys(names))


def render_load(profile: Profile, kvm: str) -> str:
    """/etc/modules-load.d/bpa.conf, "" = nothing is asked."""
    return _lines(modules_to_load(profile, kvm))


def same(shown: str, asked: str) -> bool:
    """Whether the kernel shows a parameter as it was given: truth values as Y and N, numbers in decimal."""
    return _value(shown) == _value(asked)


def _value(text: str) -> str | int:
    text = {"y": "1", "n": "0", "on": "1", "off": "0", "": "1"}.get(text.strip().lower(), text.strip())
    try:
        return int(text, 0)
    except ValueError:
        return text


def _lines(names: Iterable[str]) -> str:
    found = "".join(f"{name}\n" for name in names)
    return HEADER + found if found else ""
