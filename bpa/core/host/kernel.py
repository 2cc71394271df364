"""KernelStaged and KernelApplied: one owner of our part of the kernel's command line, and the one restart it costs.

How the arguments get onto the command line depends on what the host boots by: bpa.core.host.grub, bpa.core.host.bls.
"""

from __future__ import annotations

from dataclasses import dataclass

from bpa.core.facts import Facts
from bpa.core.host import bls, cpus, grub, hugepages, module_state
from bpa.core.host.cmdline import UNFIT, key, lacking, retired_in, wanted_arguments
from bpa.core.host.owned import Owned, removal
from bpa.core.host.probe import shell, told
from bpa.core.requirement import Change, HostRequirement
from bpa.core.steps import RestartHost
from bpa.core.verdict import Act, Met, Stuck, Verdict
from bpa.core.want import HostWant

PROBES = {"kernel": shell("""
PATH=$PATH:/usr/sbin:/sbin
echo '@@ running'; cat /proc/cmdline
echo '@@ drop-in'; cat /etc/default/grub.d/90-bpa.cfg 2>/dev/null
echo '@@ update-grub'; command -v update-grub
echo '@@ stale'; [ /boot/grub/grub.cfg -ot /etc/default/grub.d/90-bpa.cfg ] && echo yes
echo '@@ grub.cfg'
grep -hE '^(### (BEGIN|END) |[[:space:]]*linux(efi)?[[:space:]])' /boot/grub/grub.cfg 2>/dev/null
echo '@@ loader'
tr -d '\\000' 2>/dev/null </sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f | tail -c +2
echo; echo '@@ plugin'; cat /etc/kernel/install.d/95-bpa.install 2>/dev/null
echo '@@ entries'
for d in /boot /boot/efi /efi; do grep -sHE '^(options[[:space:]]|# bpa:)' $d/loader/entries/*.conf; done
echo '@@ unified'; ls /boot/efi/EFI/Linux/*.efi /efi/EFI/Linux/*.efi /boot/EFI/Linux/*.efi 2>/dev/null
exit 0
""")}

OWNED = (
    Owned(grub.DROP_IN, "kernel arguments for GRUB's menu", "kernel.arguments", "KernelStaged"),
    Owned(bls.PLUGIN, "puts kernel arguments into boot loader entries", "kernel.arguments", "KernelStaged"),
)


@dataclass(frozen=True, slots=True)
class Kernel:
    """Command lines as argument tuples: running (/proc/cmdline), menu (each `linux` line of 10_linux in grub.cfg),
    entries (boot loader entries). drop_in and plugin are the texts of our files, None = not there. has_grub: update-grub
    is installed. stale: the menu is older than our file (we were interrupted between the two). loader is what the boot
    loader told the firmware of itself ("systemd-boot 252.39", "GRUB 2.12"), "" = nothing; unified: kernels whose command
    line is inside their signed image.
    """

    running: tuple[str, ...]
    menu: tuple[tuple[str, ...], ...]
    drop_in: str | None
    has_grub: bool
    stale: bool
    loader: str = ""
    plugin: str | None = None
    entries: tuple[bls.Entry, ...] = ()
    unified: tuple[str, ...] = ()

    @property
    def way(self) -> str:
        """How our arguments get to the kernel: "grub", "bls" or "" (BPA knows no way)."""
        by_grub = self.has_grub and bool(self.menu)
        if self.entries and (self.loader.startswith("systemd-boot") or not by_grub):
            return "bls"
        return "grub" if by_grub else ""

    @property
    def staged(self) -> tuple[tuple[str, ...], ...]:
        """The command lines that the next start may have."""
        return tuple(entry.options for entry in self.entries) if self.way == "bls" else self.menu

    @property
    def ours(self) -> tuple[str, ...]:
        """The arguments that our file gives now."""
        return bls.arguments_in(self.plugin) if self.way == "bls" else grub.arguments_in(self.drop_in)

    @property
    def retired(self) -> tuple[str, ...]:
        """The arguments that our file gave once."""
        return retired_in(self.plugin if self.way == "bls" else self.drop_in)


def parse_kernel(text: dict[str, str]) -> Kernel:
    """The sections of probe `kernel`."""
    return Kernel(tuple(text.get("running", "").split()), grub.parse_menu(text.get("grub.cfg", "")),
                  text.get("drop-in", "") or None, bool(text.get("update-grub", "").strip()),
                  text.get("stale", "").strip() == "yes", _printable(text.get("loader", "")), text.get("plugin", "") or None,
                  bls.parse_entries(text.get("entries", "")), tuple(text.get("unified", "").split()))


