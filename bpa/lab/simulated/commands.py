"""The commands that BPA runs on a host, done to a simulated one."""

from __future__ import annotations

import uuid

from bpa.core.facts import Ran
from bpa.core.host.mounting import FORMAT, UNITS
from bpa.core.host.pmem import CREATE, LABEL, UNMOUNT_AND_DESTROY
from bpa.core.host.probe import shell
from bpa.core.host.vfs import SET_VFS
from bpa.lab.simulated.linux import Running, pairs_in
from bpa.lab.simulated.machine import Namespace, Region

DONE = Ran(0)


def run(os: Running, argv: tuple[str, ...]) -> Ran:
    """What `argv` comes to, as root. A command that the simulation does not know is not found (127)."""
    failing = os.machine.faults.active("command fails", os.machine.time)
    if failing and failing.value in " ".join(argv):
        os.machine.faults.strikes("command fails", os.machine.time)
        return Ran(1, "", f"{argv[0]}: it does not work today")
    match argv:
        case ("update-grub",):
            os.installed.update_grub()
            return DONE
        case ("modprobe", "-a", *names) | ("modprobe", *names):
            return _said("\n".join(filter(None, (os.load(name) for name in names))))
        case ("systemctl", *words):
            return _systemctl(os, words)
        case ("ndctl", *words):
            return _ndctl(os, words)
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
    return _said(os.set_vfs(pairs_in(os.installed.files[path])))


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
        return _said(os.set_vfs({address: int(number) for address, _, number in (w.partition("=") for w in words)}))
    if script == LABEL:
        return _label(os, words[0])
    if script == CREATE:
        return _create(os, dict(zip(words[::2], words[1::2], strict=True)))
    if script == FORMAT:
        return _format(os, words[0].removeprefix("/dev/"), words[1].rpartition(".")[2])
    if script == UNMOUNT_AND_DESTROY:
        _systemctl(os, ["stop", words[0]])
        return _ndctl(os, ["destroy-namespace", "--force", words[1]])
    for module in ("kvm_intel", "kvm_amd"):
        if script == shell(f"modprobe -r {module} && modprobe {module}")[2]:
            return _said(os.unload(module) or os.load(module))
    return Ran(2, "", f"sh: 1: the simulation does not know this script: {script[:60]!r}")


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
        "" if mode == "devdax" else block, blank=not used_before))
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
