"""ContainerdReady: the second stage of Kata's readiness, after the hand-off: containerd has handlers for an installed Kata.

Whoever installs containerd and Kata (KuD, kata-deploy) configures them too; BPA judges, and only where the profile says
`kata.containerd: configured` adds handlers by a drop-in of its own. Before there is a containerd only room is judged.
"""

from __future__ import annotations

from bpa.core.facts import Facts
from bpa.core.host.containerd_look import CONFIG, DROP_IN, PROBES, Containerd, parse_containerd
from bpa.core.host.owned import HEADER, REMOVE_DROP_IN, Owned
from bpa.core.host.probe import shell, told
from bpa.core.requirement import Change, HostRequirement
from bpa.core.sizes import MIB
from bpa.core.steps import RunOnHost, WriteFile
from bpa.core.verdict import Act, Met, Stuck, Verdict, Wait
from bpa.core.want import HostWant

__all__ = ["OWNED", "PROBES", "READY", "changes", "check"]

OWNED = (Owned(DROP_IN, "containerd's runtime handlers of Kata", "kata.containerd", "ContainerdReady"),)
LEAST_MEMORY, LEAST_DISK = 256 * MIB, 512 * MIB
RESTART = ("systemctl", "restart", "containerd")
# Running pods belong to their shims and outlive a restart of containerd.
PAUSE = "the starting and stopping of pods, and `kubectl exec` and `logs`, while containerd restarts"
# containerd itself may be gone by then: its package left the profile too.
UNMAKE = REMOVE_DROP_IN + "systemctl cat containerd.service >/dev/null 2>&1 || exit 0; exec systemctl try-restart containerd"
PLUGIN = {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}


def check(want: HostWant, have: Facts) -> Verdict:
    text, asked = told(have, "containerd"), want.profile.kata
    if not isinstance(text, dict):
        return text if asked else Met("not asked")
    seen = parse_containerd(text)
    if seen.drop_in.startswith(HEADER) and not (asked and want.profile.kata_want.configure):
        return Act(RunOnHost((*shell(UNMAKE), DROP_IN), f"remove {DROP_IN}", disrupts=PAUSE if seen.age is not None else ""),
                   f"{DROP_IN} is ours and not asked any more")
    if not asked:
        return Met("not asked")
    if short := _room(seen):
        return short
    if "version" not in text:
        return Wait("the host told nothing of containerd", 1.0)
    if seen.version is None:
        return Met(f"before the hand-off: containerd is not installed yet ({seen.cgroups})")
    configure = want.profile.kata_want.configure
    # A drop-in of ours that somebody spoiled is written anew; anything else is a person's to mend.
    spoiled = configure and seen.drop_in.startswith(HEADER) and seen.drop_in != render(seen)
    return ((None if spoiled else unreadable(seen)) or _cgroups(seen) or _handlers(seen, configure) or _down(seen)
            or Met(f"containerd {seen.text}, {seen.cgroups}, "
                   f"{'handlers ' + ' '.join(seen.handlers) if seen.shim else 'Kata is not installed yet'}"
                   + (f", memlock {seen.memlock}" if seen.memlock else "")))


def render(seen: Containerd) -> str:
    """Our drop-in, in the version of the main configuration: every containerd takes that (2.4 takes any)."""
    table = f'plugins."{PLUGIN[3 if seen.main >= 3 else 2]}".containerd.runtimes'
    return HEADER + f"version = {3 if seen.main >= 3 else 2}\n" + "".join(
        f'[{table}.{name}]\nruntime_type = "io.containerd.kata.v2"\nruntime_path = "{seen.shim}"\n'
        'privileged_without_host_devices = true\npod_annotations = ["io.katacontainers.*"]\n'
        f'[{table}.{name}.options]\nConfigPath = "{seen.configuration}"\n' for name in ("kata", "kata-qemu"))


def _room(seen: Containerd) -> Stuck | None:
    if seen.memory is not None and seen.memory < LEAST_MEMORY:
        return Stuck(f"only {seen.memory // MIB} MiB of memory are free; a Kata pod takes about 200 MiB beside its own",
                     "free some (huge pages that the profile reserves are not free), or use a larger machine")
    if seen.disk is not None and seen.disk < LEAST_DISK:
        return Stuck(f"only {seen.disk // MIB} MiB are free where containerd keeps its images (/var/lib/containerd)",
                     "free some, or use a larger disk")
    return None


def unreadable(seen: Containerd) -> Stuck | None:
    """What containerd says of a configuration that it cannot read; None = it can."""
    if not seen.problem:
        return None
    return Stuck(f"containerd cannot read its configuration, and will not start with it: {seen.problem}",
                 f"mend {CONFIG} or what it imports (`containerd config dump` on the host names the file), then "
                 "`systemctl restart containerd`")


