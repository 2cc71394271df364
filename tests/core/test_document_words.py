"""What is wanted, as reports file it, in the words of the documents that ask it: their paths, their fields, sizes with units."""

from __future__ import annotations

import dataclasses
import re
import typing
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bpa.core.compliance import in_document_words, wanted_of
from bpa.core.compliance.wanted import SECTIONS
from bpa.core.root_device import from_metal3, to_metal3
from bpa.core.want import (
    BiosWant,
    DisksWant,
    EraseWant,
    GoalWant,
    HardeningWant,
    HostWant,
    HugepagesWant,
    Image,
    KataWant,
    KernelWant,
    Minimum,
    ModulesWant,
    NamespaceWant,
    NicsWant,
    Package,
    PfMatch,
    Profile,
    Proxy,
    SoftwareNeeds,
    VfSettings,
    VfWant,
    VirtualizationWant,
)

GIB = 1 << 30
MIB = 1 << 20
SCHEMA = Path(__file__).parents[2] / "bpa" / "documents" / "schema" / "hardwareprofile.yaml"

WANT = HostWant("node1", "https://192.0.2.1", "52:54:00:00:00:01", Image("http://192.0.2.2/a.raw", "ab" * 32, "sha256", "qcow2"),
                Profile(
    bios=BiosWant({"sriov": True, "snc": "2"}), nested="required", kernel_arguments=("iommu=pt",), kata=True,
    kata_want=KataWant(prepare_node=True, configure=True),
    virtualization=VirtualizationWant(boot_guest=True, interrupt_remapping=True),
    vfs=(VfWant(PfMatch(pci_address="0000:3b:00.0", numa_node=1), 4,
                settings=VfSettings(macs=True, spoof_check=False, min_rate=100)),
         VfWant(PfMatch(device="8086:37c8"), "all", "QAT", services="sym;dc")),
    pmem=(NamespaceWant("region0", size=512 * MIB, mount_point="/mnt/pmem0", filesystem="ext4", align=2 * MIB),
          NamespaceWant("region1", "sector", sector=4096, volume_group="group")),
    pmem_goals=(GoalWant(25, socket=1), GoalWant(100)),
    pmem_modules=ModulesWant("01.02.00.5446", EraseWant("first")),
    minimum=Minimum(16, 64 * GIB, generation="cascadelake", persistent_memory=1512 * GIB,
                    disks=(DisksWant("ssd", 900_000_000_000),), nics=(NicsWant("8086:1583", 40_000),)),
    kernel=KernelWant(("overlay",), sysctls={"net.ipv4.ip_forward": "1"}, isolated="2-5",
                      options={"vfio_iommu_type1": ("allow_unsafe_interrupts=1",)}, hugepages=(HugepagesWant(2 * MIB, 64, 0),)),
    hardening=HardeningWant("icn", ("ssh-forwarding",)),
    software=SoftwareNeeds((Package("jq"), Package("chrony", "4.3")), proxy=Proxy(http="http://192.0.2.3:3128",
                                                                                   exceptions=(".example",))),
), root_device=from_metal3({"serialNumber": "S1", "minSizeGigabytes": 100, "rotational": False}))


@pytest.mark.parametrize(("condition", "words"), [
    ("FirmwareStaged", {"bios.intents": {"sriov": True, "numa": {"snc": "2"}}}),
    ("ModulesLoaded", {
        "kernel.modules.load": ["overlay"], "kernel.modules.options": {"vfio_iommu_type1": ["allow_unsafe_interrupts=1"]},
        "virtualization.nested": "required", "virtualization.bootGuest": True, "virtualization.interruptRemapping": True,
        "kata.required": True, "kata.prepareNode": True, "kata.containerd": "configured"}),
    ("KernelStaged", {"kernel.arguments": ["iommu=pt"], "kernel.isolatedCpus": "2-5",
                      "kernel.hugepages": [{"size": "2 MiB", "count": 64, "node": 0}]}),
    ("SysctlsSet", {"kernel.sysctls": {"net.ipv4.ip_forward": "1"},
                    "hardening": {"profile": "icn", "except": ["ssh-forwarding"]}}),
    ("VfsCreated", {
        "sriov": [{"match": {"pciAddress": "0000:3b:00.0", "numaNode": 1}, "vfs": 4, "mac": "derived", "spoofCheck": False,
                   "minRate": "100 Mbit/s"}],
        "qat": {"match": {"device": "8086:37c8"}, "vfs": "all", "services": "sym;dc"}}),
    ("PmemReady", {"pmem": [
        {"region": "region0", "size": "512 MiB", "mountPoint": "/mnt/pmem0", "filesystem": "ext4", "alignment": "2 MiB"},
        {"region": "region1", "mode": "sector", "sectorSize": "4 KiB", "volumeGroup": "group"}]}),
    ("PmemGoalStaged", {"pmemGoal": {"memoryMode": "100%", "sockets": [{"socket": 1, "memoryMode": "25%"}]}}),
    ("HardwareFits", {
        "minimum": {"cpus": 16, "memory": "64 GiB", "cpuGeneration": "cascadelake", "persistentMemory": "1512 GiB",
                    "disks": [{"class": "ssd", "size": "900 GB"}], "nics": [{"device": "8086:1583", "speed": "40000 Mbit/s"}]},
        "rootDeviceHints": {"serialNumber": "S1", "minSizeGigabytes": "100", "rotational": False},
        "bootMACAddress": "52:54:00:00:00:01"}),
    ("SourcesReady", {"software.proxy": {"http": "http://192.0.2.3:3128", "except": [".example"]}}),
    ("PackagesInstalled", {"software.packages": ["jq", "chrony=4.3"]}),
    ("BmcReachable", {"bmc.address": "https://192.0.2.1"}),
    ("ImageDeployed", {
        "image": {"url": "http://192.0.2.2/a.raw", "checksum": "ab" * 32, "format": "qcow2"},
        "rootDeviceHints": {"serialNumber": "S1", "minSizeGigabytes": "100", "rotational": False}}),
])
def test_a_section_has_the_words_of_its_document(condition: str, words: dict[str, Any]) -> None:
    assert in_document_words(wanted_of(condition, WANT)) == words


