"""A virtual host as libvirt domain XML (https://libvirt.org/formatdomain.html): q35, OVMF, hardware worth provisioning."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from bpa.lab import firmware
from bpa.lab.hosts import LabHost
from bpa.lab.network import DATA, PROVISIONING

OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"
MANUFACTURER = "BPA"
MODEL = "Virtual lab host"
SKU = "BPA-LAB-1"
NVDIMMS = 2
NVME_PORT = "pci.4"
QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"


@dataclass(frozen=True, slots=True)
class Files:
    """Of one host: disk (qcow2), an nvdimm for each NUMA node and nvme (raw), nvram (UEFI variables), console log."""

    disk: Path
    nvdimms: tuple[Path, ...]
    nvme: Path
    nvram: Path
    console: Path


def render(host: LabHost, files: Files, kvm: bool, intel: bool = False) -> str:
    """Domain XML of `host` with factory BIOS settings applied. Same input, same text.

    Emulated, it is an AMD machine, because QEMU emulates SVM and not VMX; with KVM it has the processor of the machine
    under it, an Intel one where `intel`.
    """
    domain = ET.fromstring(  # noqa: S314
        _TEMPLATE.format(
            type="kvm" if kvm else "qemu",
            name=host.name,
            uuid=host.uuid,
            serial=host.serial,
            manufacturer=MANUFACTURER,
            model=MODEL,
            sku=SKU,
            half=host.memory // 2,
            total=host.memory + NVDIMMS * host.pmem,
            cpus=host.cpus,
            cores=max(1, host.cpus // 2),
            first=f"0-{host.cpus // 2 - 1}" if host.cpus > 2 else "0",
            second=f"{host.cpus // 2}-{host.cpus - 1}" if host.cpus > 2 else "1",
            code=OVMF_CODE,
            vars=OVMF_VARS,
            boot_mac=host.boot_mac,
            data_mac=host.data_mac,
            disk_serial=host.disk_serial,
            pmem=host.pmem,
            provisioning=PROVISIONING,
            data=DATA,
        )
    )
    for path, value in ((".//nvram", files.nvram),):
        element = domain.find(path)
        assert element is not None, path
        element.text = str(value)
    for path, key, value in (
        ("devices/disk/source", "file", files.disk),
        ("devices/serial/source", "path", files.console),
    ):
        element = domain.find(path)
        assert element is not None, path
        element.set(key, str(value))
    if kvm:
        _pass_processor_through(domain, intel)
    for place, file in zip(domain.findall("devices/memory/source/path"), files.nvdimms, strict=True):
        place.text = str(file)
    _add_nvme(domain, files.nvme, host.nvme_serial)
    return firmware.apply(ET.tostring(domain, encoding="unicode"), firmware.defaults(host.serial))


def _add_nvme(domain: ET.Element, file: Path, serial: str) -> None:
    """A drive with virtual functions, which libvirt has no words for (QEMU, docs/system/devices/nvme.rst, SR-IOV)."""
    quoted = str(file).replace(",", ",,")
    # As JSON, like libvirt's own devices: QEMU makes all others before those, when there is no port to put them into.
    devices = ({"driver": "nvme-subsys", "id": "nvme0-subsystem"},
               {"driver": "nvme", "id": "nvme0", "serial": serial, "subsys": "nvme0-subsystem", "bus": NVME_PORT,
                "max_ioqpairs": 16, "msix_qsize": 16},
               {"driver": "nvme-ns", "drive": "nvme0-drive", "bus": "nvme0"})
    commandline = ET.SubElement(domain, f"{QEMU}commandline")
    for value in ("-drive", f"file={quoted},if=none,id=nvme0-drive,format=raw,cache=unsafe",
                  *(word for device in devices for word in ("-device", json.dumps(device)))):
        ET.SubElement(commandline, f"{QEMU}arg", value=value)


def _pass_processor_through(domain: ET.Element, intel: bool) -> None:
    cpu = domain.find("cpu")
    assert cpu is not None
    cpu.attrib.clear()
    cpu.set("mode", "host-passthrough")
    model = cpu.find("model")
    assert model is not None
    cpu.remove(model)
    if intel:
        ET.SubElement(cpu, "feature", policy="disable", name="vmx")


# The slots of the NICs are fixed, so that interface names in the guest never move. Disks use cache='unsafe': a lab's disk
# need not survive a crash of the machine under the lab.
_TEMPLATE = """
<domain type='{type}'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <maxMemory slots='4' unit='GiB'>64</maxMemory>
  <memory unit='MiB'>{total}</memory><currentMemory unit='MiB'>{total}</currentMemory>
  <vcpu>{cpus}</vcpu>
  <sysinfo type='smbios'><system>
    <entry name='manufacturer'>{manufacturer}</entry><entry name='product'>{model}</entry>
    <entry name='sku'>{sku}</entry>
    <entry name='serial'>{serial}</entry><entry name='uuid'>{uuid}</entry>
  </system></sysinfo>
  <os><type arch='x86_64' machine='q35'>hvm</type>
    <loader readonly='yes' type='pflash'>{code}</loader><nvram template='{vars}'/>
    <boot dev='hd'/><smbios mode='sysinfo'/></os>
  <features><acpi/><apic/></features>
  <cpu mode='custom' match='exact' check='none'><model fallback='allow'>EPYC</model>
    <topology sockets='2' dies='1' cores='{cores}' threads='1'/>
    <numa><cell id='0' cpus='{first}' memory='{half}' unit='MiB'/>
    <cell id='1' cpus='{second}' memory='{half}' unit='MiB'/></numa></cpu>
  <clock offset='utc'/><on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='unsafe' discard='unmap'/><source/>
      <target dev='sda' bus='sata'/><serial>{disk_serial}</serial></disk>
    <controller type='sata' index='0'/>
    <controller type='usb' model='none'/>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'/><controller type='pci' index='2' model='pcie-root-port'/>
    <controller type='pci' index='3' model='pcie-root-port'/><controller type='pci' index='4' model='pcie-root-port'/>
    <interface type='network'><mac address='{boot_mac}'/><source network='{provisioning}'/><model type='virtio'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></interface>
    <interface type='network'><mac address='{data_mac}'/><source network='{data}'/><model type='igb'/>
      <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/></interface>
    <serial type='file'><source append='on'/><target port='0'/></serial>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend>
      <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></rng>
    <video><model type='vga'/></video>
    <memballoon model='none'/>
    <memory model='nvdimm' access='shared'><source><path/></source><target><size unit='MiB'>{pmem}</size><node>0</node>
      <label><size unit='MiB'>2</size></label></target></memory>
    <memory model='nvdimm' access='shared'><source><path/></source><target><size unit='MiB'>{pmem}</size><node>1</node>
      <label><size unit='MiB'>2</size></label></target></memory>
  </devices>
</domain>
"""
