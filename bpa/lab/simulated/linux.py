"""The operating system of a simulated host: what is on its disk, and what runs until the next restart."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bpa.core.host.grub import DROP_IN, arguments_in
from bpa.core.host.modprobe import KVM_OF, LOADED, OPTIONS
from bpa.core.host.pmem.mounting import UNITS
from bpa.core.host.software.clock_look import CHRONY
from bpa.core.host.sriov.unit import UNIT as VFS_UNIT
from bpa.core.host.sriov.unit import arguments_in as vf_arguments
from bpa.lab.simulated.files import Files
from bpa.lab.simulated.kernel_settings import KernelSettings
from bpa.lab.simulated.vfs import set_vfs

if TYPE_CHECKING:
    from bpa.lab.simulated.machine import Function, Machine, Namespace

KERNEL = "6.1.0-37-amd64"
ROOT = ("BOOT_IMAGE=/boot/vmlinuz-6.1.0-37-amd64", "root=UUID=7c8a1b0e-51c4-4a0b-9c55-1f3b6c1b4a10", "ro")
CONSOLE = "console=ttyS0"
LOADABLE = ("kvm", "kvm_intel", "kvm_amd", "vhost", "vhost_net", "vhost_vsock")
USES = {"kvm_intel": "kvm", "kvm_amd": "kvm", "vhost_net": "vhost", "vhost_vsock": "vhost"}


@dataclass(slots=True)
class Installed:
    """What is on the disk. packages: name -> version; unpacked: those of them that wait to be configured; menu: the
    arguments of GRUB's menu entries; made, changed: when the menu and our drop-in were written, counted in writes."""

    hostname: str
    address: str
    files: Files = field(default_factory=Files)
    enabled: set[str] = field(default_factory=set)
    packages: dict[str, str] = field(default_factory=lambda: {"bash": "5.2.15-2+b7"})
    unpacked: set[str] = field(default_factory=set)
    menu: tuple[str, ...] = (*ROOT, CONSOLE)
    booted: bool = False
    writes: int = 0
    made: int = 0
    changed: int = 0

    def write(self, path: str, content: str) -> None:
        """A file as a whole, with its time."""
        self.files[path] = content
        self.writes += 1
        if path == DROP_IN:
            self.changed = self.writes

    def update_grub(self) -> None:
        """GRUB_CMDLINE_LINUX of our drop-in comes before the distribution's GRUB_CMDLINE_LINUX_DEFAULT."""
        self.writes += 1
        self.made = self.writes
        self.menu = (*ROOT, *arguments_in(self.files.get(DROP_IN)), CONSOLE)

    def asked_modules(self) -> frozenset[str]:
        """Modules that files of ours name: this kernel has them all."""
        names = re.findall(r"^(?:options|install) (\w+) |^(\w+)$", self.files.get(OPTIONS, "") + self.files.get(LOADED, ""),
                           re.MULTILINE)
        return frozenset(one or other for one, other in names)

    @property
    def stale(self) -> bool:
        return self.changed > self.made


