"""The manifests for VFs that a cluster is handed."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from bpa.core.cluster.device_plugins import DEVICE_PLUGINS, render_device_plugins, resource_of, resources
from bpa.core.cluster.installer import fingerprint
from bpa.core.cluster.inventory import render_files
from bpa.core.facts import ClusterFacts, MemberFacts
from bpa.core.want import ClusterWant, Member, PfMatch, Profile, VfWant

XL710, QAT = VfWant(PfMatch(device="8086:1583"), 8), VfWant(PfMatch(device="8086:37c8"), 16, "QAT")


def cluster(*wants: VfWant) -> ClusterWant:
    return ClusterWant("c1", (Member("m", "h", "02:00:00:00:00:01"),), (), profiles={"m": Profile(vfs=wants)})


def documents(want: ClusterWant) -> list[Any]:
    return list(yaml.safe_load_all(render_device_plugins(want)))


def test_what_kud_and_its_tests_ask_for_is_rendered() -> None:
    config, network, qat = documents(cluster(XL710, QAT))
    assert (config["metadata"]["name"], config["metadata"]["namespace"]) == ("sriovdp-config", "kube-system")
    assert json.loads(config["data"]["config.json"]) == {"resourceList": [{
        "resourceName": "intel_sriov_700",
        "selectors": {"vendors": ["8086"], "devices": ["154c"], "drivers": ["iavf", "i40evf"]}}]}
    assert network["metadata"] == {"name": "sriov-eno2", "annotations": {
        "k8s.v1.cni.cncf.io/resourceName": "intel.com/intel_sriov_700"}}
    assert json.loads(network["spec"]["config"])["ipam"]["subnet"] == "10.56.206.0/24"
    assert (qat["kind"], qat["spec"]["kernelVfDrivers"], qat["spec"]["dpdkDriver"]) == ("QatDevicePlugin", ["c6xxvf"], "vfio-pci")


@pytest.mark.parametrize(("wanted", "name"), [
    (XL710, "intel_sriov_700"), (VfWant(PfMatch(device="8086:158b"), 1), "intel_sriov_700"),
    (VfWant(PfMatch(device="8086:37d2"), 1), "intel_sriov_700"), (VfWant(PfMatch(device="8086:1592"), 1), "intel_sriov_800"),
    (VfWant(PfMatch(driver="i40e"), 1), "intel_sriov_700"), (VfWant(PfMatch(driver="igb"), 1), "intel_sriov_igb"),
    (VfWant(PfMatch(device="8086:10c9"), 1), "intel_sriov_igb"), (VfWant(PfMatch(interface="ens*"), 1), "intel_sriov_nic"),
    (VfWant(PfMatch(device="8086:1583"), 1, driver="vfio-pci"), "intel_sriov_700_vfio"),
    (VfWant(PfMatch(device="15b3:1017"), 1, resource="mlx"), "mlx"),
])
def test_resources_are_named_by_family(wanted: VfWant, name: str) -> None:
    assert resource_of(wanted) == name


def test_wants_of_one_name_are_one_resource_and_ports_are_kept_apart() -> None:
    by_address = VfWant(PfMatch(pci_address="0000:3b:00.0", driver="i40e"), 8)
    by_name = VfWant(PfMatch(interface="ens1f1", device="8086:37d2"), 8)
    (one,) = resources([by_address, by_name, by_name])
    assert one["selectors"] == [
        {"vendors": ["8086"], "devices": ["154c", "37cd"], "drivers": ["iavf", "i40evf"], "rootDevices": ["0000:3b:00.0"]},
        {"vendors": ["8086"], "devices": ["37cd"], "drivers": ["iavf", "i40evf"], "pfNames": ["ens1f1"]}]


def test_vfs_without_an_interface_have_no_network() -> None:
    (config,) = documents(cluster(VfWant(PfMatch(device="8086:1583"), 8, driver="vfio-pci")))
    assert json.loads(config["data"]["config.json"])["resourceList"][0]["selectors"]["drivers"] == ["vfio-pci"]


def test_the_file_is_there_only_where_it_says_something_or_once_did() -> None:
    have = ClusterFacts(members={"m": MemberFacts(True, "192.0.2.1")})
    assert DEVICE_PLUGINS in render_files(cluster(XL710), have)
    assert DEVICE_PLUGINS not in render_files(cluster(), have)
    emptied = render_files(cluster(), ClusterFacts(members=have.members, files={DEVICE_PLUGINS: "old"}))[DEVICE_PLUGINS]
    assert list(yaml.safe_load_all(emptied)) == []


def test_another_resource_is_no_reason_to_install_the_cluster_anew() -> None:
    files = render_files(cluster(XL710), ClusterFacts(members={"m": MemberFacts(True, "192.0.2.1")}))
    assert fingerprint((), {}, files, "i") == fingerprint((), {}, {**files, DEVICE_PLUGINS: "other"}, "i")
    assert fingerprint((), {}, files, "i") != fingerprint((), {}, {**files, "hosts.ini": "other"}, "i")
