"""The commands that BPA runs on a host, done to a simulated one."""

from __future__ import annotations

import uuid

from bpa.core.facts import Ran
from bpa.core.host.containerd import UNMAKE as REMOVE_HANDLERS
from bpa.core.host.hardening.ready import RELOAD_SSHD, THEN
from bpa.core.host.hardening.rules import APPORT
from bpa.core.host.hugepages import SET as SET_PAGES
from bpa.core.host.hugepages import TAKE_BACK as PAGES_BACK
from bpa.core.host.owned import REMOVE as REMOVE_FILES
from bpa.core.host.pmem.erasure import ERASE
from bpa.core.host.pmem.goal import SET_GOAL, WITHDRAW
from bpa.core.host.pmem.lvm import ADD_TO_GROUP
from bpa.core.host.pmem.mounting import FORMAT, UNITS
from bpa.core.host.pmem.ready import CREATE, LABEL
from bpa.core.host.pmem.removal import REMOVE_UNIT, UNMOUNT_AND_DESTROY
from bpa.core.host.probe import shell
from bpa.core.host.qat import RAISE
from bpa.core.host.software.clock import REMOVE as REMOVE_TIME
from bpa.core.host.software.clock_look import CHRONY
from bpa.core.host.software.in_step import RELOAD as RELOAD_TIME
from bpa.core.host.software.scripts import CONFIGURE as CONFIGURE_PACKAGES
from bpa.core.host.software.scripts import INSTALL as INSTALL_PACKAGES
from bpa.core.host.software.scripts import REMOVE as REMOVE_PACKAGES
from bpa.core.host.software.sources import RELOAD as RELOAD_CONTAINERD
from bpa.core.host.sriov.removal import REMOVE as REMOVE_VF_UNIT
from bpa.core.host.sriov.script import SCRIPT_PATH, SET_VFS
from bpa.core.host.sriov.unit import arguments_in as vf_arguments
from bpa.core.host.sysctl import SET as SET_SYSCTLS
from bpa.lab.simulated.apt import configure, install, remove
from bpa.lab.simulated.linux import Running
from bpa.lab.simulated.machine import Namespace, Region
from bpa.lab.simulated.optane import set_goal, withdraw
from bpa.lab.simulated.vfs import set_vfs
from bpa.lab.simulated.volumes import add_to_group, erase, remove_unit

DONE = Ran(0)


def run(os: Running, argv: tuple[str, ...]) -> Ran:
    """What `argv` comes to, as root. A command that the simulation does not know is not found (127)."""
    failing = os.machine.faults.active("command fails", os.machine.time)
    what, _, said = failing.value.partition("|") if failing else ("", "", "")
    if failing and what in " ".join(argv):
        os.machine.faults.strikes("command fails", os.machine.time)
        return Ran(1, "", said or f"{what}: it does not work today")
    match argv:
        case ("update-grub",):
            os.installed.update_grub()
            return DONE
        case ("modprobe", "-a", *names) | ("modprobe", *names):
            return _said("\n".join(filter(None, (os.load(name) for name in names))))
        case ("update-ca-certificates",):
            return DONE
        case ("systemctl", *words):
            return _systemctl(os, words)
        case ("ndctl", *words):
            return _ndctl(os, words)
        case ("sh", path, *arguments) if path == SCRIPT_PATH:
            current = os.installed.files.get(path) == SET_VFS
            return _said(set_vfs(os, arguments)) if current else Ran(2, "", f"sh: 0: cannot open {path}: No such file")
        case ("sh", "-c", script, "sh", *words):
            return _shell(os, script, tuple(words))
    return Ran(127, "", f"sh: 1: {argv[0]}: not found")


def _said(error: str) -> Ran:
    return Ran(1, "", error) if error else DONE


def _systemctl(os: Running, words: list[str]) -> Ran:
    match words:
        case ["daemon-reload"]:
            return DONE
        case ["reboot"]:
            os.machine.later(3.0, "machine", "restart")
            return DONE
        case ["enable", name]:
            os.installed.enabled.add(name)
            return DONE
        case ["enable", "--now", name]:
            os.installed.enabled.add(name)
            return _start(os, name)
        case ["restart", "containerd"]:
            os.containerd_started = os.machine.time
            return DONE
        case ["start", name]:
            return _start(os, name)
        case ["stop", name]:
            os.stop_mount(f"{UNITS}/{name}")
            return DONE
    return Ran(1, "", f"Unknown command verb {words[0]}.")


def _start(os: Running, name: str) -> Ran:
    path = f"{UNITS}/{name}"
    if path not in os.installed.files:
        return Ran(5, "", f"Failed to start {name}: Unit {name} not found.")
    if name.endswith(".mount"):
        return _said(os.start_mount(path))
    return _said(set_vfs(os, vf_arguments(os.installed.files[path]).values()))


def _ndctl(os: Running, words: list[str]) -> Ran:
    match words:
        case ["enable-namespace", dev]:
            found = _namespace(os, dev)
            if found is None:
                return Ran(1, "", f"failed to enable namespace: {dev}")
            found[1].enabled = True
            return DONE
        case ["destroy-namespace", "--force", dev]:
            found = _namespace(os, dev)
            if found is None or _mounted(os, found[1]):
                return Ran(1, "", f"Error: destroy namespace: {dev} failed to disable: Device or resource busy")
            region, namespace = found
            _lose(os, region, namespace)
            region.namespaces.remove(namespace)
            return DONE
    return Ran(1, "", f"Unknown command: '{' '.join(words)}'")