def _down(seen: Containerd) -> Verdict | None:
    if not seen.standing:
        return None
    if seen.unit.get("ActiveState") == "activating":
        return Wait(f"containerd does not run; systemd is starting it ({seen.standing})", 5.0)
    return Stuck(f"containerd is installed and does not run: systemd says {seen.standing}",
                 "`journalctl -u containerd -n 20` on the host says why; `systemctl enable --now containerd` starts it")


def _cgroups(seen: Containerd) -> Stuck | None:
    """With containerd 2 kubelet asks containerd for the driver (KubeletCgroupDriverFromCRI), whatever its own file says."""
    assert seen.version is not None
    if seen.driver != "systemd" or seen.systemd is not False or seen.version >= (2, 0):
        return None
    return Stuck("kubelet's cgroupDriver is systemd, and containerd's runc has SystemdCgroup = false",
                 f"set SystemdCgroup = true in {CONFIG} by whatever wrote it, then restart containerd")


def _handlers(seen: Containerd, configure: bool) -> Verdict | None:
    if not seen.shim:
        return None
    if configure and (seen.drop_in or not seen.handlers):
        return _configured(seen)
    if seen.handlers:
        return None
    return Wait("Kata is installed, and containerd has no runtime handler for it yet; whoever installed Kata adds that, or "
                "kata.containerd: configured of the HardwareProfile", 15.0)


def _configured(seen: Containerd) -> Verdict | None:
    assert seen.version is not None
    if seen.drop_in and not seen.drop_in.startswith(HEADER):
        return Stuck(f"{DROP_IN} is there and not of BPA", "remove it, or take `containerd: configured` out of the profile")
    if seen.version < (2, 0):
        return Stuck(f"containerd {seen.text} cannot be given handlers by a drop-in file: it replaces the whole section of CRI",
                     f"use containerd 2, or add runtimes.kata-qemu to {CONFIG} by whatever wrote it")
    if seen.main < 2 or not seen.imports:
        folder = DROP_IN.rpartition("/")[0]
        return Stuck(f"{CONFIG} {'does' if seen.main else 'is not there, or empty, and so does'} not import {folder}/*.toml, "
                     "and is not BPA's to change",
                     f'write `imports = ["{folder}/*.toml"]` and {"its version" if seen.main else "`version = 3`"} into it, '
                     "then apply again")
    if not seen.configuration:
        return Stuck(f"Kata's shim {seen.shim} is there, and no configuration-qemu.toml", "install the whole of Kata Containers")
    if seen.drop_in != render(seen):
        return Act(WriteFile(DROP_IN, render(seen), "give containerd the runtime handlers of Kata", then=(RESTART,),
                             disrupts=PAUSE),
                   f"{DROP_IN} is not as BPA writes it" if seen.drop_in else
                   f"containerd has no handlers of ours for Kata {seen.shim}")
    if seen.unit.get("ActiveState") == "activating" and seen.standing:
        return _down(seen)
    # Killed between the file and the restart: containerd is older than the file.
    if seen.age is None or (seen.written is not None and seen.age > seen.written + 1):
        return Act(RunOnHost(RESTART, "restart containerd", disrupts=PAUSE if seen.age is not None else ""),
                   f"containerd has not read {DROP_IN}" + (f": it does not run ({seen.standing})" if seen.standing else ""))
    missing = [name for name in ("kata", "kata-qemu") if name not in seen.handlers]
    if missing:
        return Stuck(f"containerd does not take the handlers {', '.join(missing)} from {DROP_IN}",
                     "`containerd config dump` and `journalctl -u containerd` on the host say why")
    return None


def changes(want: HostWant, have: Facts) -> tuple[Change, ...]:
    text, asked = told(have, "containerd"), want.profile.kata and want.profile.kata_want.configure
    if not isinstance(text, dict):
        return (Change("containerd handlers of Kata", None, "kata kata-qemu, once both are installed"),) if asked else ()
    seen = parse_containerd(text)
    pause = PAUSE if seen.age is not None else ""
    if not asked:
        return (Change(DROP_IN, "ours", "removed", disrupts=pause),) if seen.drop_in.startswith(HEADER) else ()
    if not seen.shim:
        return ()
    if {"kata", "kata-qemu"} <= set(seen.handlers):
        return () if seen.drop_in in ("", render(seen)) else (Change(DROP_IN, "other", "as BPA writes it", disrupts=pause),)
    return (Change("containerd handlers of Kata", " ".join(seen.handlers) or "none", "kata kata-qemu", disrupts=pause),)


READY = HostRequirement("ContainerdReady", "os", check, "containerd, once it is there, can run Kata", changes, seconds=3.0)
