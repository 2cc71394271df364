"""sushy-emulator's libvirt driver made to behave like firmware: staged BIOS settings act at the machine's next start."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

import libvirt
from sushy_tools import error
from sushy_tools.emulator.resources.systems import libvirtdriver

from bpa.lab import faults, firmware
from bpa.lab.bmc_bios import BiosMemory
from bpa.lab.bmc_config import BmcConfig
from bpa.lab.bmc_resources import BIOS_VERSION
from bpa.lab.firmware import Value
from bpa.lab.machine import OVMF_CODE, OVMF_VARS

RESET_TYPES = ("On", "ForceOn", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart", "PowerCycle", "Nmi")
_log = logging.getLogger(__name__)


class LabDriver(libvirtdriver.LibvirtDriver):  # type: ignore[misc]  # sushy-tools has no types
    """One instance per BMC process; `bmc` is set before the first request."""

    bmc: BmcConfig
    lock: threading.RLock = threading.RLock()

    def memory(self, identity: str) -> BiosMemory:
        host = self.bmc.host(identity)
        if host is None:
            raise error.NotFound(f"there is no system {identity}")
        return BiosMemory(self.bmc.state / f"bios-{host.uuid}.json", host.serial)

    def faulty(self, identity: str, name: str) -> bool:
        host = self.bmc.host(identity)
        return any(
            f.name == name and f.host in (None, host.name if host else None) for f in faults.read(self.bmc.faults)
        )

    def get_bios(self, identity: str) -> dict[str, Value]:
        return self.memory(identity).current()

    def get_versions(self, identity: str) -> dict[str, str]:
        return {"BiosVersion": BIOS_VERSION}

    def set_bios(self, identity: str, attributes: dict[str, Value]) -> None:
        with self.lock:
            if not self.faulty(identity, "bios-ignored"):
                self.memory(identity).stage(attributes)

    def reset_bios(self, identity: str) -> None:
        with self.lock:
            self.memory(identity).stage_defaults()

    def set_power_state(self, identity: str, state: str) -> None:
        """Redfish ComputerSystem.Reset; only a start of QEMU (not a reset in it) lets staged settings take effect."""
        if state not in RESET_TYPES:
            raise error.BadRequest(f"ResetType {state!r} is not one of {', '.join(RESET_TYPES)}")
        if self.faulty(identity, "power-stuck"):
            return
        with self.lock, _libvirt_errors():
            domain = self._get_domain(identity)
            active = bool(domain.isActive())
            if state in ("On", "ForceOn"):
                if not active:
                    self._start(domain)
            elif state in ("ForceRestart", "PowerCycle"):
                if not active and state == "ForceRestart":
                    raise error.Conflict("the system is off; ForceRestart needs it on")
                if active:
                    domain.destroy()
                self._start(domain)
            elif active:
                act: dict[str, Callable[[], Any]] = {
                    "ForceOff": domain.destroy,
                    "GracefulShutdown": domain.shutdown,
                    "GracefulRestart": domain.reboot,
                    "Nmi": domain.injectNMI,
                }
                act[state]()
            elif state in ("GracefulRestart", "Nmi"):
                raise error.Conflict(f"the system is off; {state} needs it on")

    def restarted(self, uuid: str) -> None:
        """The guest restarted by itself. With settings pending, the machine must come up changed: start it anew."""
        with self.lock, contextlib.suppress(error.FishyError), _libvirt_errors():
            if self.bmc.host(uuid) is None or not self.memory(uuid).pending():
                return
            domain = self._get_domain(uuid)
            if domain.isActive():
                domain.destroy()
                self._start(domain)

    def _start(self, domain: Any) -> None:
        settings = self.memory(domain.UUIDString()).start()
        before = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        with libvirtdriver.libvirt_open(self._uri) as connection:
            connection.defineXML(firmware.apply(before, settings)).create()

    def get_simple_storage_collection(self, identity: str) -> dict[str, object]:
        return {}  # this BMC has Storage; none makes the emulator leave the link out

    def set_boot_mode(self, identity: str, boot_mode: str) -> None:
        # The emulator would write its own loader paths; the lab's machines know UEFI only.
        if boot_mode != "UEFI":
            raise error.BadRequest(f"boot mode {boot_mode} is not supported, only UEFI")

    def _upload_image(self, domain: Any, connection: Any, boot_image: str) -> str:
        # The file that virtual media fetched is what QEMU reads; ejecting removes it, so no copy stays behind.
        return boot_image


def watch_restarts(driver: LabDriver) -> None:
    """Listen to libvirt's reboot events in a thread of its own and hand each to `driver.restarted`."""
    libvirt.virEventRegisterDefaultImpl()
    connection = libvirt.open(driver.bmc.libvirt_uri)

    def on_reboot(_connection: Any, domain: Any, _opaque: Any) -> None:
        # Not in this thread: libvirt calls are not allowed to wait inside its own event callback.
        threading.Thread(target=driver.restarted, args=(domain.UUIDString(),), daemon=True).start()

    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, on_reboot, None)

    def loop() -> None:
        while True:
            libvirt.virEventRunDefaultImpl()

    threading.Thread(target=loop, name="libvirt events", daemon=True).start()


def emulator_settings(config: BmcConfig) -> dict[str, object]:
    """sushy-emulator's own configuration for this lab."""
    return {
        "SUSHY_EMULATOR_LIBVIRT_URI": config.libvirt_uri,
        "SUSHY_EMULATOR_STATE_DIR": str(config.state),
        "SUSHY_EMULATOR_VMEDIA_VERIFY_SSL": False,
        "SUSHY_EMULATOR_VMEDIA_DEVICES": {"Cd": {"Name": "Virtual CD", "MediaTypes": ["CD", "DVD"]}},
        "SUSHY_EMULATOR_BOOT_LOADER_MAP": {"UEFI": {"x86_64": OVMF_CODE}, "Legacy": {"x86_64": None}},
        "SUSHY_EMULATOR_SECURE_BOOT_ENABLED_NVRAM": OVMF_VARS.replace(".fd", ".ms.fd"),
        "SUSHY_EMULATOR_SECURE_BOOT_DISABLED_NVRAM": OVMF_VARS,
        "SUSHY_EMULATOR_CHASSIS": [
            {"Id": f"{h.name}-chassis", "Name": f"Chassis of {h.name}", "UUID": h.chassis} for h in config.hosts
        ],
    }


@contextlib.contextmanager
def _libvirt_errors() -> Any:
    try:
        yield
    except libvirt.libvirtError as e:
        _log.error("libvirt: %s", e)
        # QEMU names each processor flag that it cannot emulate before it says what is wrong.
        told = "\n".join(line for line in str(e).splitlines() if ": warning: " not in line) or str(e)
        raise error.FishyError(f"libvirt: {told}") from e
