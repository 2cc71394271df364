"""The host exactly as the profile says, on a real kernel with emulated devices; drift named and mended; what goes, goes alone.

Goes on where test_chain.py ends: both hosts are as profiles/lab.yaml asks. From the middle on lab-1 has another profile.
"""

import json

import pytest
import yaml

PORT = "$(basename /sys/bus/pci/devices/0000:02:00.0/net/*)"
DRIVERS = "for d in /sys/bus/pci/devices/*/virtfn*; do basename $(readlink -f $d/driver); done"
PAGES = "cat /sys/devices/system/node/node{0,1}/hugepages/hugepages-2048kB/nr_hugepages"
OTHERS = {"/etc/default/grub.d/50-site.cfg": 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX site.own=1"',
          "/etc/sysctl.d/50-site.conf": "vm.swappiness = 17", "/etc/modprobe.d/site.conf": "blacklist pcspkr"}
MINE = {
    "bios": {"intents": {"virtualization": True, "iommu": True, "sriov": True}},
    "kernel": {"arguments": ["intel_iommu=on", "iommu=pt", "mitigations=off"]}, "virtualization": {"nested": "forbidden"},
    "sriov": [{"match": {"driver": "igb"}, "vfs": 3, "driver": "vfio-pci", "mac": "derived"}], "kata": {"required": True},
    "pmem": [{"region": "region0", "name": "other", "mode": "fsdax", "size": "256Mi", "filesystem": "ext4",
              "mountPoint": "/srv/fast"}],
}


def test_virtual_functions_of_two_classes_have_their_settings_and_drivers(lab):
    vfs = json.loads(lab.on("lab-0", f"ip -j link show dev {PORT}"))[0]["vfinfo_list"]
    assert [vf["address"] for vf in vfs] == [f"56:54:{index:02x}:b0:a1:00" for index in range(4)]
    shown = lab.on("lab-0", f"ip link show dev {PORT}")
    assert shown.count("vlan 100, tx rate 200 (Mbps), max_tx_rate 200Mbps, spoof checking on") == 4
    assert shown.count("trust off") == 4
    mtus = lab.on("lab-0", f"cd /sys/class/net/{PORT} && cat mtu device/virtfn*/net/*/mtu")
    assert mtus.split() == ["2000"] * 5
    assert sorted(lab.on("lab-0", DRIVERS).split()) == ["igbvf"] * 4 + ["vfio-pci"] * 2
    assert len(lab.on("lab-0", "ls -d /dev/vfio/[0-9]*").split()) == 2


def test_pages_are_reserved_on_each_numa_node_and_parameters_stand(lab):
    assert lab.on("lab-0", f"bash -c '{PAGES}'").split() == ["32", "16"]
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


def test_a_guest_ran_and_containerd_from_the_mirror_of_the_site_knows_kata(lab):
    (host,) = (one for one in lab.json("report")["subjects"] if one["name"] == "lab-0")
    found = {one["condition"]: one["found"] for one in host["requirements"]}
    assert "guest" in found["VirtualizationReady"]
    assert "handlers kata kata-qemu" in found["ContainerdReady"]
    assert "runtimes.kata-qemu" in lab.on("lab-0", "containerd config dump")
    assert lab.on("lab-0", "chronyc -n -c sources").split(",")[2] == "172.22.0.1"


def test_what_is_ours_on_the_host_is_listed_and_nothing_else_of_ours_is_there(lab):
    listed = {one["name"] for one in lab.json("host", "owned", "lab-0")["owned"]}
    assert {"/etc/default/grub.d/90-bpa.cfg", "/etc/modprobe.d/bpa.conf", "/etc/systemd/system/bpa-sriov.service"} <= listed
    assert marked(lab, "lab-0") <= listed


def test_reports_are_written_in_every_form_and_compare(lab):
    lab.bpa("verify", "--report", "before.json", "--report", "before.html", "--report", "before.xml")
    lab.bpa("verify", "--report", "after.json")
    lab.bpa("report", "compare", "before.json", "after.json")


def test_manual_changes_are_named_with_since_when_and_mended_without_a_restart(lab):
    boot = lab.facts("lab-0")["os"]["boot_id"]
    lab.on("lab-0", f"""
        sysctl -q -w vm.max_map_count=65530
        echo 0 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
        ip link set {PORT} vf 2 vlan 7
        umount /mnt/pmem1
        rm /etc/modules-load.d/bpa.conf
        echo '# by hand' >> /etc/modprobe.d/bpa.conf""")
    found = lab.bpa("verify", "--report", "drifted.json", check=1)
    for what in ("lab-0 ModulesStaged act", "node 1 has 0 of 16 pages", "vm.max_map_count is 65530, not 262144",
                 "VF 2 of 0000:02:00.0: vlan 7, not 100", "/mnt/pmem1 is not mounted", "/etc/modules-load.d/bpa.conf is gone",
                 "when last seen at", "the host was not restarted", "mends it at once"):
        assert what in found, what
    assert "worse" in lab.bpa("report", "compare", "before.json", "drifted.json", check=1)
    lab.bpa("apply")
    lab.bpa("verify")
    assert lab.facts("lab-0")["os"]["boot_id"] == boot


