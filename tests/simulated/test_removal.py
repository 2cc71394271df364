"""Taking a section out of the profile and applying again removes what it made and nothing else; and all of it is declared."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from driving import QUICK, acts, all_of, drive, host_want, kinds, new_host, subject

from bpa.adapters.store import Store
from bpa.core.host import HOST, OWNED
from bpa.core.host.cmdline import RETIRED
from bpa.core.host.hardening.rules import UMASK
from bpa.core.host.owned import owner_of
from bpa.core.host.pmem.ipmctl import RECORD
from bpa.core.host.software.files import SOURCES
from bpa.core.steps import WriteFile
from bpa.core.want import (
    AptSource,
    EraseWant,
    GoalWant,
    HardeningWant,
    HugepagesWant,
    KataWant,
    KernelWant,
    ModulesWant,
    NamespaceWant,
    Package,
    PfMatch,
    Profile,
    Proxy,
    Registry,
    SoftwareNeeds,
    TimeSources,
    VfSettings,
    VfWant,
    VirtualizationWant,
)
from bpa.engine import Outcome, survey
from bpa.lab.simulated import Clock

GIB = 1 << 30
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
KERNEL = KernelWant(
    load=("vfio_pci",), forbid=("floppy",), options={"vfio_pci": ("disable_idle_d3=1",)},
    sysctls={"vm.max_map_count": "262144"}, hugepages=(HugepagesWant(2 << 20, 384), HugepagesWant(1 << 30, 2)), isolated="2-5")
VFS = VfWant(PfMatch(device="8086:1583"), 4, settings=VfSettings(macs=True, vlan=100))
QAT = VfWant(PfMatch(device="8086:37c8"), "all", "QAT", driver="vfio-pci")
SOFTWARE = SoftwareNeeds(
    (Package("jq", "1.6-2.1"), Package("tmux"), Package("bash"), Package("chrony")),
    (AptSource("http://192.0.2.1/debian", ("bookworm",), ("main",)),),
    proxy=Proxy("http://192.0.2.2:3128", exceptions=("192.0.2.1",)), certificates={"site": PEM},
    time=TimeSources(("192.0.2.1",)), registries={"docker.io": Registry(("https://192.0.2.1:5000",))})
FULL = Profile(
    "full", nested="required", kernel_arguments=("intel_iommu=on", "iommu=pt"), vfs=(VFS, QAT),
    pmem=(NamespaceWant("region0", "fsdax", 4 * GIB, "data0", "ext4", "/mnt/pmem0"),
          NamespaceWant("region1", "fsdax", GIB, "pmem-csi", volume_group="ndbus0region1fsdax")),
    kata=True, kernel=KERNEL, hardening=HardeningWant("icn"), pmem_goals=(GoalWant(0),),
    pmem_modules=ModulesWant(erase=EraseWant("a")), software=SOFTWARE, virtualization=VirtualizationWant(iommu=True),
    kata_want=KataWant(prepare_node=True))
SECTIONS = {
    "nested": {"nested": None}, "kernel.arguments": {"kernel_arguments": ()}, "sriov": {"vfs": (QAT,)}, "qat": {"vfs": (VFS,)},
    "sriov and qat": {"vfs": ()}, "pmem": {"pmem": ()}, "pmemGoal": {"pmem_goals": ()},
    "pmemModules": {"pmem_modules": ModulesWant()}, "kata": {"kata": False, "kata_want": KataWant()},
    "hardening": {"hardening": HardeningWant()}, "software": {"software": SoftwareNeeds()},
    "virtualization": {"virtualization": VirtualizationWant()}, "kernel": {"kernel": KernelWant()},
    **{f"kernel.{part}": {"kernel": dataclasses.replace(KERNEL, **{part: getattr(KernelWant(), part)})}
       for part in ("load", "forbid", "options", "sysctls", "hugepages", "isolated")},
    **{f"software.{part}": {"software": dataclasses.replace(SOFTWARE, **{part: getattr(SoftwareNeeds(), part)})}
       for part in ("sources", "proxy", "certificates", "time", "registries")},
    "software.packages": {"software": dataclasses.replace(SOFTWARE, packages=(Package("chrony"),))},
    "all": {name: getattr(Profile(), name) for name in (
        "nested", "kernel_arguments", "vfs", "pmem", "kata", "kernel", "hardening", "pmem_goals", "pmem_modules", "software",
        "virtualization", "kata_want")},
}
LOOKS_ONLY = {"virtualization"}
"""Sections that set nothing on the host."""
THEIRS = {
    "/etc/sysctl.d/50-theirs.conf": "vm.swappiness = 1\n", "/etc/modprobe.d/theirs.conf": "options loop max_loop=8\n",
    "/etc/systemd/system/srv.mount": "[Mount]\nWhat=/dev/sdb1\nWhere=/srv\n",
}


def applied(tmp_path: Path, name: str, profile: Profile, hardware_of: Profile = FULL):
    """A host as new with all the parts that FULL needs, brought to a profile."""
    clock, store = Clock(), Store(tmp_path / f"{name}.sqlite")
    world = new_host(host_want(profile=hardware_of), clock, durations=QUICK)
    want = host_want(profile=profile)
    outcome = drive(subject(want, world), store, clock, all_of(world))
    assert outcome.done, outcome.last
    return want, world, store, clock


def stands(world) -> dict[str, object]:
    """All of a running host that BPA may have changed. What was ours once stays on record beside what still is: no matter."""
    os, parts = world.machine.os, world.machine.hardware
    files = {path: re.sub(rf"^{RETIRED}.*\n", "", text, flags=re.MULTILINE) for path, text in os.installed.files.items()}
    sysctls = {key: value for key, value in os.settings.sysctls.items() if value != "60"}
    return {
        "files": {path: _without_boot(text) for path, text in files.items()}, "enabled": set(os.installed.enabled),
        "menu": set(os.installed.menu), "cmdline": set(os.cmdline),
        "packages": dict(os.installed.packages), "sysctls": sysctls, "pages": os.settings.pages,
        "vfs": {one.address: (one.vfs, one.options) for one in parts.functions}, "mounts": dict(os.mounts),
        "isolated": os.settings.isolated,
    }


def _without_boot(text: str) -> str:
    return re.sub(r"(?m)^(boot|tries)=.*\n", "", text)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """What FULL leaves on a host: the steps taken and the files there."""
    _, world, _, _ = applied(tmp_path_factory.mktemp("full"), "full", FULL)
    return world


@pytest.mark.parametrize("section", SECTIONS)
def test_without_a_section_the_host_is_as_if_it_had_never_been_asked(tmp_path, section):
    want, world, store, clock = applied(tmp_path, "full", FULL)
    files = world.machine.os.installed.files
    for path, text in THEIRS.items():
        files[path] = text
    namespaces = [(n.dev, n.signature, n.uuid) for r in world.machine.hardware.regions for n in r.namespaces]
    less = dataclasses.replace(want, profile=dataclasses.replace(FULL, **SECTIONS[section]))
    before, steps, lost = stands(world), len(world.performed), len(world.machine.destroyed)
    looked = survey(subject(less, world))
    plan = {j.requirement.condition: j.requirement.changes(less, looked.have) for j in looked.judged}
    acted: list[str] = []

    def watch(outcome: Outcome) -> bool:
        acted.extend([outcome.last.name] if outcome.step else [])
        return False

    outcome = drive(subject(less, world), store, clock, until=watch)  # nobody agreed to lose anything, and nothing is lost
    assert outcome.done, outcome.last
    taken = world.performed[steps:]
    assert len(world.machine.destroyed) == lost, "data was destroyed"
    assert [(n.dev, n.signature, n.uuid) for r in world.machine.hardware.regions for n in r.namespaces] == namespaces
    assert (section in LOOKS_ONLY) == (not taken), acts(world)[steps:]
    assert not [one for one in acted if one != "KernelApplied" and not plan[one]], "the plan did not show all of it"
    assert kinds(taken).count("RestartHost") == len({c.restart for lines in plan.values() for c in lines} - {""}), plan

    now = stands(world)
    assert {path: now["files"].pop(path, None) for path in THEIRS} == THEIRS
    for path in THEIRS:
        before["files"].pop(path)
    if section == "pmemGoal":  # without a goal a new machine has no regions for the namespaces
        assert before["files"].pop(RECORD)
        assert now == before
    else:
        _, fresh, _, _ = applied(tmp_path, "less", less.profile)
        assert now == stands(fresh)

    world.performed.clear()
    assert drive(subject(less, world), store, clock).done and world.performed == []


def test_all_sections_together_leave_no_file(tmp_path):
    want, world, store, clock = applied(tmp_path, "full", FULL)
    assert len(world.machine.os.installed.files) > 15
    bare = dataclasses.replace(want, profile=Profile("nothing"))
    assert drive(subject(bare, world), store, clock).done
    assert not world.machine.os.installed.files and not world.machine.os.installed.enabled


def test_every_file_that_a_full_profile_leaves_is_declared(full):
    undeclared = [path for path in full.machine.os.installed.files if owner_of(path, OWNED) is None]
    assert not undeclared, f"declare in OWNED of the module that writes it: {undeclared}"


def test_every_file_that_any_step_writes_is_declared(full):
    written = {step.path for step in full.performed if isinstance(step, WriteFile)}
    assert {SOURCES, UMASK} < written
    assert not [path for path in written if owner_of(path, OWNED) is None]


def test_what_is_declared_belongs_to_a_requirement():
    conditions = {one.condition for one in HOST}
    assert not [one.path for one in OWNED if one.condition not in conditions]
    assert all(one.about and one.section and one.path.startswith("/") for one in OWNED)
