"""BIOSes of machines that are not among the recorded ones: names and values that public sources show, in small."""

from __future__ import annotations

from typing import Any

import pytest

from bpa.core.bios import Machine, Resolution, resolve_intent
from bpa.core.bios.registry import Attribute, Choice, Registry
from bpa.documents.profile.bios import intent_rules


def registry(**attributes: tuple[str, tuple[tuple[str, str], ...]]) -> Registry:
    """name -> DisplayName and pairs of ValueName and ValueDisplayName."""
    return Registry("R", [
        Attribute(name, "Enumeration", display, tuple(Choice(*pair) for pair in pairs))
        for name, (display, pairs) in attributes.items()])


def tokens(name: str, *words: str) -> tuple[tuple[str, str], ...]:
    return tuple((name + word, word) for word in words)


def answer(intent: Any, asked: Any, machine: Machine) -> Any:
    found = resolve_intent(intent, asked, intent_rules(), machine)
    return {r.attribute: r.value for r in found} if isinstance(found, tuple) else found


VTD, HT = "Intel VT for Directed I/O (VT-d)", "Hyper-Threading [ALL]"
AMI_TOKENS = registry(
    PCIS007=("SR-IOV Support", tokens("PCIS007", "Disabled", "Enabled")),
    CRB0A3=(VTD, tokens("CRB0A3", "Disable", "Enable")), CRB0A2=(HT, tokens("CRB0A2", "Disable", "Enable")))
DGX = {"ProcessorHyperThreadingDisable": "Enabled"}


@pytest.mark.parametrize("maker, now, listed, intent, asked, due", [
    # Newer AMI registries put the attribute's name in front of each value: ASUS ESC8000, Lenovo GB300 (infra-controller).
    ("Lenovo", {"PCIS007": "PCIS007Disabled"}, None, "sriov", True, {"PCIS007": "PCIS007Enabled"}),
    ("Lenovo", {"PCIS007": "PCIS007Enabled"}, None, "sriov", True, {"PCIS007": "PCIS007Enabled"}),
    ("ASUSTeK COMPUTER INC.", {"PCIS007": "PCIS007Disabled"}, AMI_TOKENS, "sriov", True, {"PCIS007": "PCIS007Enabled"}),
    ("ASUSTeK COMPUTER INC.", {"CRB0A3": "CRB0A3Disable"}, AMI_TOKENS, "iommu", True, {"CRB0A3": "CRB0A3Enable"}),
    ("ASUSTeK COMPUTER INC.", {"CRB0A2": "CRB0A2Enable"}, AMI_TOKENS, "hyperthreading", False, {"CRB0A2": "CRB0A2Disable"}),
    # The hash of a Supermicro's build, and the build that leaves it out (SMTControl_0037 in BIOS 1.6, SMTControl in 3.7).
    ("Supermicro", {"SVMMode_0038": "Disabled"}, None, "virtualization", True, {"SVMMode_0038": "Enabled"}),
    ("Supermicro", {"SVMMode": "Disabled"}, None, "virtualization", True, {"SVMMode": "Enabled"}),
    ("Supermicro", {"SMTControl": "Auto"}, None, "hyperthreading", True, {"SMTControl": "Auto"}),
    ("Supermicro", {"IOMMU_0196": "Auto"}, None, "iommu", True, {"IOMMU_0196": "Enabled"}),
    ("Supermicro", {"NUMANodesPerSocket": "Auto"}, None, "nps", "1", {"NUMANodesPerSocket": "NPS1"}),
    ("Supermicro", {"SR-IOVSupport": "Disabled"}, None, "sriov", True, {"SR-IOVSupport": "Enabled"}),
    ("Supermicro", {"IntelVTforDirectedI/O(VT-d)": "Disable"}, None, "iommu", True, {"IntelVTforDirectedI/O(VT-d)": "Enable"}),
    # Gen9's maker is HP, and the words are HPE's.
    ("HP", {"IntelProcVtd": "Disabled", "ProcVirtualization": "Enabled"}, None, "iommu", True, {"IntelProcVtd": "Enabled"}),
    # Cisco's AMD servers have one for NPS; Auto is shown by a recorded C225 M6 (iserver).
    ("Cisco Systems Inc", {"CbsDfCmnDramNps": "Auto"}, None, "nps", "4", {"CbsDfCmnDramNps": "NPS4"}),
    # Intel's own rules know numbers; where its board has words, other rules for the same name decide.
    ("Intel Corporation", {"VTdSupport": "Disabled"}, None, "iommu", True, {"VTdSupport": "Enabled"}),
    ("Intel Corporation", {"VTdSupport": 0}, None, "iommu", True, {"VTdSupport": 1}),
    ("Huawei", {"ProcessorVMXEnable": "Disabled"}, None, "virtualization", True, {"ProcessorVMXEnable": "Enabled"}),
    ("Huawei", {"PCIeSRIOVSupport": "Disabled"}, None, "sriov", True, {"PCIeSRIOVSupport": "Enabled"}),
    ("XFUSION", {"BootType": "UEFIBoot"}, None, "bootMode", "uefi", {"BootType": "UEFIBoot"}),
    ("NVIDIA", DGX, None, "hyperthreading", True, DGX),
])
def test_an_intent_is_found_in_the_words_of_the_machine(
    maker: str, now: dict[str, Any], listed: Registry | None, intent: str, asked: Any, due: dict[str, Any]
) -> None:
    assert answer(intent, asked, Machine(now, listed, maker)) == due


@pytest.mark.parametrize("maker, now, intent, asked, near", [
    # iLO 7 has no IntelProcVtd (libredfish pull 24): that Dell has one switch for both says nothing of HPE.
    ("HPE", {"ProcVirtualization": "Enabled"}, "iommu", True, "ProcVirtualization"),
    # Enabled is on for a DGX and off by the name: without a registry nobody can tell on another maker's board.
    ("Intel Corporation", {"ProcessorHyperThreadingDisable": "Disabled"}, "hyperthreading", True,
     "ProcessorHyperThreadingDisable"),
    ("", DGX, "hyperthreading", False, "ProcessorHyperThreadingDisable"),
    # A name without its hash is short enough to be another vendor's for something else.
    ("Contoso", {"SNC": "Disabled"}, "snc", "2", "SNC"),
    ("XFUSION", {"BootType": "UEFIBoot"}, "bootMode", "legacy", "BootType"),
])
def test_what_could_only_be_guessed_is_not_answered(
    maker: str, now: dict[str, Any], intent: str, asked: Any, near: str
) -> None:
    found = answer(intent, asked, Machine(now, None, maker))
    assert not isinstance(found, dict), found
    assert near in [candidate.name for candidate in found.candidates]


def test_the_makers_own_rule_is_named_as_the_source() -> None:
    found = resolve_intent("virtualization", True, intent_rules(), Machine({"ProcessorVmxEnable": "Disabled"}, None, "XFUSION"))
    assert isinstance(found, tuple)
    assert isinstance(found[0], Resolution)
    assert "xFusion" in found[0].why
