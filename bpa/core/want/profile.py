"""A HardwareProfile: what a machine must be, section by section."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bpa.core.bios import BiosWant
from bpa.core.want.hardening import HardeningWant
from bpa.core.want.kata import KataWant
from bpa.core.want.kernel import KernelWant
from bpa.core.want.minimum import Minimum
from bpa.core.want.pmem import GoalWant, ModulesWant, NamespaceWant
from bpa.core.want.software import SoftwareNeeds
from bpa.core.want.sriov import VfWant
from bpa.core.want.virtualization import VirtualizationWant

Nested = Literal["required", "forbidden", "indifferent"]


@dataclass(frozen=True, slots=True)
class Profile:
    """A HardwareProfile document."""

    name: str = ""
    bios: BiosWant = field(default_factory=BiosWant)
    nested: Nested | None = None
    kernel_arguments: tuple[str, ...] = ()
    vfs: tuple[VfWant, ...] = ()
    pmem: tuple[NamespaceWant, ...] = ()
    kata: bool = False
    minimum: Minimum = field(default_factory=Minimum)
    kernel: KernelWant = field(default_factory=KernelWant)
    hardening: HardeningWant = field(default_factory=HardeningWant)
    pmem_goals: tuple[GoalWant, ...] = ()
    pmem_modules: ModulesWant = field(default_factory=ModulesWant)
    software: SoftwareNeeds = field(default_factory=SoftwareNeeds)
    virtualization: VirtualizationWant = field(default_factory=VirtualizationWant)
    kata_want: KataWant = field(default_factory=KataWant)
