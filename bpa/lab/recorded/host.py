"""One System of an emulated machine: its power, its POST, what it boots from, and the BIOS settings that wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from bpa.lab.recorded import dell_attributes
from bpa.lab.recorded.exchange import Doc

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

SETTINGS = ("Settings", "settings", "SD", "Pending")
"""Where vendors keep the pending settings that they do not announce."""
@dataclass(frozen=True, slots=True)
class Step:
    """A point on the way from power on to a running system. at: as a part of the time that POST takes.

    progress: BootProgress.LastState (DSP0268); the other two are what HPE's and Lenovo's firmware call it.
    """

    at: float
    progress: str
    hpe: str
    lenovo: str


OFF = Step(0, "None", "PowerOff", "SystemPowerOff_StateUnknown")
STEPS = (
    Step(0, "PrimaryProcessorInitializationStarted", "InPost", "SystemOn_StartingUEFI"),
    Step(0.5, "SystemHardwareInitializationComplete", "InPost", "SystemRunningInUEFI"),
    # The firmware hands over here (DSP2046), and iLO calls its settings safe to write again.
    Step(1, "OSBootStarted", "InPostDiscoveryComplete", "BootingOSOrInUndetectedOS"),
    Step(1, "OSRunning", "FinishedPost", "OSBooted"),
)
HANDED_OVER = 2


@dataclass(frozen=True, slots=True)
class Booted:
    """One boot: from where, in which mode, with which images in the virtual media slots."""

    source: str
    mode: str
    images: tuple[str, ...]
    http_uri: str = ""


@dataclass(slots=True)
class Host:
    """pending: BIOS attributes that clients have staged. job: the vendor's job that will apply them.

    committed False: staged, but nothing will apply them until a job is made.
    """

    machine: Machine
    path: str
    pending: dict[str, Any] = field(default_factory=dict)
    committed: bool = True
    job: str = ""
    in_post: bool = False
    boots: list[Booted] = field(default_factory=list)
    _run: int = 0
    _found: tuple[int, str, str] = (-1, "", "")

    @property
    def doc(self) -> Doc:
        """The ComputerSystem."""
        return self.machine.store.get(self.path) or {}

    @property
    def power(self) -> str:
        """PowerState."""
        return str(self.doc.get("PowerState") or "On")

    @property
    def bios_path(self) -> str:
        """The Bios resource, "" where there is none."""
        return self._paths()[1]

    @property
    def settings_path(self) -> str:
        """The resource for pending BIOS settings, announced or not; "" where there is none."""
        return self._paths()[2]

    @property
    def bios(self) -> dict[str, Any]:
        """Bios.Attributes as they are now."""
        found = (self.machine.store.get(self.bios_path) or {}).get("Attributes") if self.bios_path else None
        return dict(found) if isinstance(found, dict) else {}

    def _paths(self) -> tuple[int, str, str]:
        """Where Bios and its settings are, looked for anew after changes only: every request asks."""
        store = self.machine.store
        if self._found[0] != store.changes:
            bios = store.link(self.doc, "Bios")
            bios = bios if bios and store.get(bios) is not None else ""
            announced = store.link(store.get(bios), "@Redfish.Settings", "SettingsObject") if bios else ""
            known = [announced] if announced else []
            known += [f"{bios.rstrip('/')}/{name}" for name in SETTINGS] if bios else []
            self._found = (store.changes, bios, next((p for p in known if store.get(p) is not None), ""))
        return self._found

    def switch_off(self, seconds: float = 0.0) -> None:
        """Power goes off after so many seconds, POST or not."""
        run = self._next()
        self.in_post = self.in_post and seconds > 0
        if seconds > 0 and self.machine.ways.powering:
            self.machine.store.edit(self.path)["PowerState"] = "PoweringOff"
        self.machine.time.after(seconds, lambda: self._off(run))

    def start(self) -> None:
        """Power is on, and POST begins."""
        machine, run = self.machine, self._next()
        doc = machine.store.edit(self.path)
        doc["PowerState"] = "PoweringOn" if machine.ways.powering and machine.post_seconds > 0 else "On"
        if "LastResetTime" in doc:
            doc["LastResetTime"] = machine.time.stamp()
        for vendor in _oem(doc):
            if isinstance(vendor.get("NumberOfReboots"), int):
                vendor["NumberOfReboots"] += 1
        self.in_post = True
        machine.tell("ResourcePoweredOn", self.path)
        for number, step in enumerate(STEPS):
            late = machine.os_seconds if number > HANDED_OVER else 0.0
            machine.time.after(machine.post_seconds * step.at + late, partial(self._step, run, number))

    def _next(self) -> int:
        self._run += 1
        return self._run

    def _off(self, run: int) -> None:
        if run != self._run:
            return
        doc = self.machine.store.edit(self.path)
        doc["PowerState"] = "Off"
        self.in_post = False
        self._progress(doc, OFF)
        self.machine.tell("ResourcePoweredOff", self.path)

    def _step(self, run: int, number: int) -> None:
        if run != self._run:
            return
        if number and self.power == "PoweringOn":
            self.machine.store.edit(self.path)["PowerState"] = "On"
        if number == HANDED_OVER:
            self.in_post = False
            from bpa.lab.recorded import bios

            bios.apply(self)
            self._secure_boot()
            self.machine.restarted()
            self._boot()
        self._progress(self.machine.store.edit(self.path), STEPS[number])

    def _progress(self, doc: Doc, step: Step) -> None:
        """Only what the recorded machine has moves."""
        progress = doc.get("BootProgress")
        if isinstance(progress, dict):
            progress["LastState"] = step.progress
            if "LastStateTime" in progress:
                progress["LastStateTime"] = self.machine.time.stamp()
        for vendor in _oem(doc):
            if "PostState" in vendor:
                vendor["PostState"] = step.hpe
            if "SystemStatus" in vendor:
                vendor["SystemStatus"] = step.lenovo

    def _secure_boot(self) -> None:
        store = self.machine.store
        path = store.link(self.doc, "SecureBoot")
        doc = store.get(path) if path else None
        if doc and "SecureBootEnable" in doc:
            now = "Enabled" if doc["SecureBootEnable"] else "Disabled"
            if doc.get("SecureBootCurrentBoot") != now:
                store.edit(path)["SecureBootCurrentBoot"] = now

    def _boot(self) -> None:
        boot = self.doc.get("Boot")
        if not isinstance(boot, dict):
            return
        enabled, source = boot.get("BootSourceOverrideEnabled"), str(boot.get("BootSourceOverrideTarget") or "None")
        on = enabled in ("Once", "Continuous") and source != "None"
        images = tuple(s.image for s in self.machine.media.values() if s.inserted)
        self.boots.append(Booted(
            source if on else dell_attributes.boots_from(self.machine), str(boot.get("BootSourceOverrideMode") or ""),
            images, str(boot.get("HttpBootUri") or ""),
        ))
        if enabled == "Once" and not self.machine.on("boot-override-stays"):
            boot = self.machine.store.edit(self.path)["Boot"]
            boot["BootSourceOverrideEnabled"] = "Disabled"
            boot["BootSourceOverrideTarget"] = "None"


def _oem(doc: Doc) -> list[Doc]:
    oem = doc.get("Oem")
    return [v for v in oem.values() if isinstance(v, dict)] if isinstance(oem, dict) else []