class Running:
    """A running system; all of it but `installed` and the machine's parts is gone with the next restart."""

    def __init__(self, machine: Machine, installed: Installed) -> None:
        self.machine, self.installed = machine, installed
        self.started, installed.files.now = machine.time, machine.now
        self.boot_id = str(uuid.uuid5(uuid.UUID(machine.hardware.uuid), f"boot {machine.starts}"))
        another = machine.faults.active("another entry starts", machine.time)
        self.cmdline = (*ROOT, CONSOLE) if another else installed.menu
        self.settings = KernelSettings(machine.hardware, installed, self.cmdline)
        self.modules: set[str] = set()
        self.asked = installed.asked_modules()
        self.nested: dict[str, bool] = {}
        self.busy: set[str] = set()
        self.containerd_started = machine.time
        self.time_sources = installed.files.get(CHRONY, "")  # as chrony has read them
        self.notes: dict[str, str] = {}
        self.log: list[str] = []
        self.mounts: dict[str, tuple[str, str, str]] = {}
        hangs = machine.faults.active("first boot hangs", machine.time)
        first = 0.0 if installed.booted else machine.durations.first_boot
        self.configured_at = float("inf") if hangs else machine.time + first
        installed.booted = True
        self._start()

    def _start(self) -> None:
        if self.kvm_module and self.has_virtualization:
            self.load(self.kvm_module)  # as udev does by the processor's modalias
        for name in self.installed.files.get(LOADED, "").splitlines():
            if name and not name.startswith("#"):
                self.load(name)
        if VFS_UNIT.rpartition("/")[2] in self.installed.enabled:
            set_vfs(self, vf_arguments(self.installed.files.get(VFS_UNIT, "")).values())
        for path in sorted(self.installed.files):
            if path.startswith(UNITS) and path.rpartition("/")[2] in self.installed.enabled:
                self.start_mount(path)

    # -- modules

    @property
    def kvm_module(self) -> str:
        return KVM_OF.get(self.machine.hardware.vendor, "")

    @property
    def has_virtualization(self) -> bool:
        return bool({"vmx", "svm"} & set(self.machine.flags()))

    @property
    def kvm(self) -> bool:
        """Whether /dev/kvm is there."""
        return self.kvm_module in self.modules

    def load(self, name: str) -> str:
        """modprobe; returns the error, "" = it is loaded."""
        if name not in LOADABLE and name not in self.installed.asked_modules():
            return f"modprobe: FATAL: Module {name} not found in directory /lib/modules/{KERNEL}"
        if name in KVM_OF.values() and (name != self.kvm_module or not self.has_virtualization):
            return f"modprobe: ERROR: could not insert '{name}': Operation not supported"
        if name in self.modules:
            return ""
        if name in USES:
            self.modules.add(USES[name])
        self.modules.add(name)
        if name in KVM_OF.values():
            said = re.findall(rf"^options {name} nested=(\w)", self.installed.files.get(OPTIONS, ""), re.MULTILINE)
            self.nested[name] = said[-1] in ("1", "Y", "y") if said else True
        return ""

    def unload(self, name: str) -> str:
        """modprobe -r, with what only it used; returns the error."""
        if name in self.busy:
            return f"modprobe: FATAL: Module {name} is in use."
        self.modules.discard(name)
        self.nested.pop(name, None)
        used = USES.get(name)
        if used and not any(USES.get(other) == used for other in self.modules):
            self.modules.discard(used)
        return ""

    def users(self, name: str) -> int:
        """The module's reference count."""
        return sum(USES.get(other) == name for other in self.modules) + (name in self.busy)

    # -- virtual functions

    def function(self, address: str) -> Function | None:
        return next((one for one in self.machine.hardware.functions if one.address == address), None)

    # -- mounts

    def start_mount(self, path: str) -> str:
        """Start a mount unit of ours; returns the error."""
        unit = dict(re.findall(r"^(\w+)=(.*)$", self.installed.files.get(path, ""), re.MULTILINE))
        device = self.by_uuid(unit.get("What", "").rpartition("/")[2])
        if device is None or device.signature != unit.get("Type"):
            return f"A dependency job for {path.rpartition('/')[2]} failed."
        options = "rw,relatime,dax=always" if "dax" in unit["Options"] else "rw,relatime"
        self.mounts[unit["Where"].replace("%%", "%")] = (f"/dev/{device.block}", unit["Type"], options)
        return ""

    def stop_mount(self, path: str) -> None:
        """Stop a mount unit of ours."""
        unit = dict(re.findall(r"^(\w+)=(.*)$", self.installed.files.get(path, ""), re.MULTILINE))
        self.mounts.pop(unit.get("Where", "").replace("%%", "%"), None)

    def by_uuid(self, wanted: str) -> Namespace | None:
        """The namespace whose file system has this UUID."""
        return next((one for region in self.machine.hardware.regions for one in region.namespaces
                     if wanted and one.uuid == wanted and one.enabled), None)

    def contradictions(self) -> tuple[str, ...]:
        """What cannot be of a running system."""
        blocks = {f"/dev/{one.block}" for region in self.machine.hardware.regions for one in region.namespaces
                  if one.enabled and one.block and one.signature}
        found = [f"{device} is mounted and not there" for device, _, _ in self.mounts.values() if device not in blocks]
        found += [f"{name} is loaded and not there" for name in self.modules
                  if name not in LOADABLE and name not in self.installed.asked_modules() | self.asked]
        if self.kvm and not self.has_virtualization:
            found.append(f"{self.kvm_module} is loaded without the processor's flag")
        return tuple(found)
