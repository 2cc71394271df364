"""ironic.conf for an Ironic of our own, as text.

Option names and meanings: Ironic's configuration reference (ironic/conf/*.py). What costs time on a deploy is set here
and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HARDWARE = ("redfish",)
KERNEL_ARGUMENTS = "nofb nomodeset console=tty0 console=ttyS0,115200n8 ipa-image-download-connection-retries=1"
"""Consoles, and one second try for an image: with the agent's nine, a wrong checksum means ten whole downloads."""


@dataclass(frozen=True, slots=True)
class Ramdisk:
    """Files of the deployment ramdisk: kernel, initramfs and the FAT image with the EFI boot loader of its ISO."""

    kernel: Path
    initramfs: Path
    bootloader: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """state is the service's own directory; listen is the address that BMCs and ramdisks reach.

    hardware adds fake-hardware for tests. kernel_arguments go to the ramdisk.
    """

    state: Path
    listen: str
    api_port: int = 6385
    http_port: int = 8089
    ramdisk: Ramdisk | None = None
    hardware: tuple[str, ...] = HARDWARE
    kernel_arguments: str = KERNEL_ARGUMENTS
    extra: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        return f"http://{_host(self.listen)}:{self.api_port}"

    @property
    def http_url(self) -> str:
        return f"http://{_host(self.listen)}:{self.http_port}"

    @property
    def http_root(self) -> Path:
        return self.state / "http"

    @property
    def database(self) -> Path:
        return self.state / "ironic.sqlite"

    @property
    def log(self) -> Path:
        return self.state / "log" / "ironic.log"


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def render_conf(settings: Settings) -> str:
    """The text of ironic.conf."""
    state, fake = settings.state, "fake-hardware" in settings.hardware

    def enabled(*names: str) -> str:
        return ",".join((*names, "fake") if fake else names)

    sections: dict[str, dict[str, str]] = {
        "DEFAULT": {
            "auth_strategy": "http_basic",
            "http_basic_auth_user_file": f"{state}/htpasswd",
            "log_file": str(settings.log),
            "state_path": f"{state}/state",
            "tempdir": str(state / "tmp"),
            # The name under which locks are kept: with the same name a restarted service frees its own.
            "host": "bpa",
            "my_ip": settings.listen,
            "rpc_transport": "none",
            "use_stderr": "false",
            "enabled_hardware_types": ",".join(settings.hardware),
            "enabled_boot_interfaces": enabled("redfish-virtual-media", "redfish-https"),
            "enabled_deploy_interfaces": enabled("direct", "ramdisk", "custom-agent"),
            "enabled_inspect_interfaces": enabled("agent", "redfish", "no-inspect"),
            "enabled_bios_interfaces": enabled("redfish", "no-bios"),
            "enabled_raid_interfaces": enabled("redfish", "agent", "no-raid"),
            "enabled_management_interfaces": enabled("redfish", "noop"),
            "enabled_power_interfaces": enabled("redfish"),
            "enabled_network_interfaces": "noop",
            "enabled_firmware_interfaces": enabled("no-firmware", "redfish"),
            "enabled_vendor_interfaces": enabled("redfish", "no-vendor"),
            "enabled_console_interfaces": enabled("no-console"),
            "enabled_rescue_interfaces": enabled("no-rescue", "agent"),
            "enabled_storage_interfaces": "noop",
            "default_network_interface": "noop",
            "default_firmware_interface": "no-firmware",
            "grub_config_path": "/EFI/BOOT/grub.cfg",
        },
        "api": {
            "host_ip": settings.listen, "port": str(settings.api_port), "public_endpoint": settings.api_url,
            "ramdisk_heartbeat_timeout": "300",
        },
        # Where ramdisks report to; without it Ironic looks for a Keystone catalogue.
        "service_catalog": {"auth_type": "none", "endpoint_override": settings.api_url},
        "database": {"connection": f"sqlite:///{settings.database}", "sqlite_synchronous": "true"},
        "conductor": {
            # A disk is wiped where the documents say so, never as a habit; cleaning costs minutes of booting, too.
            "automated_clean": "false",
            "disable_zstandard_decompression": "true",
            "file_url_allowed_paths": f"{state}/ramdisk,{state}/http",
            "sync_power_state_interval": "60",
            # A host that somebody switched off by hand stays off: Ironic takes note and does not fight.
            "force_power_state_during_sync": "false",
            "power_state_change_timeout": "120",
            "graceful_shutdown_timeout": "15",
            "deploy_callback_timeout": "2700",
            "inspect_wait_timeout": "2700",
            "check_provision_state_interval": "30",
            "workers_pool_size": "100",
        },
        "deploy": {
            "http_url": settings.http_url, "http_root": str(settings.http_root),
            "default_boot_mode": "uefi", "default_boot_option": "local",
            "erase_devices_priority": "0", "erase_devices_metadata_priority": "10",
            # The ramdisk that inspected a host stays up and writes the image: one boot less.
            "fast_track": "true", "fast_track_timeout": "300",
        },
        "inspector": {"power_off": "false", "pre_create_ports": "false", "add_ports": "pxe"},
        "agent": {
            "deploy_logs_collect": "on_failure", "deploy_logs_local_path": f"{state}/log/deploy",
            "certificates_path": f"{state}/certificates",
            "command_wait_interval": "2", "command_wait_attempts": "300",
            "post_deploy_get_power_state_retry_interval": "2", "post_deploy_get_power_state_retries": "15",
        },
        # sushy itself tries for 30 s to reach a BMC; five times that is longer than anyone waits for an answer.
        "redfish": {"use_swift": "false", "connection_attempts": "1", "kernel_append_params": settings.kernel_arguments},
        "pxe": {
            "images_path": f"{state}/images", "instance_master_path": f"{state}/master/instance",
            "tftp_root": f"{state}/tftp", "tftp_master_path": f"{state}/tftp/master",
        },
        "oslo_concurrency": {"lock_path": f"{state}/lock.d"},
    }
    if settings.ramdisk is not None:
        sections["conductor"] |= {
            "deploy_kernel": f"file://{state}/ramdisk/kernel", "deploy_ramdisk": f"file://{state}/ramdisk/initramfs",
            "bootloader": f"file://{state}/ramdisk/bootloader",
        }
    for name, options in settings.extra.items():
        sections.setdefault(name, {}).update(options)
    return "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items()) + "\n"
        for name, options in sections.items()
    )
