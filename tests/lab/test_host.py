"""The host exactly as the profile says, on a real kernel with real devices; drift named, mended; what goes, goes alone.

Goes on where test_chain.py ends: lab-0 is as profiles/lab.yaml asks, lab-1 has been given a smaller profile.
"""

import json

import pytest
import yaml

LOOK = "for d in /sys/bus/pci/devices/*/virtfn*; do a=$(readlink -f $d); echo ${a##*/} $(basename $(readlink -f $a/driver)); done"
OTHERS = "/etc/default/grub.d/50-site.cfg"


def test_virtual_functions_of_two_classes_have_their_settings_and_drivers(lab):
    nic = lab.on("lab-0", "basename $(ls -d /sys/bus/pci/devices/0000:02:00.0/net/*)").strip()
    vfs = json.loads(lab.on("lab-0", f"ip -j link show dev {nic}"))[0]["vfinfo_list"]
    assert [vf["address"] for vf in vfs] == [f"56:54:{index:02x}:b0:a1:00" for index in range(4)]
    assert all(vf["vlan_list"][0]["vlan"] == 100 and vf["spoofchk"] and not vf["trust"] for vf in vfs)
    drivers = [line.split() for line in lab.on("lab-0", LOOK).splitlines()]
    assert sorted(driver for _, driver in drivers) == ["igbvf"] * 4 + ["vfio-pci"] * 2
    groups = lab.on("lab-0", "ls /dev/vfio").split()
    assert len(groups) == 3 and "vfio" in groups


def test_pages_are_reserved_on_each_numa_node_and_parameters_stand(lab):
    pages = "cat /sys/devices/system/node/node{0,1}/hugepages/hugepages-2048kB/nr_hugepages"
    assert lab.on("lab-0", f"bash -c '{pages}'").split() == ["32", "16"]
    assert lab.on("lab-0", "cat /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts").strip() == "Y"
    assert lab.on("lab-0", "modprobe -n -v dccp").strip() == "install /bin/false"
    assert lab.on("lab-0", "sysctl -n vm.max_map_count net.ipv4.ip_forward kernel.kptr_restrict").split() == ["262144", "1", "2"]


def test_persistent_memory_is_in_every_mode(lab):
    regions = json.loads(lab.on("lab-0", "ndctl list -R -N"))["regions"]
    modes = {one["name"]: (region["dev"], one["mode"]) for region in regions for one in region["namespaces"]}
    assert modes == {"data0": ("region0", "fsdax"), "log0": ("region0", "sector"), "raw0": ("region1", "devdax"),
                     "data1": ("region1", "fsdax"), "pmem-csi": ("region1", "fsdax")}
    for point, kind in (("/mnt/pmem0", "ext4"), ("/mnt/pmem1", "xfs")):
        found = lab.on("lab-0", f"findmnt -no FSTYPE,OPTIONS {point}")
        assert found.split()[0] == kind and "dax" in found
    assert lab.on("lab-0", "vgs --noheadings -o vg_name").split() == ["ndbus0region1fsdax"]


def test_packages_came_from_the_mirror_of_the_site_and_containerd_knows_kata(lab):
    assert "bpa-lab-containerd" in lab.on("lab-0", "dpkg-query -W -f '${Package} ' bpa-lab-containerd runc chrony")
    dump = lab.on("lab-0", "containerd config dump")
    assert "runtimes.kata-qemu" in dump and "io.containerd.kata.v2" in dump
    assert "handlers kata kata-qemu" in lab.bpa("verify")


def test_what_is_ours_on_the_host_is_listed(lab):
    owned = lab.json("host", "owned", "lab-0")["owned"]
    there = {one["name"] for one in owned}
    assert {"/etc/default/grub.d/90-bpa.cfg", "/etc/modprobe.d/bpa.conf", "/etc/systemd/system/bpa-sriov.service"} <= there
    left = lab.on("lab-0", "grep -rls '^# Written by BPA' /etc /usr/local /var/lib /opt || true").split()
    assert set(left) <= there, "files of ours that are not listed"


def test_manual_changes_are_named_with_since_when_and_mended_without_a_restart(lab):
    boot = lab.facts("lab-0")["os"]["boot_id"]
    nic = lab.on("lab-0", "basename $(ls -d /sys/bus/pci/devices/0000:02:00.0/net/*)").strip()
    lab.on("lab-0", f"""
        sysctl -q -w vm.max_map_count=65530
        echo 0 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
        ip link set {nic} vf 2 vlan 7
        umount /mnt/pmem1
        rm /etc/modules-load.d/bpa.conf
        echo '# by hand' >> /etc/modprobe.d/bpa.conf""")
    found = lab.bpa("verify", check=1)
    for condition in ("ModulesStaged", "HugepagesReserved", "SysctlsSet", "VfsCreated", "PmemReady"):
        assert condition in found
    assert "when last seen at" in found and "the host was not restarted" in found
    lab.bpa("apply")
    lab.bpa("verify")
    assert lab.facts("lab-0")["os"]["boot_id"] == boot


def test_a_namespace_that_the_kernel_finds_misaligned_is_explained_and_not_destroyed(lab):
    # As a kernel with a smaller alignment makes it (the region's align attribute): this kernel will not take it afterwards.
    lab.on("lab-1", """
        ndctl disable-namespace all >/dev/null 2>&1
        ndctl destroy-namespace -f -r region1 all >/dev/null 2>&1
        echo 4096 > /sys/bus/nd/devices/region1/align
        ndctl create-namespace -r region1 -m fsdax -n odd -s 130023424 -a 4096 >/dev/null
        ndctl disable-namespace all >/dev/null 2>&1; echo 16777216 > /sys/bus/nd/devices/region1/align
        ndctl enable-namespace all >/dev/null 2>&1 || true""")
    give(lab, "odd", pmem=[{"region": "region1", "name": "odd", "mode": "fsdax"}])
    text = lab.bpa("explain", "lab-1", check=None)
    assert "not aligned" in text or "misaligned" in text


@pytest.fixture(scope="module")
def smaller(lab):
    return lab


def give(lab, name, **sections):
    """Give lab-1 a profile with nothing but these sections (and the mirror of the lab)."""
    profile = {"apiVersion": "bpa.akraino.org/v1alpha1", "kind": "HardwareProfile", "metadata": {"name": name}, "spec": sections}
    (lab.site / f"{name}.yaml").write_text(yaml.safe_dump(profile))
    hosts = list(yaml.safe_load_all((lab.site / "hosts.yaml").read_text()))
    hosts[1]["metadata"]["annotations"]["bpa.akraino.org/profile"] = name
    (lab.site / "hosts.yaml").write_text(yaml.safe_dump_all(hosts))
