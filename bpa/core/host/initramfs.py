"""The initial ramdisk's copy of our module options: made anew just where it holds a module that they are about.

initramfs-tools(7) and dracut.conf(5) copy modprobe.d into every ramdisk they make; lsinitramfs(8) and lsinitrd(1) list one.
Making one takes seconds to minutes, and most options are about modules that no ramdisk holds.
"""

from __future__ import annotations

from collections.abc import Iterable

from bpa.core.host.modprobe import KVM_OF
from bpa.core.host.owned import Owned
from bpa.core.host.probe import shell

CHECKED = "/var/lib/bpa/initramfs-checked"
OWNED = (
    Owned(CHECKED, "when the initial ramdisks were last compared with our module options", "kernel.modules", "ModulesStaged"),
)

FORGETTING = "# Empty until the initial ramdisk has forgotten: "
REMAKE = """umask 022
pattern=$(printf '%s|' "$@" | sed 's/[-_]/[-_]/g; s/|$//')
remake() {
  if command -v update-initramfs >/dev/null; then update-initramfs -u -k all; else dracut -f --regenerate-all; fi || exit
}
inside() {
  if command -v lsinitramfs >/dev/null; then lsinitramfs "$1"; elif command -v lsinitrd >/dev/null; then lsinitrd "$1"; fi >$2
}
list=$(mktemp) || exit; trap 'rm -f "$list"' EXIT
for image in /boot/initrd.img-* /boot/initramfs-*.img; do
  [ -e "$image" ] || continue
  # A list without a single module is none: better one ramdisk too many than an old one.
  if ! inside "$image" "$list" || ! grep -q '\\.ko' "$list" || grep -Eq "/($pattern)\\.ko" "$list"; then remake; break; fi
done
mkdir -p /var/lib/bpa && touch /var/lib/bpa/initramfs-checked
"""

STALE = f"""[ $image -ot /etc/modprobe.d/bpa.conf ] &&
  {{ [ ! -e {CHECKED} ] || [ {CHECKED} -ot /etc/modprobe.d/bpa.conf ]; }} && echo stale"""
"""For a probe: $image is the running kernel's ramdisk."""


def modules_in(text: str) -> tuple[str, ...]:
    """The modules that a file of options is about, without KVM's, which no ramdisk loads."""
    words = (line.split()[:2] for line in text.splitlines() if line and not line.startswith("#"))
    forgetting = text.partition(FORGETTING)[2].partition("\n")[0].split()
    return tuple(sorted({*forgetting, *(one[1] for one in words if len(one) > 1)} - set(KVM_OF.values())))


def remake(modules: Iterable[str]) -> tuple[str, ...]:
    """argv: make the ramdisks anew if one of them holds one of `modules`."""
    return (*shell(REMAKE), *modules)
