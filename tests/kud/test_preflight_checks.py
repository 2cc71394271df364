"""The preflight's judgement, from facts to checks, without Ansible."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

WANT: dict[str, Any] = {
    "inventory_name": "node-1", "kata": True, "plugins": [], "memory_mib": 1500, "disk_free_mib": 1024,
    "clock": 1000.0, "clock_seconds": 300, "accept": [],
}
FIT: dict[str, Any] = {
    "hostname": "node-1", "machine_id": "0" * 32, "product_uuid": "4c4c4544", "user_id": 0, "memory_mib": 3000,
    "disk_free_mib": 5000, "swap_mib": 0, "cgroup_controllers": ["cpu", "memory", "pids", "io"],
    "kernel_arguments": ["quiet", "intel_iommu=on", "iommu=pt"], "iommu_groups": 12, "virtualization_flag": "svm",
    "kvm": "usable", "physical_functions": [{"address": "0000:01:00.0", "id": "8086:10c9", "vfs": 4, "present": 4}],
    "pmem": ["namespace0.0"], "clock": 1003.0,
    "modules": {"kvm": "loaded", "kvm_amd": "loaded", "kvm_intel": "loadable", "vhost_net": "loadable",
                "vhost_vsock": "loaded", "overlay": "loadable", "br_netfilter": "loadable"},
}


@pytest.fixture(scope="module")
def preflight() -> ModuleType:
    path = Path(__file__).parents[2] / "bpa" / "lab" / "installer" / "library" / "kud_preflight.py"
    spec = importlib.util.spec_from_file_location("kud_preflight", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def failed(preflight: ModuleType, want: dict[str, Any], have: dict[str, Any]) -> list[str]:
    return [check["name"] for check in preflight.judge({**WANT, **want}, {**FIT, **have}) if not check["ok"]]


def test_a_fit_host_passes_every_check(preflight: ModuleType) -> None:
    assert failed(preflight, {"plugins": ["nfd", "sriov", "optane"]}, {}) == []


@pytest.mark.parametrize(
    ("have", "names"),
    [
        ({"user_id": 1000}, ["root"]),
        ({"hostname": "localhost"}, ["hostname"]),
        ({"machine_id": ""}, ["machine id"]),
        ({"product_uuid": ""}, []),
        ({"memory_mib": 1400}, ["memory"]),
        ({"disk_free_mib": 100}, ["disk"]),
        ({"swap_mib": 512}, []),
        ({"cgroup_controllers": ["cpu", "pids"]}, ["cgroup v2"]),
        ({"clock": 5000.0}, ["clock"]),
        ({"iommu_groups": 0}, ["iommu"]),
        ({"iommu_groups": 0, "kernel_arguments": []}, []),
        ({"virtualization_flag": ""}, ["cpu virtualization"]),
        ({"kvm": "/dev/kvm: No such file or directory"}, ["kvm"]),
        ({"modules": {**FIT["modules"], "vhost_vsock": "missing"}}, ["kata modules"]),
        ({"modules": {**FIT["modules"], "kvm_amd": "loadable"}}, ["kata modules"]),
        ({"modules": {**FIT["modules"], "br_netfilter": "missing"}}, ["container modules"]),
        ({"physical_functions": [{"address": "a", "id": "b", "vfs": 4, "present": 0}]}, ["virtual functions"]),
    ],
)
def test_each_shortcoming_is_told_by_its_own_check(
    preflight: ModuleType, have: dict[str, Any], names: list[str]
) -> None:
    assert failed(preflight, {}, have) == names


def test_without_kata_no_virtualization_is_asked_for(preflight: ModuleType) -> None:
    assert failed(preflight, {"kata": False}, {"virtualization_flag": "", "kvm": "/dev/kvm: absent"}) == []


@pytest.mark.parametrize(
    ("plugin", "have", "names"),
    [
        ("sriov", {"physical_functions": []}, ["sriov plugin"]),
        ("qat", {}, ["qat plugin"]),
        ("qat", {"physical_functions": [{"address": "a", "id": "8086:37c8", "vfs": 16, "present": 16}]}, []),
        ("optane", {"pmem": []}, ["optane plugin"]),
        ("sriov", {"kernel_arguments": [], "iommu_groups": 0}, ["iommu"]),
    ],
)
def test_a_plugin_asks_for_the_devices_it_hands_out(
    preflight: ModuleType, plugin: str, have: dict[str, Any], names: list[str]
) -> None:
    assert failed(preflight, {"plugins": [plugin]}, have) == names


def test_what_a_site_accepts_is_told_but_does_not_fail(preflight: ModuleType) -> None:
    checks = preflight.judge({**WANT, "accept": ["swap", "kvm"]}, {**FIT, "kvm": "absent"})
    assert [check["found"] for check in checks if check["name"] == "kvm"] == ["absent (accepted)"]
    assert all(check["ok"] for check in checks)


def test_looking_at_this_machine_needs_no_root_and_changes_nothing(preflight: ModuleType) -> None:
    seen = preflight.look()
    assert seen["memory_mib"] > 0
    assert seen["hostname"]
    assert set(seen["modules"].values()) <= {"loaded", "loadable", "missing"}