def check_staged(want: HostWant, have: Facts) -> Verdict:
    """Our file says what the profile says, and what the host boots by was made from it."""
    text = told(have, "kernel")
    if not isinstance(text, dict):
        return text
    seen, wanted = parse_kernel(text), wanted_arguments(want.profile)
    unfit = [argument for argument in wanted if not argument or UNFIT.search(argument)]
    if unfit:
        return Stuck(f"kernel argument {unfit[0]!r} has a character that GRUB's configuration cannot carry",
                     "give each argument by itself, without blanks and quotes")
    refused = cpus.refusal(want, have) or hugepages.refusal(want, have)
    if refused:
        return refused
    left_over = seen.drop_in is not None or seen.plugin is not None or any(entry.ours for entry in seen.entries)
    if not wanted and not left_over:
        return Met("no kernel arguments asked")
    if not seen.way:
        return _no_way(wanted, seen)
    due = bls.check_entries(wanted, seen.plugin, seen.entries) if seen.way == "bls" else grub.check_menu(
        wanted, seen.drop_in, seen.menu, seen.stale)
    return due or Met(f"staged: {' '.join(wanted) or 'none of ours'}")


def check_applied(want: HostWant, have: Facts) -> Verdict:
    """The running kernel has the staged arguments, and no module waits for a restart. This asks for the one restart."""
    text = told(have, "kernel")
    if not isinstance(text, dict):
        return text
    seen, wanted = parse_kernel(text), wanted_arguments(want.profile)
    reasons = []
    if missing := lacking(wanted, seen.running):
        reasons.append("the running kernel lacks " + " ".join(missing))
    if gone := _still_running(seen):
        reasons.append("the running kernel still has " + " ".join(gone))
    module = module_state.needs_restart(want, have)
    if not isinstance(module, str):
        return module
    if module:
        reasons.append(module)
    if reasons:
        # One reason only: guards know a step again by its text, and what else is seen changes while the host goes down.
        assert have.os is not None
        compared = (_compared(wanted, seen),) if missing or gone else ()
        return Act(RestartHost(reasons[0], have.os.boot_id), "; ".join((*reasons, *compared)))
    # Our file has told its end until here; nothing of it is in effect any more.
    for path, there in ((grub.DROP_IN, seen.drop_in), (bls.PLUGIN, seen.plugin)):
        if not wanted and there is not None and seen.way:
            return Act(removal(f"remove {path}", path), "none of our kernel arguments is left")
    return Met("running with " + " ".join(wanted) if wanted else "nothing waits for a restart")


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    text = told(have, "kernel")
    wanted = wanted_arguments(want.profile)
    if not isinstance(text, dict):
        return (Change("kernel arguments", None, " ".join(wanted), "kernel"),) if wanted else ()
    seen = parse_kernel(text)
    missing = lacking(wanted, seen.running)
    ours = {key(a) for a in wanted}
    old = [a for a in seen.running if key(a) in ours or a in seen.ours]
    dropped = [a for a in seen.ours if a not in wanted and a in seen.running]
    if not missing and not dropped:
        return ()
    return (Change("kernel arguments", " ".join(old) or "(none of these)", " ".join(wanted) or "(none of ours)",
                   "kernel"),)


def _still_running(seen: Kernel) -> tuple[str, ...]:
    return tuple(a for a in seen.retired if a in seen.running and not any(a in line for line in seen.staged))


def _compared(wanted: tuple[str, ...], seen: Kernel) -> str:
    """What runs against what the next start will have, of the arguments that are or were ours."""
    keys = {key(argument) for argument in (*wanted, *seen.retired)}
    running, staged = ([argument for argument in line if key(argument) in keys]
                       for line in (seen.running, seen.staged[0] if seen.staged else ()))
    return f"running: {' '.join(running) or 'none of these'}; next start: {' '.join(staged) or 'none of these'}"


def _no_way(wanted: tuple[str, ...], seen: Kernel) -> Verdict:
    if not lacking(wanted, seen.running):
        return Met("the kernel runs with " + " ".join(wanted))
    by = f" (it boots by {seen.loader})" if seen.loader else ""
    if seen.unified:
        return Stuck(f"the kernel's command line is inside its signed image {seen.unified[0]}",
                     "build that image with these arguments, or use one with GRUB: " + " ".join(wanted))
    return Stuck(f"this host does not boot by GRUB with update-grub nor by boot loader entries{by}, so its kernel "
                 "arguments cannot be set",
                 "use an image with GRUB, or give it these arguments yourself: " + " ".join(wanted))


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isprintable()).strip()


STAGED = HostRequirement(
    "KernelStaged", "os", check_staged, "the boot menu has the profile's kernel arguments", changes, seconds=8.0)
APPLIED = HostRequirement(
    "KernelApplied", "os", check_applied, "the running kernel has all that was staged", patience=1800.0, seconds=90.0)