def test_a_namespace_that_is_not_aligned_is_left_alone_and_ours_are_made_around_it(lab):
    lab.on("lab-1", """
        umount /mnt/pmem1; vgremove -q -y ndbus0region1fsdax
        ndctl disable-namespace -r region1 all; ndctl destroy-namespace -f -r region1 all
        echo 0x1000 > /sys/bus/nd/devices/region1/align
        ndctl create-namespace -r region1 -m fsdax -n odd -s 134221824 -a 4096
        echo 0x1000000 > /sys/bus/nd/devices/region1/align""")
    lab.bpa("apply")
    regions = json.loads(lab.on("lab-1", "ndctl list -R -N -r region1"))
    (region,) = regions["regions"] if isinstance(regions, dict) else regions
    assert {one["name"] for one in region["namespaces"]} == {"odd", "raw0", "data1", "pmem-csi"}
    give(lab, "odd", {**MINE, "pmem": [{"region": "region1", "name": "odd", "mode": "fsdax", "size": "128Mi"}]})
    assert "fsdax 131076 KiB -> fsdax 128 MiB" in lab.bpa("plan", check=None)


def test_another_profile_needs_no_other_code_and_takes_back_all_that_it_does_not_ask(lab):
    for path, text in OTHERS.items():
        lab.on("lab-1", f"echo '{text}' > {path}")
    give(lab, "mine", MINE)
    plan = lab.bpa("plan")
    for line in ("module dccp: forbidden -> allowed", "removed", "kernel restart"):
        assert line in plan
    lab.bpa("verify", check=1)
    assert "in service" in lab.bpa("apply", check=1)
    lab.bpa("apply", "--disrupt", "lab-1")
    lab.bpa("verify")
    assert sorted(lab.on("lab-1", DRIVERS).split()) == ["vfio-pci"] * 3
    assert lab.on("lab-1", "cat /sys/bus/pci/devices/*/sriov_numvfs").split() == ["3", "0"]
    assert lab.on("lab-1", "cat /sys/module/kvm_amd/parameters/nested").strip() in ("0", "N")
    assert "/srv/fast" in lab.on("lab-1", "findmnt -no TARGET /srv/fast")
    arguments = lab.on("lab-1", "cat /proc/cmdline").split()
    assert {"mitigations=off", "site.own=1"} <= set(arguments)


def test_nothing_of_ours_is_left_but_what_is_still_asked_and_nothing_of_others_is_gone(lab):
    left = marked(lab, "lab-1")
    assert left == {
        "/etc/default/grub.d/90-bpa.cfg", "/etc/modprobe.d/bpa.conf", "/etc/modules-load.d/bpa.conf", "/etc/bpa/sriov.sh",
        "/etc/systemd/system/bpa-sriov.service", "/etc/systemd/system/srv-fast.mount"}
    assert left <= {one["name"] for one in lab.json("host", "owned", "lab-1")["owned"]}
    for path, text in OTHERS.items():
        assert lab.on("lab-1", f"cat {path}").strip() == text
    assert lab.on("lab-1", f"bash -c '{PAGES}'").split() == ["0", "0"]
    assert lab.on("lab-1", "sysctl -n vm.max_map_count vm.swappiness").split() == ["65530", "17"]
    names = {one["name"] for region in json.loads(lab.on("lab-1", "ndctl list -R -N"))["regions"] for one in region["namespaces"]}
    assert names == {"data0", "log0", "odd", "raw0", "data1", "pmem-csi", "other"}, "data stays"


@pytest.mark.parametrize(("trouble", "condition", "says"), [
    ("modprobe -r kvm_amd; echo 'blacklist kvm_amd' > /etc/modprobe.d/site-kvm.conf; echo 'install kvm_amd /bin/false' >> "
     "/etc/modprobe.d/site-kvm.conf", "VirtualizationReady", "/etc/modprobe.d/site-kvm.conf"),
    ("echo 'options kvm_amd nested=0' > /etc/modprobe.d/zz-site.conf", "ModulesStaged", "/etc/modprobe.d/zz-site.conf"),
])
def test_a_trouble_on_the_host_is_explained_by_its_cause(lab, trouble, condition, says):
    lab.on("lab-0", trouble)
    why = lab.bpa("explain", "lab-0", check=None)
    lab.on("lab-0", "rm -f /etc/modprobe.d/site-kvm.conf /etc/modprobe.d/zz-site.conf; modprobe kvm_amd")
    first = next(line for line in why.splitlines() if line.strip().startswith("why:"))
    assert condition in first and says in first


def give(lab, name, sections):
    """Give lab-1 a profile with these sections and nothing else."""
    profile = {"apiVersion": "bpa.akraino.org/v1alpha1", "kind": "HardwareProfile", "metadata": {"name": name}, "spec": sections}
    (lab.site / f"{name}.yaml").write_text(yaml.safe_dump(profile))
    hosts = list(yaml.safe_load_all((lab.site / "hosts.yaml").read_text()))
    hosts[1]["metadata"]["annotations"]["bpa.akraino.org/profile"] = name
    (lab.site / "hosts.yaml").write_text(yaml.safe_dump_all(hosts))


def marked(lab, host):
    """The files on a host that begin as ours do."""
    look = "grep -rlsE '^(# |// |<!-- )?Written by BPA' /etc /usr/local /var/lib/bpa /opt || true"
    return set(lab.on(host, look).split())
