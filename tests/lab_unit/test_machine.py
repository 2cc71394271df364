"""The virtual machine's description."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bpa.lab import firmware, machine, network
from bpa.lab.hosts import MAX_HOSTS, LabHost

FILES = machine.Files(Path("/d/disk & 1"), (Path("/d/nv0"), Path("/d/nv1")), *map(Path, ("/d/nvme,1", "/d/vars", "/d/console")))


def nvme_of(domain: ET.Element) -> list[str]:
    return [arg.get("value", "") for arg in domain.findall(f"{machine.QEMU}commandline/{machine.QEMU}arg")]


def test_the_same_host_gives_the_same_text() -> None:
    assert machine.render(LabHost(3), FILES, kvm=False) == machine.render(LabHost(3), FILES, kvm=False)


def test_no_two_hosts_share_what_must_differ() -> None:
    hosts = [LabHost(n) for n in range(MAX_HOSTS)]
    for what in ("name", "uuid", "chassis", "serial", "disk_serial", "boot_mac", "data_mac", "address"):
        assert len({getattr(h, what) for h in hosts}) == MAX_HOSTS, what


def test_files_serials_and_macs_are_where_libvirt_looks() -> None:
    domain = ET.fromstring(machine.render(LabHost(2), FILES, kvm=False))
    source = domain.find("devices/disk/source")
    assert source is not None and source.get("file") == "/d/disk & 1"
    assert domain.findtext("devices/disk/serial") == "LABDISK2"
    assert [p.text for p in domain.findall("devices/memory/source/path")] == ["/d/nv0", "/d/nv1"]
    assert any("file=/d/nvme,,1," in value for value in nvme_of(domain))
    assert domain.findtext(".//nvram") == "/d/vars"
    assert domain.findtext("sysinfo/system/entry[@name='serial']") == "BPALAB0002"
    assert [m.get("address") for m in domain.findall("devices/interface/mac")] == ["52:54:00:b0:a0:02", "52:54:00:b0:a1:02"]


@pytest.mark.parametrize(("kvm", "kind"), [(False, "qemu"), (True, "kvm")])
def test_kvm_is_the_type_of_the_domain(kvm: bool, kind: str) -> None:
    assert ET.fromstring(machine.render(LabHost(0), FILES, kvm)).get("type") == kind


@pytest.mark.parametrize(("intel", "flags"), [(True, {"vmx": "require"}), (False, {"svm": "require", "npt": "require"})])
def test_with_kvm_the_host_has_the_processor_under_it_and_its_own_virtualization_flag(intel: bool, flags: dict[str, str]) -> None:
    off = machine.render(LabHost(0), FILES, kvm=True, intel=intel)
    assert {f.get("policy") for f in ET.fromstring(off).findall("cpu/feature")} == {"disable"}
    cpu = ET.fromstring(firmware.apply(off, {"ProcVirtualization": "Enabled"})).find("cpu")
    assert cpu is not None and cpu.get("mode") == "host-passthrough" and cpu.find("model") is None
    assert {f.get("name"): f.get("policy") for f in cpu.findall("feature")} == flags


def test_memory_is_the_sum_of_the_numa_cells_and_the_nvdimms() -> None:
    domain = ET.fromstring(machine.render(LabHost(0), FILES, kvm=False))
    cells = sum(int(c.get("memory", 0)) for c in domain.findall("cpu/numa/cell"))
    nvdimms = sum(int(s.text or 0) for s in domain.findall("devices/memory/target/size"))
    assert int(domain.findtext("memory") or 0) == cells + nvdimms


def test_the_nvdimm_has_the_size_that_ndctl_accepts() -> None:
    assert (LabHost(0).pmem - 2) % 16 == 0


@pytest.mark.parametrize("cpus", [2, 4, 8])
def test_every_processor_is_in_one_numa_cell(cpus: int) -> None:
    domain = ET.fromstring(machine.render(LabHost(0, cpus=cpus), FILES, kvm=False))
    seen: list[int] = []
    for cell in domain.findall("cpu/numa/cell"):
        first, _, last = (cell.get("cpus") or "").partition("-")
        seen += range(int(first), int(last or first) + 1)
    assert sorted(seen) == list(range(cpus))


def test_applying_firmware_twice_changes_nothing_more_and_keeps_the_rest() -> None:
    settings = firmware.defaults("x") | {"ProcVirtualization": "Enabled", "ProcVtd": "Enabled", "SriovGlobalEnable": "Enabled"}
    once = firmware.apply(machine.render(LabHost(0), FILES, kvm=False), settings)
    assert firmware.apply(once, settings) == once
    domain = ET.fromstring(once)
    assert len(domain.findall("devices/iommu")) == 1
    assert len(domain.findall("cpu/feature[@name='svm']")) == 1
    assert domain.findtext("devices/disk/serial") == "LABDISK0"


@pytest.mark.parametrize(("sriov", "functions"), [("Enabled", 1), ("Disabled", 0)])
def test_the_nvme_drive_has_virtual_functions_just_where_the_firmware_lets_it(sriov: str, functions: int) -> None:
    once = firmware.apply(machine.render(LabHost(0), FILES, kvm=False), {"SriovGlobalEnable": sriov})
    assert firmware.apply(once, {"SriovGlobalEnable": sriov}) == once
    assert sum('"sriov_max_vfs": 4' in value for value in nvme_of(ET.fromstring(once))) == functions


def test_factory_settings_are_ones_that_the_firmware_would_take() -> None:
    writable = {k: v for k, v in firmware.defaults("x").items() if not firmware.ATTRIBUTES[k].read_only}
    assert firmware.refusals(writable) == ()


def test_each_host_has_its_own_address_and_nothing_routes_out() -> None:
    xml = ET.fromstring(network.render_provisioning([LabHost(0), LabHost(1)]))
    assert [(h.get("mac"), h.get("ip")) for h in xml.findall("ip/dhcp/host")] == [
        ("52:54:00:b0:a0:00", "172.22.0.10"), ("52:54:00:b0:a0:01", "172.22.0.11")]
    assert xml.find("forward") is None
    assert ET.fromstring(network.render_data()).find("ip") is None