def test_the_words_of_a_cluster_are_those_of_its_provisioning() -> None:
    wanted = {"masters": [{"label": "m", "host": "node1", "mac": "52:54:00:00:00:01"}], "plugins": ["multus"], "kata": False,
              "kata_webhook": True, "kata_runtime_class": "kata-clh", "pod_subnet": "172.21.64.0/18"}
    assert in_document_words(wanted, cluster=True) == {
        "masters": [{"label": "m", "host": "node1", "mac-address": "52:54:00:00:00:01"}], "KUDPlugins": ["multus"],
        "kata.enabled": False, "kata.webhook": True, "kata.runtimeClass": "kata-clh", "PodSubnet": "172.21.64.0/18"}


def _known() -> set[str]:
    """All names of fields of a HardwareProfile."""
    def names(node: Any) -> set[str]:
        if not isinstance(node, dict):
            return set()
        inner = node.get("properties", {})
        below = (*inner.values(), node.get("items"), node.get("additionalProperties"))
        return set(inner).union(*map(names, below))

    document = yaml.safe_load(SCHEMA.read_text())
    return names(document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"])


def _fields(kind: Any) -> set[str]:
    """All names of fields of a section's class, and of those within it."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return set(hints).union(*map(_fields, hints.values()))
    return set[str]().union(*map(_fields, typing.get_args(kind)))


def _sections() -> dict[str, Any]:
    """Section of a report -> the type of what it has."""
    found: dict[str, Any] = {}
    for path in sorted({path for paths in SECTIONS.values() for path in paths if path.startswith("profile.")}):
        kind: Any = Profile
        for name in path.split(".")[1:]:
            kind = typing.get_type_hints(kind)[name]
        found[path.removeprefix("profile.")] = kind
    return found


@pytest.mark.parametrize(("section", "kind"), _sections().items())
def test_every_field_of_the_profile_has_a_name_that_the_profile_knows(section: str, kind: Any) -> None:
    """A field that is new, and not named as the document names it, is to be put into bpa/core/compliance/document_words.py."""
    known, told_otherwise = _known(), {"what", "settings", "macs", "configure"}
    if section == "software.packages":
        return  # each is one text
    assert set(".".join(in_document_words({section: "x"})).split(".")) <= known
    for field in _fields(kind) - told_otherwise:
        one = {field: "x"}
        listed = typing.get_origin(kind) is tuple
        (said,) = in_document_words({section: [one] if listed else one}).items()
        assert set(said[0].split(".")) | _keys(said[1]) <= known, (section, field)


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values())) if value else set()
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def test_nothing_of_it_is_an_internal_name_or_a_count_of_bytes() -> None:
    for condition in SECTIONS:
        words = in_document_words(wanted_of(condition, WANT))
        told = re.sub(r"vfio_iommu_type1|allow_unsafe_interrupts|ip_forward", "", repr(words))
        assert not re.search(r"[a-z]_[a-z]|[0-9]{10}", told), told


JSON = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                    max_leaves=6)


@given(st.dictionaries(st.sampled_from([path.removeprefix("profile.") for paths in SECTIONS.values() for path in paths]), JSON,
                       max_size=4), st.booleans())
def test_what_an_older_bpa_wrote_is_told_whatever_its_shape(wanted: dict[str, Any], cluster: bool) -> None:
    in_document_words(wanted, cluster)


@pytest.mark.parametrize("hints", [
    {"deviceName": "/dev/sda"}, {"deviceName": "/dev/disk/by-path/pci-0000:00:1f.2-ata-1"},
    {"model": "SSD DC", "vendor": "Maker"},
    {"wwn": "0x5000", "wwnWithExtension": "0x50001", "wwnVendorExtension": "0x1"}, {"hctl": "0:0:0:0", "rotational": True},
])
def test_root_device_hints_come_back_as_they_were_written(hints: dict[str, object]) -> None:
    assert to_metal3(from_metal3(hints)) == hints