def _shell(os: Running, script: str, words: tuple[str, ...]) -> Ran:
    if script == SET_VFS:
        return _said(set_vfs(os, words))
    if script == REMOVE_FILES:
        for path in words:
            os.installed.files.pop(path, None)
        return DONE
    if script == RAISE:
        return DONE
    if script == REMOVE_HANDLERS:
        os.installed.files.pop(words[0], None)
        return _systemctl(os, ["restart", "containerd"])
    if script == REMOVE_VF_UNIT:
        for path in words[:2]:
            os.installed.files.pop(path, None)
        os.installed.enabled.discard(words[0].rpartition("/")[2])
        os.notes.clear()
        return DONE
    if script == SET_PAGES:
        return _said(os.settings.set_pages(_pairs(words)))
    if script == PAGES_BACK:
        os.installed.files.pop(words[0], None)
        return _said(os.settings.set_pages(_pairs(words[1:])))
    if script == INSTALL_PACKAGES:
        return install(os.installed, words[1].split(), words[3:])
    if script == CONFIGURE_PACKAGES:
        return configure(os.installed)
    if script == REMOVE_PACKAGES:
        return remove(os.installed, words[2:])
    if script == SET_SYSCTLS:
        os.settings.set_sysctls()
        return DONE
    if script in (RELOAD_TIME[2], REMOVE_TIME[CHRONY]):
        for path in words:
            os.installed.files.pop(path, None)
        os.time_sources = os.installed.files.get(CHRONY, "")
        return DONE
    if script.startswith('rm -f "$1"; '):
        os.installed.files.pop(words[0], None)
        return DONE
    if script in (RELOAD_CONTAINERD[2], RELOAD_SSHD, THEN[APPORT][0][2]):
        return DONE
    if script == LABEL:
        return _label(os, words[0])
    if script == CREATE:
        return _create(os, dict(zip(words[::2], words[1::2], strict=True)))
    if script == FORMAT:
        return _format(os, words[0].removeprefix("/dev/"), words[1].rpartition(".")[2])
    if script == UNMOUNT_AND_DESTROY:
        _systemctl(os, ["stop", words[0]])
        return _ndctl(os, ["destroy-namespace", "--force", words[1]])
    if script == SET_GOAL:
        return set_goal(os, words[0], words[1], words[2:])
    if script == WITHDRAW:
        return withdraw(os, words[0], words[1:])
    if script == REMOVE_UNIT:
        return remove_unit(os, *words)
    if script == ADD_TO_GROUP:
        return add_to_group(os, *words)
    if script == ERASE:
        return erase(os, *words)
    for module in ("kvm_intel", "kvm_amd"):
        if script == shell(f"modprobe -r {module} && modprobe {module}")[2]:
            return _said(os.unload(module) or os.load(module))
    return Ran(2, "", f"sh: 1: the simulation does not know this script: {script[:60]!r}")


def _pairs(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(path, number) for path, _, number in (word.rpartition("=") for word in words)]


def _label(os: Running, dev: str) -> Ran:
    region = _region(os, dev)
    if region is None or any(_mounted(os, one) for one in region.namespaces):
        return Ran(1, "", f"{dev}: failed to disable: Device or resource busy")
    for one in region.namespaces:
        _lose(os, region, one)
    region.labelled, region.namespaces = True, []
    return DONE


def _create(os: Running, said: dict[str, str]) -> Ran:
    region, size, mode = _region(os, said["--region"]), int(said["--size"]), said["--mode"]
    if region is None or not region.labelled or size > region.free or size % region.align:
        return Ran(1, "", "failed to create namespace: No space left on device")
    taken = {one.dev for one in region.namespaces}
    number = next(n for n in range(len(taken) + 1) if f"namespace{_digits(region.dev)}.{n}" not in taken)
    block = f"pmem{_digits(region.dev)}" + (f".{number}" if number else "")
    used_before = any(region.dev in lost for lost in os.machine.destroyed)
    region.namespaces.append(Namespace(
        f"namespace{_digits(region.dev)}.{number}", mode, size, said.get("--name", ""),
        "" if mode == "devdax" else block + ("s" if mode == "sector" else ""), blank=not used_before,
        align=int(said.get("--align", 0)), sector=int(said.get("--sector-size", 4096 if mode == "sector" else 0))))
    return DONE


def _format(os: Running, block: str, kind: str) -> Ran:
    one = next((n for r in os.machine.hardware.regions for n in r.namespaces if n.block == block and n.enabled), None)
    if one is None or one.signature:
        return Ran(1, "", f"/dev/{block} is not empty: not formatted")
    one.signature, one.blank = kind, False
    os.machine.formats += 1
    one.uuid = str(uuid.uuid5(uuid.UUID(os.machine.hardware.uuid), f"{one.dev} {os.machine.formats}"))
    return DONE


def _lose(os: Running, region: Region, one: Namespace) -> None:
    if one.signature or not one.blank:
        os.machine.destroyed.append(f"{one.dev} of {region.dev}")


def _region(os: Running, dev: str) -> Region | None:
    return next((region for region in os.machine.hardware.regions if region.dev == dev), None)


def _namespace(os: Running, dev: str) -> tuple[Region, Namespace] | None:
    return next(((region, one) for region in os.machine.hardware.regions for one in region.namespaces
                 if one.dev == dev), None)


def _mounted(os: Running, one: Namespace) -> bool:
    return any(device == f"/dev/{one.block}" for device, _, _ in os.mounts.values())


def _digits(dev: str) -> str:
    return dev.removeprefix("region")
